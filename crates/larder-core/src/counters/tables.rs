//! Counters of invalidations.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

use foldhash::fast::RandomState;

use crate::{Cause, Dropped, TableKey, stats::TableStats, sync::lock};

/// Tables told apart; further ones count together.
const TABLES_MAX: usize = 10_000;

/// Under this name everything is invalidated, and so are the tables that are not told apart.
const ALL: &str = "*";

/// Invalidations are rare beside hits: a lock will do.
#[derive(Debug, Default)]
pub(super) struct Tables(Mutex<HashMap<Option<TableKey>, Counts, RandomState>>);

#[derive(Debug, Default)]
struct Counts {
    causes: [u64; Cause::LABELS.len()],
    records: u64,
    shapes: u64,
    stamps: u64,
    existed: u64,
}

impl Tables {
    pub(super) fn add(&self, table: Option<&TableKey>, cause: Cause, dropped: Dropped) {
        let mut tables = lock(&self.0);
        let full = tables.len() >= TABLES_MAX;
        let key = table.cloned();
        let key = key.filter(|_| !full || tables.contains_key(&table.cloned()));
        let counts = tables.entry(key).or_default();
        if let Some(count) = counts.causes.get_mut(cause.number()) {
            *count += 1;
        }
        counts.records += u64::from(dropped.record);
        counts.shapes += dropped.shapes as u64;
        counts.stamps += dropped.stamps as u64;
        counts.existed += dropped.existed as u64;
    }

    pub(super) fn stats(&self) -> BTreeMap<String, TableStats> {
        let mut stats = BTreeMap::new();
        for (table, counts) in lock(&self.0).iter() {
            let name = table.as_ref().map_or(ALL, |table| &table.0);
            let table = TableStats::of(&mut stats, name);
            table.invalidations = Cause::LABELS
                .iter()
                .zip(counts.causes)
                .filter(|(_, count)| *count > 0)
                .map(|(label, count)| ((*label).to_owned(), count))
                .collect();
            table.records_dropped = counts.records;
            table.shapes_dropped = counts.shapes;
            table.stamps_dropped = counts.stamps;
            table.existed = counts.existed;
        }
        stats
    }
}
