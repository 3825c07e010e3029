//! Futures dropped at every point at which they wait (W4).

use larder_tests::lab::Backend;
use sea_orm::{ConnectionTrait, StreamTrait, TransactionTrait};

use crate::{
    gate::within,
    yard::{READS, Yard, connect, eventually, poll_times},
};

const BACKENDS: [Backend; 2] = [Backend::Sqlite, Backend::Postgres];
/// No future of these tests waits so often.
const POLLS_MAX: usize = 200;

#[tokio::test]
async fn autocommit_write_dropped_at_any_point_leaves_nothing_stale() {
    for backend in BACKENDS {
        for way in 0..4 {
            let yard = Yard::new(backend).await;
            for polls in 0..POLLS_MAX {
                yard.warm().await;
                let db = &yard.one.db;
                let id = 100 + i64::try_from(polls).unwrap();
                let write = async {
                    match way {
                        0 => {
                            let sql = format!("INSERT INTO item VALUES ({id}, 1, 0)");
                            db.execute_unprepared(&sql).await.map(drop)
                        }
                        1 => {
                            let sql = "UPDATE item SET n = ? WHERE id = 1";
                            db.execute_raw(yard.statement(sql, [id.into()]))
                                .await
                                .map(drop)
                        }
                        2 => {
                            let sql = "UPDATE item SET n = ? WHERE grp = 1 RETURNING id, grp, n";
                            db.query_all_raw(yard.statement(sql, [id.into()]))
                                .await
                                .map(drop)
                        }
                        _ => {
                            let sql = "UPDATE item SET n = ? WHERE id = 1 RETURNING n";
                            db.query_one_raw(yard.statement(sql, [id.into()]))
                                .await
                                .map(drop)
                        }
                    }
                };
                let ended = poll_times(write, polls).await;
                yard.eventually_fresh(&format!("way {way}, {polls} polls"))
                    .await;
                assert_eq!(yard.larder.uncertain_writes(), 0);
                if let Some(result) = ended {
                    result.unwrap();
                    assert!(polls > 1, "it must have waited");
                    break;
                }
                assert!(polls + 1 < POLLS_MAX);
            }
        }
    }
}

#[tokio::test]
async fn end_of_a_transaction_dropped_at_any_point_leaves_nothing_stale() {
    for backend in BACKENDS {
        for commits in [true, false] {
            let yard = Yard::new(backend).await;
            for polls in 0..POLLS_MAX {
                yard.warm().await;
                let transaction = within(yard.one.db.begin()).await.unwrap();
                let sql = format!("UPDATE item SET n = {} WHERE id = 1", polls + 1);
                transaction.execute_unprepared(&sql).await.unwrap();
                let ended = if commits {
                    poll_times(transaction.commit(), polls).await
                } else {
                    poll_times(transaction.rollback(), polls).await
                };
                yard.eventually_fresh(&format!("commits {commits}, {polls} polls"))
                    .await;
                if let Some(result) = ended {
                    result.unwrap();
                    break;
                }
                assert!(polls + 1 < POLLS_MAX);
            }
        }
    }
}

#[tokio::test]
async fn statement_in_a_transaction_dropped_at_any_point_leaves_nothing_stale() {
    for backend in BACKENDS {
        for end in 0..3 {
            let yard = Yard::new(backend).await;
            for polls in 0..POLLS_MAX {
                yard.warm().await;
                let transaction = within(yard.one.db.begin()).await.unwrap();
                let sql = format!("UPDATE item SET n = {} WHERE id = 1", polls + 1);
                let done = poll_times(transaction.execute_unprepared(&sql), polls).await;
                // What follows a dropped statement may fail; what it leaves must show.
                let after = "UPDATE item SET n = n + 1 WHERE id = 3";
                let _ = within(transaction.execute_unprepared(after)).await;
                match end {
                    0 => drop(within(transaction.commit()).await),
                    1 => drop(within(transaction.rollback()).await),
                    _ => drop(transaction),
                }
                yard.eventually_fresh(&format!("end {end}, {polls} polls"))
                    .await;
                if done.is_some() {
                    break;
                }
                assert!(polls + 1 < POLLS_MAX);
            }
        }
    }
}

#[tokio::test]
async fn savepoint_ended_or_begun_by_a_dropped_future_leaves_nothing_stale() {
    for backend in BACKENDS {
        for way in 0..3 {
            let yard = Yard::new(backend).await;
            for polls in 0..POLLS_MAX {
                yard.warm().await;
                let outer = within(yard.one.db.begin()).await.unwrap();
                let number = polls + 1;
                let first = format!("UPDATE item SET n = {number} WHERE id = 1");
                outer.execute_unprepared(&first).await.unwrap();
                let second = format!("UPDATE item SET n = {number} WHERE id = 3");
                let done = if way == 0 {
                    match poll_times(outer.begin(), polls).await {
                        None => false,
                        Some(inner) => {
                            drop(inner.unwrap());
                            true
                        }
                    }
                } else {
                    let inner = within(outer.begin()).await.unwrap();
                    inner.execute_unprepared(&second).await.unwrap();
                    if way == 1 {
                        poll_times(inner.commit(), polls).await.is_some()
                    } else {
                        poll_times(inner.rollback(), polls).await.is_some()
                    }
                };
                let _ = within(outer.execute_unprepared(&second)).await;
                let _ = within(outer.commit()).await;
                yard.eventually_fresh(&format!("way {way}, {polls} polls"))
                    .await;
                if done {
                    break;
                }
                assert!(polls + 1 < POLLS_MAX);
            }
        }
    }
}

#[tokio::test]
async fn begin_and_reads_dropped_at_any_point_leave_no_trace() {
    for backend in BACKENDS {
        let yard = Yard::with(backend, 1, &[]).await;
        for polls in 0..8 {
            drop(poll_times(yard.one.db.begin(), polls).await);
            drop(poll_times(yard.one.try_read(READS[0]), polls).await);
            yard.one
                .write("UPDATE item SET n = n + 1 WHERE id = 1")
                .await
                .unwrap();
            yard.assert_fresh(&format!("{polls} polls")).await;
        }
    }
}

/// A stream that nobody drains: its write may go on, so its tables are not served from the cache.
#[tokio::test]
async fn stream_that_writes_and_is_dropped_is_of_unknown_outcome() {
    for backend in BACKENDS {
        let yard = Yard::new(backend).await;
        yard.warm().await;
        let db = yard.larder.wrap(connect(&yard.url, 1).await);
        let sql = "UPDATE item SET n = 8 WHERE grp = 1 RETURNING id, n";
        let stream = db.stream_raw(yard.statement(sql, [])).await.unwrap();
        drop(stream);
        assert_eq!(yard.larder.uncertain_writes(), 1, "{backend:?}");
        assert!(!yard.hits(&yard.two, READS[0]).await);
        yard.eventually_fresh("dropped stream").await;
        eventually(async || !yard.hits(&yard.two, READS[0]).await).await;
    }
}
