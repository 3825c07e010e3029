//! Readers and writers in the orders that break caches.

use larder_tests::lab::Backend;
use sea_orm::TransactionTrait;

use crate::{
    ALL,
    gate::{Then, When, broken, within},
    yard::{READS, Yard, number},
};

/// P2: the stamps are older than the result, so a write in between kills the entry.
#[tokio::test]
async fn result_read_before_a_write_is_not_served_after_it() {
    for backend in ALL {
        for by_transaction in [false, true] {
            let yard = Yard::new(backend).await;
            for read in [READS[0], READS[2], "SELECT count(*) FROM item WHERE n = 0"] {
                yard.larder.invalidate_all().await;
                let latch = yard.one.control.pause(When::After, read);
                let handle = yard.one.clone();
                let reader = tokio::spawn(async move { handle.read(read).await });
                latch.arrived().await;
                let write = "UPDATE item SET n = n + 1 WHERE id = 1";
                if by_transaction {
                    let transaction = yard.two.db.begin().await.unwrap();
                    use sea_orm::ConnectionTrait;
                    transaction.execute_unprepared(write).await.unwrap();
                    transaction.commit().await.unwrap();
                } else {
                    yard.two.write(write).await.unwrap();
                }
                latch.release();
                within(reader).await.unwrap();
                yard.assert_fresh(read).await;
                yard.warm().await;
            }
        }
    }
}

/// P8: a flight is joined only by who has seen its very stamps.
#[tokio::test]
async fn reader_that_starts_after_a_write_does_not_wait_for_an_older_fill() {
    for backend in ALL {
        let yard = Yard::new(backend).await;
        let latch = yard.one.control.pause(When::After, "WHERE id = 1");
        let handle = yard.one.clone();
        let older = tokio::spawn(async move { handle.read(READS[0]).await });
        latch.arrived().await;
        yard.one
            .write("UPDATE item SET n = 5 WHERE id = 1")
            .await
            .unwrap();
        assert_eq!(number(&yard.one.read(READS[0]).await), 5, "{backend:?}");
        latch.release();
        assert_eq!(number(&within(older).await.unwrap()), 0);
        yard.assert_fresh("after the older fill").await;
    }
}

#[tokio::test]
async fn waiters_go_on_when_the_fill_fails_panics_or_is_dropped() {
    for backend in ALL {
        for way in 0..3 {
            let yard = Yard::new(backend).await;
            let latch = yard.one.control.pause(When::Before, "WHERE id = 1");
            let handle = yard.one.clone();
            let first = tokio::spawn(async move { handle.try_read(READS[0]).await });
            latch.arrived().await;
            let waiters: Vec<_> = (0..4)
                .map(|_| {
                    let handle = yard.one.clone();
                    tokio::spawn(async move { handle.try_read(READS[0]).await })
                })
                .collect();
            tokio::task::yield_now().await;
            match way {
                0 => {
                    let fail = Then::Fail(broken());
                    yard.one.control.trap(When::After, "WHERE id = 1", fail);
                }
                1 => yard
                    .one
                    .control
                    .trap(When::After, "WHERE id = 1", Then::Panic),
                _ => first.abort(),
            }
            latch.release();
            let ended = within(first).await;
            match way {
                0 => assert_eq!(
                    ended.unwrap().unwrap_err().to_string(),
                    broken().to_string()
                ),
                1 => assert!(ended.unwrap_err().is_panic()),
                _ => assert!(ended.unwrap_err().is_cancelled()),
            }
            for waiter in waiters {
                // Errors are not shared.
                assert_eq!(number(&within(waiter).await.unwrap().unwrap()), 0);
            }
        }
    }
}

/// A result that came over a connection whose session changed meanwhile belongs to nobody else.
#[tokio::test]
async fn fill_that_ran_while_the_session_changed_is_not_stored() {
    let other = [
        "CREATE SCHEMA other",
        "CREATE TABLE other.item (id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, n BIGINT NOT NULL)",
        "INSERT INTO other.item VALUES (1, 1, 100)",
    ];
    let yard = Yard::with(Backend::Postgres, 1, &other).await;
    let latch = yard.one.control.pause(When::Before, "WHERE id = 1");
    let handle = yard.one.clone();
    let reader = tokio::spawn(async move { handle.read(READS[0]).await });
    latch.arrived().await;
    yard.one.write("SET search_path TO other").await.unwrap();
    latch.release();
    assert_eq!(number(&within(reader).await.unwrap()), 100);
    assert_eq!(number(&yard.two.read(READS[0]).await), 0);
}
