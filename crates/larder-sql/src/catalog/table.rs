use std::sync::Arc;

use super::{Column, TableName};

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
    /// The policies of row-level security that reads are under, as the server prints them; `None` =
    /// one of them rests on more than the row and the session. Without row-level security it says
    /// nothing.
    pub row_policies: Option<Arc<str>>,
    /// Whether the session may read every column, so that a write of its own may ask for them back.
    pub readable: bool,
    /// Whether rows can be locked as the rules on reading before a write need it: by this session
    /// (PostgreSQL), and with the gaps between them (InnoDB).
    pub lockable: bool,
    /// Whether the storage engine honours ROLLBACK (false: MyISAM, Aria, MEMORY ..).
    pub transactional: bool,
    /// Whether a unique constraint is declared ON CONFLICT REPLACE (SQLite): plain INSERTs and
    /// UPDATEs may delete other rows.
    pub conflict_replaces: bool,
    /// Whether a constraint is declared ON CONFLICT FAIL or ROLLBACK (SQLite): a statement that
    /// fails may leave rows behind, or end its transaction.
    pub conflict_keeps_rows: bool,
    /// Direct ancestors by partitioning or inheritance.
    pub parents: Vec<TableName>,
    /// Whether column names compare case-insensitively (MySQL and SQLite).
    pub columns_ignore_case: bool,
}

impl Table {
    /// A relation on which nothing stands: no keys, triggers or rules, on a transactional engine.
    pub fn new(name: TableName, kind: TableKind, columns: Vec<Column>) -> Self {
        Self {
            name,
            kind,
            columns,
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            triggers: Vec::new(),
            has_rules: false,
            row_security: false,
            row_policies: Some(Arc::from("")),
            readable: true,
            lockable: true,
            transactional: true,
            conflict_replaces: false,
            conflict_keeps_rows: false,
            parents: Vec::new(),
            columns_ignore_case: false,
        }
    }

    /// The position of a column, by the server's rule for comparing column names.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| {
            *column.name == *name
                || self.columns_ignore_case && column.name.eq_ignore_ascii_case(name)
        })
    }
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
    /// SET DEFAULT, or any action that sets some of the columns only: the new values are unknown.
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
