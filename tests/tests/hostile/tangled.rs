//! Nested transactions that do not end in the order in which they began. The driver counts levels
//! and ends the innermost one, whichever handle asks.

use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::{
    ALL,
    gate::within,
    yard::{READS, Yard},
};

const FIRST: &str = "UPDATE item SET n = n + 1 WHERE id = 1";
const THIRD: &str = "UPDATE item SET n = n + 1 WHERE id = 3";

#[tokio::test]
async fn savepoint_rolled_back_below_an_open_one_keeps_its_writes() {
    for backend in ALL {
        for commits in [true, false] {
            let yard = Yard::new(backend).await;
            yard.warm().await;
            let outer = yard.one.db.begin().await.unwrap();
            let lower = outer.begin().await.unwrap();
            lower.execute_unprepared(FIRST).await.unwrap();
            let upper = outer.begin().await.unwrap();
            upper.execute_unprepared(THIRD).await.unwrap();
            // Rolls back what `upper` began.
            lower.rollback().await.unwrap();
            if commits {
                upper.commit().await.unwrap();
            } else {
                upper.rollback().await.unwrap();
            }
            outer.commit().await.unwrap();
            yard.assert_fresh(&format!("{commits}")).await;
        }
    }
}

#[tokio::test]
async fn savepoint_kept_below_one_that_is_rolled_back_is_no_surprise() {
    for backend in ALL {
        let yard = Yard::new(backend).await;
        yard.warm().await;
        let outer = yard.one.db.begin().await.unwrap();
        let lower = outer.begin().await.unwrap();
        lower.execute_unprepared(FIRST).await.unwrap();
        let upper = outer.begin().await.unwrap();
        upper.execute_unprepared(THIRD).await.unwrap();
        lower.commit().await.unwrap();
        upper.rollback().await.unwrap();
        outer.execute_unprepared(THIRD).await.unwrap();
        outer.commit().await.unwrap();
        yard.assert_fresh("kept below").await;
    }
}

/// The handle of the savepoint holds the connection, so that its end is the end of all.
#[tokio::test]
async fn transaction_ended_while_a_savepoint_is_open_ends_with_the_savepoint() {
    for backend in ALL {
        for outer_commits in [true, false] {
            for inner_commits in [true, false] {
                let yard = Yard::new(backend).await;
                yard.warm().await;
                let outer = yard.one.db.begin().await.unwrap();
                outer.execute_unprepared(FIRST).await.unwrap();
                let inner = outer.begin().await.unwrap();
                inner.execute_unprepared(THIRD).await.unwrap();
                if outer_commits {
                    within(outer.commit()).await.unwrap();
                } else {
                    within(outer.rollback()).await.unwrap();
                }
                // Readers fill what the end of the savepoint will make old.
                yard.assert_fresh("between").await;
                inner.execute_unprepared(THIRD).await.unwrap();
                yard.assert_fresh("written between").await;
                if inner_commits {
                    within(inner.commit()).await.unwrap();
                } else {
                    within(inner.rollback()).await.unwrap();
                }
                let what = format!("outer {outer_commits}, inner {inner_commits}");
                yard.assert_fresh(&what).await;
            }
        }
    }
}

#[tokio::test]
async fn transaction_dropped_while_a_savepoint_is_open_leaves_nothing_stale() {
    for backend in ALL {
        for inner_commits in [true, false] {
            let yard = Yard::with(backend, 1, &[]).await;
            yard.warm().await;
            let outer = yard.one.db.begin().await.unwrap();
            outer.execute_unprepared(FIRST).await.unwrap();
            let inner = outer.begin().await.unwrap();
            inner.execute_unprepared(THIRD).await.unwrap();
            drop(outer);
            yard.two.read(READS[0]).await;
            if inner_commits {
                let _ = within(inner.commit()).await;
            } else {
                drop(inner);
            }
            yard.eventually_fresh(&format!("inner {inner_commits}"))
                .await;
        }
    }
}

/// Levels of SQL text and of the ORM on one transaction.
#[tokio::test]
async fn savepoints_of_text_and_of_the_orm_mix() {
    for backend in ALL {
        for way in 0..4 {
            let yard = Yard::new(backend).await;
            yard.warm().await;
            let outer = yard.one.db.begin().await.unwrap();
            outer.execute_unprepared("SAVEPOINT a").await.unwrap();
            outer.execute_unprepared(FIRST).await.unwrap();
            let inner = outer.begin().await.unwrap();
            inner.execute_unprepared(THIRD).await.unwrap();
            match way {
                0 => {
                    inner
                        .execute_unprepared("ROLLBACK TO SAVEPOINT a")
                        .await
                        .unwrap();
                    // Its savepoint is gone on the server.
                    let _ = inner.commit().await;
                }
                1 => {
                    inner.rollback().await.unwrap();
                    outer
                        .execute_unprepared("RELEASE SAVEPOINT A")
                        .await
                        .unwrap();
                }
                2 => {
                    inner
                        .execute_unprepared("RELEASE SAVEPOINT a")
                        .await
                        .unwrap();
                    let _ = inner.rollback().await;
                }
                _ => {
                    inner.commit().await.unwrap();
                    outer.execute_unprepared("ROLLBACK TO a").await.unwrap();
                    outer.execute_unprepared(THIRD).await.unwrap();
                }
            }
            let _ = within(outer.commit()).await;
            // Where the text took the ORM's savepoint away, the driver cannot end its level and
            // gives a connection back that still stands in the transaction. The handle bypasses,
            // so what it reads is what that connection sees, not the cache's.
            let what = format!("way {way}");
            if way % 2 == 0 {
                yard.eventually_fresh_through(&[&yard.two], &what).await;
            } else {
                yard.eventually_fresh(&what).await;
            }
        }
    }
}
