//! Statements that change the session of a connection which nobody knows by name.

use larder_tests::lab::Backend;
use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::{
    gate::within,
    yard::{READS, Yard, connect, handle, number, rows},
};

const OTHER: [&str; 3] = [
    "CREATE SCHEMA other",
    "CREATE TABLE other.item (id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, n BIGINT NOT NULL)",
    "INSERT INTO other.item VALUES (1, 1, 100)",
];
const OTHER_READ: &str = "SELECT n FROM other.item WHERE id = 1";

async fn postgres() -> Yard {
    let yard = Yard::with(Backend::Postgres, 1, &OTHER).await;
    yard.warm().await;
    yard.two.read(OTHER_READ).await;
    assert!(yard.hits(&yard.two, OTHER_READ).await);
    yard
}

async fn assert_other_fresh(yard: &Yard, what: &str) {
    let truth = rows(&yard.plain, yard.statement(OTHER_READ, [])).await;
    assert_eq!(yard.two.read(OTHER_READ).await, truth, "{what}");
    for read in READS {
        let truth = rows(&yard.plain, yard.statement(read, [])).await;
        assert_eq!(yard.two.read(read).await, truth, "{what}: {read}");
    }
}

/// The name in a write may mean another table now.
#[tokio::test]
async fn write_after_a_changed_search_path_drops_what_it_may_mean() {
    for (way, text) in [
        "SET search_path TO other",
        "SET SESSION search_path = other, public",
        "SELECT set_config('search_path', 'other', false)",
        "SET search_path = 'other'; SELECT 1",
        "DO $$ BEGIN PERFORM set_config('search_path', 'other', false); END $$",
        "CREATE TEMP TABLE item AS SELECT 1 AS id, 1 AS grp, 0::bigint AS n",
    ]
    .into_iter()
    .enumerate()
    {
        let yard = postgres().await;
        yard.one.write(text).await.unwrap();
        assert_other_fresh(&yard, text).await;
        let mut next = 200 * way;
        for sql in [
            "UPDATE item SET n = ? WHERE id = 1",
            "UPDATE item SET n = ? WHERE id = 1 RETURNING id, grp, n",
        ] {
            next += 1;
            let number = i64::try_from(next).unwrap();
            let statement = yard.statement(sql, [number.into()]);
            within(yard.one.db.query_all_raw(statement)).await.unwrap();
            assert_other_fresh(&yard, text).await;
            // Within a transaction of the handle, too.
            let transaction = yard.one.db.begin().await.unwrap();
            let statement = yard.statement(sql, [(number + 50).into()]);
            transaction.query_all_raw(statement).await.unwrap();
            assert_other_fresh(&yard, text).await;
            within(transaction.commit()).await.unwrap();
            assert_other_fresh(&yard, text).await;
        }
    }
}

#[tokio::test]
async fn write_after_set_role_drops_what_it_may_mean() {
    let yard = postgres().await;
    // The search path begins with the schema that is called like the role.
    yard.plain
        .execute_unprepared(
            "DO $$ BEGIN CREATE ROLE other; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        )
        .await
        .unwrap();
    for sql in [
        "GRANT ALL ON SCHEMA other, public TO other",
        "GRANT ALL ON other.item, public.item TO other",
    ] {
        yard.plain.execute_unprepared(sql).await.unwrap();
    }
    yard.one.write("SET ROLE other").await.unwrap();
    yard.one
        .write("UPDATE item SET n = 7 WHERE id = 1")
        .await
        .unwrap();
    assert_other_fresh(&yard, "SET ROLE").await;
}

/// `SET LOCAL` ends with its transaction; until then names may mean something else.
#[tokio::test]
async fn write_after_set_local_drops_what_it_may_mean_and_the_handle_goes_on() {
    for text in [
        "SET LOCAL search_path TO other",
        "set  local search_path = other",
        "SELECT set_config('search_path', 'other', true)",
    ] {
        let yard = postgres().await;
        let transaction = yard.one.db.begin().await.unwrap();
        transaction.execute_unprepared(text).await.unwrap();
        transaction
            .execute_unprepared("UPDATE item SET n = 7 WHERE id = 1")
            .await
            .unwrap();
        within(transaction.commit()).await.unwrap();
        assert_other_fresh(&yard, text).await;
        // The handle's connections are as they were.
        yard.one
            .write("UPDATE item SET n = 8 WHERE id = 1")
            .await
            .unwrap();
        assert_other_fresh(&yard, text).await;
    }
    let yard = postgres().await;
    let transaction = yard.one.db.begin().await.unwrap();
    transaction
        .execute_unprepared("SET LOCAL statement_timeout = 1000")
        .await
        .unwrap();
    within(transaction.commit()).await.unwrap();
    yard.warm().await;
}

/// A transaction of text on a pool: its end may come in any disguise.
#[tokio::test]
async fn transaction_of_text_shows_whoever_commits_it() {
    let cases: [(Backend, &str, &str); 9] = [
        (Backend::Postgres, "BEGIN", "COMMIT"),
        (Backend::Postgres, "BEGIN", "END"),
        (Backend::Postgres, "START TRANSACTION", "COMMIT AND CHAIN"),
        (Backend::Sqlite, "BEGIN IMMEDIATE", "END TRANSACTION"),
        (Backend::Sqlite, "SAVEPOINT s", "RELEASE s"),
        (Backend::MariaDb, "BEGIN", "COMMIT"),
        (Backend::MariaDb, "START TRANSACTION", "BEGIN"),
        (Backend::MariaDb, "SET autocommit = 0", "COMMIT"),
        (Backend::MariaDb, "SET autocommit = 0", "SET autocommit = 1"),
    ];
    for (backend, begin, commit) in cases {
        let what = format!("{begin}, {commit}");
        let yard = Yard::with(backend, 1, &[]).await;
        yard.warm().await;
        yard.one.write(begin).await.unwrap();
        yard.one
            .write("UPDATE item SET n = 7 WHERE id = 1")
            .await
            .unwrap();
        // Others fill the state before.
        yard.two.read(READS[0]).await;
        yard.two.read(READS[2]).await;
        assert_eq!(number(&yard.one.read(READS[0]).await), 7, "{what}");
        assert_eq!(number(&yard.two.read(READS[0]).await), 0, "{what}");
        yard.one.write(commit).await.unwrap();
        yard.assert_fresh(&what).await;
    }
}

/// The ORM's own BEGIN and COMMIT meet an open transaction of text.
#[tokio::test]
async fn transaction_of_text_shows_when_the_orm_commits_it() {
    let cases = [
        (Backend::Postgres, "BEGIN"),
        (Backend::MariaDb, "BEGIN"),
        (Backend::MariaDb, "SET autocommit = 0"),
        (Backend::MariaDb, "SET LOCAL autocommit = 0"),
        (Backend::MariaDb, "SET SESSION autocommit = OFF"),
        (Backend::MariaDb, "SET @@session.autocommit = 0"),
    ];
    for (backend, begin) in cases {
        for commits in [true, false] {
            let yard = Yard::with(backend, 1, &[]).await;
            yard.warm().await;
            yard.one.write(begin).await.unwrap();
            yard.one
                .write("UPDATE item SET n = 7 WHERE id = 1")
                .await
                .unwrap();
            yard.two.read(READS[0]).await;
            let transaction = within(yard.one.db.begin()).await.unwrap();
            assert_eq!(
                number(&yard.two.read(READS[0]).await),
                number(&rows(&yard.plain, yard.statement(READS[0], [])).await),
                "{begin}: the ORM's BEGIN"
            );
            transaction
                .execute_unprepared("UPDATE item SET n = 8 WHERE id = 3")
                .await
                .unwrap();
            yard.two.read(READS[1]).await;
            if commits {
                within(transaction.commit()).await.unwrap();
            } else {
                within(transaction.rollback()).await.unwrap();
            }
            for read in READS {
                let truth = rows(&yard.plain, yard.statement(read, [])).await;
                assert_eq!(
                    yard.two.read(read).await,
                    truth,
                    "{begin}, {commits}: {read}"
                );
            }
        }
    }
}

/// Another database of the same server is another source, and one connection reaches both.
#[tokio::test]
async fn write_that_reaches_another_database_shows_there() {
    let here = Yard::with(Backend::MariaDb, 1, &[]).await;
    let there = Yard::with(Backend::MariaDb, 1, &[]).await;
    let name = there.url.rsplit('/').next().unwrap();
    let name = name.split('?').next().unwrap();
    // Both in one larder.
    let guest = handle(&here.larder, &there.url, connect(&there.url, 1).await);
    for sql in [
        format!("UPDATE {name}.item SET n = 5 WHERE id = 1"),
        format!("USE {name}"),
        "UPDATE item SET n = 6 WHERE id = 1".to_owned(),
    ] {
        guest.read(READS[0]).await;
        assert!(here.hits(&guest, READS[0]).await);
        here.one.write(&sql).await.unwrap();
        let truth = rows(&there.plain, there.statement(READS[0], [])).await;
        assert_eq!(guest.read(READS[0]).await, truth, "{sql}");
    }
}

#[tokio::test]
async fn write_to_an_attached_database_shows_there() {
    let here = Yard::with(Backend::Sqlite, 1, &[]).await;
    let there = Yard::with(Backend::Sqlite, 1, &[]).await;
    let path = there.url.trim_start_matches("sqlite://");
    let path = path.split('?').next().unwrap();
    let guest = handle(&here.larder, &there.url, connect(&there.url, 1).await);
    here.one
        .write(&format!("ATTACH '{path}' AS there"))
        .await
        .unwrap();
    guest.read(READS[0]).await;
    assert!(here.hits(&guest, READS[0]).await);
    here.one
        .write("UPDATE there.item SET n = 5 WHERE id = 1")
        .await
        .unwrap();
    assert_eq!(number(&guest.read(READS[0]).await), 5);
}
