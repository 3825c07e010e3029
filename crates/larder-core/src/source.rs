//! One database: its identity, its catalog, and the plans made with it.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use larder_sql::{
    Catalog, Dialect, Plan, PlanCache, TableName, analyze,
    plan::{Part, Reason},
};

use crate::{AskedColumns, Counters, Prepared, TableKey, prepared::Place};

pub use larder_sql::FunctionLists;

/// Bounds of what one source keeps and of what one entry may rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceLimits {
    /// Values up to which an IN list narrows; a longer one means any row. Default: 100. Zero: no
    /// equality narrows.
    pub in_values_max: usize,
    /// Dependencies of one entry; lists widen until they fit. Default: 64. Zero caches nothing.
    pub dependencies_max: usize,
    /// Texts whose plan is kept. Default: 10,000. Zero analyses every text anew.
    pub plans_max: usize,
}

impl Default for SourceLimits {
    fn default() -> Self {
        Self {
            in_values_max: 100,
            dependencies_max: 64,
            plans_max: 10_000,
        }
    }
}

/// One database, as the cache knows it. Shared by all handles on it.
pub struct Source {
    id: Arc<str>,
    namespace: Arc<str>,
    /// How the keys of its tables start.
    key_start: String,
    entry_version: Arc<str>,
    dialect: Dialect,
    limits: SourceLimits,
    functions: FunctionLists,
    catalog: RwLock<Loaded>,
    /// The version again, for those who need no catalog.
    version: AtomicU64,
    plans: PlanCache<Prepared>,
    asked: Arc<AskedColumns>,
    counters: Arc<Counters>,
}

/// A catalog with its version, so that the two are never read apart.
#[derive(Clone, Debug, Default)]
struct Loaded {
    catalog: Option<Arc<Catalog>>,
    version: u64,
    fingerprint: [u8; 16],
}

impl Source {
    /// A source without a catalog: until it has one, no read is cached and every write counts as
    /// unknown. The id must be the same in all processes that share a store, and different for two
    /// databases.
    pub fn new(
        id: impl Into<Arc<str>>,
        dialect: Dialect,
        limits: SourceLimits,
        functions: FunctionLists,
    ) -> Self {
        let plans = PlanCache::new(limits.plans_max);
        let id = id.into();
        Self {
            key_start: TableKey::source_start("", &id),
            id,
            namespace: Arc::from(""),
            entry_version: Arc::from(""),
            dialect,
            limits,
            functions,
            catalog: RwLock::default(),
            version: AtomicU64::new(0),
            plans,
            asked: Arc::default(),
            counters: Arc::default(),
        }
    }

    /// Keeps the entries of this namespace apart from others. Default: empty.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<Arc<str>>) -> Self {
        self.namespace = namespace.into();
        self.key_start = TableKey::source_start(&self.namespace, &self.id);
        self.plans.clear();
        self
    }

    /// Keeps the entries of this version of an application apart from those of others; writes
    /// invalidate across versions. Default: empty.
    #[must_use]
    pub fn with_entry_version(mut self, version: impl Into<Arc<str>>) -> Self {
        self.entry_version = version.into();
        self.plans.clear();
        self
    }

    /// Shares what reads ask by with other sources of one database. Default: its own.
    #[must_use]
    pub fn with_asked(mut self, asked: Arc<AskedColumns>) -> Self {
        self.asked = asked;
        self
    }

    /// Counts its reads where their cache does. Default: its own.
    #[must_use]
    pub fn with_counters(mut self, counters: Arc<Counters>) -> Self {
        self.counters = counters;
        self.plans.clear();
        self
    }

    /// By which columns reads are told apart.
    pub fn asked(&self) -> &AskedColumns {
        &self.asked
    }

    /// The identity of the database.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Its dialect.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The catalog, once it has been loaded.
    pub fn catalog(&self) -> Option<Arc<Catalog>> {
        self.loaded().catalog
    }

    /// How often the content of the catalog has changed; 0 = it was never loaded.
    pub fn catalog_version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Replaces the catalog. Plans made with another content are forgotten; the same content
    /// changes nothing.
    pub fn set_catalog(&self, catalog: Catalog) {
        let mut loaded = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        if loaded
            .catalog
            .as_deref()
            .is_some_and(|known| is_same(known, &catalog))
        {
            return;
        }
        *loaded = Loaded {
            fingerprint: catalog.fingerprint(),
            catalog: Some(Arc::new(catalog)),
            version: loaded.version + 1,
        };
        self.version.store(loaded.version, Ordering::Release);
        // A plan that is being made with the old catalog may still be inserted after this; its
        // version tells (see `plan`).
        self.plans.clear();
    }

    /// The plan of a text, made at most once per content of the catalog.
    pub fn plan(&self, sql: &str) -> Arc<Prepared> {
        let known = self.plans.get(sql);
        if let Some(prepared) = known.filter(|it| it.catalog_version() == self.catalog_version()) {
            return prepared;
        }
        let Loaded {
            catalog,
            version,
            fingerprint,
        } = self.loaded();
        let plan = self.analyze(sql, catalog.as_deref());
        self.asked.note(&plan);
        let variable_arity = plan.variable_arity;
        let catalog = catalog.unwrap_or_else(|| Arc::new(Catalog::new(self.dialect)));
        let place = Place {
            namespace: &self.namespace,
            source: &self.id,
            version: &self.entry_version,
            catalog: &catalog,
            fingerprint,
            limits: &self.limits,
            counters: &self.counters,
        };
        let prepared = Arc::new(Prepared::new(plan, &place, version));
        self.plans.insert(sql, prepared.clone(), variable_arity);
        prepared
    }

    /// The key of a table of this source.
    pub fn table_key(&self, table: &TableName) -> TableKey {
        TableKey::under(&self.key_start, table)
    }

    fn analyze(&self, sql: &str, catalog: Option<&Catalog>) -> Plan {
        match catalog {
            Some(catalog) => analyze(sql, catalog, &self.functions),
            None => without_catalog(analyze(sql, &Catalog::new(self.dialect), &self.functions)),
        }
    }

    fn loaded(&self) -> Loaded {
        self.catalog
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("id", &self.id)
            .field("dialect", &self.dialect)
            .field("catalog_version", &self.catalog_version())
            .finish_non_exhaustive()
    }
}

/// The plan of a text whose tables nobody knows yet: reads are not cached, writes may have written
/// anything.
fn without_catalog(mut plan: Plan) -> Plan {
    let reason = || Reason::new("catalog not loaded");
    for part in &mut plan.parts {
        match part {
            Part::Read(read) => read.uncacheable = Some(reason()),
            Part::Write(write) => write.unknown_scope = Some(reason()),
            _ => {}
        }
    }
    plan
}

fn is_same(a: &Catalog, b: &Catalog) -> bool {
    a.dialect == b.dialect
        && a.search_path == b.search_path
        && a.table_names_ignore_case == b.table_names_ignore_case
        && *a.tables == *b.tables
        && a.functions == b.functions
        && a.custom_operators == b.custom_operators
        && a.session == b.session
}

#[cfg(test)]
mod tests;
