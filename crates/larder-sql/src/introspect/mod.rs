//! Reading a [`Catalog`] from the database itself.
//!
//! This module holds the SQL and understands its rows; running it is the adapter's work:
//!
//! 1. outside any transaction, run each of [`queries`] in order (a failing *optional* one is
//!    skipped), every output column of which is text or NULL;
//! 2. [`feed`](CatalogReader::feed) the rows to a [`CatalogReader`];
//! 3. [`finish`](CatalogReader::finish).
//!
//! What the database does not tell is filled in on the safe side: a column is opaque, a trigger
//! writes unknown tables, a relation is not cacheable.

mod answers;
mod mysql;
mod postgres;
mod sqlite;
mod trigger_body;

use self::answers::Answers;
pub use self::answers::CatalogError;
use crate::{Catalog, Dialect};

/// One query of the introspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogQuery {
    /// By which its rows are fed to the reader.
    pub name: &'static str,
    /// A statement without parameters whose output columns are all text.
    pub sql: &'static str,
    /// Whether it may fail (for lack of rights): its rows are then not fed, and the reader
    /// assumes the worst.
    pub optional: bool,
}

/// The queries that describe a database, in the order in which they are to run.
pub fn queries(dialect: Dialect) -> &'static [CatalogQuery] {
    match dialect {
        Dialect::Postgres => postgres::QUERIES,
        Dialect::MySql => mysql::QUERIES,
        Dialect::Sqlite => sqlite::QUERIES,
    }
}

/// Gathers the rows of [`queries`] and makes a catalog of them.
#[derive(Debug)]
pub struct CatalogReader {
    dialect: Dialect,
    answers: Answers,
}

impl CatalogReader {
    /// A reader that has seen nothing.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            answers: Answers::default(),
        }
    }

    /// Takes the rows of the query with this name.
    pub fn feed(&mut self, query_name: &str, rows: Vec<Vec<Option<String>>>) {
        self.answers.insert(query_name, rows);
    }

    /// The catalog.
    ///
    /// # Errors
    ///
    /// When a query that is not optional was not fed, or a row does not look like its answer.
    pub fn finish(self) -> Result<Catalog, CatalogError> {
        match self.dialect {
            Dialect::Postgres => postgres::read(&self.answers),
            Dialect::MySql => mysql::read(&self.answers),
            Dialect::Sqlite => sqlite::read(&self.answers),
        }
    }
}

/// The query whose row identifies the database behind a connection; see [`identity`].
pub fn identity_query(dialect: Dialect) -> CatalogQuery {
    match dialect {
        Dialect::Postgres => postgres::IDENTITY,
        Dialect::MySql => mysql::IDENTITY,
        Dialect::Sqlite => sqlite::IDENTITY,
    }
}

/// The source id that the row of [`identity_query`] stands for: the same for every client of one
/// database, however it is connected. `None` when the database has no identity of its own (SQLite
/// in memory) or does not tell it.
pub fn identity(dialect: Dialect, rows: &[Vec<Option<String>>]) -> Option<String> {
    let row = rows.first()?;
    match dialect {
        Dialect::Postgres => postgres::identity(row),
        Dialect::MySql => mysql::identity(row),
        Dialect::Sqlite => sqlite::identity(row),
    }
}

/// The query whose row says whether the server only follows another one, so that what it answers
/// may be older than the last write; see [`is_standby`]. It can change while a connection lives.
pub fn standby_query(dialect: Dialect) -> Option<CatalogQuery> {
    match dialect {
        Dialect::Postgres => Some(postgres::STANDBY),
        Dialect::MySql => Some(mysql::STANDBY),
        Dialect::Sqlite => None,
    }
}

/// What the row of [`standby_query`] says. What it does not say clearly counts as yes.
pub fn is_standby(rows: &[Vec<Option<String>>]) -> bool {
    let answer = rows.first().and_then(|row| row.first()?.as_deref());
    !answer
        .is_some_and(|answer| matches!(answer.to_ascii_lowercase().as_str(), "false" | "0" | "off"))
}

#[cfg(test)]
mod tests;
