//! Keeps the catalog of one wrapped connection or pool: says when it is to be read (on the first
//! need, after DDL, after errors that smell of a changed schema, on a timer; never inside a
//! transaction) and what to ask. Asking is the adapter's work.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use larder_core::{BypassReason, Entropy, FunctionLists, Moment, Source, SourceLimits, Stamp};
use larder_sql::{
    Catalog, Dialect,
    introspect::{self, CatalogReader},
    plan::Reason,
};

use crate::{
    Larder, SchemaEpoch,
    config::{Replica, WrapConfig},
};

/// The state of the catalog of one wrapped connection or pool.
#[derive(Debug)]
pub struct CatalogKeeper {
    source_override: Option<Arc<str>>,
    refresh: Duration,
    source: OnceLock<Arc<Source>>,
    /// Schema changes that went through any handle on this database.
    epoch: OnceLock<SchemaEpoch>,
    /// The epoch when the last successful reading began.
    loaded_epoch: AtomicU64,
    /// Plans texts while the identity is not known: without a catalog, every write that it plans
    /// is of unknown scope.
    stranger: OnceLock<Arc<Source>>,
    /// Whether the server only followed another one when the catalog was read last. Not a matter
    /// of the source, which a primary and its standby may share.
    standby: AtomicBool,
    /// What the user says of it.
    replica: Option<Replica>,
    /// Whether the source is that of a replica, whose catalog may be older than the primary's.
    source_lags: AtomicBool,
    /// Raised whenever what was read may have become wrong.
    wanted: AtomicU64,
    /// The value of `wanted` when the last successful reading began.
    loaded: AtomicU64,
    /// When the next reading is due by the timer, in microseconds.
    due: AtomicU64,
    /// After a failed reading: before this moment nothing is tried again, in microseconds.
    retry: AtomicU64,
    /// Before this moment a doubt does not bring the timer forward, in microseconds.
    settled: AtomicU64,
}

impl CatalogKeeper {
    /// A keeper that has read nothing.
    #[must_use]
    pub fn new(config: &WrapConfig) -> Self {
        Self {
            source_override: config.source.clone(),
            refresh: config.catalog_refresh,
            replica: config.replica,
            source_lags: AtomicBool::new(false),
            source: OnceLock::new(),
            epoch: OnceLock::new(),
            loaded_epoch: AtomicU64::new(0),
            stranger: OnceLock::new(),
            standby: AtomicBool::new(false),
            wanted: AtomicU64::new(1),
            loaded: AtomicU64::new(0),
            due: AtomicU64::new(0),
            retry: AtomicU64::new(0),
            settled: AtomicU64::new(0),
        }
    }

    /// The source, while its catalog can be believed.
    pub fn ready(&self) -> Option<&Arc<Source>> {
        self.source.get().filter(|_| !self.is_outdated())
    }

    /// The source, or a nameless one without a catalog as long as the identity is not known.
    pub fn source_or_stranger(&self, dialect: Dialect) -> &Arc<Source> {
        self.source.get().unwrap_or_else(|| {
            self.stranger.get_or_init(|| {
                let limits = SourceLimits::default();
                Arc::new(Source::new(
                    "stranger",
                    dialect,
                    limits,
                    FunctionLists::default(),
                ))
            })
        })
    }

    /// Whether the server may answer with less than what was committed, as far as is known.
    pub fn lags(&self) -> bool {
        match self.replica {
            Some(Replica::ReadThrough) => true,
            Some(Replica::DeclaredSafe) => false,
            None => self.standby.load(Ordering::Acquire),
        }
    }

    /// What was read is wrong now, by this handle and by every other on its database.
    pub fn outdate(&self, larder: &Larder) {
        self.wanted.fetch_add(1, Ordering::AcqRel);
        match self.epoch.get() {
            Some(epoch) => epoch.advance(),
            None => larder.advance_schema_epochs(),
        }
    }

    /// What was read may be wrong: reads it again soon, and believes it until then.
    pub fn doubt(&self) {
        self.due
            .fetch_min(self.settled.load(Ordering::Acquire), Ordering::AcqRel);
    }

    /// Whether the catalog read last is known to be wrong, or none was read yet.
    pub fn is_outdated(&self) -> bool {
        let behind =
            |epoch: &SchemaEpoch| self.loaded_epoch.load(Ordering::Acquire) < epoch.current();
        self.loaded.load(Ordering::Acquire) < self.wanted.load(Ordering::Acquire)
            || self.epoch.get().is_some_and(behind)
    }

    /// Whether the catalog should be read now.
    pub fn is_due(&self, larder: &Larder) -> bool {
        let due = if self.is_outdated() {
            &self.retry
        } else {
            &self.due
        };
        larder.cache().now() >= Moment(due.load(Ordering::Acquire))
    }

    /// A reading of the catalog, to be asked through to its end.
    pub fn begin_reading<'a>(&'a self, larder: &'a Larder, dialect: Dialect) -> CatalogReading<'a> {
        let id = match (self.source.get(), &self.source_override) {
            (Some(source), _) => Some(Arc::clone(source.id())),
            (None, named) => named.clone(),
        };
        let mut reading = CatalogReading {
            keeper: self,
            larder,
            dialect,
            wanted: self.wanted.load(Ordering::Acquire),
            id: None,
            reader: CatalogReader::new(dialect),
            before: 0,
            next: Next::Identity,
        };
        match id {
            Some(id) => reading.is_known_as(id),
            None if reading.is_nameless() => reading.next = Next::Failed,
            None => {}
        }
        reading
    }

    /// What tells the sources of two handles on one database apart. A replica has one of its own:
    /// its catalog lags as its rows do, and must not replace the primary's.
    fn session(&self, catalog: &Catalog) -> String {
        let role = if self.lags() { "replica" } else { "primary" };
        format!("{role} {:?} {:?}", catalog.search_path, catalog.session)
    }
}

/// One reading of the catalog: [`query`](Self::query), [`answer`](Self::answer), until there is no
/// query left. Given up half way, it leaves things as they were.
#[derive(Debug)]
#[must_use]
pub struct CatalogReading<'a> {
    keeper: &'a CatalogKeeper,
    larder: &'a Larder,
    dialect: Dialect,
    /// The value of the keeper's `wanted` when this began.
    wanted: u64,
    id: Option<Arc<str>>,
    reader: CatalogReader,
    /// The epoch before the first query.
    before: u64,
    next: Next,
}

/// What is asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Identity,
    Catalog(usize),
    Standby,
    Finished,
    Failed,
    Over,
}

impl CatalogReading<'_> {
    /// The next query, each of whose output columns is text; `None` = the reading is over, and the
    /// keeper knows how it went.
    pub fn query(&mut self) -> Option<&'static str> {
        match self.next {
            Next::Identity => Some(introspect::identity_query(self.dialect).sql),
            Next::Catalog(position) => match introspect::queries(self.dialect).get(position) {
                Some(query) => Some(query.sql),
                None => {
                    self.next = Next::Standby;
                    self.query()
                }
            },
            Next::Standby => match introspect::standby_query(self.dialect) {
                Some(query) => Some(query.sql),
                None => {
                    self.next = Next::Finished;
                    self.query()
                }
            },
            Next::Finished | Next::Failed => {
                let read = (self.next == Next::Finished)
                    .then(|| self.finish())
                    .flatten();
                self.settle(read.is_some());
                self.next = Next::Over;
                None
            }
            Next::Over => None,
        }
    }

    /// The rows of the query; `None` = it failed.
    pub fn answer(&mut self, rows: Option<Vec<Vec<Option<String>>>>) {
        match (self.next, rows) {
            (Next::Identity, Some(rows)) => match self.identity(&rows) {
                Some(id) => self.is_known_as(id.into()),
                None => self.next = Next::Failed,
            },
            (Next::Catalog(position), rows) => {
                self.next = Next::Catalog(position + 1);
                match (introspect::queries(self.dialect).get(position), rows) {
                    (Some(query), Some(rows)) => self.reader.feed(query.name, rows),
                    (Some(query), None) if query.optional => {}
                    _ => self.next = Next::Failed,
                }
            }
            (Next::Standby, Some(rows)) => {
                let standby = introspect::is_standby(&rows);
                self.keeper.standby.store(standby, Ordering::Release);
                self.next = Next::Finished;
            }
            _ => self.next = Next::Failed,
        }
    }

    fn is_known_as(&mut self, id: Arc<str>) {
        let (larder, dialect) = (self.larder, self.dialect);
        let epoch = self
            .keeper
            .epoch
            .get_or_init(|| larder.schema_epoch(&id, dialect));
        self.before = epoch.current();
        self.id = Some(id);
        self.next = Next::Catalog(0);
    }

    /// Two machines may each have a file of one name.
    fn is_nameless(&self) -> bool {
        let cache = self.larder.cache();
        let nameless = self.dialect == Dialect::Sqlite && cache.is_remote();
        if nameless {
            let reason = BypassReason::Uncacheable(Reason::new(NAMELESS));
            cache.bypassed(None, None, &reason);
        }
        nameless
    }

    /// What the server reports; `None` = it cannot be read.
    fn identity(&self, rows: &[Vec<Option<String>>]) -> Option<String> {
        introspect::identity(self.dialect, rows).or_else(|| {
            // A SQLite database without a file belongs to whoever opened it.
            let Stamp(random) = Entropy::system().draws().stamp();
            let id = format!("memory-{:032x}", u128::from_be_bytes(random));
            (self.dialect == Dialect::Sqlite).then_some(id)
        })
    }

    fn finish(&mut self) -> Option<()> {
        let (keeper, larder) = (self.keeper, self.larder);
        let reader = std::mem::replace(&mut self.reader, CatalogReader::new(self.dialect));
        let catalog = reader.finish().ok()?;
        let source = match keeper.source.get() {
            // A primary that was demoted shares its source with handles on the new one.
            Some(_) if keeper.lags() && !keeper.source_lags.load(Ordering::Acquire) => return None,
            Some(source) => source,
            None => {
                keeper.source_lags.store(keeper.lags(), Ordering::Release);
                let source =
                    larder.attach(self.id.as_deref()?, &keeper.session(&catalog), self.dialect);
                keeper.source.get_or_init(|| source)
            }
        };
        larder.set_catalog(source, catalog, self.before);
        keeper.loaded_epoch.store(self.before, Ordering::Release);
        Some(())
    }

    fn settle(&self, read: bool) {
        let keeper = self.keeper;
        // A reading may have waited long for a connection: those in line do not all wait as long.
        let now = self.larder.cache().now();
        keeper
            .due
            .store((now + keeper.refresh).0, Ordering::Release);
        keeper.settled.store((now + PAUSE).0, Ordering::Release);
        if read {
            keeper.loaded.store(self.wanted, Ordering::Release);
        } else {
            keeper.retry.store((now + PAUSE).0, Ordering::Release);
        }
    }
}

const NAMELESS: &str = "a SQLite file has no identity that other machines could know: name it with \
                        `WrapConfig::source`";

/// The least time between two readings that no DDL of ours asked for.
const PAUSE: Duration = Duration::from_secs(1);
