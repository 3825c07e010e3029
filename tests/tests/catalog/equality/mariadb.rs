//! MariaDB, in a lax mode: zero dates, cut texts and clamped numbers are stored.

use chrono::{DateTime, NaiveDate, TimeDelta};
use larder_sql::Dialect;
use larder_testkit::server::shared_mariadb;
use sqlx::{
    AssertSqlSafe, Connection as _, MySqlConnection, Row as _,
    mysql::{MySqlArguments, MySqlRow},
    query::Query,
    types::{Decimal, Uuid},
};

use super::{
    Case, Cell, Sent, Server, narrows, run,
    spellings::{bytes, decimals, floats, integers, moments, words},
    widens,
};
use crate::read_catalog;

const CASES: &[Case] = &[
    narrows("flag", "tinyint(1)", integers),
    narrows("truth", "boolean", integers),
    narrows("i8", "tinyint", integers),
    narrows("u8", "tinyint unsigned", integers),
    narrows("i16", "smallint", integers),
    narrows("i24", "mediumint", integers),
    narrows("i32", "int", integers),
    narrows("z32", "int(5) zerofill", integers),
    narrows("i64", "bigint", integers),
    narrows("u64", "bigint unsigned", integers),
    narrows("n", "decimal(10, 2)", decimals),
    narrows("n0", "decimal(12)", decimals),
    narrows("n30", "decimal(65, 30)", decimals),
    narrows("v3", "varchar(3) COLLATE utf8mb4_nopad_bin", words),
    narrows("x", "text COLLATE utf8mb4_nopad_bin", words),
    narrows("d", "date", moments),
    narrows("dn", "date NOT NULL DEFAULT '2024-02-29'", moments),
    narrows("dt", "datetime", moments),
    narrows("dtn", "datetime NOT NULL DEFAULT '2024-02-29'", moments),
    narrows("dt3", "datetime(3)", moments),
    narrows("dt6", "datetime(6)", moments),
    narrows("vb", "varbinary(3)", bytes),
    narrows("fb", "binary(3)", bytes),
    narrows("bb", "blob", bytes),
    widens("un", "decimal(10, 2) unsigned", decimals),
    widens("pad", "varchar(3) COLLATE utf8mb4_bin", words),
    widens("ci", "varchar(3) COLLATE utf8mb4_general_ci", words),
    widens("uci", "varchar(3) COLLATE utf8mb4_unicode_ci", words),
    widens(
        "nopad",
        "varchar(3) COLLATE utf8mb4_general_nopad_ci",
        words,
    ),
    widens("unopad", "text COLLATE utf8mb4_unicode_520_nopad_ci", words),
    widens("latin", "varchar(3) CHARACTER SET latin1", words),
    widens(
        "latinb",
        "varchar(3) CHARACTER SET latin1 COLLATE latin1_nopad_bin",
        words,
    ),
    widens(
        "ascii",
        "varchar(3) CHARACTER SET ascii COLLATE ascii_bin",
        words,
    ),
    widens(
        "u3",
        "varchar(3) CHARACTER SET utf8mb3 COLLATE utf8mb3_nopad_bin",
        words,
    ),
    widens("c3", "char(3) COLLATE utf8mb4_nopad_bin", words),
    widens("cci", "char(3) COLLATE utf8mb4_general_ci", words),
    widens("f4", "float", floats),
    widens("f2", "float(7, 2)", floats),
    widens("f8", "double", floats),
    widens("ts", "timestamp NULL", moments),
    widens("ts6", "timestamp(6) NULL", moments),
    widens("tm", "time(3)", |to| {
        to.texts(&["12:00", "12:00:00.0", "120000", "-00:00", "24:00:00"])
    }),
    widens("yr", "year", |to| {
        to.texts(&["2024", "24", "0", "00", "1970", "70"])
    }),
    widens(
        "e",
        "enum('a', 'B', '1', 'a b') COLLATE utf8mb4_nopad_bin",
        words,
    ),
    widens("eci", "enum('a', 'b', '1')", words),
    widens("st", "set('a', 'b', '1')", |to| {
        to.texts(&["a", "a,b", "b,a", "a,a", "", "A", "3"])
    }),
    widens("bt", "bit(8)", |to| {
        to.literals(&["b'1'", "b'0001'", "X'31'", "'1'", "49", "0"])
    }),
    widens("j", "json", |to| {
        to.texts(&["{\"a\":1}", "{\"a\": 1}", "{\"A\":1}", "1", "1.0"])
    }),
    widens("u", "uuid", |to| {
        let one = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        to.texts(&[one, &one.to_uppercase(), &one.replace('-', "")]);
        to.parameters.push(Sent::Uuid([7; 16]));
    }),
    widens("ip", "inet6", |to| {
        to.texts(&["::1", "0::1", "::ffff:10.0.0.1"])
    }),
];

#[tokio::test]
async fn canonical_values_are_equal_where_mariadb_says_so() {
    let url = shared_mariadb().unwrap().create_database().unwrap();
    let database = url.rsplit('/').next().unwrap().to_owned();
    let mut connection = MySqlConnection::connect(&url).await.unwrap();
    let lax = "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+05:45'";
    assert!(connection.runs(lax).await);
    let columns: Vec<String> = CASES
        .iter()
        .map(|it| format!("{} {}", it.name, it.declared))
        .collect();
    let table = format!(
        "CREATE TABLE t (id bigint PRIMARY KEY, {})",
        columns.join(", ")
    );
    sqlx::raw_sql(AssertSqlSafe(table))
        .execute(&mut connection)
        .await
        .unwrap();
    let catalog = read_catalog!(connection, Dialect::MySql);
    // A commit for each row would take most of the time.
    assert!(connection.runs("START TRANSACTION").await);
    let cases: Vec<&Case> = CASES.iter().collect();
    run(&mut connection, &catalog, &database, &cases).await;
}

impl Server for MySqlConnection {
    const DIALECT: Dialect = Dialect::MySql;

    async fn runs(&mut self, sql: &str) -> bool {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(self)
            .await
            .is_ok()
    }

    async fn runs_with(&mut self, sql: &str, sent: &Sent, id: i64) -> bool {
        match query(sql, sent) {
            Some(query) => query.bind(id).execute(self).await.is_ok(),
            None => false,
        }
    }

    async fn numbers(&mut self, sql: &str) -> Option<Vec<Vec<i64>>> {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .fetch_all(self)
            .await
            .ok()?;
        Some(rows.iter().map(numbers).collect())
    }

    async fn numbers_with(&mut self, sql: &str, sent: &Sent) -> Option<Vec<Vec<i64>>> {
        let rows = query(sql, sent)?.fetch_all(self).await.ok()?;
        Some(rows.iter().map(numbers).collect())
    }

    async fn cells(&mut self, sql: &str) -> Vec<(i64, Option<Cell>)> {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .fetch_all(self)
            .await
            .unwrap();
        // The text protocol carries what the server prints.
        let cell = |row: &MySqlRow| {
            row.get_unchecked::<Option<Vec<u8>>, _>(1)
                .map(Cell::printed)
        };
        rows.iter().map(|row| (row.get(0), cell(row))).collect()
    }
}

fn numbers(row: &MySqlRow) -> Vec<i64> {
    (0..row.len()).map(|at| row.get(at)).collect()
}

fn query(sql: &str, sent: &Sent) -> Option<Query<'static, sqlx::MySql, MySqlArguments>> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    let epoch = DateTime::UNIX_EPOCH;
    Some(match sent.clone() {
        Sent::Null => query.bind(None::<String>),
        Sent::Bool(value) => query.bind(value),
        Sent::Int16(value) => query.bind(value),
        Sent::Int32(value) => query.bind(value),
        Sent::Int64(value) => query.bind(value),
        Sent::Unsigned(value) => query.bind(value),
        Sent::Float(value) => query.bind(value),
        Sent::Text(value) => query.bind(value),
        Sent::Bytes(value) => query.bind(value),
        Sent::Uuid(value) => query.bind(Uuid::from_bytes(value)),
        Sent::Date(days) => {
            query.bind(NaiveDate::default().checked_add_signed(TimeDelta::days(days))?)
        }
        Sent::Timestamp(micros) => {
            query.bind((epoch + TimeDelta::microseconds(micros)).naive_utc())
        }
        Sent::Instant(micros) => query.bind(epoch + TimeDelta::microseconds(micros)),
        Sent::Decimal(value) => query.bind(Decimal::from_str_exact(&value).ok()?),
    })
}
