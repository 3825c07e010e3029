//! Statements that nobody should send: the answer is the database's, cached or not.

use larder::CachedResult;
use larder_tests::lab::Backend;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use crate::{
    ALL,
    gate::within,
    yard::{READS, Yard, rows},
};

/// Asks twice through the cache and once past it: the same rows, or the same error.
async fn same(yard: &Yard, statement: Statement, name: &str) {
    use larder_tests::row::{Row, cached};
    let truth = Row::find_by_statement(statement.clone())
        .all(&yard.plain)
        .await
        .map_err(words);
    for _ in 0..2 {
        let cached = cached::<Row>(statement.clone()).all(&yard.one.db);
        let cached = within(cached).await.map_err(words);
        assert_eq!(cached, truth, "{:?}: {name}", yard.backend);
    }
}

/// Drivers number their prepared statements.
fn words(error: sea_orm::DbErr) -> String {
    let text = error.to_string();
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[tokio::test]
async fn odd_texts_get_the_answer_of_the_database() {
    for backend in ALL {
        let empty = ["CREATE TABLE empty (a INTEGER, b VARCHAR(9), c INTEGER)"];
        let yard = Yard::with(backend, 4, &empty).await;
        let list = (0..10_000).map(|n| n.to_string()).collect::<Vec<_>>();
        let texts = [
            ("empty text", String::new()),
            ("blank text", " \n ".to_owned()),
            ("only a comment", "-- nothing".to_owned()),
            ("no SQL", "SELEC id FROM item".to_owned()),
            ("open quote", "SELECT 'a FROM item".to_owned()),
            ("no such table", "SELECT id FROM nothing".to_owned()),
            ("no such column", "SELECT nothing FROM item".to_owned()),
            ("empty table", "SELECT a, b FROM empty".to_owned()),
            ("count of nothing", "SELECT count(*) FROM empty".to_owned()),
            ("sum of nothing", "SELECT max(a) FROM empty".to_owned()),
            (
                "long list",
                format!(
                    "SELECT id FROM item WHERE id IN ({}) ORDER BY id",
                    list.join(", ")
                ),
            ),
            (
                "long comment",
                format!(
                    "SELECT id FROM item /* {} */ ORDER BY id",
                    "x".repeat(1 << 20)
                ),
            ),
            (
                "long name",
                format!("SELECT id AS {} FROM item", "x".repeat(1 << 10)),
            ),
            (
                "deep",
                format!(
                    "SELECT id FROM item WHERE {}id = 1{}",
                    "(".repeat(60),
                    ")".repeat(60)
                ),
            ),
            (
                "two statements",
                "SELECT id FROM item WHERE id = 1; SELECT 2".to_owned(),
            ),
            (
                "a parameter too many",
                "SELECT id FROM item WHERE id = $7".to_owned(),
            ),
            (
                "division by zero",
                "SELECT id / 0 FROM item WHERE id = 1".to_owned(),
            ),
            ("a null byte", "SELECT id\0 FROM item".to_owned()),
        ];
        for (name, text) in texts {
            same(&yard, yard.statement(&text, []), name).await;
        }
        let marks = vec!["?"; 10_000].join(", ");
        let sql = format!("SELECT id FROM item WHERE id IN ({marks}) ORDER BY id");
        same(
            &yard,
            yard.statement(&sql, (0..10_000).map(Into::into)),
            "binds",
        )
        .await;
        same(
            &yard,
            yard.statement("SELECT id FROM item WHERE id = ?", []),
            "no bind",
        )
        .await;
        let none: Option<i32> = None;
        let sql = "SELECT id FROM item WHERE id = ?";
        same(&yard, yard.statement(sql, [none.into()]), "NULL").await;
        // A text of its own: a prepared statement keeps the types that it first met.
        let sql = "SELECT id FROM item WHERE grp = ?";
        same(
            &yard,
            yard.statement(sql, ["x".into()]),
            "text for a number",
        )
        .await;
        yard.one
            .write("INSERT INTO empty VALUES (NULL, NULL, NULL)")
            .await
            .unwrap();
        for sql in [
            "SELECT a, c FROM empty",
            "SELECT a FROM empty WHERE c IS NULL",
        ] {
            same(&yard, yard.statement(sql, []), sql).await;
        }
        if backend == Backend::Postgres {
            same(&yard, yard.statement("SELECT FROM item", []), "no columns").await;
            same(&yard, yard.statement("TABLE item", []), "TABLE").await;
            same(&yard, yard.statement("VALUES (1), (2)", []), "VALUES").await;
        }
        yard.assert_fresh("odd texts").await;
    }
}

#[tokio::test]
async fn table_that_is_dropped_and_made_anew_is_seen() {
    for backend in ALL {
        for by_wrapper in [true, false] {
            let yard = Yard::new(backend).await;
            yard.warm().await;
            let ddl = [
                "DROP TABLE item",
                "CREATE TABLE item (id INTEGER NOT NULL PRIMARY KEY, n BIGINT, grp INTEGER)",
                "INSERT INTO item (id, grp, n) VALUES (1, 1, 77)",
            ];
            for (step, sql) in ddl.into_iter().enumerate() {
                if by_wrapper {
                    yard.one.write(sql).await.unwrap();
                } else {
                    yard.plain.execute_unprepared(sql).await.unwrap();
                    yard.larder.invalidate_all().await;
                }
                if step > 0 {
                    yard.assert_fresh(sql).await;
                } else {
                    assert!(yard.one.try_read(READS[0]).await.is_err());
                }
            }
            yard.two
                .write("UPDATE item SET n = 78 WHERE id = 1")
                .await
                .unwrap();
            yard.assert_fresh("made anew").await;
        }
    }
}

#[derive(Clone, Debug, PartialEq, FromQueryResult)]
struct Big {
    body: String,
}

impl CachedResult for Big {
    const SCHEMA_FINGERPRINT: u64 = 2;

    fn result_bytes(&self) -> usize {
        self.body.len()
    }
}

#[tokio::test]
async fn result_above_the_limit_is_not_stored_and_says_why() {
    for backend in ALL {
        let table = ["CREATE TABLE big (id INTEGER PRIMARY KEY, body TEXT)"];
        let yard = Yard::with(backend, 4, &table).await;
        let parts = "INSERT INTO big VALUES (?, ?)";
        for id in 0..40 {
            let body = "x".repeat(60_000);
            let insert = yard.statement(parts, [id.into(), body.into()]);
            yard.plain.execute_raw(insert).await.unwrap();
        }
        let ask = || larder_tests::row::cached::<Big>(yard.statement("SELECT body FROM big", []));
        for _ in 0..2 {
            let reads = yard.one.control.reads();
            assert_eq!(ask().all(&yard.one.db).await.unwrap().len(), 40);
            assert_eq!(yard.one.control.reads(), reads + 1);
        }
        let told = yard.events().iter().any(|event| event.contains("TooLarge"));
        assert!(told, "{:#?}", yard.events());
        let one = rows(&yard.plain, yard.statement("SELECT count(*) FROM big", [])).await;
        assert_eq!(yard.two.read("SELECT count(*) FROM big").await, one);
    }
}

/// MariaDB sends the first rows of INSERT .. RETURNING before it commits.
#[tokio::test]
async fn first_row_of_a_long_returning_is_not_the_end_of_the_write() {
    let table = ["CREATE TABLE big (id INTEGER PRIMARY KEY AUTO_INCREMENT, body LONGTEXT)"];
    let yard = Yard::with(Backend::MariaDb, 1, &table).await;
    yard.two.read("SELECT count(*) FROM big").await;
    let rows = vec!["(REPEAT('x', 1000000))"; 30].join(", ");
    let insert = format!("INSERT INTO big (body) VALUES {rows} RETURNING id, body");
    let insert = yard.statement(&insert, []);
    within(yard.one.db.query_one_raw(insert))
        .await
        .unwrap()
        .unwrap();
    let count = "SELECT count(*) FROM big";
    let cached = yard.two.read(count).await;
    crate::yard::eventually(async || {
        let truth = crate::yard::rows(&yard.plain, yard.statement(count, [])).await;
        crate::yard::number(&truth) == 30
    })
    .await;
    assert_eq!(crate::yard::number(&cached), 30);
    assert_eq!(crate::yard::number(&yard.two.read(count).await), 30);
}
