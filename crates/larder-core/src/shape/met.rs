//! The shapes that a process has met in a table's record.

use std::sync::{Arc, Mutex};

use larder_sql::Table;

use super::{ReadyShape, ShapeName};
use crate::{Change, TableKey, sync::lock};

/// The shapes that this process has met in a table's record: what it may drop together with reading
/// the record, and need not read again. They need not be there any more, and need not be all.
#[derive(Debug)]
pub struct MetShapes {
    names: Arc<[ShapeName]>,
    /// As the last writer has read them.
    ready: Mutex<Option<Ready>>,
}

#[derive(Clone, Debug)]
struct Ready {
    key: TableKey,
    /// That of the writer's catalog.
    table: Arc<Table>,
    shapes: Arc<[ReadyShape]>,
}

impl MetShapes {
    /// These.
    pub fn new(names: Arc<[ShapeName]>) -> Self {
        let ready = Mutex::default();
        Self { names, ready }
    }

    /// Their names, in the order of the record.
    pub fn names(&self) -> &Arc<[ShapeName]> {
        &self.names
    }

    /// As the writer of this change reads them. Sessions whose catalogs differ read by turns.
    pub(crate) fn ready_for(&self, change: &Change) -> Arc<[ReadyShape]> {
        let Some(table) = &change.table else {
            return ready(&*self.names, &change.table_key, None);
        };
        let known = lock(&self.ready).clone();
        let is_it = |it: &Ready| Arc::ptr_eq(&it.table, table) && it.key == change.table_key;
        if let Some(ready) = known.filter(is_it) {
            return ready.shapes;
        }
        let shapes = ready(&*self.names, &change.table_key, Some(table));
        *lock(&self.ready) = Some(Ready {
            key: change.table_key.clone(),
            table: table.clone(),
            shapes: shapes.clone(),
        });
        shapes
    }
}

/// Shapes of a table's record as a writer with this table in its catalog reads them.
pub(crate) fn ready<'s>(
    names: impl IntoIterator<Item = &'s ShapeName>,
    key: &TableKey,
    table: Option<&Table>,
) -> Arc<[ReadyShape]> {
    let names = names.into_iter();
    names
        .map(|name| ReadyShape::new(name, key, table))
        .collect()
}
