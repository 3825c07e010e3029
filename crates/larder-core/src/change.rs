//! What a committed write may have changed, in the form in which shapes are asked about it.

use std::sync::Arc;

use larder_sql::{Table, plan::Columns};

use crate::{TableKey, Value};

/// One change of one table.
#[derive(Clone, Debug)]
pub struct Change {
    /// Key of the table.
    pub table_key: TableKey,
    /// The table as the writer's catalog knows it; `None` when it does not.
    pub table: Option<Arc<Table>>,
    /// How much of it.
    pub scope: ChangeScope,
}

/// How much of a table a write may have changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ChangeScope {
    /// Unknown rows: the record drops.
    Record,
    /// These rows.
    Rows {
        /// The columns that may have another value afterwards. `All` for inserts and deletes: a row
        /// that comes or goes changes every column.
        changed: Columns,
        /// The rows.
        rows: Vec<RowChange>,
    },
}

/// One row, or one set of rows with these values, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Before; `None` = the row did not exist.
    pub old: Option<Image>,
    /// After; `None` = the row no longer exists.
    pub new: Option<Image>,
}

/// What is known of one row: a cell per column of the table, `None` = unknown.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Image {
    /// By column position; shorter than the table's columns means the rest is unknown.
    pub cells: Vec<Option<Value>>,
}
