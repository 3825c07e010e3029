//! The databases that a larder serves, shared by identity: two adapters on one database share
//! plans, catalog and invalidation.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use larder_core::{AskedColumns, Cache, Change, ChangeScope, Source, TableKey};
use larder_sql::{Catalog, Dialect};

use crate::{ChangeLimits, Changes};

/// One source as one kind of session sees it, with what this process has met of its server.
#[derive(Debug)]
pub(crate) struct SourceEntry {
    pub(crate) source: Arc<Source>,
    session: Box<str>,
    group: Arc<Group>,
    /// The schema epoch when the reading of its catalog began: an older reading comes too late.
    read_at: Mutex<u64>,
}

/// Sources whose tables one statement can reach: the sessions of one PostgreSQL database, and all
/// sources of MySQL and of SQLite, where a statement can name the tables of another database.
#[derive(Debug, Default)]
struct Group {
    /// Every table that any catalog of the group has listed: a write of unknown scope may change
    /// all of them (P10).
    met: Mutex<BTreeSet<TableKey>>,
    schema_changes: AtomicU64,
    /// What the reads of all of them ask by.
    asked: Arc<AskedColumns>,
}

/// Counts the schema changes that went through any handle on a group of sources: a catalog that
/// was read before the last one is not believed by any of them.
#[derive(Clone, Debug)]
pub struct SchemaEpoch(Arc<Group>);

impl SchemaEpoch {
    /// The changes so far. Take it before the catalog is read.
    pub fn current(&self) -> u64 {
        self.0.schema_changes.load(Ordering::Acquire)
    }

    /// A statement changed the schema, or may have.
    pub fn advance(&self) {
        self.0.schema_changes.fetch_add(1, Ordering::AcqRel);
    }
}

/// The sources of one larder.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    by_id: RwLock<BTreeMap<Arc<str>, Vec<Arc<SourceEntry>>>>,
    groups: Mutex<BTreeMap<Box<str>, Arc<Group>>>,
}

/// Sources told apart. Above, a new one is not remembered: its invalidations drop everything.
const SOURCES_MAX: usize = 1_000;

/// Tables remembered per group. Above, an unknown write drops everything that the store holds.
const TABLES_MET_MAX: usize = 10_000;

impl Sources {
    /// The source with this identity for this kind of session, made by `make` when it is new.
    /// Sessions are told apart because each resolves names in its own way; the identity, and with
    /// it the keys of tables, is the same for all of them.
    pub(crate) fn attach(
        &self,
        id: &str,
        session: &str,
        dialect: Dialect,
        make: impl FnOnce() -> Source,
    ) -> Arc<Source> {
        let fits = |entry: &&Arc<SourceEntry>| {
            *entry.session == *session && entry.source.dialect() == dialect
        };
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        let known = by_id.get(id).and_then(|entries| entries.iter().find(fits));
        if let Some(entry) = known {
            return entry.source.clone();
        }
        let group = self.group(id, dialect);
        let entry = Arc::new(SourceEntry {
            source: Arc::new(make().with_asked(Arc::clone(&group.asked))),
            session: session.into(),
            group,
            read_at: Mutex::default(),
        });
        if by_id.values().map(Vec::len).sum::<usize>() < SOURCES_MAX {
            by_id.entry(id.into()).or_default().push(entry.clone());
        }
        entry.source.clone()
    }

    /// The entry of a source.
    pub(crate) fn entry(&self, source: &Arc<Source>) -> Arc<SourceEntry> {
        let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        let entries = by_id.get(source.id()).map_or(&[][..], Vec::as_slice);
        let known = entries.iter().find(|e| Arc::ptr_eq(&e.source, source));
        known.cloned().unwrap_or_else(|| {
            Arc::new(SourceEntry {
                source: source.clone(),
                session: Box::default(),
                group: Arc::default(),
                read_at: Mutex::default(),
            })
        })
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<SourceEntry>> {
        let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        by_id.values().flatten().cloned().collect()
    }

    /// The schema changes of the sources with this identity.
    pub(crate) fn schema_epoch(&self, id: &str, dialect: Dialect) -> SchemaEpoch {
        SchemaEpoch(self.group(id, dialect))
    }

    /// A schema may have changed, and nobody knows which.
    pub(crate) fn advance_all(&self) {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        for group in groups.values() {
            SchemaEpoch(group.clone()).advance();
        }
    }

    fn group(&self, id: &str, dialect: Dialect) -> Arc<Group> {
        let group = match dialect {
            Dialect::Postgres => format!("postgres {id}"),
            dialect => format!("{dialect:?}"),
        };
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.entry(group.into()).or_default().clone()
    }
}

impl SourceEntry {
    /// Remembers the tables of a catalog and hands it to the source, unless that has one whose
    /// reading began after a later schema change.
    pub(crate) fn set_catalog(&self, catalog: Catalog, epoch: u64) {
        let _ = self.meet(&catalog);
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        if *read_at <= epoch {
            *read_at = epoch;
            self.source.set_catalog(catalog);
        }
    }

    /// The changes as a list; `None` = everything that the store holds, since what the source has
    /// is not known.
    pub(crate) fn listed<'c>(
        &self,
        changes: &'c Changes,
        limits: ChangeLimits,
    ) -> Option<Cow<'c, [Change]>> {
        match changes {
            Changes::Tables(changes) => Some(changes.into()),
            Changes::Everything => self.all_records(limits).map(Cow::Owned),
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

    /// P10: the records of every table that a catalog of the group lists or has listed.
    fn all_records(&self, limits: ChangeLimits) -> Option<Vec<Change>> {
        let catalog = self.source.catalog()?;
        let met = self.meet(&catalog);
        if met.len() > limits.tables_max.min(TABLES_MET_MAX) {
            return None;
        }
        let record = |table_key: TableKey| Change {
            table_key,
            table: None,
            scope: ChangeScope::Record,
        };
        Some(met.into_iter().map(record).collect())
    }

    fn meet(&self, catalog: &Catalog) -> BTreeSet<TableKey> {
        let mut met = self
            .group
            .met
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for name in catalog.tables.keys() {
            // One more than the bound says that the bound was reached.
            if met.len() <= TABLES_MET_MAX {
                met.insert(self.source.table_key(name));
            }
        }
        met.clone()
    }
}
