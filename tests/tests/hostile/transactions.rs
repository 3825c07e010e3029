//! Transactions that end in every way.

use larder_tests::lab::Backend;
use sea_orm::{
    ConnectionTrait, DbErr, IsolationLevel, TransactionError, TransactionSession, TransactionTrait,
};

use crate::{
    ALL,
    gate::within,
    yard::{Handle, READS, Yard, eventually, number, rows},
};

async fn run(db: &impl ConnectionTrait, sql: &str) {
    within(db.execute_unprepared(sql))
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn end<T: TransactionSession>(transaction: T, keeps: bool) {
    if keeps {
        within(transaction.commit()).await.unwrap();
    } else {
        within(transaction.rollback()).await.unwrap();
    }
}

#[tokio::test]
async fn nested_savepoints_show_what_was_kept_in_all_combinations() {
    for backend in ALL {
        let yard = Yard::new(backend).await;
        for bits in 0..8 {
            yard.warm().await;
            let [first, second, third] = [1, 2, 4].map(|bit| bits & bit != 0);
            let outer = yard.one.db.begin().await.unwrap();
            run(&outer, "UPDATE item SET n = n + 1 WHERE id = 1").await;
            let middle = outer.begin().await.unwrap();
            run(&middle, "UPDATE item SET n = n + 1 WHERE id = 2").await;
            let inner = middle.begin().await.unwrap();
            run(&inner, "UPDATE item SET n = n + 1 WHERE id = 3").await;
            end(inner, third).await;
            end(middle, second).await;
            end(outer, first).await;
            // What nobody kept is served as before.
            let kept = first && second && third;
            assert_eq!(
                yard.hits(&yard.two, READS[1]).await,
                !kept,
                "{backend:?} {bits:03b}"
            );
            yard.assert_fresh(&format!("{bits:03b}")).await;
        }
    }
}

#[tokio::test]
async fn deferred_constraint_that_fails_at_commit_leaves_nothing_stale() {
    let child = "CREATE TABLE child (id INTEGER PRIMARY KEY,
        item INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED)";
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let yard = Yard::with(backend, 4, &[child]).await;
        yard.warm().await;
        let transaction = yard.one.db.begin().await.unwrap();
        run(&transaction, "UPDATE item SET n = 9 WHERE id = 1").await;
        run(&transaction, "INSERT INTO child VALUES (1, 77)").await;
        let error = within(transaction.commit()).await.unwrap_err();
        assert!(
            error.to_string().to_lowercase().contains("foreign key"),
            "{error}"
        );
        yard.eventually_fresh("deferred").await;
        // Outside a transaction the same fails with the statement.
        assert!(
            yard.one
                .write("INSERT INTO child VALUES (2, 77)")
                .await
                .is_err()
        );
        yard.assert_fresh("deferred, autocommit").await;
    }
}

#[tokio::test]
async fn serialization_failure_leaves_nothing_stale() {
    let yard = Yard::new(Backend::Postgres).await;
    yard.warm().await;
    let level = Some(IsolationLevel::RepeatableRead);
    let transaction = yard.one.db.begin_with_config(level, None).await.unwrap();
    run(&transaction, "UPDATE item SET n = 4 WHERE id = 3").await;
    yard.two
        .write("UPDATE item SET n = 5 WHERE id = 1")
        .await
        .unwrap();
    let sql = "UPDATE item SET n = 6 WHERE id = 1";
    let error = within(transaction.execute_unprepared(sql))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("could not serialize"), "{error}");
    yard.assert_fresh("before the end").await;
    // COMMIT of an aborted transaction is a rollback, without an error.
    within(transaction.commit()).await.unwrap();
    yard.assert_fresh("serialization failure").await;
}

/// The server has rolled back and switched autocommit on behind the wrapper.
#[tokio::test]
async fn writes_after_a_deadlock_show_although_the_transaction_is_rolled_back() {
    writes_after_a_deadlock_of("UPDATE item SET n = 2 WHERE id = 2").await;
}

#[tokio::test]
async fn writes_after_a_deadlock_of_a_read_show_as_well() {
    writes_after_a_deadlock_of("SELECT n FROM item WHERE id = 2 FOR UPDATE").await;
}

async fn writes_after_a_deadlock_of(victim: &str) {
    let yard = Yard::new(Backend::MariaDb).await;
    yard.warm().await;
    let ours = yard.one.db.begin().await.unwrap();
    let theirs = yard.plain.begin().await.unwrap();
    run(&ours, "UPDATE item SET n = 1 WHERE id = 1").await;
    // The heavier one survives.
    run(&theirs, "UPDATE item SET n = 1 WHERE id = 2").await;
    for id in 10..60 {
        run(&theirs, &format!("INSERT INTO item VALUES ({id}, 5, 0)")).await;
    }
    let waiting = tokio::spawn(async move {
        let sql = "UPDATE item SET n = 2 WHERE id = 1";
        theirs.execute_unprepared(sql).await.unwrap();
        theirs.rollback().await.unwrap();
    });
    eventually(async || {
        let sql = "SELECT count(*) FROM information_schema.processlist
            WHERE db = database() AND info LIKE 'UPDATE%'";
        number(&rows(&yard.plain, yard.statement(sql, [])).await) > 0
    })
    .await;
    let error = within(ours.execute_raw(yard.statement(victim, [])))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Deadlock"), "{error}");
    within(waiting).await.unwrap();
    yard.assert_fresh("deadlock").await;
    run(&ours, "UPDATE item SET n = 3 WHERE id = 3").await;
    yard.assert_fresh("written after the deadlock").await;
    within(ours.rollback()).await.unwrap();
    yard.assert_fresh("rolled back").await;
}

#[tokio::test]
async fn implicit_commit_shows_at_once_and_survives_rollback() {
    for text in [
        "CREATE TABLE side2 (id INTEGER)",
        "LOCK TABLES item WRITE",
        "TRUNCATE TABLE side",
        "START TRANSACTION",
        "SET autocommit = 1",
        "ALTER TABLE side ADD COLUMN x INTEGER",
        "FLUSH TABLES side",
        "ANALYZE TABLE side",
        "CREATE USER IF NOT EXISTS nobody_here",
    ] {
        let side = ["CREATE TABLE side (id INTEGER)"];
        let yard = Yard::with(Backend::MariaDb, 4, &side).await;
        yard.warm().await;
        let transaction = yard.one.db.begin().await.unwrap();
        run(&transaction, "UPDATE item SET n = 1 WHERE id = 1").await;
        run(&transaction, text).await;
        if text.starts_with("LOCK") {
            run(&transaction, "UPDATE item SET n = 1 WHERE id = 2").await;
            run(&transaction, "UNLOCK TABLES").await;
        }
        yard.assert_fresh(text).await;
        run(&transaction, "UPDATE item SET n = 2 WHERE id = 3").await;
        yard.assert_fresh(&format!("{text}, written after")).await;
        within(transaction.rollback()).await.unwrap();
        yard.assert_fresh(&format!("{text}, rolled back")).await;
    }
}

/// DDL in a MariaDB transaction is there at once, with what it changes of comparison.
#[tokio::test]
async fn schema_changed_in_a_transaction_is_known_at_once() {
    let word = [
        "CREATE TABLE word (id INTEGER PRIMARY KEY,
            w VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin)",
        "INSERT INTO word VALUES (1, 'a'), (2, 'z')",
    ];
    let yard = Yard::with(Backend::MariaDb, 4, &word).await;
    let read = "SELECT id FROM word WHERE w = 'a'";
    yard.one.read(read).await;
    let transaction = yard.one.db.begin().await.unwrap();
    let sql = "ALTER TABLE word MODIFY w VARCHAR(20) COLLATE utf8mb4_general_ci";
    run(&transaction, sql).await;
    assert_eq!(yard.one.read(read).await.len(), 1);
    yard.one
        .write("INSERT INTO word VALUES (3, 'A')")
        .await
        .unwrap();
    assert_eq!(yard.one.read(read).await.len(), 2);
    within(transaction.rollback()).await.unwrap();
    assert_eq!(yard.one.read(read).await.len(), 2);
}

#[tokio::test]
async fn table_whose_engine_ignores_rollback_shows_at_once() {
    for engine in ["Aria", "MyISAM"] {
        let yard = Yard::with(
            Backend::MariaDb,
            4,
            &[&format!("ALTER TABLE item ENGINE = {engine}")],
        )
        .await;
        yard.warm().await;
        let transaction = yard.one.db.begin().await.unwrap();
        run(&transaction, "UPDATE item SET n = 1 WHERE id = 1").await;
        yard.assert_fresh(engine).await;
        within(transaction.rollback()).await.unwrap();
        yard.assert_fresh("rolled back").await;
        // Rows before the one that fails stay.
        let sql = "INSERT INTO item VALUES (20, 1, 0), (1, 1, 0)";
        assert!(yard.one.write(sql).await.is_err());
        yard.assert_fresh("failed half way").await;
        let transaction = yard.one.db.begin().await.unwrap();
        run(&transaction, "DELETE FROM item WHERE id = 20").await;
        drop(transaction);
        yard.assert_fresh("dropped").await;
    }
}

/// An error of SQLite may have kept rows, or ended the transaction.
#[tokio::test]
async fn sqlite_error_that_keeps_rows_invalidates() {
    let more = [
        "CREATE TABLE code (id INTEGER PRIMARY KEY, c INTEGER UNIQUE ON CONFLICT FAIL)",
        "INSERT INTO code VALUES (1, 1)",
        "CREATE TABLE guarded (id INTEGER PRIMARY KEY, c INTEGER)",
        "CREATE TRIGGER guards BEFORE INSERT ON guarded WHEN NEW.c > 10
            BEGIN SELECT RAISE(FAIL, 'too much'); END",
        "CREATE TABLE strict_item (id INTEGER PRIMARY KEY, c INTEGER NOT NULL ON CONFLICT FAIL)",
    ];
    let cases = [
        (
            "item",
            "INSERT OR FAIL INTO item VALUES (5, 1, 0), (1, 1, 0)",
        ),
        ("item", "UPDATE OR FAIL item SET id = 3 WHERE id < 3"),
        ("item", "UPDATE OR FAIL item SET id = id + 1 WHERE id < 3"),
        (
            "item",
            "INSERT OR ROLLBACK INTO item VALUES (6, 1, 0), (1, 1, 0)",
        ),
        (
            "item",
            "INSERT OR ABORT INTO item VALUES (6, 1, 0), (1, 1, 0)",
        ),
        ("code", "INSERT INTO code VALUES (2, 2), (3, 1)"),
        (
            "code",
            "INSERT INTO code SELECT id + 10, CASE id WHEN 1 THEN 9 ELSE 1 END FROM item",
        ),
        ("guarded", "INSERT INTO guarded VALUES (1, 1), (2, 11)"),
        (
            "strict_item",
            "INSERT INTO strict_item VALUES (1, 1), (2, NULL)",
        ),
    ];
    for (table, sql) in cases {
        let yard = Yard::with(Backend::Sqlite, 4, &more).await;
        let reads = [
            format!("SELECT count(*) FROM {table}"),
            format!("SELECT id FROM {table} WHERE id = 2"),
            format!("SELECT id FROM {table} WHERE id = 1"),
        ];
        yard.warm().await;
        for read in &reads {
            yard.two.read(read).await;
        }
        let error = yard.one.write(sql).await;
        assert!(error.is_err(), "{sql}");
        yard.assert_fresh(sql).await;
        for read in &reads {
            let truth = rows(&yard.plain, yard.statement(read, [])).await;
            assert_eq!(yard.two.read(read).await, truth, "{sql}: {read}");
        }
        // The same inside a transaction that goes on and is rolled back.
        let transaction = yard.one.db.begin().await.unwrap();
        run(&transaction, "UPDATE item SET n = 50 WHERE id = 3").await;
        let _ = within(transaction.execute_unprepared(sql)).await;
        yard.assert_fresh(sql).await;
        let _ = within(transaction.execute_unprepared("UPDATE item SET n = 60 WHERE id = 3")).await;
        yard.assert_fresh(sql).await;
        let _ = within(transaction.rollback()).await;
        yard.eventually_fresh(sql).await;
    }
}

#[tokio::test]
async fn closure_that_panics_or_fails_leaves_nothing_stale() {
    for backend in ALL {
        for way in 0..2 {
            let yard = Yard::new(backend).await;
            yard.warm().await;
            let db = yard.one.db.clone();
            let caller = tokio::spawn(async move {
                db.transaction::<_, (), DbErr>(|transaction| {
                    Box::pin(async move {
                        let write = "UPDATE item SET n = 7 WHERE id = 1";
                        transaction.execute_unprepared(write).await?;
                        assert!(way == 1, "the closure panics");
                        Err(DbErr::Custom("no".into()))
                    })
                })
                .await
            });
            match within(caller).await {
                Err(error) => assert!(error.is_panic() && way == 0),
                Ok(result) => assert!(matches!(
                    result,
                    Err(TransactionError::Transaction(DbErr::Custom(_)))
                )),
            }
            yard.eventually_fresh("closure").await;
            assert!(yard.hits(&yard.one, READS[0]).await, "{backend:?}");
        }
    }
}

#[tokio::test]
async fn async_closure_in_a_task_commits_and_shows() {
    for backend in ALL {
        let yard = Yard::new(backend).await;
        yard.warm().await;
        let handle = yard.one.clone();
        let task = tokio::spawn(async move {
            handle
                .db
                .transaction_async::<_, _, DbErr>(async |transaction| {
                    let write = "UPDATE item SET n = n + 1 WHERE id = 1";
                    transaction.execute_unprepared(write).await?;
                    transaction
                        .transaction_async::<_, (), DbErr>(async |inner| {
                            let write = "UPDATE item SET n = n + 1 WHERE id = 3";
                            inner.execute_unprepared(write).await?;
                            Ok(())
                        })
                        .await
                        .map_err(|error| DbErr::Custom(error.to_string()))?;
                    Ok(5)
                })
                .await
        });
        assert_eq!(within(task).await.unwrap().unwrap(), 5);
        yard.assert_fresh("async closure").await;
        assert_eq!(number(&yard.two.read(READS[1]).await), 1);
    }
}

async fn in_any<C>(db: &C, id: i32) -> Result<u64, DbErr>
where
    C: ConnectionTrait + TransactionTrait,
{
    let transaction = db.begin().await?;
    let sql = format!("UPDATE item SET n = n + 1 WHERE id = {id}");
    let result = transaction.execute_unprepared(&sql).await?;
    TransactionSession::commit(transaction).await?;
    Ok(result.rows_affected())
}

#[tokio::test]
async fn generic_code_runs_on_wrapped_plain_and_transaction() {
    for backend in ALL {
        let yard = Yard::new(backend).await;
        yard.warm().await;
        assert_eq!(in_any(&yard.one.db, 1).await.unwrap(), 1);
        yard.assert_fresh("wrapped").await;
        let transaction = yard.two.db.begin().await.unwrap();
        assert_eq!(in_any(&transaction, 3).await.unwrap(), 1);
        end(transaction, true).await;
        yard.assert_fresh("transaction").await;
        assert_eq!(in_any(&yard.plain, 1).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn transaction_dropped_half_way_leaves_entries_and_nothing_stale() {
    for backend in ALL {
        let yard = Yard::new(backend).await;
        yard.warm().await;
        let transaction = yard.one.db.begin().await.unwrap();
        run(&transaction, "UPDATE item SET n = 9 WHERE id = 1").await;
        let savepoint = transaction.begin().await.unwrap();
        run(&savepoint, "UPDATE item SET n = 9 WHERE id = 3").await;
        drop(savepoint);
        drop(transaction);
        assert!(yard.hits(&yard.two, READS[0]).await);
        yard.eventually_fresh("dropped").await;
    }
}

async fn read_in(db: &impl ConnectionTrait, read: &str) -> i64 {
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), read);
    let cached = larder_tests::row::cached::<larder_tests::row::Row>(statement);
    number(&within(cached.all(db)).await.unwrap())
}

/// P9: a transaction sees its own writes and its own snapshot; nobody else must.
#[tokio::test]
async fn reads_in_a_transaction_neither_hit_nor_store() {
    let levels = [
        None,
        Some(IsolationLevel::RepeatableRead),
        Some(IsolationLevel::ReadUncommitted),
    ];
    for backend in ALL {
        for level in levels {
            if backend == Backend::Sqlite && level.is_some() {
                continue;
            }
            let yard = Yard::new(backend).await;
            yard.warm().await;
            let transaction = yard.one.db.begin_with_config(level, None).await.unwrap();
            let reads = yard.one.control.reads();
            assert_eq!(read_in(&transaction, READS[0]).await, 0);
            assert_eq!(yard.one.control.reads(), reads + 1, "no hit");
            run(&transaction, "UPDATE item SET n = 5 WHERE id = 1").await;
            assert_eq!(read_in(&transaction, READS[0]).await, 5);
            yard.assert_fresh("open").await;
            if backend != Backend::Sqlite {
                let sql = "UPDATE item SET n = 6 WHERE id = 3";
                yard.two.write(sql).await.unwrap();
                // Under REPEATABLE READ this is the old one, which is right in here only.
                read_in(&transaction, READS[1]).await;
                yard.assert_fresh("snapshot").await;
            }
            end(transaction, false).await;
            yard.assert_fresh("over").await;
        }
    }
}

/// A dirty read through the pool is never stored.
#[tokio::test]
async fn session_that_reads_uncommitted_rows_stores_nothing() {
    let yard = Yard::new(Backend::MariaDb).await;
    // A handle of its own, whose connections all read uncommitted rows.
    let mut options = sea_orm::ConnectOptions::new(&yard.url);
    options.max_connections(1).sqlx_logging(false);
    options.map_sqlx_mysql_pool_opts(|pool| {
        pool.after_connect(|connection, _| {
            Box::pin(async move {
                let sql = "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED";
                sqlx::Executor::execute(connection, sql).await.map(drop)
            })
        })
    });
    let inner = sea_orm::Database::connect(options).await.unwrap();
    let dirty: Handle = crate::yard::handle(&yard.larder, &yard.url, inner);
    let transaction = yard.two.db.begin().await.unwrap();
    run(&transaction, "UPDATE item SET n = 5 WHERE id = 1").await;
    assert_eq!(number(&dirty.read(READS[0]).await), 5);
    end(transaction, false).await;
    assert_eq!(number(&dirty.read(READS[0]).await), 0);
    yard.assert_fresh("dirty").await;
}

/// What no rollback takes back shows when the stream that wrote it ends.
#[tokio::test]
async fn stream_in_a_transaction_shows_what_rollback_would_keep() {
    use sea_orm::StreamTrait;

    let aria = ["ALTER TABLE item ENGINE = Aria"];
    for drained in [true, false] {
        let yard = Yard::with(Backend::MariaDb, 4, &aria).await;
        let db = yard.larder.wrap(crate::yard::connect(&yard.url, 1).await);
        yard.warm().await;
        let transaction = db.begin().await.unwrap();
        let sql = "DELETE FROM item WHERE grp = 1 RETURNING id";
        let mut stream = Box::pin(
            transaction
                .stream_raw(yard.statement(sql, []))
                .await
                .unwrap(),
        );
        yard.assert_fresh("before the stream runs").await;
        let mut rows = 0;
        while let Some(row) = within(std::future::poll_fn(|cx| {
            futures_core::Stream::poll_next(stream.as_mut(), cx)
        }))
        .await
        {
            row.unwrap();
            rows += 1;
            if !drained {
                break;
            }
        }
        drop(stream);
        if drained {
            assert_eq!(rows, 2);
            yard.assert_fresh("at the end of the stream").await;
        }
        within(transaction.rollback()).await.unwrap();
        yard.eventually_fresh("rolled back").await;
    }
}
