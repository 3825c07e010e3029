//! When this process last dropped something of a table: what it has changed itself it must not be
//! served stale (P13).

use std::{collections::HashMap, sync::RwLock, time::Duration};

use foldhash::fast::RandomState;

use crate::{
    TableKey,
    clock::Moment,
    sync::{read, write},
};

/// Tables told apart. Above, a drop counts for all of them.
const TABLES_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct OwnDrops(RwLock<Drops>);

#[derive(Debug, Default)]
struct Drops {
    tables: HashMap<TableKey, Moment, RandomState>,
    all: Option<Moment>,
}

impl OwnDrops {
    /// Drops of these tables begin now.
    pub(super) fn note<'a>(&self, tables: impl Iterator<Item = &'a TableKey>, now: Moment) {
        let mut drops = write(&self.0);
        for table in tables {
            let room = drops.tables.len() < TABLES_MAX;
            match drops.tables.get_mut(table) {
                Some(last) => *last = now,
                None if room => drop(drops.tables.insert(table.clone(), now)),
                None => drops.all = Some(now),
            }
        }
    }

    /// A drop of everything begins now.
    pub(super) fn note_all(&self, now: Moment) {
        write(&self.0).all = Some(now);
    }

    /// How long ago something of this table was dropped.
    pub(super) fn since(&self, table: &TableKey, now: Moment) -> Duration {
        let drops = read(&self.0);
        let last = drops.tables.get(table).copied().max(drops.all);
        last.map_or(Duration::MAX, |last| now.since(last))
    }
}
