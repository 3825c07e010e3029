//! W5 and "volatile without a function": expressions whose value nobody's write announces.

use larder_tests::{
    lab::{Backend, Lab},
    row::{Row, cached},
};
use sea_orm::{ConnectionTrait, Statement};

const SQLITE: &[&str] = &[
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "date()",
    "date('now')",
    "time('now')",
    "datetime(c)",
    "julianday(c)",
    "unixepoch()",
    "strftime('%s')",
    "strftime('%s', c)",
    "timediff('now', '2000-01-01')",
    "random()",
    "hex(randomblob(4))",
    "last_insert_rowid()",
    "changes()",
    "total_changes()",
    "sqlite_version()",
    "(SELECT count(*) FROM sqlite_master)",
    "(SELECT count(*) FROM pragma_table_info('t'))",
    "(SELECT count(*) FROM sqlite_schema)",
    "load_extension(c)",
];

const POSTGRES: &[&str] = &[
    "now()",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "clock_timestamp()",
    "statement_timestamp()",
    "transaction_timestamp()",
    "timeofday()",
    "age(timestamp '2000-01-01')",
    "pg_catalog.age(timestamp '2000-01-01')",
    "timestamp 'now'",
    "date 'today'",
    "'yesterday'::date",
    "CAST('tomorrow' AS timestamp)",
    "'allballs'::time, 'now'::time",
    "to_date(c, 'YYYY'), now() - now()",
    "random()",
    "random_normal()",
    "gen_random_uuid()::text",
    "txid_current()",
    "pg_current_xact_id()::text",
    "pg_current_wal_lsn()::text",
    "pg_backend_pid()",
    "pg_postmaster_start_time()",
    "inet_client_port()",
    "current_setting('work_mem')",
    "set_config('work_mem', '64kB', true)",
    "current_query()",
    "nextval('s')",
    "setval('s', 9)",
    "(SELECT last_value FROM s)",
    "pg_relation_size('t')",
    "pg_table_size('t'::regclass)",
    "pg_stat_get_xact_tuples_inserted('t'::regclass)",
    "'t'::regclass::oid::text",
    "to_regclass('n')::text",
    "has_table_privilege('t', 'SELECT')",
    "obj_description('t'::regclass)",
    "query_to_xml('SELECT count(*) FROM t', true, true, '')::text",
    "table_to_xml('t', true, true, '')::text",
    "(SELECT count(*) FROM ts_stat('SELECT to_tsvector(c) FROM t'))",
    "(SELECT count(*) FROM pg_stat_activity)",
    "(SELECT count(*) FROM pg_class)",
    "(SELECT count(*) FROM information_schema.columns)",
    "(SELECT setting FROM pg_settings WHERE name = 'work_mem')",
    "pg_read_file('PG_VERSION')",
    "pg_try_advisory_lock(1)",
    "lo_create(0)",
    "t.tableoid",
    "t.cmin::text",
];

const MARIADB: &[&str] = &[
    "NOW()",
    "SYSDATE()",
    "CURDATE()",
    "CURTIME()",
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP(3)",
    "LOCALTIME",
    "LOCALTIMESTAMP()",
    "UTC_DATE()",
    "UTC_TIME()",
    "UTC_TIMESTAMP()",
    "UNIX_TIMESTAMP()",
    "RAND()",
    "RAND(3)",
    "UUID()",
    "UUID_SHORT()",
    "SYS_GUID()",
    "CONNECTION_ID()",
    "LAST_INSERT_ID()",
    "LAST_INSERT_ID(5)",
    "FOUND_ROWS()",
    "ROW_COUNT()",
    "GET_LOCK('a', 0)",
    "IS_FREE_LOCK('a')",
    "SLEEP(0)",
    "@a",
    "@a := 5",
    "@@max_connections",
    "@@session.insert_id",
    "NEXTVAL(s)",
    "NEXT VALUE FOR s",
    "LASTVAL(s)",
    "PREVIOUS VALUE FOR s",
    "SETVAL(s, 50)",
    "(SELECT next_not_cached_value FROM s)",
    "ENCRYPT('a')",
    "LOAD_FILE('/etc/hostname')",
    "(SELECT count(*) FROM information_schema.tables)",
    "(SELECT count(*) FROM information_schema.processlist)",
    "TIMESTAMPDIFF(SECOND, '2000-01-01', NOW())",
    "'2000-01-01' + INTERVAL RAND() DAY",
    "DATE_FORMAT(NOW(), '%f')",
];

/// Asks for each expression twice; none may be answered without the database.
async fn none_is_cached(backend: Backend, expressions: &[&str]) {
    let lab = Lab::start_empty(backend).await;
    let mut setup = vec![
        "CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(20))",
        "INSERT INTO t VALUES (1, '2000-01-01')",
    ];
    if backend != Backend::Sqlite {
        setup.push("CREATE SEQUENCE s");
    }
    for sql in setup {
        lab.plain.execute_unprepared(sql).await.unwrap();
    }
    let kind = lab.plain.get_database_backend();
    let ask = |sql: String| cached::<Row>(Statement::from_string(kind, sql)).all(&lab.db);
    // The plain query is cached, so the others are not for want of a catalog.
    let sound = "SELECT id, upper(c) FROM t WHERE id = 1";
    ask(sound.into()).await.unwrap();
    ask(sound.into()).await.unwrap();
    assert_eq!(lab.sent(sound), 1);
    let mut cached = Vec::new();
    for expression in expressions {
        for sql in [
            format!("SELECT id, {expression} FROM t WHERE id = 1"),
            format!("SELECT id FROM t WHERE ({expression}) IS NOT NULL OR id = 1"),
        ] {
            if expression.contains(", ") && sql.contains("WHERE (") && !expression.contains('(') {
                continue;
            }
            // What does not decode, or is refused, is not cached either.
            let _ = ask(sql.clone()).await;
            let _ = ask(sql.clone()).await;
            if lab.sent(&sql) < 2 {
                cached.push(sql);
            }
        }
    }
    assert!(
        cached.is_empty(),
        "{backend:?} cached\n{}",
        cached.join("\n")
    );
}

#[tokio::test]
async fn w5_no_expression_of_the_moment_is_cached_on_sqlite() {
    none_is_cached(Backend::Sqlite, SQLITE).await;
}

#[tokio::test]
async fn w5_no_expression_of_the_moment_is_cached_on_postgres() {
    none_is_cached(Backend::Postgres, POSTGRES).await;
}

#[tokio::test]
async fn w5_no_expression_of_the_moment_is_cached_on_mariadb() {
    none_is_cached(Backend::MariaDb, MARIADB).await;
}
