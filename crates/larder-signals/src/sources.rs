//! The databases that a larder serves, shared by identity: two adapters on one database share
//! plans, catalog and invalidation.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use larder_core::{Cache, Change, ChangeScope, Source};
use larder_sql::{Catalog, Dialect, TableName};

use crate::{ChangeLimits, Changes};

/// One source with what this process has met of it.
#[derive(Debug)]
pub(crate) struct SourceEntry {
    pub(crate) source: Arc<Source>,
    /// Every table that any catalog of this source has listed (P10).
    met: Mutex<BTreeSet<TableName>>,
}

/// The sources of one larder.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    entries: RwLock<BTreeMap<Arc<str>, Arc<SourceEntry>>>,
}

/// Sources told apart. Above, a new one is not remembered: its invalidations drop everything.
const SOURCES_MAX: usize = 1_000;

/// Tables remembered per source. Above, an unknown write drops everything that the store holds.
const TABLES_MET_MAX: usize = 10_000;

impl Sources {
    /// The source with this identity, made by `make` when it is new.
    pub(crate) fn attach(
        &self,
        id: &str,
        dialect: Dialect,
        make: impl FnOnce() -> Source,
    ) -> Arc<Source> {
        let known = self
            .entries
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned();
        if let Some(entry) = known.filter(|entry| entry.source.dialect() == dialect) {
            return entry.source.clone();
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries
            .get(id)
            .filter(|entry| entry.source.dialect() == dialect)
        {
            return entry.source.clone();
        }
        let entry = Arc::new(SourceEntry::new(Arc::new(make())));
        if entries.len() < SOURCES_MAX {
            entries.insert(id.into(), entry.clone());
        }
        entry.source.clone()
    }

    /// The entry of a source.
    pub(crate) fn entry(&self, source: &Arc<Source>) -> Arc<SourceEntry> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let known = entries
            .get(source.id())
            .filter(|e| Arc::ptr_eq(&e.source, source));
        known
            .cloned()
            .unwrap_or_else(|| Arc::new(SourceEntry::new(source.clone())))
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<SourceEntry>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.values().cloned().collect()
    }
}

impl SourceEntry {
    fn new(source: Arc<Source>) -> Self {
        Self {
            source,
            met: Mutex::default(),
        }
    }

    /// Remembers the tables of a catalog and hands it to the source.
    pub(crate) fn set_catalog(&self, catalog: Catalog) {
        let _ = self.meet(catalog.tables.keys());
        self.source.set_catalog(catalog);
    }

    /// The changes as a list; `None` = everything that the store holds, since what the source has
    /// is not known.
    pub(crate) fn listed(&self, changes: &Changes, limits: ChangeLimits) -> Option<Vec<Change>> {
        match changes {
            Changes::Tables(changes) => Some(changes.clone()),
            Changes::Everything => self.all_records(limits),
        }
    }

    /// Queues changes without I/O.
    pub(crate) fn enqueue(&self, cache: &Cache, changes: &Changes, limits: ChangeLimits) {
        let _ = match self.listed(changes, limits) {
            Some(changes) if changes.is_empty() => return,
            Some(changes) => cache.enqueue(&changes),
            None => cache.enqueue_all(),
        };
    }

    /// P10: the records of every table that the catalog lists or has listed.
    fn all_records(&self, limits: ChangeLimits) -> Option<Vec<Change>> {
        let catalog = self.source.catalog()?;
        let met = self.meet(catalog.tables.keys());
        if met.len() > limits.tables_max.min(TABLES_MET_MAX) {
            return None;
        }
        let record = |name: TableName| Change {
            table_key: self.source.table_key(&name),
            table: catalog.table(&name).cloned(),
            scope: ChangeScope::Record,
        };
        Some(met.into_iter().map(record).collect())
    }

    fn meet<'a>(&self, names: impl Iterator<Item = &'a TableName>) -> BTreeSet<TableName> {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            // One more than the bound says that the bound was reached.
            if met.len() <= TABLES_MET_MAX && !met.contains(name) {
                met.insert(name.clone());
            }
        }
        met.clone()
    }
}
