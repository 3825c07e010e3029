//! SQLite.

use larder_sql::Dialect;
use sqlx::{
    AssertSqlSafe, Connection as _, Row as _, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{
    Case, Cell, Sent, Server, Spellings, narrows, run,
    spellings::{bytes, decimals, floats, integers, words},
    widens,
};
use crate::read_catalog;

const CASES: &[Case] = &[
    narrows("i", "INTEGER", anything),
    narrows("big", "bigint", anything),
    narrows("ci", "CHARINT", anything),
    narrows("fp", "FLOATING POINT", anything),
    narrows("b", "boolean", anything),
    narrows("x", "TEXT", anything),
    narrows("v3", "varchar(3)", anything),
    narrows("c3", "char(3)", anything),
    narrows("xb", "TEXT COLLATE BINARY", anything),
    narrows("y", "BLOB", anything),
    narrows("yc", "BLOB COLLATE NOCASE", anything),
    widens("nc", "TEXT COLLATE NOCASE", anything),
    widens("rt", "TEXT COLLATE RTRIM", anything),
    widens("none", "", anything),
    widens("anything", "ANY", anything),
    widens("s", "STRING", anything),
    widens("n", "NUMERIC", anything),
    widens("n2", "decimal(10, 2)", anything),
    widens("d", "datetime", anything),
    widens("f", "REAL", anything),
    widens("f8", "double precision", anything),
];
const STRICT: &[Case] = &[
    narrows("i", "INTEGER", anything),
    narrows("n", "INT", anything),
    narrows("x", "TEXT", anything),
    narrows("y", "BLOB", anything),
    widens("nc", "TEXT COLLATE NOCASE", anything),
    widens("f", "REAL", anything),
    widens("anything", "ANY", anything),
];

#[tokio::test]
async fn canonical_values_are_equal_where_sqlite_says_so() {
    check(CASES, "").await;
}

#[tokio::test]
async fn canonical_values_are_equal_where_strict_tables_of_sqlite_say_so() {
    check(STRICT, " STRICT").await;
}

async fn check(cases: &[Case], options: &str) {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let columns: Vec<String> = cases
        .iter()
        .map(|it| format!("{} {}", it.name, it.declared))
        .collect();
    let table = format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, {}){options}",
        columns.join(", ")
    );
    sqlx::raw_sql(AssertSqlSafe(table))
        .execute(&mut connection)
        .await
        .unwrap();
    let catalog = read_catalog!(connection, Dialect::Sqlite);
    let cases: Vec<&Case> = cases.iter().collect();
    run(&mut connection, &catalog, "main", &cases).await;
}

/// A column takes values of every class.
fn anything(to: &mut Spellings) {
    for family in [integers, decimals, words, bytes, floats] {
        family(to);
    }
    to.random.shuffle(&mut to.literals);
    to.random.shuffle(&mut to.parameters);
    to.literals.truncate(LITERALS_MAX);
    to.parameters.truncate(PARAMETERS_MAX);
    to.literals(&[
        "NULL",
        "1",
        "'1'",
        "'a'",
        "'A'",
        "X'61'",
        "X'31'",
        "1.0",
        "9223372036854775807",
    ]);
    to.literals(&[
        "9223372036854775808",
        "9.223372036854775807e18",
        "-0.0",
        "'1e0'",
    ]);
    to.parameters.extend([
        Sent::Int64(1),
        Sent::Text("a".into()),
        Sent::Bytes(b"a".to_vec()),
    ]);
    to.parameters.extend([
        Sent::Text("1".into()),
        Sent::Int64(i64::MAX),
        Sent::Float(1.0),
    ]);
}

/// Of the many, so that a column is asked as often as on a server.
const LITERALS_MAX: usize = 60;
const PARAMETERS_MAX: usize = 40;

impl Server for SqliteConnection {
    const DIALECT: Dialect = Dialect::Sqlite;

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
        // The bytes of a number are those of its text.
        let sql = format!("SELECT id, typeof(v), CAST(v AS BLOB) FROM ({sql})");
        let rows = sqlx::raw_sql(AssertSqlSafe(sql))
            .fetch_all(self)
            .await
            .unwrap();
        let cell = |row: &SqliteRow| {
            let bytes: Option<Vec<u8>> = row.get(2);
            bytes.map(|bytes| Cell {
                bytes,
                class: row.get(1),
            })
        };
        rows.iter().map(|row| (row.get(0), cell(row))).collect()
    }
}

fn numbers(row: &SqliteRow) -> Vec<i64> {
    (0..row.len()).map(|at| row.get(at)).collect()
}

fn query(sql: &str, sent: &Sent) -> Option<Query<'static, sqlx::Sqlite, SqliteArguments>> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    Some(match sent.clone() {
        Sent::Null => query.bind(None::<String>),
        Sent::Bool(value) => query.bind(value),
        Sent::Int16(value) => query.bind(value),
        Sent::Int32(value) => query.bind(value),
        Sent::Int64(value) => query.bind(value),
        Sent::Float(value) => query.bind(value),
        Sent::Text(value) => query.bind(value),
        Sent::Bytes(value) => query.bind(value),
        // The classes of the servers go out as one of these.
        _ => return None,
    })
}
