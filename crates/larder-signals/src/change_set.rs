//! [`Changes`]: what one write, or one transaction, may have changed in one source.

use std::sync::Arc;

use larder_core::{Change, ChangeScope, RowChange, TableKey};
use larder_sql::{Table, plan::Columns};

/// What a write may have changed in one source.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Changes {
    /// These tables. Several changes of one table differ in their changed columns.
    Tables(Vec<Change>),
    /// Every record of the source (P10): the write's scope is not known.
    Everything,
}

/// How many rows and tables are told apart before a change widens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangeLimits {
    /// Rows of one table above which its record drops. Default 1,000. Zero: always the record.
    pub rows_max: usize,
    /// Tables above which every record of the source drops. Default 1,000.
    pub tables_max: usize,
    /// Rows that are read before an UPDATE or DELETE that does not tell them, in its transaction,
    /// so that only what they touch drops; at most `rows_max`. Default 1,000. Zero: none are read,
    /// which saves up to three statements and drops more.
    pub old_rows_max: usize,
}

impl Default for ChangeLimits {
    fn default() -> Self {
        Self {
            rows_max: 1_000,
            tables_max: 1_000,
            old_rows_max: 1_000,
        }
    }
}

impl Changes {
    /// No change at all.
    #[must_use]
    pub const fn none() -> Self {
        Self::Tables(Vec::new())
    }

    /// Unknown rows of one table; `table` is `None` when the catalog does not list it.
    #[must_use]
    pub fn record(table_key: TableKey, table: Option<Arc<Table>>) -> Self {
        Self::Tables(vec![Change {
            table_key,
            table,
            scope: ChangeScope::Record,
        }])
    }

    /// Whether there is nothing to invalidate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Tables(changes) if changes.is_empty())
    }

    /// The tables concerned; `None` = all.
    #[must_use]
    pub fn tables(&self) -> Option<Vec<TableKey>> {
        let Self::Tables(changes) = self else {
            return None;
        };
        let mut keys: Vec<TableKey> = changes.iter().map(|c| c.table_key.clone()).collect();
        keys.sort();
        keys.dedup();
        Some(keys)
    }

    /// Adds what another write changed, folding into records and then into everything at the limits.
    pub fn merge(&mut self, other: Self, limits: ChangeLimits) {
        let (Self::Tables(ours), Self::Tables(theirs)) = (&mut *self, other) else {
            *self = Self::Everything;
            return;
        };
        for change in theirs {
            add(ours, change, limits);
        }
        if ours.len() > limits.tables_max
            && self.tables().is_some_and(|t| t.len() > limits.tables_max)
        {
            *self = Self::Everything;
        }
    }

    /// The same changes without images: every table concerned drops its record.
    #[must_use]
    pub fn widened(&self) -> Self {
        let Self::Tables(changes) = self else {
            return Self::Everything;
        };
        let mut records: Vec<Change> = Vec::new();
        for change in changes {
            if records.iter().all(|r| r.table_key != change.table_key) {
                records.push(Change {
                    scope: ChangeScope::Record,
                    ..change.clone()
                });
            }
        }
        Self::Tables(records)
    }

    /// The part that ROLLBACK cannot take back: tables whose engine is not transactional, or that
    /// the catalog does not know. Everything holds such tables when `may_be_mixed`.
    #[must_use]
    pub fn not_transactional(&self, may_be_mixed: bool) -> Self {
        match self {
            Self::Everything if may_be_mixed => Self::Everything,
            Self::Everything => Self::none(),
            Self::Tables(changes) => Self::Tables(
                changes
                    .iter()
                    .filter(|c| c.table.as_ref().map_or(may_be_mixed, |t| !t.transactional))
                    .cloned()
                    .collect(),
            ),
        }
    }
}

/// Adds one change to a list in which a record stands alone for its table.
fn add(ours: &mut Vec<Change>, change: Change, limits: ChangeLimits) {
    let key = change.table_key.clone();
    let mut rows_total = 0;
    for known in ours.iter().filter(|c| c.table_key == key) {
        match &known.scope {
            ChangeScope::Rows { rows, .. } => rows_total += rows.len(),
            // A record already, or a scope that only a record can stand for.
            _ => return,
        }
    }
    let ChangeScope::Rows { changed, rows } = change.scope else {
        return replace_by_record(ours, key, change.table);
    };
    if rows_total.saturating_add(rows.len()) > limits.rows_max {
        return replace_by_record(ours, key, change.table);
    }
    for known in ours.iter_mut().filter(|c| c.table_key == key) {
        // Images are by column position, so they merge only under one and the same table.
        if known.table != change.table {
            continue;
        }
        if let ChangeScope::Rows {
            changed: same,
            rows: known_rows,
        } = &mut known.scope
            && *same == changed
        {
            extend(known_rows, rows);
            return;
        }
    }
    ours.push(Change {
        scope: ChangeScope::Rows { changed, rows },
        ..change
    });
}

fn extend(known: &mut Vec<RowChange>, rows: Vec<RowChange>) {
    for row in rows {
        // A loop that repeats one statement is common; a full comparison would be quadratic.
        if !known
            .iter()
            .rev()
            .take(REPEATS_LOOKED_FOR)
            .any(|k| *k == row)
        {
            known.push(row);
        }
    }
}

fn replace_by_record(ours: &mut Vec<Change>, table_key: TableKey, table: Option<Arc<Table>>) {
    ours.retain(|c| c.table_key != table_key);
    ours.push(Change {
        table_key,
        table,
        scope: ChangeScope::Record,
    });
}

const REPEATS_LOOKED_FOR: usize = 16;

/// The union of two column sets.
pub(crate) fn union(a: &Columns, b: impl IntoIterator<Item = usize>) -> Columns {
    match a {
        Columns::Some(positions) => {
            let mut all: Vec<usize> = positions.iter().copied().chain(b).collect();
            all.sort_unstable();
            all.dedup();
            Columns::Some(all)
        }
        _ => Columns::All,
    }
}

/// Whether a column is in the set.
pub(crate) fn holds(columns: &Columns, position: usize) -> bool {
    match columns {
        Columns::Some(positions) => positions.binary_search(&position).is_ok(),
        _ => true,
    }
}
