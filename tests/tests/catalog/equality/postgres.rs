//! PostgreSQL.

use chrono::{DateTime, NaiveDate, TimeDelta};
use larder_sql::Dialect;
use larder_testkit::server::shared_postgres;
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
    types::{Decimal, Uuid},
};

use super::{
    Case, Cell, Sent, Server, Spellings, narrows, run, skip,
    spellings::{bytes, decimals, floats, integers, moments, words},
    widens,
};
use crate::read_catalog;

const CASES: &[Case] = &[
    narrows("i2", "smallint", integers),
    narrows("i4", "integer", integers),
    narrows("i8", "bigint", integers),
    narrows("whole", "whole", integers),
    narrows("b", "boolean", truths),
    narrows("x", "text", words),
    narrows("v3", "varchar(3)", words),
    narrows("xc", "text COLLATE \"C\"", words),
    narrows("named", "named", words),
    narrows("u", "uuid", uuids),
    narrows("d", "date", moments),
    narrows("ts", "timestamp", moments),
    narrows("ts0", "timestamp(0)", moments),
    narrows("ts3", "timestamp(3)", moments),
    narrows("tz", "timestamptz", moments),
    narrows("tz0", "timestamptz(0)", moments),
    narrows("n", "numeric", decimals),
    narrows("n2", "numeric(10, 2)", decimals),
    narrows("n30", "numeric(40, 20)", decimals),
    narrows("price", "price", decimals),
    narrows("y", "bytea", bytes),
    narrows("m", "mood", moods),
    widens("nn", "numeric(3, -2)", decimals),
    widens("c1", "char", words),
    widens("c3", "char(3)", words),
    widens("fixed", "fixed", words),
    widens("q", "\"char\"", words),
    widens("nm", "name", words),
    widens("f4", "real", floats),
    widens("f8", "double precision", floats),
    widens("cash", "money", decimals),
    widens("iv", "interval", intervals),
    widens("t", "time", times),
    widens("ttz", "timetz", times),
    widens("j", "json", documents),
    widens("jb", "jsonb", documents),
    widens("a", "int[]", arrays),
    widens("ta", "text[]", arrays),
    widens("r", "int4range", ranges),
    widens("bit", "bit(3)", bits),
    widens("vbit", "varbit(5)", bits),
    widens("ip", "inet", addresses),
    widens("net", "cidr", addresses),
    widens("o", "oid", integers),
    widens("pair", "pair", |to| {
        to.texts(&["(1,a)", "(1,A)", "( 1,a)", "(,)"])
    }),
];
const CITEXT: &[Case] = &[widens("ci", "citext", words)];
const ICU: &[Case] = &[
    narrows("en", "text COLLATE \"en-x-icu\"", words),
    narrows("exact", "softly COLLATE \"C\"", words),
    widens("soft", "text COLLATE loose", words),
    widens("softv", "varchar(3) COLLATE loose", words),
    widens("softest", "text COLLATE loosest", words),
    widens("softly", "softly", words),
];

const TYPES: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'Sad', 'sad ', 'so so', '1');
    CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN whole AS integer CHECK (value > -1000000);
    CREATE DOMAIN named AS varchar(3);
    CREATE DOMAIN price AS numeric(10, 2);
    CREATE DOMAIN fixed AS char(3);";
const COLLATIONS: &str = "
    CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE COLLATION loosest (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
    CREATE DOMAIN softly AS text COLLATE loose;";

#[tokio::test]
async fn canonical_values_are_equal_where_postgres_says_so() {
    let url = shared_postgres().unwrap().create_database().unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    assert!(connection.runs("SET TIME ZONE 'Asia/Kathmandu'").await);
    sqlx::raw_sql(TYPES).execute(&mut connection).await.unwrap();
    let mut cases: Vec<&Case> = CASES.iter().collect();
    match connection.runs("CREATE EXTENSION citext").await {
        true => cases.extend(CITEXT),
        false => skip(
            CITEXT,
            "citext: the server lacks its extension (package postgresql-contrib)",
        ),
    }
    match sqlx::raw_sql(COLLATIONS).execute(&mut connection).await {
        Ok(_) => cases.extend(ICU),
        Err(error) => skip(ICU, &format!("no ICU: {error}")),
    }
    let columns: Vec<String> = cases
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
    let catalog = read_catalog!(connection, Dialect::Postgres);
    run(&mut connection, &catalog, "public", &cases).await;
}

fn truths(to: &mut Spellings) {
    to.texts(&["t", "true", "f", "false", "yes", "off", "0", " t", "T"]);
    to.literals(&["FALSE", "'t'::boolean"]);
    to.parameters.push(Sent::Bool(false));
}

fn uuids(to: &mut Spellings) {
    let one = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    to.texts(&[
        one,
        &one.to_uppercase(),
        &one.replace('-', ""),
        &format!("{{{one}}}"),
    ]);
    to.text("00000000-0000-0000-0000-000000000000");
    to.literals.push(format!("'{one}'::uuid"));
    let value: Uuid = one.parse().unwrap();
    to.parameters
        .extend([Sent::Uuid(value.into_bytes()), Sent::Uuid([0; 16])]);
    to.parameters.push(Sent::Bytes(vec![0; 16]));
    for _ in 0..2 {
        let value = Uuid::from_u128(to.random.u128(..3));
        to.parameters.push(Sent::Uuid(value.into_bytes()));
        to.text(&value.to_string());
    }
}

fn moods(to: &mut Spellings) {
    to.texts(&["sad", "Sad", "sad ", "so so", "SAD", "SO SO", ""]);
    to.literals(&["'sad'::mood", "'sad'::text", "E'sad'"]);
}

fn intervals(to: &mut Spellings) {
    to.texts(&[
        "1 day",
        "24 hours",
        "1 month",
        "30 days",
        "0",
        "-0 days",
        "1 mon -1 day",
    ]);
}

fn times(to: &mut Spellings) {
    to.texts(&[
        "12:00",
        "12:00:00.0",
        "12:00+00",
        "13:00+01",
        "24:00",
        "00:00",
    ]);
}

fn documents(to: &mut Spellings) {
    to.texts(&[
        "{\"a\":1}",
        "{ \"a\" : 1.0 }",
        "{\"a\":1,\"a\":1}",
        "1",
        "1.0",
        "null",
    ]);
}

fn arrays(to: &mut Spellings) {
    to.texts(&["{}", "{1}", "{01}", "[0:0]={1}", "{NULL}", "{1,2}", "{{1}}"]);
}

fn ranges(to: &mut Spellings) {
    to.texts(&["[1,2]", "[1,3)", "(0,2]", "empty", "[1,1)"]);
}

fn bits(to: &mut Spellings) {
    to.texts(&["101", "1", "010"]);
    to.literals(&["B'101'", "X'5'", "5::bit(3)"]);
}

fn addresses(to: &mut Spellings) {
    to.texts(&[
        "10.0.0.0",
        "10.0.0.0/32",
        "10.0.0.0/8",
        "10/8",
        "::1",
        "0::1",
    ]);
}

impl Server for PgConnection {
    const DIALECT: Dialect = Dialect::Postgres;

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
        // The simple protocol carries what the server prints.
        let cell = |row: &PgRow| row.get_unchecked::<Option<String>, _>(1).map(Cell::printed);
        rows.iter().map(|row| (row.get(0), cell(row))).collect()
    }
}

fn numbers(row: &PgRow) -> Vec<i64> {
    (0..row.len()).map(|at| row.get(at)).collect()
}

/// The parameter's type is the one that its class announces, as from an ORM.
fn query(sql: &str, sent: &Sent) -> Option<Query<'static, sqlx::Postgres, PgArguments>> {
    // A statement that is kept would keep the type of the first parameter.
    let query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false);
    let epoch = DateTime::UNIX_EPOCH;
    Some(match sent.clone() {
        // SeaORM's NULL has the type of its variant; text goes where text does.
        Sent::Null => query.bind(None::<String>),
        Sent::Bool(value) => query.bind(value),
        Sent::Int16(value) => query.bind(value),
        Sent::Int32(value) => query.bind(value),
        Sent::Int64(value) => query.bind(value),
        Sent::Unsigned(_) => return None,
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
