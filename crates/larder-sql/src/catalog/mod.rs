//! What we know of a database's schema, as pure data.
//!
//! A catalog is a snapshot: it is never changed, only replaced by a newer one. Names in it are as
//! the server stores them (folded and unquoted).

mod column;
mod fingerprint;
mod relations;
mod resolve;
mod session;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

pub use self::{
    column::{Column, ValueKind},
    relations::Tables,
    table::{ForeignKey, ForeignKeyAction, Table, TableKind, Trigger},
};
use crate::Dialect;

/// The identity of a table inside one source, as the server resolved it.
///
/// `schema` is the PostgreSQL schema, the MySQL database, or the SQLite database (`main`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// Schema (PostgreSQL), database (MySQL), attached database (SQLite).
    pub schema: Arc<str>,
    /// Table name.
    pub name: Arc<str>,
}

impl TableName {
    /// A name from its two parts.
    pub fn new(schema: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            schema: schema.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A snapshot of the schema of one source.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// The dialect of the source.
    pub dialect: Dialect,
    /// Schemas in which an unqualified name is looked up, in order.
    pub search_path: Vec<Arc<str>>,
    /// Whether table names compare case-insensitively (SQLite; MySQL by `lower_case_table_names`).
    pub table_names_ignore_case: bool,
    /// Every table, view and other relation that the server lists.
    pub tables: Tables,
    /// Volatility of functions that are not built in, by lower-case name. Overloads that disagree
    /// take the worst.
    pub functions: BTreeMap<Arc<str>, Volatility>,
    /// Names for which a built-in operator of the dialect has been replaced or shadowed.
    /// When this is not empty, no condition narrows.
    pub custom_operators: BTreeSet<Arc<str>>,
    /// Session settings that take part in the key (role, database, search_path, time zone,
    /// sql_mode, collation, DateStyle): the session fingerprint, in a fixed order.
    pub session: Vec<(Arc<str>, Arc<str>)>,
}

impl Catalog {
    /// A catalog without tables.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            search_path: Vec::new(),
            table_names_ignore_case: dialect == Dialect::Sqlite,
            tables: Tables::default(),
            functions: BTreeMap::new(),
            custom_operators: BTreeSet::new(),
            session: Vec::new(),
        }
    }
}

/// PostgreSQL's function volatility; a MySQL function counts as
/// `Stable` when it is declared DETERMINISTIC and NO SQL or READS SQL DATA, else as `Volatile`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Volatility {
    /// Result depends on the arguments alone.
    Immutable,
    /// May read tables, does not write.
    Stable,
    /// May do anything.
    Volatile,
}

/// Where a name in a statement leads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Resolution {
    /// A relation of the catalog.
    Known(Arc<Table>),
    /// A system catalog or a name the catalog does not have.
    Unknown,
}

#[cfg(test)]
mod tests;
