//! The shapes that this process has met in the records of tables: what it may drop together with
//! reading the record, so that most invalidations are one round trip. What is forgotten costs one
//! more.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use foldhash::fast::RandomState;

use crate::{
    ShapeName, TableKey,
    shape::MetShapes,
    sync::{read, write},
};

/// Tables that are remembered. Above, others are not.
const TABLES_MAX: usize = 10_000;

/// Shapes of one table that are remembered; a record may hold some more than its limit by a race.
const SHAPES_MAX: usize = 256;

#[derive(Debug, Default)]
pub(super) struct MetTables(RwLock<HashMap<TableKey, Arc<MetShapes>, RandomState>>);

impl MetTables {
    pub(super) fn of(&self, table: &TableKey) -> Option<Arc<MetShapes>> {
        read(&self.0).get(table).cloned()
    }

    /// The record of this table holds these now.
    pub(super) fn found(&self, table: &TableKey, shapes: &Arc<[ShapeName]>) {
        let mut tables = write(&self.0);
        if shapes.len() > SHAPES_MAX {
            tables.remove(table);
        } else if tables.len() < TABLES_MAX || tables.contains_key(table) {
            tables.insert(table.clone(), Arc::new(MetShapes::new(shapes.clone())));
        }
    }
}
