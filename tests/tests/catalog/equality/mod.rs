//! Canonical values against the servers' own equality: for each type and pair of values, equal in
//! the database means one canonical value, or none (it widens); and one canonical value means equal
//! in the database, and the same bytes for a client where larder counts on it (R11).
//!
//! Each column gets rows of many spellings. Every row is compared with every other, with every
//! literal as the analysis reads it, and with every parameter as it is sent.
//! `LARDER_SEEDS=<n>` runs more seeds; a failure prints its seed, `LARDER_SEED=<seed>` replays it.

mod judge;
mod mariadb;
mod postgres;
mod spellings;
mod sqlite;

use std::{collections::BTreeSet, io::Write as _, mem::discriminant};

use larder_core::{Param, Value};
use larder_sql::{Catalog, Column, Dialect, Table, ValueKind};

use judge::{Row, Tally};
use spellings::{Sent, Spellings};

const SEEDS: u64 = 2;

/// A column under test.
struct Case {
    name: &'static str,
    declared: &'static str,
    /// Whether its kind is one that conditions narrow by.
    narrows: bool,
    spellings: fn(&mut Spellings),
}

const fn narrows(
    name: &'static str,
    declared: &'static str,
    spellings: fn(&mut Spellings),
) -> Case {
    Case {
        name,
        declared,
        narrows: true,
        spellings,
    }
}

const fn widens(name: &'static str, declared: &'static str, spellings: fn(&mut Spellings)) -> Case {
    Case {
        narrows: false,
        ..narrows(name, declared, spellings)
    }
}

/// What a server is asked.
trait Server {
    const DIALECT: Dialect;

    /// Whether the server took the statement.
    async fn runs(&mut self, sql: &str) -> bool;

    /// As [`runs`](Self::runs), with a parameter and the id of a row.
    async fn runs_with(&mut self, sql: &str, sent: &Sent, id: i64) -> bool;

    /// Rows of numbers; `None` = the server refused.
    async fn numbers(&mut self, sql: &str) -> Option<Vec<Vec<i64>>>;

    /// As [`numbers`](Self::numbers), with one parameter.
    async fn numbers_with(&mut self, sql: &str, sent: &Sent) -> Option<Vec<Vec<i64>>>;

    /// What a client receives: id, text and class by row.
    async fn cells(&mut self, sql: &str) -> Vec<(i64, Option<Cell>)>;
}

/// A value that a client has received.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    bytes: Vec<u8>,
    /// Storage class (SQLite); elsewhere the column's own.
    class: String,
}

impl Cell {
    fn printed(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            class: String::new(),
        }
    }
}

/// Runs all seeds over the columns of a table `t` that the server already has.
async fn run<S: Server>(server: &mut S, catalog: &Catalog, schema: &str, cases: &[&Case]) {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let chosen: Option<u64> = number("LARDER_SEED");
    let seeds = number("LARDER_SEEDS").unwrap_or(SEEDS);
    let mut tallies: Vec<Tally> = cases.iter().map(|_| Tally::default()).collect();
    for seed in chosen.map_or(1..=seeds, |seed| seed..=seed) {
        assert!(server.runs("DELETE FROM t").await);
        let mut first = 1;
        let mut asked: Vec<(&Column, Vec<Row>)> = Vec::new();
        for (case, tally) in cases.iter().zip(&mut tallies) {
            let mut spellings = Spellings::new(S::DIALECT, seed);
            (case.spellings)(&mut spellings);
            let question = Question {
                catalog,
                column: crate::column(crate::table(catalog, schema, "t"), case.name),
                dialect: S::DIALECT,
                first,
            };
            let rows = question.ask(server, &spellings, tally).await;
            first = rows.last().map_or(first, |row| row.id + 1);
            for (other, theirs) in asked
                .iter()
                .filter(|it| is_same_type(it.0, question.column))
            {
                let (one, sql) = ((&rows, theirs), join(question.column, other, &rows, theirs));
                if let Some(equal) = server.numbers(&sql).await {
                    tally.joined(one.0, one.1, &pairs(equal));
                }
            }
            asked.push((question.column, rows));
            if !tally.violations.is_empty() {
                tally.seeds.insert(seed);
            }
        }
    }
    report::<S>(
        crate::table(catalog, schema, "t"),
        cases,
        &tallies,
        chosen.is_some(),
    );
}

fn report<S: Server>(table: &Table, cases: &[&Case], tallies: &[Tally], is_replay: bool) {
    let mut failures = Vec::new();
    for (case, tally) in cases.iter().zip(tallies) {
        println!("{:?} {:<28} {tally}", S::DIALECT, case.declared);
        let seeds = &tally.seeds;
        for (what, told) in &tally.violations {
            let told = told
                .iter()
                .map(|it| format!("{} ({seeds:?}): {what}: {it}", case.declared));
            failures.extend(told);
        }
        let column = crate::column(table, case.name);
        if case.narrows != (column.kind != ValueKind::Opaque) {
            failures.push(format!("{} has the kind {:?}", case.declared, column.kind));
        }
        // A check that cannot fail is none. One seed alone need not draw everything.
        if !is_replay && case.narrows && !tally.is_meaningful() {
            failures.push(format!("{} compared too little: {tally}", case.declared));
        }
        if tally.rows_asked() == 0 {
            failures.push(format!("{} has no rows", case.declared));
        }
    }
    let pairs: usize = tallies.iter().map(Tally::pairs).sum();
    println!("{:?}: {pairs} pairs of {} types", S::DIALECT, cases.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What this server cannot be asked: told past the capture of test output.
fn skip(cases: &[Case], why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {} types: {why}", cases.len());
}

/// One column and the ids of its rows.
struct Question<'a> {
    catalog: &'a Catalog,
    column: &'a Column,
    dialect: Dialect,
    first: i64,
}

impl Question<'_> {
    async fn ask<S: Server>(
        &self,
        server: &mut S,
        spellings: &Spellings,
        tally: &mut Tally,
    ) -> Vec<Row> {
        let mut next = self.first;
        // What W6 says that a row holds, by id.
        let mut stored: Vec<(i64, Value)> = Vec::new();
        let name = &self.column.name;
        for literal in &spellings.literals {
            let sql = format!("INSERT INTO t (id, {name}) VALUES ({next}, {literal})");
            if server.runs(&sql).await {
                let value = judge::literal_stored(&sql, self.catalog, self.column);
                stored.extend(value.map(|value| (next, value)));
                next += 1;
            }
        }
        // One text for all: a server may take its time to forget a statement.
        let places = match self.dialect {
            Dialect::Postgres => "$1, $2",
            _ => "?, ?",
        };
        let sql = format!("INSERT INTO t ({name}, id) VALUES ({places})");
        for sent in &spellings.parameters {
            if server.runs_with(&sql, sent, next).await {
                let param = sent.param(self.dialect);
                let value = Value::stored_from_param(self.column, self.dialect, &param);
                stored.extend(value.map(|value| (next, value)));
                next += 1;
            }
        }
        let own = format!("id BETWEEN {} AND {}", self.first, next - 1);
        let rows = self.rows(server, &own).await;
        self.ask_nulls(server, &rows, tally, &own).await;
        tally.stored(&rows, &stored);
        self.ask_rows(server, &rows, tally, next - 1).await;
        self.ask_literals(server, &rows, tally, (spellings, &own))
            .await;
        self.ask_parameters(server, &rows, tally, (spellings, &own))
            .await;
        rows
    }

    async fn rows<S: Server>(&self, server: &mut S, own: &str) -> Vec<Row> {
        let name = &self.column.name;
        let sql = format!("SELECT id, {name} AS v FROM t WHERE {own} ORDER BY id");
        let cells = server.cells(&sql).await;
        let row = |(id, cell): (i64, Option<Cell>)| {
            let param = match &cell {
                Some(cell) => judge::received(cell, self.column, self.dialect),
                None => Param::Null,
            };
            let value = Value::received(self.column, self.dialect, &param);
            Row { id, cell, value }
        };
        cells.into_iter().map(row).collect()
    }

    /// NULL is what the server says it is, where larder counts on it.
    async fn ask_nulls<S: Server>(
        &self,
        server: &mut S,
        rows: &[Row],
        tally: &mut Tally,
        own: &str,
    ) {
        let sql = format!("SELECT id FROM t WHERE {} IS NULL", self.column.name);
        if judge::null_narrows(&sql, self.catalog) {
            let nulls = server.numbers(&format!("{sql} AND {own}")).await.unwrap();
            tally.nulls(rows, &ids(nulls));
        }
    }

    async fn ask_rows<S: Server>(
        &self,
        server: &mut S,
        rows: &[Row],
        tally: &mut Tally,
        last: i64,
    ) {
        let (name, first) = (&self.column.name, self.first);
        let sql = format!(
            "SELECT x.id, y.id FROM t x JOIN t y ON x.{name} = y.{name} \
             WHERE x.id BETWEEN {first} AND {last} AND y.id BETWEEN {first} AND {last}"
        );
        let Some(equal) = server.numbers(&sql).await else {
            tally.has_no_equality(self.column);
            return;
        };
        tally.rows(self.column, self.dialect, rows, &pairs(equal));
    }

    async fn ask_literals<S: Server>(
        &self,
        server: &mut S,
        rows: &[Row],
        tally: &mut Tally,
        (spellings, own): (&Spellings, &str),
    ) {
        let name = &self.column.name;
        for literal in &spellings.literals {
            let sql = format!("SELECT id FROM t WHERE {name} = {literal}");
            let asked = judge::literal_asked(&sql, self.catalog, self.column);
            match server.numbers(&format!("{sql} AND {own}")).await {
                Some(equal) => tally.asked(literal, asked.as_ref(), rows, &ids(equal)),
                None => tally.refused += 1,
            }
        }
    }

    async fn ask_parameters<S: Server>(
        &self,
        server: &mut S,
        rows: &[Row],
        tally: &mut Tally,
        (spellings, own): (&Spellings, &str),
    ) {
        let place = placeholder(self.dialect);
        let sql = format!(
            "SELECT id FROM t WHERE {} = {place} AND {own}",
            self.column.name
        );
        for sent in &spellings.parameters {
            let asked = Value::from_param(self.column, self.dialect, &sent.param(self.dialect));
            match server.numbers_with(&sql, sent).await {
                Some(equal) => {
                    tally.asked(&format!("{sent:?}"), asked.as_ref(), rows, &ids(equal));
                }
                None => tally.refused += 1,
            }
        }
    }
}

/// Whether a constant passes through an equality of the two (R6).
fn is_same_type(a: &Column, b: &Column) -> bool {
    a.kind != ValueKind::Opaque && discriminant(&a.kind) == discriminant(&b.kind)
}

fn join(a: &Column, b: &Column, rows: &[Row], theirs: &[Row]) -> String {
    let range = |rows: &[Row]| {
        let ends = rows
            .first()
            .zip(rows.last())
            .map(|(first, last)| (first.id, last.id));
        let (first, last) = ends.unwrap_or((1, 0));
        format!("BETWEEN {first} AND {last}")
    };
    format!(
        "SELECT x.id, y.id FROM t x JOIN t y ON x.{} = y.{} WHERE x.id {} AND y.id {}",
        a.name,
        b.name,
        range(rows),
        range(theirs)
    )
}

fn pairs(rows: Vec<Vec<i64>>) -> BTreeSet<(i64, i64)> {
    rows.into_iter().map(|pair| (pair[0], pair[1])).collect()
}

fn ids(rows: Vec<Vec<i64>>) -> BTreeSet<i64> {
    rows.into_iter().map(|row| row[0]).collect()
}

fn placeholder(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Postgres {
        "$1"
    } else {
        "?"
    }
}
