//! Connections that panic, break or are killed, and servers that are gone.

use larder_testkit::server::PostgresServer;
use larder_tests::lab::Backend;
use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::{
    ALL,
    gate::{Then, When, broken, within},
    yard::{READS, Yard, eventually},
};

/// The outcome is not known: no read is answered from the cache, and none is wrong.
async fn assert_uncertain(yard: &Yard, what: &str) {
    assert_eq!(yard.larder.uncertain_writes(), 1, "{what}");
    for _ in 0..2 {
        assert!(!yard.hits(&yard.one, READS[0]).await, "{what}");
        assert!(!yard.hits(&yard.two, READS[0]).await, "{what}");
    }
    yard.assert_fresh(what).await;
}

#[tokio::test]
async fn panic_of_the_connection_resumes_and_the_write_counts_as_uncertain() {
    for backend in ALL {
        for when in [When::Before, When::After] {
            let yard = Yard::new(backend).await;
            yard.warm().await;
            yard.one.control.trap(when, "UPDATE item", Then::Panic);
            let handle = yard.one.clone();
            let write = "UPDATE item SET n = 7 WHERE id = 1";
            let caller = tokio::spawn(async move { handle.write(write).await });
            let panic = within(caller).await.unwrap_err().into_panic();
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"the connection panics"));
            assert_uncertain(&yard, &format!("{when:?}")).await;
        }
    }
}

#[tokio::test]
async fn panic_in_commit_counts_as_uncertain() {
    for backend in ALL {
        for when in [When::Before, When::After] {
            let yard = Yard::new(backend).await;
            yard.warm().await;
            yard.one.control.trap(when, "COMMIT", Then::Panic);
            let db = yard.one.db.clone();
            let caller = tokio::spawn(async move {
                let transaction = db.begin().await.unwrap();
                let write = "UPDATE item SET n = 7 WHERE id = 1";
                transaction.execute_unprepared(write).await.unwrap();
                transaction.commit().await
            });
            assert!(within(caller).await.unwrap_err().is_panic());
            assert_uncertain(&yard, &format!("{when:?}")).await;
        }
    }
}

#[tokio::test]
async fn panic_of_a_statement_in_a_transaction_leaves_nothing_stale() {
    for backend in ALL {
        for when in [When::Before, When::After] {
            let yard = Yard::new(backend).await;
            yard.warm().await;
            yard.one.control.trap(when, "SET n = 7", Then::Panic);
            let db = yard.one.db.clone();
            let caller = tokio::spawn(async move {
                let transaction = db.begin().await.unwrap();
                let write = "UPDATE item SET n = 6 WHERE id = 3";
                transaction.execute_unprepared(write).await.unwrap();
                let write = "UPDATE item SET n = 7 WHERE id = 1";
                drop(transaction.execute_unprepared(write).await);
            });
            assert!(within(caller).await.unwrap_err().is_panic());
            yard.eventually_fresh(&format!("{when:?}")).await;
        }
    }
}

#[tokio::test]
async fn error_of_the_connection_comes_through_and_the_write_counts_as_uncertain() {
    for backend in ALL {
        for when in [When::Before, When::After] {
            let yard = Yard::new(backend).await;
            yard.warm().await;
            let fail = Then::Fail(broken());
            yard.one.control.trap(when, "UPDATE item", fail);
            let error = yard
                .one
                .write("UPDATE item SET n = 7 WHERE id = 1")
                .await
                .unwrap_err();
            assert_eq!(error, broken());
            assert_uncertain(&yard, &format!("{when:?}")).await;
        }
    }
}

#[tokio::test]
async fn error_of_commit_comes_through_and_counts_as_uncertain() {
    for backend in ALL {
        let yard = Yard::new(backend).await;
        yard.warm().await;
        let fail = Then::Fail(broken());
        yard.one.control.trap(When::After, "COMMIT", fail);
        let transaction = yard.one.db.begin().await.unwrap();
        let write = "UPDATE item SET n = 7 WHERE id = 1";
        transaction.execute_unprepared(write).await.unwrap();
        let error = within(transaction.commit()).await.unwrap_err();
        assert_eq!(error, broken());
        assert_uncertain(&yard, "commit").await;
    }
}

#[tokio::test]
async fn error_of_rollback_leaves_nothing_stale() {
    for backend in ALL {
        for nested in [false, true] {
            let yard = Yard::new(backend).await;
            yard.warm().await;
            let transaction = yard.one.db.begin().await.unwrap();
            let write = "UPDATE item SET n = 7 WHERE id = 1";
            if nested {
                let savepoint = transaction.begin().await.unwrap();
                savepoint.execute_unprepared(write).await.unwrap();
                let fail = Then::Fail(broken());
                yard.one.control.trap(When::Before, "ROLLBACK", fail);
                assert_eq!(savepoint.rollback().await.unwrap_err(), broken());
                drop(transaction.commit().await);
            } else {
                transaction.execute_unprepared(write).await.unwrap();
                let fail = Then::Fail(broken());
                yard.one.control.trap(When::Before, "ROLLBACK", fail);
                assert_eq!(transaction.rollback().await.unwrap_err(), broken());
            }
            yard.eventually_fresh("rollback").await;
        }
    }
}

/// The process ids of the sessions that wait for a lock in this database.
const WAITING: &str = "SELECT pid, pg_terminate_backend(pid)::int FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Kills whoever waits for a lock, as soon as somebody does.
async fn kill_the_waiting(yard: &Yard) {
    eventually(async || {
        let killed = yard.plain.query_all_raw(yard.statement(WAITING, [])).await;
        !killed.unwrap().is_empty()
    })
    .await;
}

/// A server that says farewell may have committed before: with the simple protocol and with the
/// extended one, the commit of a statement comes before its last word.
#[tokio::test]
async fn connection_killed_during_a_write_leaves_it_uncertain() {
    let yard = Yard::new(Backend::Postgres).await;
    yard.warm().await;
    let lock = yard.plain.begin().await.unwrap();
    let sql = "SELECT id FROM item WHERE id = 1 FOR UPDATE";
    lock.query_all_raw(yard.statement(sql, [])).await.unwrap();
    let handle = yard.one.clone();
    let write = "UPDATE item SET n = 7 WHERE id = 1";
    let caller = tokio::spawn(async move { handle.write(write).await });
    kill_the_waiting(&yard).await;
    let error = within(caller).await.unwrap().unwrap_err();
    assert!(
        error.to_string().contains("terminating connection"),
        "{error}"
    );
    lock.rollback().await.unwrap();
    assert_uncertain(&yard, "killed").await;
}

#[tokio::test]
async fn connection_killed_during_commit_leaves_it_uncertain() {
    let trigger = [
        "CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER waits AFTER UPDATE ON item DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION waits()",
    ];
    let yard = Yard::with(Backend::Postgres, 4, &trigger).await;
    yard.warm().await;
    let lock = yard.plain.begin().await.unwrap();
    lock.execute_unprepared("SELECT pg_advisory_xact_lock(42)")
        .await
        .unwrap();
    let transaction = yard.one.db.begin().await.unwrap();
    let write = "UPDATE item SET n = 7 WHERE id = 1";
    transaction.execute_unprepared(write).await.unwrap();
    let caller = tokio::spawn(transaction.commit());
    kill_the_waiting(&yard).await;
    let error = within(caller).await.unwrap().unwrap_err();
    assert!(
        error.to_string().contains("terminating connection"),
        "{error}"
    );
    lock.rollback().await.unwrap();
    assert_uncertain(&yard, "killed in commit").await;
}

#[tokio::test]
async fn cached_rows_are_served_while_the_server_is_gone_and_errors_come_through() {
    let server = PostgresServer::start().unwrap();
    let yard = Yard::on(Backend::Postgres, server.url(), None, 2, &[]).await;
    yard.warm().await;
    drop(server);
    assert!(yard.hits(&yard.one, READS[0]).await);
    let cold = "SELECT n FROM item WHERE id = 2";
    let plain = yard
        .plain
        .query_all_raw(yard.statement(cold, []))
        .await
        .unwrap_err();
    let cached = yard.one.try_read(cold).await.unwrap_err();
    assert_eq!(kind(&cached), kind(&plain));
    let write = "UPDATE item SET n = 7 WHERE id = 1";
    let plain = yard.plain.execute_unprepared(write).await.unwrap_err();
    let cached = yard.one.write(write).await.unwrap_err();
    assert_eq!(kind(&cached), kind(&plain));
    assert!(yard.one.db.begin().await.is_err());
}

/// Which error, without the words that differ from one broken socket to the next.
fn kind(error: &sea_orm::DbErr) -> String {
    let text = format!("{error:?}");
    text.split('(').next().unwrap().to_owned()
}
