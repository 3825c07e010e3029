//! By which columns the reads of this process are told apart, and which they watch: what a writer
//! had better know.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
};

use larder_sql::{
    Plan, Table, TableName,
    plan::{Columns, DependencyTemplate, Part},
};

/// The columns in conditions of the reads that this process has planned, and those that the reads
/// watch, by table. It only guides: what it does not know makes an invalidation wider.
#[derive(Debug, Default)]
pub struct AskedColumns {
    tables: RwLock<BTreeMap<TableName, Asked>>,
}

/// Of one table.
#[derive(Debug, Default)]
struct Asked {
    by: BTreeSet<Arc<str>>,
    watched: BTreeSet<Arc<str>>,
    all_watched: bool,
}

/// Tables that are remembered.
const TABLES_MAX: usize = 10_000;

impl AskedColumns {
    /// Takes in the reads of a plan.
    pub(crate) fn note(&self, plan: &Plan) {
        for part in &plan.parts {
            let Part::Read(read) = part else { continue };
            for dependency in &read.dependencies {
                self.note_dependency(dependency);
            }
        }
    }

    /// The positions of the columns of this table that reads ask by.
    pub fn of(&self, table: &Table) -> Vec<usize> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let Some(asked) = tables.get(&table.name) else {
            return Vec::new();
        };
        positions(table, &asked.by).collect()
    }

    /// Whether a change of these columns can concern a read.
    pub fn concerns(&self, table: &Table, changed: &Columns) -> bool {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let Some(asked) = tables.get(&table.name) else {
            return false;
        };
        let Columns::Some(changed) = changed else {
            return true;
        };
        let mut named = positions(table, &asked.by).chain(positions(table, &asked.watched));
        asked.all_watched || named.any(|column| changed.contains(&column))
    }

    fn note_dependency(&self, dependency: &DependencyTemplate) {
        let table = &dependency.table;
        let name = |column: usize| Some(&table.columns.get(column)?.name);
        let by = || dependency.terms.iter().filter_map(|term| name(term.column));
        let watched = || {
            let columns: &[usize] = match &dependency.watched {
                Columns::Some(columns) => columns,
                _ => &[],
            };
            columns.iter().filter_map(|column| name(*column))
        };
        let all_watched = !matches!(dependency.watched, Columns::Some(_));
        let known = |asked: &Asked| {
            by().all(|name| asked.by.contains(name))
                && (asked.all_watched
                    || !all_watched && watched().all(|name| asked.watched.contains(name)))
        };
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        if tables.get(&table.name).is_some_and(known) {
            return;
        }
        drop(tables);
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if tables.len() < TABLES_MAX || tables.contains_key(&table.name) {
            let asked = tables.entry(table.name.clone()).or_default();
            asked.by.extend(by().cloned());
            asked.watched.extend(watched().cloned());
            asked.all_watched |= all_watched;
        }
    }
}

fn positions(table: &Table, names: &BTreeSet<Arc<str>>) -> impl Iterator<Item = usize> {
    let columns = table.columns.iter().enumerate();
    columns
        .filter(|(_, column)| names.contains(&column.name))
        .map(|(at, _)| at)
}
