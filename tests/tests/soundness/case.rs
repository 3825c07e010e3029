//! One case: tables, a read that is warmed, and writes that follow it.

use larder_tests::{
    lab::{Backend, Lab},
    row::{Row, cached},
};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement, Value};

/// A case on one database. Nothing happens before [`run`](Self::run).
#[must_use]
pub struct Case {
    backend: Backend,
    setup: Vec<String>,
    read: Text,
    /// `None` = either way.
    cacheable: Option<bool>,
    steps: Vec<Step>,
}

struct Text {
    sql: String,
    values: Vec<Value>,
}

enum Step {
    Wrapped(Text, Expect),
    Plain(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Expect {
    /// The answer is another one afterwards, and the cache knows.
    Changes,
    /// The answer is the same, and still a hit.
    Keeps,
    /// The cached answer is right, whatever it cost.
    Holds,
    /// The database refuses the write, and the cached answer is right.
    Fails,
}

/// A case that starts with these statements, past the cache.
pub fn case(backend: Backend, setup: &[&str]) -> Case {
    Case {
        backend,
        setup: setup.iter().map(|sql| (*sql).to_owned()).collect(),
        read: text(backend, "", []),
        cacheable: Some(true),
        steps: Vec::new(),
    }
}

/// `?` stands for a parameter on every database.
fn text<const N: usize>(backend: Backend, sql: &str, values: [Value; N]) -> Text {
    let mut sql = sql.to_owned();
    if backend == Backend::Postgres {
        for number in 1..=N {
            sql = sql.replacen('?', &format!("${number}"), 1);
        }
    }
    Text {
        sql,
        values: values.into(),
    }
}

impl Case {
    /// The read, which becomes a hit.
    pub fn cached(self, sql: &str) -> Self {
        self.cached_with(sql, [])
    }

    /// [`cached`](Self::cached) with parameters.
    pub fn cached_with<const N: usize>(mut self, sql: &str, values: [Value; N]) -> Self {
        self.read = text(self.backend, sql, values);
        self
    }

    /// The read, which never becomes a hit.
    pub fn uncached(self, sql: &str) -> Self {
        self.uncached_with(sql, [])
    }

    /// [`uncached`](Self::uncached) with parameters.
    pub fn uncached_with<const N: usize>(mut self, sql: &str, values: [Value; N]) -> Self {
        self.read = text(self.backend, sql, values);
        self.cacheable = Some(false);
        self
    }

    /// The read, whose answer must be right, cached or not.
    pub fn cached_or_not(mut self, sql: &str) -> Self {
        self = self.cached(sql);
        self.cacheable = None;
        self
    }

    /// A write that changes the answer.
    pub fn changes(self, sql: &str) -> Self {
        self.changes_with(sql, [])
    }

    /// [`changes`](Self::changes) with parameters.
    pub fn changes_with<const N: usize>(self, sql: &str, values: [Value; N]) -> Self {
        self.step(sql, values, Expect::Changes)
    }

    /// A write that leaves the read a hit.
    pub fn keeps(self, sql: &str) -> Self {
        self.keeps_with(sql, [])
    }

    /// [`keeps`](Self::keeps) with parameters.
    pub fn keeps_with<const N: usize>(self, sql: &str, values: [Value; N]) -> Self {
        self.step(sql, values, Expect::Keeps)
    }

    /// A write after which the answer must be right; it may cost a query.
    pub fn holds(self, sql: &str) -> Self {
        self.step(sql, [], Expect::Holds)
    }

    /// A write that the database refuses.
    pub fn fails(self, sql: &str) -> Self {
        self.step(sql, [], Expect::Fails)
    }

    /// A statement past the cache.
    pub fn plain(mut self, sql: &str) -> Self {
        self.steps.push(Step::Plain(sql.to_owned()));
        self
    }

    fn step<const N: usize>(mut self, sql: &str, values: [Value; N], expect: Expect) -> Self {
        let text = text(self.backend, sql, values);
        self.steps.push(Step::Wrapped(text, expect));
        self
    }

    /// Runs the steps in order; the read is warm before each.
    pub async fn run(self) {
        let lab = Lab::start_empty(self.backend).await;
        for sql in &self.setup {
            plain(&lab, sql).await;
        }
        for step in &self.steps {
            match step {
                Step::Plain(sql) => plain(&lab, sql).await,
                Step::Wrapped(write, expect) => self.check(&lab, write, *expect).await,
            }
        }
        if self.steps.is_empty() {
            self.warm(&lab, "nothing").await;
        }
        lab.plain.close().await.unwrap();
    }

    async fn check(&self, lab: &Lab, write: &Text, expect: Expect) {
        let sql = &write.sql;
        let before = self.warm(lab, sql).await;
        let result = run(lab, write).await;
        assert_eq!(
            result.is_err(),
            expect == Expect::Fails,
            "{sql}: {result:?}"
        );
        let sent = lab.sent(&self.read.sql);
        let cached = self.ask_cache(lab).await;
        let hit = lab.sent(&self.read.sql) == sent;
        let truth = self.ask(lab).await;
        assert_eq!(
            cached, truth,
            "{:?}: stale (hit: {hit}) after {sql}",
            lab.backend
        );
        if expect == Expect::Changes {
            assert_ne!(before, truth, "{:?}: no change by {sql}", lab.backend);
        }
        if expect == Expect::Keeps {
            assert_eq!(before, truth, "{:?}: changed by {sql}", lab.backend);
            assert!(hit, "{:?}: dropped by {sql}", lab.backend);
        }
    }

    /// Asks twice; the second answer is a hit or, where the rules say so, is not.
    async fn warm(&self, lab: &Lab, then: &str) -> Vec<String> {
        self.ask_cache(lab).await;
        let sent = lab.sent(&self.read.sql);
        let cached = self.ask_cache(lab).await;
        let hit = lab.sent(&self.read.sql) == sent;
        assert_eq!(
            hit,
            self.cacheable.unwrap_or(hit),
            "{:?}: {} (before {then})",
            lab.backend,
            self.read.sql
        );
        let truth = self.ask(lab).await;
        assert_eq!(cached, truth, "{:?}: before {then}", lab.backend);
        let failed = truth.first().filter(|row| row.starts_with("error"));
        assert_eq!(failed, None, "{} before {then}", self.read.sql);
        truth
    }

    async fn ask_cache(&self, lab: &Lab) -> Vec<String> {
        let statement = statement(lab, &self.read);
        let rows = cached::<Row>(statement).all(&lab.db).await;
        self.shown(rows)
    }

    async fn ask(&self, lab: &Lab) -> Vec<String> {
        let statement = statement(lab, &self.read);
        self.shown(Row::find_by_statement(statement).all(&lab.plain).await)
    }

    fn shown(&self, rows: Result<Vec<Row>, DbErr>) -> Vec<String> {
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => return vec![format!("error {error}")],
        };
        let mut rows: Vec<String> = rows.iter().map(|row| format!("{:?}", row.0)).collect();
        if !self.read.sql.contains("ORDER BY") {
            rows.sort();
        }
        rows
    }
}

fn statement(lab: &Lab, text: &Text) -> Statement {
    let backend = lab.plain.get_database_backend();
    Statement::from_sql_and_values(backend, &text.sql, text.values.clone())
}

async fn plain(lab: &Lab, sql: &str) {
    let result = lab.plain.execute_unprepared(sql).await;
    assert!(result.is_ok(), "{sql}: {result:?}");
}

/// Text without parameters goes as it is, RETURNING through the call that reads rows.
async fn run(lab: &Lab, write: &Text) -> Result<(), DbErr> {
    if write.sql.contains("RETURNING") || write.sql.starts_with("SELECT") {
        return lab.db.query_all_raw(statement(lab, write)).await.map(drop);
    }
    if write.values.is_empty() {
        return lab.db.execute_unprepared(&write.sql).await.map(drop);
    }
    lab.db.execute_raw(statement(lab, write)).await.map(drop)
}

/// Tests by name, each on the databases that it concerns: `name [Sqlite Postgres] |db| case(..)`.
#[macro_export]
macro_rules! cases {
    ($($(#[$note:meta])* $name:ident [$($backend:ident)+] |$db:ident| $body:expr;)+) => {$(
        $(#[$note])*
        mod $name {
            use super::*;
            async fn run($db: larder_tests::lab::Backend) {
                $body.run().await;
            }
            $($crate::case_on!($backend);)+
        }
    )+};
}

/// The test of one case on one database.
#[macro_export]
macro_rules! case_on {
    (Sqlite) => {
        #[tokio::test]
        async fn on_sqlite() {
            run(larder_tests::lab::Backend::Sqlite).await;
        }
    };
    (Postgres) => {
        #[tokio::test]
        async fn on_postgres() {
            run(larder_tests::lab::Backend::Postgres).await;
        }
    };
    (MariaDb) => {
        #[tokio::test]
        async fn on_mariadb() {
            run(larder_tests::lab::Backend::MariaDb).await;
        }
    };
}
