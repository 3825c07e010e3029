//! Answers that differ without any write: clocks, sessions, parameters, and what others do.

use larder_tests::{
    lab::{Backend, Lab},
    row::{Row, cached},
};
use sea_orm::{ConnectionTrait, Database, FromQueryResult, Statement, Value};

use crate::{case::case, cases};

const T: &[&str] = &[
    "CREATE TABLE t (id INT PRIMARY KEY, x INT, c VARCHAR(20))",
    "INSERT INTO t VALUES (1, 5, '1'), (2, 6, '01')",
];

cases! {
    clocks_are_not_cached [Sqlite Postgres MariaDb] |db| case(db, T)
        .uncached("SELECT id FROM t WHERE CURRENT_TIMESTAMP > '2000-01-01'")
        .changes("DELETE FROM t WHERE id = 1");

    random_numbers_are_not_cached [Sqlite Postgres] |db| case(db, T)
        .uncached("SELECT id FROM t WHERE random() IS NOT NULL ORDER BY id")
        .changes("DELETE FROM t WHERE id = 1");

    special_date_words_are_not_cached [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, w TIMESTAMP, d DATE)",
            "INSERT INTO t VALUES (1, '2000-01-01', '2000-01-01')",
        ])
        .uncached("SELECT id FROM t WHERE w < 'today'")
        .holds("INSERT INTO t VALUES (2, NULL, NULL)");

    special_date_words_in_casts_are_not_cached [Postgres] |db| case(db, T)
        .uncached("SELECT id, CAST('tomorrow' AS date), 'now'::timestamp > d FROM t, \
                   (SELECT CAST('2000-01-01' AS timestamp) AS d) q WHERE id = 1")
        .holds("DELETE FROM t WHERE id = 2");

    bound_date_words_are_not_cached [Postgres] |db| case(db, T)
        .uncached_with("SELECT id FROM t WHERE CAST(? AS text)::date > '2000-01-01'",
            ["now".into()])
        .changes("DELETE FROM t WHERE id = 1");

    date_functions_of_sqlite_are_not_cached [Sqlite] |db| case(db, T)
        .uncached_with("SELECT id FROM t WHERE date(?) > '2000-01-01'", ["now".into()])
        .changes("DELETE FROM t WHERE id = 1");

    dates_without_an_argument_are_not_cached [Sqlite] |db| case(db, T)
        .uncached("SELECT id FROM t WHERE datetime() > '2000-01-01'")
        .changes("DELETE FROM t WHERE id = 1");

    user_variables_are_not_cached [MariaDb] |db| case(db, T)
        .uncached("SELECT id FROM t WHERE @a IS NULL")
        .changes("DELETE FROM t WHERE id = 1");

    system_variables_are_not_cached [MariaDb] |db| case(db, T)
        .uncached("SELECT id, @@max_connections FROM t")
        .changes("DELETE FROM t WHERE id = 1");

    last_inserted_ids_are_not_cached [Sqlite MariaDb] |db| case(db, T)
        .uncached(if db == Backend::Sqlite {
            "SELECT last_insert_rowid() IS NULL, id FROM t"
        } else {
            "SELECT last_insert_id() IS NULL, id FROM t"
        })
        .changes("DELETE FROM t WHERE id = 1");

    changes_of_the_connection_are_not_cached [Sqlite] |db| case(db, T)
        .uncached("SELECT id, changes() < 0, total_changes() < 0 FROM t")
        .changes("DELETE FROM t WHERE id = 1");

    current_user_is_not_shared_or_is_right [Postgres] |db| case(db, T)
        .cached_or_not("SELECT id, CAST(current_user AS text) FROM t")
        .changes("DELETE FROM t WHERE id = 1");

    settings_are_not_cached [Postgres] |db| case(db, T)
        .uncached("SELECT id, current_setting('work_mem') FROM t")
        .changes("DELETE FROM t WHERE id = 1");
}

async fn start(backend: Backend, setup: &[&str]) -> Lab {
    let lab = Lab::start_empty(backend).await;
    for sql in setup {
        lab.plain.execute_unprepared(sql).await.unwrap();
    }
    lab
}

fn statement(lab: &Lab, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(lab.plain.get_database_backend(), sql, values)
}

async fn answer<C: ConnectionTrait>(db: &C, statement: Statement) -> Vec<Row> {
    let query = cached::<Row>(statement);
    query.all(db).await.unwrap()
}

async fn truth(lab: &Lab, statement: Statement) -> Vec<Row> {
    Row::find_by_statement(statement)
        .all(&lab.plain)
        .await
        .unwrap()
}

/// One text with many lists of parameters, all asked, then all asked again.
async fn parameters_do_not_mix(backend: Backend, sql: &str, lists: Vec<Vec<Value>>) {
    let lab = start(backend, T).await;
    for _ in 0..2 {
        for values in &lists {
            let statement = statement(&lab, sql, values.clone());
            let answer = answer(&lab.db, statement.clone()).await;
            assert_eq!(answer, truth(&lab, statement).await, "{values:?}");
        }
    }
}

#[tokio::test]
async fn parameters_of_other_types_are_other_entries_on_sqlite() {
    let one: Vec<Value> = vec![
        1.into(),
        1i64.into(),
        "1".into(),
        "01".into(),
        1.0f64.into(),
        true.into(),
        vec![b'1'].into(),
        None::<i32>.into(),
        None::<String>.into(),
        "".into(),
        (-0.0f64).into(),
        0.0f64.into(),
        'c'.into(),
        "c".into(),
    ];
    let sql = "SELECT typeof(?1), id FROM t WHERE x IS NOT ?1";
    let lists = one.into_iter().map(|value| vec![value]).collect();
    parameters_do_not_mix(Backend::Sqlite, sql, lists).await;
}

#[tokio::test]
async fn parameters_of_other_types_are_other_entries_on_mariadb() {
    let one: Vec<Value> = vec![
        1.into(),
        "1".into(),
        "01".into(),
        "1x".into(),
        1.0f64.into(),
        true.into(),
        None::<i32>.into(),
        "".into(),
    ];
    let sql = "SELECT id, c FROM t WHERE c = ?";
    let lists = one.into_iter().map(|value| vec![value]).collect();
    parameters_do_not_mix(Backend::MariaDb, sql, lists).await;
}

#[tokio::test]
async fn parameters_of_other_types_are_other_entries_on_postgres() {
    // The driver keeps one statement per text, so all of these have the width of the first.
    let one: Vec<Value> = vec![5i32.into(), 6i32.into(), None::<i32>.into(), 7i32.into()];
    let sql = "SELECT id, CAST(pg_typeof($1) AS text) FROM t WHERE x = $1";
    let lists = one.into_iter().map(|value| vec![value]).collect();
    parameters_do_not_mix(Backend::Postgres, sql, lists).await;
}

#[tokio::test]
async fn parameters_do_not_run_into_each_other() {
    let lists = vec![
        vec!["a".into(), "bc".into()],
        vec!["ab".into(), "c".into()],
        vec!["".into(), "abc".into()],
        vec!["abc".into(), None::<String>.into()],
        vec![None::<String>.into(), "abc".into()],
        vec!["a\0b".into(), "".into()],
        vec!["a".into(), "\0b".into()],
    ];
    parameters_do_not_mix(Backend::Sqlite, "SELECT ?1, ?2, length(?2) FROM t", lists).await;
}

#[tokio::test]
async fn texts_that_differ_in_meaning_are_other_entries() {
    let lab = start(
        Backend::Sqlite,
        &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT, \"C d\" TEXT)",
            "INSERT INTO t VALUES (1, 'a  b', 'x'), (2, 'a b', 'y'), (3, 'A B', 'z')",
        ],
    )
    .await;
    let texts = [
        "SELECT id FROM t WHERE c = 'a  b'",
        "SELECT id FROM t WHERE c = 'a b'",
        "SELECT id FROM t WHERE c = 'A B'",
        "SELECT id FROM t WHERE c = 'a/**/b'",
        "SELECT id FROM t WHERE c <> 'a b' -- 'a  b'",
        "SELECT id FROM t WHERE c <> 'a b'\n OR id = 2",
        "SELECT id FROM t WHERE \"C d\" = 'x'",
        "SELECT id AS \"C\" FROM t",
        "SELECT id AS \"c\" FROM t WHERE id = 1",
        "SELECT id FROM t ORDER BY id DESC",
        "SELECT id FROM t ORDER BY id ASC",
        "SELECT id FROM t ORDER BY c COLLATE NOCASE, id",
        "SELECT id FROM t ORDER BY c, id",
        "SELECT DISTINCT length(c) FROM t",
        "SELECT ALL length(c) FROM t",
        "SELECT 1 - (1 - 1) FROM t",
        "SELECT 1 - 1 - 1 FROM t",
        "SELECT 2 * (3 + 4) FROM t",
        "SELECT 2 * 3 + 4 FROM t",
        "SELECT id FROM t WHERE NOT (id = 1 AND id = 2)",
        "SELECT id FROM t WHERE NOT id = 1 AND id = 2",
        "SELECT id FROM t LIMIT 1",
        "SELECT id FROM t LIMIT 2",
        "SELECT id FROM t LIMIT 1 OFFSET 1",
        "SELECT id FROM t LIMIT 2, 1",
        "SELECT x'61' FROM t",
        "SELECT '61' FROM t",
        "SELECT 1.0 FROM t",
        "SELECT 1 FROM t",
        "SELECT 1e0 FROM t",
        "SELECT count(*), count(DISTINCT lower(c)) FROM t",
        "SELECT count(*), count(lower(c)) FROM t",
    ];
    for _ in 0..2 {
        for sql in texts {
            let statement = statement(&lab, sql, vec![]);
            let answer = answer(&lab.db, statement.clone()).await;
            assert_eq!(answer, truth(&lab, statement).await, "{sql}");
        }
    }
}

/// Two wrapped pools on one PostgreSQL database whose sessions answer one text differently.
async fn sessions_do_not_mix(sql: &str, setting: &str, setup: &[&str]) {
    let lab = start(Backend::Postgres, setup).await;
    let url = format!("{}?options=-c%20{setting}", lab.url);
    let plain = Database::connect(&url).await.unwrap();
    let other = lab.larder.wrap(Database::connect(&url).await.unwrap());
    for _ in 0..2 {
        let statement = statement(&lab, sql, vec![]);
        let here = answer(&lab.db, statement.clone()).await;
        assert_eq!(here, truth(&lab, statement.clone()).await);
        let there = answer(&other, statement.clone()).await;
        let direct = Row::find_by_statement(statement).all(&plain).await.unwrap();
        assert_eq!(there, direct, "{setting}");
        assert_ne!(here, there, "the sessions agree, so the test tells nothing");
    }
}

#[tokio::test]
async fn sessions_with_another_search_path_do_not_share_answers() {
    let setup = [
        "CREATE SCHEMA s",
        "CREATE TABLE t (id INT)",
        "CREATE TABLE s.t (id INT)",
        "INSERT INTO t VALUES (1)",
        "INSERT INTO s.t VALUES (2)",
    ];
    sessions_do_not_mix("SELECT id FROM t", "search_path%3Ds", &setup).await;
}

#[tokio::test]
async fn sessions_with_another_byte_output_do_not_share_answers() {
    let setup = [
        "CREATE TABLE w (b BYTEA)",
        "INSERT INTO w VALUES ('\\x6162')",
    ];
    let sql = "SELECT CAST(b AS text) FROM w";
    sessions_do_not_mix(sql, "bytea_output%3Descape", &setup).await;
}

#[tokio::test]
async fn sessions_with_another_interval_style_do_not_share_answers() {
    let setup = [
        "CREATE TABLE w (v INTERVAL)",
        "INSERT INTO w VALUES ('1 day 2 hours')",
    ];
    let sql = "SELECT CAST(v AS text) FROM w";
    sessions_do_not_mix(sql, "IntervalStyle%3Diso_8601", &setup).await;
}

#[tokio::test]
async fn sessions_with_transform_null_equals_do_not_share_answers() {
    let setup = ["CREATE TABLE w (x INT)", "INSERT INTO w VALUES (NULL)"];
    let sql = "SELECT count(*) FROM w WHERE x = NULL";
    sessions_do_not_mix(sql, "transform_null_equals%3Don", &setup).await;
}

#[tokio::test]
async fn sessions_with_another_string_syntax_do_not_share_answers() {
    let setup = ["CREATE TABLE w (c TEXT)", "INSERT INTO w VALUES ('a')"];
    let sql = r"SELECT '\\' FROM w";
    sessions_do_not_mix(sql, "standard_conforming_strings%3Doff", &setup).await;
}

#[tokio::test]
async fn write_under_another_search_path_reaches_the_table_it_means() {
    let setup = [
        "CREATE SCHEMA s",
        "CREATE TABLE t (id INT)",
        "CREATE TABLE s.t (id INT)",
    ];
    let lab = start(Backend::Postgres, &setup).await;
    let url = format!("{}?options=-c%20search_path%3Ds", lab.url);
    let other = lab.larder.wrap(Database::connect(&url).await.unwrap());
    let read = statement(&lab, "SELECT id FROM s.t", vec![]);
    for id in 1..=3 {
        answer(&lab.db, read.clone()).await;
        let insert = format!("INSERT INTO t VALUES ({id})");
        other.execute_unprepared(&insert).await.unwrap();
        assert_eq!(
            answer(&lab.db, read.clone()).await,
            truth(&lab, read.clone()).await
        );
    }
}

/// What another program does to the schema is noticed when a statement of ours fails over it.
#[tokio::test]
async fn plain_ddl_and_a_failed_statement_make_the_catalog_doubtful() {
    for backend in [Backend::Sqlite, Backend::Postgres, Backend::MariaDb] {
        let lab = start(backend, T).await;
        let read = statement(&lab, "SELECT id FROM t WHERE x = 7", vec![]);
        answer(&lab.db, read.clone()).await;
        for sql in [
            "ALTER TABLE t ADD COLUMN z INT",
            "CREATE TABLE child (id INT PRIMARY KEY, t_id INT, FOREIGN KEY (t_id) \
             REFERENCES t (id) ON DELETE CASCADE)",
            "INSERT INTO child VALUES (1, 1)",
        ] {
            lab.plain.execute_unprepared(sql).await.unwrap();
        }
        let missing = lab.db.execute_unprepared("UPDATE missing SET x = 1").await;
        assert!(missing.is_err());
        let children = statement(&lab, "SELECT id FROM child WHERE t_id = 1", vec![]);
        for _ in 0..2 {
            assert_eq!(answer(&lab.db, children.clone()).await.len(), 1);
        }
        lab.db
            .execute_unprepared("DELETE FROM t WHERE id = 1")
            .await
            .unwrap();
        assert_eq!(answer(&lab.db, children).await.len(), 0, "{backend:?}");
    }
}

/// A table that the catalog has not seen yet is met by a write first.
#[tokio::test]
async fn write_to_a_table_that_is_newer_than_the_catalog_is_seen() {
    for backend in [Backend::Sqlite, Backend::Postgres, Backend::MariaDb] {
        let lab = start(backend, T).await;
        let old = statement(&lab, "SELECT id FROM t WHERE x = 7", vec![]);
        answer(&lab.db, old).await;
        lab.plain
            .execute_unprepared("CREATE TABLE late (id INT PRIMARY KEY, x INT)")
            .await
            .unwrap();
        let read = statement(&lab, "SELECT id FROM late WHERE x = 7", vec![]);
        for id in 1..=3 {
            answer(&lab.db, read.clone()).await;
            answer(&lab.db, read.clone()).await;
            let insert = format!("INSERT INTO late VALUES ({id}, 7)");
            lab.db.execute_unprepared(&insert).await.unwrap();
            let answer = answer(&lab.db, read.clone()).await;
            assert_eq!(answer.len(), id, "{backend:?}");
        }
    }
}

/// The same name, other columns: dropped and made again past the cache, then met by a failure.
#[tokio::test]
async fn table_replaced_past_the_cache_is_read_right_after_a_wrapped_write() {
    for backend in [Backend::Sqlite, Backend::Postgres, Backend::MariaDb] {
        let lab = start(backend, T).await;
        let read = statement(&lab, "SELECT id, x FROM t WHERE x = 5", vec![]);
        answer(&lab.db, read.clone()).await;
        for sql in [
            "DROP TABLE t",
            "CREATE TABLE t (x INT, c VARCHAR(20), id INT PRIMARY KEY)",
        ] {
            lab.plain.execute_unprepared(sql).await.unwrap();
        }
        lab.db
            .execute_unprepared("INSERT INTO t VALUES (5, 'c', 9)")
            .await
            .unwrap();
        let answer = answer(&lab.db, read.clone()).await;
        assert_eq!(answer, truth(&lab, read).await, "{backend:?}");
    }
}

#[tokio::test]
async fn temporary_table_that_shadows_a_name_makes_the_handle_bypass() {
    for backend in [Backend::Sqlite, Backend::Postgres, Backend::MariaDb] {
        let lab = start(backend, T).await;
        let sql = "SELECT x FROM t WHERE id = 1";
        let read = statement(&lab, sql, vec![]);
        answer(&lab.db, read.clone()).await;
        lab.db
            .execute_unprepared("CREATE TEMPORARY TABLE t (id INT, x INT)")
            .await
            .unwrap();
        let sent = lab.sent(sql);
        answer(&lab.db, read.clone()).await;
        answer(&lab.db, read).await;
        assert_eq!(lab.sent(sql), sent + 2, "{backend:?}");
    }
}

#[tokio::test]
async fn write_with_a_search_path_of_its_own_does_not_follow_another_handle() {
    let setup = [
        "CREATE SCHEMA s",
        "CREATE TABLE t (id INT)",
        "CREATE TABLE s.t (id INT)",
    ];
    let lab = start(Backend::Postgres, &setup).await;
    let read = statement(&lab, "SELECT id FROM public.t WHERE id > 0", vec![]);
    answer(&lab.db, read.clone()).await;
    let url = format!("{}?options=-c%20search_path%3Ds", lab.url);
    let other = lab.larder.wrap(Database::connect(&url).await.unwrap());
    answer(&other, statement(&lab, "SELECT id FROM t", vec![])).await;
    answer(&lab.db, read.clone()).await;
    lab.db
        .execute_unprepared("INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    assert_eq!(answer(&lab.db, read).await.len(), 1);
}

/// A pool on one MariaDB database writes a table of another, which a second pool has cached.
#[tokio::test]
async fn write_to_a_table_of_another_database_reaches_its_handle() {
    let lab = start(Backend::MariaDb, T).await;
    let there = start(Backend::MariaDb, T).await;
    let database = there.url.rsplit('/').next().unwrap();
    let other = lab
        .larder
        .wrap(Database::connect(&there.url).await.unwrap());
    let read = statement(&there, "SELECT id FROM t WHERE x = 7", vec![]);
    answer(&other, read.clone()).await;
    lab.db
        .execute_unprepared(&format!("INSERT INTO {database}.t VALUES (9, 7, '')"))
        .await
        .unwrap();
    assert_eq!(answer(&other, read).await.len(), 1);
}

/// DDL through one handle is news to all handles on the database.
#[tokio::test]
async fn ddl_through_another_handle_is_known_at_once() {
    for backend in [Backend::Sqlite, Backend::Postgres, Backend::MariaDb] {
        let lab = start(backend, T).await;
        let other = lab.larder.wrap(Database::connect(&lab.url).await.unwrap());
        let read = statement(&lab, "SELECT id FROM t WHERE x = 7", vec![]);
        answer(&lab.db, read.clone()).await;
        answer(&other, read).await;
        for sql in [
            "CREATE TABLE child (id INT PRIMARY KEY, t_id INT, FOREIGN KEY (t_id) \
             REFERENCES t (id) ON DELETE CASCADE)",
            "INSERT INTO child VALUES (1, 1)",
        ] {
            other.execute_unprepared(sql).await.unwrap();
        }
        let children = statement(&lab, "SELECT id FROM child WHERE t_id = 1", vec![]);
        for _ in 0..2 {
            assert_eq!(answer(&other, children.clone()).await.len(), 1);
        }
        lab.db
            .execute_unprepared("DELETE FROM t WHERE id = 1")
            .await
            .unwrap();
        assert_eq!(answer(&other, children).await.len(), 0, "{backend:?}");
    }
}

/// What a SELECT does to the session counts as a statement's would.
#[tokio::test]
async fn select_that_sets_the_session_makes_the_handle_bypass() {
    let lab = start(Backend::Postgres, T).await;
    let sql = "SELECT x FROM t WHERE id = 1";
    let read = statement(&lab, sql, vec![]);
    answer(&lab.db, read.clone()).await;
    let set = statement(&lab, "SELECT set_config('search_path', 'x', false)", vec![]);
    lab.db.query_all_raw(set).await.unwrap();
    let sent = lab.sent(sql);
    let _ = cached::<Row>(read.clone()).all(&lab.db).await;
    let _ = cached::<Row>(read).all(&lab.db).await;
    assert_eq!(lab.sent(sql), sent + 2);
}

/// A trigger made through one handle fires for a write through another.
#[tokio::test]
async fn trigger_made_through_another_handle_is_followed() {
    let lab = start(Backend::Sqlite, T).await;
    let other = lab.another_handle().await;
    let log = "CREATE TABLE log (id INTEGER PRIMARY KEY, n INT)";
    other.execute_unprepared(log).await.unwrap();
    let read = statement(&lab, "SELECT count(*) FROM log WHERE n = 1", vec![]);
    answer(&lab.db, read.clone()).await;
    let trigger = "CREATE TRIGGER g AFTER UPDATE ON t BEGIN \
                   INSERT INTO log (n) VALUES (NEW.id); END";
    other.execute_unprepared(trigger).await.unwrap();
    answer(&lab.db, read.clone()).await;
    let update = "UPDATE t SET x = 9 WHERE id = 1";
    lab.db.execute_unprepared(update).await.unwrap();
    assert_eq!(answer(&lab.db, read.clone()).await, truth(&lab, read).await);
}
