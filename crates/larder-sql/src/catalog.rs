//! What we know of a database's schema, as pure data.
//!
//! A catalog is a snapshot: it is never changed, only replaced by a newer one. Names in it are as
//! the server stores them (folded and unquoted).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
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
        Self { schema: schema.into(), name: name.into() }
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
    pub tables: BTreeMap<TableName, Arc<Table>>,
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

/// PostgreSQL's function volatility; MySQL's DETERMINISTIC maps to `Stable`, others `Volatile`.
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

/// One relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Identity inside the source.
    pub name: TableName,
    /// What kind of relation it is.
    pub kind: TableKind,
    /// Columns in server order.
    pub columns: Vec<Column>,
    /// Positions in `columns` of the primary key; empty when there is none.
    pub primary_key: Vec<usize>,
    /// Foreign keys *of this table* (this table is the child).
    pub foreign_keys: Vec<ForeignKey>,
    /// User triggers on this table.
    pub triggers: Vec<Trigger>,
    /// Whether rewrite rules (PostgreSQL) stand on it.
    pub has_rules: bool,
    /// Whether row-level security applies.
    pub row_security: bool,
    /// Whether the storage engine honours ROLLBACK (false: MyISAM, Aria, MEMORY ..).
    pub transactional: bool,
    /// Whether a unique constraint is declared ON CONFLICT REPLACE (SQLite): plain INSERTs and
    /// UPDATEs may delete other rows.
    pub conflict_replaces: bool,
    /// Direct ancestors by partitioning or inheritance.
    pub parents: Vec<TableName>,
}

/// The kind of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableKind {
    /// An ordinary or partitioned table.
    Base,
    /// A view; the text is its defining SELECT as the server prints it.
    View {
        /// The defining SELECT.
        definition: Arc<str>,
    },
    /// A materialized view: a table of its own, written by REFRESH alone.
    MaterializedView,
    /// Anything else (foreign, virtual, sequence, temporary, system): never cached.
    Other(&'static str),
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name as stored.
    pub name: Arc<str>,
    /// The canonical kind of its values; decides whether equality on it can narrow.
    pub kind: ValueKind,
    /// Declared type as the server prints it, with modifiers (for fingerprints and messages).
    pub declared: Arc<str>,
    /// Declared NOT NULL (or part of a primary key that implies it).
    pub not_null: bool,
    /// Computed by the server from other columns.
    pub generated: bool,
    /// AUTO_INCREMENT, serial, identity, or INTEGER PRIMARY KEY: NULL or nothing stores a number.
    pub auto_increment: bool,
    /// Has a DEFAULT other than NULL.
    pub has_default: bool,
    /// `ON UPDATE CURRENT_TIMESTAMP`.
    pub on_update: bool,
}

/// The canonical kind of a column's values. Equality narrows only inside one kind, and a value
/// counts as known only when it converts exactly (design: "Values").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueKind {
    /// An integer in `min..=max`, any width.
    Integer {
        /// Smallest value the column stores.
        min: i64,
        /// Largest value the column stores (`u64` for MySQL BIGINT UNSIGNED).
        max: u64,
    },
    /// A real boolean (PostgreSQL only).
    Bool,
    /// Text under a byte-wise, deterministic, NO PAD collation.
    Text {
        /// Longest value in characters; `None` = unbounded.
        chars_max: Option<u32>,
    },
    /// A native 16-byte UUID.
    Uuid,
    /// A calendar date.
    Date,
    /// A timestamp without time zone; `precision` = fractional digits kept (0..=6).
    Timestamp {
        /// Fractional digits stored.
        precision: u8,
    },
    /// A timestamp with time zone (an instant).
    TimestampTz {
        /// Fractional digits stored.
        precision: u8,
    },
    /// Exact decimal; `None` = unbounded. A bounded one rounds what does not fit.
    Decimal {
        /// Total digits.
        precision: Option<u32>,
        /// Fractional digits.
        scale: Option<u32>,
    },
    /// Bytes compared byte by byte without padding.
    Bytes {
        /// Longest value in bytes; `None` = unbounded.
        bytes_max: Option<u32>,
        /// Whether shorter values are padded to `bytes_max` when stored.
        fixed: bool,
    },
    /// A PostgreSQL enum, compared by label.
    Enum {
        /// The labels.
        labels: Arc<[Arc<str>]>,
    },
    /// Everything else: never narrows, and an image never knows it.
    Opaque,
}

/// A foreign key of a child table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// Positions of the child's columns.
    pub columns: Vec<usize>,
    /// The referenced table.
    pub parent: TableName,
    /// The referenced columns by name (the primary key when the schema left them out).
    pub parent_columns: Vec<Arc<str>>,
    /// ON DELETE.
    pub on_delete: ForeignKeyAction,
    /// ON UPDATE.
    pub on_update: ForeignKeyAction,
}

/// What a foreign key does to the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForeignKeyAction {
    /// NO ACTION or RESTRICT: the child is never written.
    Nothing,
    /// CASCADE.
    Cascade,
    /// SET NULL.
    SetNull,
    /// SET DEFAULT.
    SetDefault,
}

/// A user trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it may change the row on its way in (BEFORE row triggers, INSTEAD OF).
    pub before: bool,
    /// Fires on INSERT.
    pub on_insert: bool,
    /// Fires on UPDATE.
    pub on_update: bool,
    /// Fires on DELETE.
    pub on_delete: bool,
    /// The tables that its body writes, when they are known for certain.
    pub writes: Option<Vec<TableName>>,
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
