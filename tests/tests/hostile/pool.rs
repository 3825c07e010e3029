//! Pools of one connection: nothing of the cache may wait for a second one.

use std::time::Duration;

use larder::{CachedConnection, WrapConfig};
use larder_tests::lab::Backend;
use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::{
    ALL,
    gate::within,
    yard::{READS, Yard, connect, handle, number},
};

#[tokio::test]
async fn first_statement_of_a_handle_may_be_a_transaction() {
    for backend in ALL {
        let yard = Yard::with(backend, 1, &[]).await;
        let new = handle(&yard.larder, &yard.url, connect(&yard.url, 1).await);
        yard.warm().await;
        let transaction = within(new.db.begin()).await.unwrap();
        within(transaction.execute_unprepared("UPDATE item SET n = 5 WHERE id = 1"))
            .await
            .unwrap();
        within(transaction.commit()).await.unwrap();
        yard.assert_fresh("first").await;
        assert_eq!(number(&new.read(READS[0]).await), 5);
    }
}

/// The catalog is due all the time, and there is no connection to read it with.
#[tokio::test]
async fn catalog_that_is_due_in_a_transaction_waits_for_its_end() {
    for backend in ALL {
        let yard = Yard::with(backend, 1, &[]).await;
        let inner = connect(&yard.url, 1).await;
        let config = WrapConfig::new().catalog_refresh(Duration::ZERO);
        let db = CachedConnection::wrap(&yard.larder, inner, config);
        yard.warm().await;
        let transaction = within(db.begin()).await.unwrap();
        for sql in [
            "CREATE TABLE fresh (id INTEGER PRIMARY KEY)",
            "INSERT INTO fresh VALUES (1)",
            "UPDATE item SET n = 5 WHERE id = 1",
        ] {
            within(transaction.execute_unprepared(sql)).await.unwrap();
        }
        if backend == Backend::MariaDb {
            // CREATE TABLE has ended the transaction, and the driver refuses a savepoint.
            within(transaction.commit()).await.unwrap();
            yard.assert_fresh("due").await;
            continue;
        }
        let inner = within(transaction.begin()).await.unwrap();
        within(inner.execute_unprepared("UPDATE item SET n = 6 WHERE id = 3"))
            .await
            .unwrap();
        within(inner.commit()).await.unwrap();
        within(transaction.commit()).await.unwrap();
        yard.assert_fresh("due").await;
    }
}

#[tokio::test]
async fn reads_that_wait_for_a_transaction_go_on_after_it() {
    for backend in ALL {
        let yard = Yard::with(backend, 1, &[]).await;
        let transaction = within(yard.one.db.begin()).await.unwrap();
        let readers: Vec<_> = (0..6)
            .map(|number| {
                let handle = yard.one.clone();
                tokio::spawn(async move { handle.read(READS[number % 3]).await })
            })
            .collect();
        tokio::task::yield_now().await;
        for sql in [
            "CREATE TABLE fresh (id INTEGER PRIMARY KEY)",
            "UPDATE item SET n = 5 WHERE id = 1",
        ] {
            within(transaction.execute_unprepared(sql)).await.unwrap();
        }
        within(transaction.commit()).await.unwrap();
        for reader in readers {
            within(reader).await.unwrap();
        }
        yard.assert_fresh("waited").await;
    }
}

/// Schema locks of somebody else stop who needs the schema, not reads of other tables.
#[tokio::test]
async fn uncommitted_schema_change_elsewhere_does_not_stop_reads() {
    let more = [
        "CREATE TABLE side (id INTEGER PRIMARY KEY, n INTEGER)",
        "CREATE VIEW seen AS SELECT id FROM side",
    ];
    let yard = Yard::with(Backend::Postgres, 2, &more).await;
    let change = yard.plain.begin().await.unwrap();
    change
        .execute_unprepared("ALTER TABLE side ADD COLUMN x INTEGER")
        .await
        .unwrap();
    let new = handle(&yard.larder, &yard.url, connect(&yard.url, 2).await);
    assert_eq!(number(&new.read(READS[0]).await), 0);
    new.write("UPDATE item SET n = 5 WHERE id = 1")
        .await
        .unwrap();
    let transaction = within(new.db.begin()).await.unwrap();
    within(transaction.commit()).await.unwrap();
    yard.assert_fresh("while the schema is locked").await;
    change.rollback().await.unwrap();
}
