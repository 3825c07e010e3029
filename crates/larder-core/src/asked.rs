//! By which columns the reads of this process are told apart: what a writer had better know.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
};

use larder_sql::{Plan, Table, TableName, plan::Part};

/// The columns in conditions of the reads that this process has planned, by table. It only guides:
/// what it does not know makes an invalidation wider.
#[derive(Debug, Default)]
pub struct AskedColumns {
    tables: RwLock<BTreeMap<TableName, BTreeSet<Arc<str>>>>,
}

/// Tables that are remembered.
const TABLES_MAX: usize = 10_000;

impl AskedColumns {
    /// Takes in the reads of a plan.
    pub(crate) fn note(&self, plan: &Plan) {
        for part in &plan.parts {
            let Part::Read(read) = part else { continue };
            for dependency in &read.dependencies {
                for term in &dependency.terms {
                    self.note_column(&dependency.table, term.column);
                }
            }
        }
    }

    /// The positions of the columns of this table that reads ask by.
    pub fn of(&self, table: &Table) -> Vec<usize> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let Some(names) = tables.get(&table.name) else {
            return Vec::new();
        };
        let columns = table.columns.iter().enumerate();
        columns
            .filter(|(_, column)| names.contains(&*column.name))
            .map(|(at, _)| at)
            .collect()
    }

    fn note_column(&self, table: &Table, column: usize) {
        let Some(column) = table.columns.get(column) else {
            return;
        };
        let name: &str = &column.name;
        let known = |tables: &BTreeMap<TableName, BTreeSet<Arc<str>>>| {
            tables
                .get(&table.name)
                .is_some_and(|names| names.contains(name))
        };
        if known(&self.tables.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if tables.len() < TABLES_MAX || tables.contains_key(&table.name) {
            let names = tables.entry(table.name.clone()).or_default();
            names.insert(Arc::from(name));
        }
    }
}
