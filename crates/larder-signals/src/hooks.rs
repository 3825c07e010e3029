//! Functions that users have called after an invalidation.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use larder_core::{Change, ChangeScope, Image, RowChange, TableKey, Value, observer::Cause};
use larder_sql::TableName;

use crate::Changes;

/// A write that passed through a wrapped connection. Its invalidation is done, or pending when the
/// store is down.
#[derive(Debug)]
#[non_exhaustive]
pub struct WriteEvent<'a> {
    /// The source that was written.
    pub source: &'a str,
    /// Whether it was a write, one of unknown outcome, or a change of the schema.
    pub cause: Cause,
    written: Written<'a>,
}

/// An invalidation, whatever it was for.
#[derive(Debug)]
#[non_exhaustive]
pub struct InvalidateEvent<'a> {
    /// The source concerned; `None` = all sources.
    pub source: Option<&'a str>,
    /// What it was for.
    pub cause: Cause,
    written: Written<'a>,
}

#[derive(Clone, Copy, Debug)]
struct Written<'a> {
    changes: &'a Changes,
    with_images: bool,
}

/// What was done to one table, by the statement itself or by what follows from it (cascades,
/// triggers, partitions).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TableWrite<'a> {
    /// The key of the table in the store.
    pub key: &'a TableKey,
    /// The table; `None` = one that the catalog does not list.
    pub table: Option<&'a TableName>,
    /// What was done, as far as is known.
    pub operation: WrittenOperation,
    /// The rows, as far as is known. Empty unless [`hook_images`](crate::LarderBuilder::hook_images)
    /// is on, and where they are not known.
    pub rows: Vec<RowImages<'a>>,
}

/// What was done to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WrittenOperation {
    /// Rows have come.
    Insert,
    /// Rows have changed.
    Update,
    /// Rows have gone.
    Delete,
    /// Any of it, to any row.
    Unknown,
}

/// What is known of one row, or of a set of rows with these values: column and value. A column that
/// is not listed may have any value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowImages<'a> {
    /// Before; `None` = there was no such row.
    pub before: Option<Vec<(&'a str, &'a Value)>>,
    /// After; `None` = there is none any more.
    pub after: Option<Vec<(&'a str, &'a Value)>>,
}

impl WriteEvent<'_> {
    /// What was written, table by table; `None` = any table of the source.
    #[must_use]
    pub fn tables(&self) -> Option<Vec<TableWrite<'_>>> {
        self.written.tables()
    }
}

impl InvalidateEvent<'_> {
    /// What was invalidated, table by table; `None` = every table concerned.
    #[must_use]
    pub fn tables(&self) -> Option<Vec<TableWrite<'_>>> {
        self.written.tables()
    }

    #[cfg(test)]
    pub(crate) fn changes(&self) -> &Changes {
        self.written.changes
    }
}

impl<'a> Written<'a> {
    fn tables(self) -> Option<Vec<TableWrite<'a>>> {
        let Changes::Tables(changes) = self.changes else {
            return None;
        };
        let mut tables: Vec<TableWrite<'a>> = Vec::new();
        for change in changes {
            match &change.scope {
                ChangeScope::Rows { rows, .. } => {
                    for row in rows {
                        self.add(&mut tables, change, Some(row));
                    }
                }
                _ => self.add(&mut tables, change, None),
            }
        }
        Some(tables)
    }

    fn add(self, tables: &mut Vec<TableWrite<'a>>, change: &'a Change, row: Option<&'a RowChange>) {
        let operation = match row.map(|row| (row.old.is_some(), row.new.is_some())) {
            Some((false, true)) => WrittenOperation::Insert,
            Some((true, true)) => WrittenOperation::Update,
            Some((true, false)) => WrittenOperation::Delete,
            _ => WrittenOperation::Unknown,
        };
        let images = row.filter(|_| self.with_images).map(|row| RowImages {
            before: known(change, row.old.as_ref()),
            after: known(change, row.new.as_ref()),
        });
        let same =
            |it: &&mut TableWrite<'_>| *it.key == change.table_key && it.operation == operation;
        match tables.iter_mut().find(same) {
            Some(table) => table.rows.extend(images),
            None => tables.push(TableWrite {
                key: &change.table_key,
                table: change.table.as_ref().map(|table| &table.name),
                operation,
                rows: images.into_iter().collect(),
            }),
        }
    }
}

fn known<'a>(change: &'a Change, image: Option<&'a Image>) -> Option<Vec<(&'a str, &'a Value)>> {
    let columns = change.table.as_ref().map_or(&[][..], |it| &it.columns);
    let cells = image?.cells.iter().zip(columns);
    Some(
        cells
            .filter_map(|(cell, column)| Some((&*column.name, cell.as_ref()?)))
            .collect(),
    )
}

/// Names one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HookId(u64);

type WriteHook = dyn Fn(&WriteEvent<'_>) + Send + Sync;
type InvalidateHook = dyn Fn(&InvalidateEvent<'_>) + Send + Sync;

/// The subscriptions of one larder.
#[derive(Default)]
pub(crate) struct Hooks {
    /// Whether events tell the values of rows.
    with_images: bool,
    next: AtomicU64,
    on_write: RwLock<Vec<(HookId, Arc<WriteHook>)>>,
    on_invalidate: RwLock<Vec<(HookId, Arc<InvalidateHook>)>>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

impl Hooks {
    pub(crate) fn new(with_images: bool) -> Self {
        Self {
            with_images,
            ..Self::default()
        }
    }

    pub(crate) fn on_write(&self, hook: Arc<WriteHook>) -> HookId {
        let id = self.id();
        self.on_write
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push((id, hook));
        id
    }

    pub(crate) fn on_invalidate(&self, hook: Arc<InvalidateHook>) -> HookId {
        let id = self.id();
        self.on_invalidate
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push((id, hook));
        id
    }

    pub(crate) fn remove(&self, id: HookId) {
        self.on_write
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(i, _)| *i != id);
        self.on_invalidate
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(i, _)| *i != id);
    }

    /// Runs the hooks outside any lock: a hook may subscribe, unsubscribe, read and write.
    pub(crate) fn run(&self, source: Option<&str>, changes: &Changes, cause: Cause) {
        let written = Written {
            changes,
            with_images: self.with_images,
        };
        if let (Some(source), Cause::Write | Cause::Uncertain | Cause::Schema) = (source, cause) {
            for hook in snapshot(&self.on_write) {
                guarded(|| {
                    hook(&WriteEvent {
                        source,
                        cause,
                        written,
                    })
                });
            }
        }
        for hook in snapshot(&self.on_invalidate) {
            guarded(|| {
                hook(&InvalidateEvent {
                    source,
                    cause,
                    written,
                })
            });
        }
    }

    pub(crate) fn id(&self) -> HookId {
        HookId(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

fn snapshot<H: ?Sized>(hooks: &RwLock<Vec<(HookId, Arc<H>)>>) -> Vec<Arc<H>> {
    let hooks = hooks.read().unwrap_or_else(PoisonError::into_inner);
    hooks.iter().map(|(_, hook)| hook.clone()).collect()
}

/// A hook that panics harms nothing: not the write, not the other hooks.
fn guarded(hook: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(hook)) {
        tracing::warn!("a larder hook panicked");
        // Dropping a payload may panic again.
        std::mem::forget(payload);
    }
}
