//! What all clones and transactions of one wrapped connection share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use larder_core::{BypassReason, Prepared, ReadMode, ReadOutcome, Source};
use larder_signals::{
    CachedRead, CatalogKeeper, Larder, Planned, ReadCall, ReadOptions, WrapConfig,
};
use larder_sql::{Dialect, plan::Reason};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

use crate::{
    failure, job,
    param::Params,
    probe::{Asked, Slot},
};

/// What all clones and transactions of one wrapped connection share.
pub(crate) struct Shared {
    larder: Larder,
    keeper: Arc<CatalogKeeper>,
    reading: Arc<tokio::sync::Mutex<()>>,
    /// A statement changed the session of one of its connections, and nobody knows which.
    bypass: Arc<AtomicBool>,
    exact_rows: bool,
    /// Whose rows its sessions see.
    scope: Option<Arc<str>>,
}

impl Shared {
    pub(crate) fn new(larder: &Larder, config: WrapConfig) -> Self {
        Self {
            larder: larder.clone(),
            keeper: Arc::new(CatalogKeeper::new(&config)),
            reading: Arc::default(),
            bypass: Arc::default(),
            exact_rows: config.has_exact_rows(),
            scope: config.named_scope().cloned(),
        }
    }

    /// The same under a scope of its own.
    pub(crate) fn scoped(&self, scope: Arc<str>) -> Self {
        Self {
            larder: self.larder.clone(),
            keeper: Arc::clone(&self.keeper),
            reading: Arc::clone(&self.reading),
            bypass: Arc::clone(&self.bypass),
            exact_rows: self.exact_rows,
            scope: Some(scope),
        }
    }

    pub(crate) fn larder(&self) -> &Larder {
        &self.larder
    }

    /// Whose rows its sessions see.
    pub(crate) fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    pub(crate) fn keeper(&self) -> &CatalogKeeper {
        &self.keeper
    }

    /// Answers a cached terminal, of which `now` could be said at once: leaves the result in its
    /// slot and returns `true`, or leaves it a ticket to store the result with, or nothing.
    pub(crate) async fn answer<C: ConnectionTrait>(
        &self,
        inner: &C,
        statement: &Statement,
        slot: &dyn Slot,
        now: Now,
    ) -> bool {
        match now {
            Now::Answered(ReadOutcome::Hit(_)) => return false,
            Now::Answered(outcome) => return leave(outcome, slot),
            Now::Bypass => return false,
            Now::Later(read) => {
                // A miss can wait for what a hit cannot: a look at the catalog.
                if !self.is_catalog_due(inner) {
                    return leave(self.larder.read(&read).await, slot);
                }
            }
            Now::Unready => {}
        }
        if !self.is_catalog_due(inner) {
            return false;
        }
        self.read_catalog(inner).await;
        match self.read_now(statement, slot, Asked::First) {
            Now::Answered(outcome) => leave(outcome, slot),
            Now::Later(read) => leave(self.larder.read(&read).await, slot),
            Now::Bypass | Now::Unready => false,
        }
    }

    /// Lets the result of an operation rest on one more of its statements, which runs next.
    pub(crate) async fn follow(&self, statement: &Statement, slot: &dyn Slot) {
        if !slot.is_filling() {
            return;
        }
        let outcome = match self.read_now(statement, slot, Asked::Part) {
            Now::Answered(outcome) => Some(outcome),
            Now::Later(read) => Some(self.larder.read(&read).await),
            Now::Bypass | Now::Unready => None,
        };
        match outcome {
            Some(ReadOutcome::Fill(part)) => slot.rest_on(part),
            _ => slot.withdraw(),
        }
    }

    /// The query of a cached terminal has run. Its connection may have been one whose session was
    /// changed meanwhile, in which case its rows are nobody else's, or its server may have become
    /// a standby (P9).
    pub(crate) fn after_fill(&self, slot: &dyn Slot) {
        if self.is_bypassed() || self.keeper.lags() {
            slot.withdraw();
        }
    }

    /// What can be said of a cached terminal without waiting.
    pub(crate) fn read_now(&self, statement: &Statement, slot: &dyn Slot, asked: Asked) -> Now {
        let Some(source) = self.keeper.ready() else {
            return Now::Unready;
        };
        let prepared = source.plan(&statement.sql);
        let mut params = Params::of_read(statement, slot.inputs(), source.dialect());
        if slot.is_of_several() {
            // The tables of the statements to come are not known yet.
            let catalog = prepared.catalog_fingerprint();
            if !slot.takes_catalog(asked, catalog) {
                let changed = Reason::new("the schema changed between two of its statements");
                let reason = BypassReason::Uncacheable(changed);
                return self.bypass_read(&prepared, &reason);
            }
            params.rest_on_catalog(catalog);
        }
        let anew = slot.options().mode == ReadMode::Refresh;
        if let Some(reason) = self.refusal(params.exact, anew) {
            return self.bypass_read(&prepared, &reason);
        }
        let call = ReadCall {
            source,
            prepared: &prepared,
            params: &params.values,
            result: slot.identity(),
            codec: slot.codec(),
            options: self.options(slot, asked),
            scope: self.scope.as_deref(),
        };
        if let Some(hit) = self.larder.revisit_now(&call) {
            return Now::Answered(hit);
        }
        match self.larder.begin_read(&call) {
            Err(_) => Now::Bypass,
            Ok(read) => match self.larder.read_now(&read) {
                Some(outcome) => Now::Answered(outcome),
                None => Now::Later(read),
            },
        }
    }

    fn bypass_read(&self, prepared: &Prepared, reason: &BypassReason) -> Now {
        self.larder.bypassed(prepared, reason);
        Now::Bypass
    }

    fn options(&self, slot: &dyn Slot, asked: Asked) -> ReadOptions {
        let mut options = *slot.options();
        if asked == Asked::Part {
            options.mode = ReadMode::Part;
        } else if self.keeper.lags() {
            options.mode = ReadMode::Peek;
        } else if slot.is_of_several() && options.mode == ReadMode::Cached {
            options.mode = ReadMode::Alone;
        }
        options
    }

    pub(crate) fn refusal(&self, exact: bool, anew: bool) -> Option<BypassReason> {
        if self.is_bypassed() {
            return Some(BypassReason::Session);
        }
        if anew && self.keeper.lags() {
            return Some(BypassReason::Replica);
        }
        (!exact).then(|| {
            BypassReason::Uncacheable(Reason::new("a parameter cannot be written down exactly"))
        })
    }

    /// The plan of a text outside a transaction, with a fresh look at the catalog where it is due;
    /// `None` when nothing of this connection is planned.
    pub(crate) async fn plan<C: ConnectionTrait>(&self, inner: &C, sql: &str) -> Option<Planned> {
        self.keep(inner).await;
        self.plan_now(inner, sql)
    }

    /// The plan of a text with the catalog as it is.
    pub(crate) fn plan_now<C: ConnectionTrait>(&self, inner: &C, sql: &str) -> Option<Planned> {
        if inner.is_mock_connection() {
            return None;
        }
        Some(self.planned(inner.get_database_backend(), sql))
    }

    pub(crate) fn planned(&self, backend: DbBackend, sql: &str) -> Planned {
        let source = self.source_or_stranger(backend);
        Planned {
            source: Arc::clone(source),
            prepared: source.plan(sql),
            // In another session, names may mean other tables.
            outdated: self.keeper.is_outdated() || self.is_bypassed(),
        }
    }

    /// Looks at the catalog where that is due; before a transaction, since inside it nothing can be
    /// read.
    pub(crate) async fn keep<C: ConnectionTrait>(&self, inner: &C) {
        if self.is_catalog_due(inner) {
            self.read_catalog(inner).await;
        }
    }

    /// Reads the catalog, of which is known that it is due. A failure leaves things as they are:
    /// without a catalog that can be believed nothing is cached.
    async fn read_catalog<C: ConnectionTrait>(&self, inner: &C) {
        let Some(dialect) = job::dialect(inner.get_database_backend()) else {
            return;
        };
        let _reading = if self.keeper.is_outdated() {
            self.reading.lock().await
        } else {
            // By the timer, one goes and the others keep the catalog that they have.
            let Ok(reading) = self.reading.try_lock() else {
                return;
            };
            reading
        };
        // Another may have read it while this one waited.
        if !self.keeper.is_due(&self.larder) {
            return;
        }
        let mut reading = self.keeper.begin_reading(&self.larder, dialect);
        while let Some(sql) = reading.query() {
            reading.answer(rows(inner, sql).await.ok());
        }
    }

    /// A handle that bypasses needs no catalog, and its session would read a wrong one.
    fn is_catalog_due<C: ConnectionTrait>(&self, inner: &C) -> bool {
        !inner.is_mock_connection() && !self.is_bypassed() && self.keeper.is_due(&self.larder)
    }

    /// From now on, reads of this handle go to the database, and its writes may mean any table.
    pub(crate) fn bypass(&self, by: &Planned) {
        if !self.bypass.swap(true, Ordering::AcqRel) {
            self.larder.bypassed(&by.prepared, &BypassReason::Session);
        }
    }

    /// [`Self::bypass`] where no statement is to blame.
    pub(crate) fn bypass_silently(&self) {
        self.bypass.store(true, Ordering::Release);
    }

    /// Whether a statement has changed the session of one of the connections.
    pub(crate) fn is_bypassed(&self) -> bool {
        self.bypass.load(Ordering::Acquire)
    }

    /// Whether rows of the connection say NULL only for NULL.
    pub(crate) fn has_exact_rows(&self) -> bool {
        self.exact_rows
    }

    pub(crate) fn source_or_stranger(&self, backend: DbBackend) -> &Arc<Source> {
        // Whatever the dialect, a write without a catalog is of unknown scope.
        let dialect = job::dialect(backend).unwrap_or(Dialect::Postgres);
        self.keeper.source_or_stranger(dialect)
    }

    /// The catalog must be read again before it is believed.
    pub(crate) fn schema_changed(&self) {
        self.keeper.outdate(&self.larder);
    }

    /// An error may tell that the schema is not the one in the catalog.
    pub(crate) fn look_at(&self, error: Option<&DbErr>) {
        if error.is_some_and(failure::is_of_schema) {
            self.keeper.doubt();
        }
    }
}

/// What can be said of a read without waiting.
pub(crate) enum Now {
    Answered(ReadOutcome),
    Bypass,
    /// The store, or another reader, must be asked.
    Later(CachedRead),
    /// There is no catalog to plan with.
    Unready,
}

impl Now {
    /// Leaves a hit in the slot. A value of another type is none.
    pub(crate) fn is_hit(&self, slot: &dyn Slot) -> bool {
        match self {
            Self::Answered(ReadOutcome::Hit(value)) => slot.put_hit(Arc::clone(value)),
            _ => false,
        }
    }
}

fn leave(outcome: ReadOutcome, slot: &dyn Slot) -> bool {
    match outcome {
        ReadOutcome::Hit(value) => slot.put_hit(value),
        ReadOutcome::Fill(fill) => {
            slot.put_fill(fill);
            false
        }
        _ => false,
    }
}

/// The rows of one of larder's own questions, every column of which is text.
pub(crate) async fn rows<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
) -> Result<Vec<Vec<Option<String>>>, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(cells).collect()
}

fn cells(row: &QueryResult) -> Result<Vec<Option<String>>, DbErr> {
    (0..row.column_names().len())
        .map(|index| row.try_get_by_index(index))
        .collect()
}
