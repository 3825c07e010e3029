//! Keeps the catalog of one wrapped connection: reads it on the first need, after DDL, after
//! errors that smell of a changed schema, and on a timer; never inside a transaction.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use larder_core::{
    BypassReason, Entropy, Event, FunctionLists, Moment, Source, SourceLimits, Stamp,
};
use larder_signals::{Larder, SchemaEpoch};
use larder_sql::{
    Catalog, Dialect,
    introspect::{self, CatalogReader},
    plan::Reason,
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

use crate::{
    config::{Replica, WrapConfig},
    job,
};

/// The catalog of one wrapped connection.
#[derive(Debug)]
pub(crate) struct Keeper {
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
    reading: tokio::sync::Mutex<()>,
}

impl Keeper {
    pub(crate) fn new(config: &WrapConfig) -> Self {
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
            reading: tokio::sync::Mutex::const_new(()),
        }
    }

    /// The source, while its catalog can be believed.
    pub(crate) fn ready(&self) -> Option<&Arc<Source>> {
        self.source.get().filter(|_| !self.is_outdated())
    }

    /// The source, or a nameless one without a catalog as long as the identity is not known.
    pub(crate) fn source_or_stranger(&self, backend: DbBackend) -> &Arc<Source> {
        self.source.get().unwrap_or_else(|| {
            self.stranger.get_or_init(|| {
                // Whatever the dialect, a write without a catalog is of unknown scope.
                let dialect = job::dialect(backend).unwrap_or(Dialect::Postgres);
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
    pub(crate) fn lags(&self) -> bool {
        match self.replica {
            Some(Replica::ReadThrough) => true,
            Some(Replica::DeclaredSafe) => false,
            None => self.standby.load(Ordering::Acquire),
        }
    }

    /// What was read is wrong now, by this handle and by every other on its database.
    pub(crate) fn outdate(&self, larder: &Larder) {
        self.wanted.fetch_add(1, Ordering::AcqRel);
        match self.epoch.get() {
            Some(epoch) => epoch.advance(),
            None => larder.advance_schema_epochs(),
        }
    }

    /// What was read may be wrong: reads it again soon, and believes it until then.
    pub(crate) fn doubt(&self) {
        self.due
            .fetch_min(self.settled.load(Ordering::Acquire), Ordering::AcqRel);
    }

    /// Whether the catalog read last is known to be wrong, or none was read yet.
    pub(crate) fn is_outdated(&self) -> bool {
        let behind =
            |epoch: &SchemaEpoch| self.loaded_epoch.load(Ordering::Acquire) < epoch.current();
        self.loaded.load(Ordering::Acquire) < self.wanted.load(Ordering::Acquire)
            || self.epoch.get().is_some_and(behind)
    }

    /// Whether the catalog should be read now.
    pub(crate) fn is_due(&self, larder: &Larder) -> bool {
        let due = if self.is_outdated() {
            &self.retry
        } else {
            &self.due
        };
        larder.cache().now() >= Moment(due.load(Ordering::Acquire))
    }

    /// Reads the catalog where that is due. A failure leaves things as they are: without a catalog
    /// that can be believed nothing is cached.
    pub(crate) async fn keep<C: ConnectionTrait>(&self, connection: &C, larder: &Larder) {
        if !self.is_due(larder) {
            return;
        }
        let _reading = if self.is_outdated() {
            self.reading.lock().await
        } else {
            // By the timer, one goes and the others keep the catalog that they have.
            let Ok(reading) = self.reading.try_lock() else {
                return;
            };
            reading
        };
        // Another may have read it while this one waited.
        if self.is_due(larder) {
            self.read(connection, larder).await;
        }
    }

    async fn read<C: ConnectionTrait>(&self, connection: &C, larder: &Larder) {
        let wanted = self.wanted.load(Ordering::Acquire);
        let read = match job::dialect(connection.get_database_backend()) {
            Some(dialect) => self.read_all(connection, larder, dialect).await,
            None => None,
        };
        // A reading may have waited long for a connection: those in line do not all wait as long.
        let now = larder.cache().now();
        self.due.store((now + self.refresh).0, Ordering::Release);
        self.settled.store((now + PAUSE).0, Ordering::Release);
        match read {
            Some(()) => self.loaded.store(wanted, Ordering::Release),
            None => self.retry.store((now + PAUSE).0, Ordering::Release),
        }
    }

    async fn read_all<C: ConnectionTrait>(
        &self,
        connection: &C,
        larder: &Larder,
        dialect: Dialect,
    ) -> Option<()> {
        let known = self.source.get();
        let id = match known {
            Some(source) => Arc::clone(source.id()),
            None => self.identity(connection, larder, dialect).await?.into(),
        };
        let epoch = self.epoch.get_or_init(|| larder.schema_epoch(&id, dialect));
        let before = epoch.current();
        let mut reader = CatalogReader::new(dialect);
        for query in introspect::queries(dialect) {
            match rows(connection, query.sql).await {
                Ok(rows) => reader.feed(query.name, rows),
                Err(_) if query.optional => {}
                Err(_) => return None,
            }
        }
        let catalog = reader.finish().ok()?;
        if let Some(query) = introspect::standby_query(dialect) {
            let standby = introspect::is_standby(&rows(connection, query.sql).await.ok()?);
            self.standby.store(standby, Ordering::Release);
        }
        let source = match known {
            // A primary that was demoted shares its source with handles on the new one.
            Some(_) if self.lags() && !self.source_lags.load(Ordering::Acquire) => return None,
            Some(source) => source,
            None => {
                self.source_lags.store(self.lags(), Ordering::Release);
                let source = larder.attach(&id, &self.session(&catalog), dialect);
                self.source.get_or_init(|| source)
            }
        };
        larder.set_catalog(source, catalog, before);
        self.loaded_epoch.store(before, Ordering::Release);
        Some(())
    }

    /// What tells the sources of two handles on one database apart. A replica has one of its own:
    /// its catalog lags as its rows do, and must not replace the primary's.
    fn session(&self, catalog: &Catalog) -> String {
        let role = if self.lags() { "replica" } else { "primary" };
        format!("{role} {:?} {:?}", catalog.search_path, catalog.session)
    }

    /// The identity that the user gave or the server reports; `None` = it cannot be read.
    async fn identity<C: ConnectionTrait>(
        &self,
        connection: &C,
        larder: &Larder,
        dialect: Dialect,
    ) -> Option<String> {
        if let Some(id) = &self.source_override {
            return Some(id.to_string());
        }
        // Two machines may each have a file of one name.
        if dialect == Dialect::Sqlite && larder.cache().is_remote() {
            let reason = BypassReason::Uncacheable(Reason::new(NAMELESS));
            larder.cache().report(&Event::Bypass {
                table: None,
                reason: &reason,
            });
            return None;
        }
        let query = introspect::identity_query(dialect);
        let rows = rows(connection, query.sql).await.ok()?;
        introspect::identity(dialect, &rows).or_else(|| {
            // A SQLite database without a file belongs to whoever opened it.
            let Stamp(random) = Entropy::system().draws().stamp();
            let id = format!("memory-{:032x}", u128::from_be_bytes(random));
            (dialect == Dialect::Sqlite).then_some(id)
        })
    }
}

/// Every column of these queries is text.
async fn rows<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
) -> Result<Vec<Vec<Option<String>>>, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection
        .query_all_raw(statement)
        .await?
        .iter()
        .map(cells)
        .collect()
}

fn cells(row: &QueryResult) -> Result<Vec<Option<String>>, DbErr> {
    (0..row.column_names().len())
        .map(|index| row.try_get_by_index(index))
        .collect()
}

const NAMELESS: &str = "a SQLite file has no identity that other machines could know: name it with \
                        `WrapConfig::source`";

/// The least time between two readings that no DDL of ours asked for.
const PAUSE: Duration = Duration::from_secs(1);
