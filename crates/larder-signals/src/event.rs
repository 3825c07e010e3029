//! What happens to the rows of one table, as the closure over the catalog passes it on.

use std::sync::Arc;

use larder_core::RowChange;
use larder_sql::{
    Table,
    catalog::Trigger,
    plan::{Columns, WriteOperation},
};

/// What happens to the rows of one table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) table: Arc<Table>,
    pub(crate) kind: EventKind,
    pub(crate) changed: Columns,
    pub(crate) rows: Vec<RowChange>,
    /// Whether the event has still to be carried to ancestors and descendants.
    pub(crate) spreads: bool,
}

/// The kind of an event; `Unknown` may be any of them on any row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    Insert,
    Update,
    Delete,
    Truncate,
    Unknown,
}

impl EventKind {
    pub(crate) fn of(operation: WriteOperation) -> Self {
        match operation {
            WriteOperation::Insert => Self::Insert,
            WriteOperation::Update => Self::Update,
            WriteOperation::Delete => Self::Delete,
            WriteOperation::Truncate => Self::Truncate,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn fires(self, trigger: &Trigger) -> bool {
        match self {
            Self::Insert => trigger.on_insert,
            Self::Update => trigger.on_update,
            Self::Delete => trigger.on_delete,
            // A trigger that is none of the three fires on TRUNCATE.
            Self::Truncate | Self::Unknown => true,
        }
    }

    pub(crate) const fn is_wide(self) -> bool {
        matches!(self, Self::Truncate | Self::Unknown)
    }
}

impl Event {
    pub(crate) fn rows(
        table: &Arc<Table>,
        kind: EventKind,
        changed: Columns,
        rows: Vec<RowChange>,
    ) -> Self {
        Self {
            table: table.clone(),
            kind,
            changed,
            rows,
            spreads: true,
        }
    }

    pub(crate) fn unknown(table: &Arc<Table>) -> Self {
        Self::rows(table, EventKind::Unknown, Columns::All, Vec::new())
    }

    pub(crate) fn truncate(table: &Arc<Table>) -> Self {
        Self::rows(table, EventKind::Truncate, Columns::All, Vec::new())
    }
}
