//! What a wrapped connection knows of itself. It decides and does no I/O, so that connections that
//! block and those that do not share it.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    num::NonZeroU32,
    sync::Arc,
};

use diesel::{
    QueryResult,
    query_builder::{QueryFragment, QueryId},
    result::{DatabaseErrorKind, Error},
};
use foldhash::fast::RandomState;
use larder_core::{
    BypassReason, Fill, Param, Prepared, ReadMode, ReadOutcome, ResultCodec, ResultIdentity, Source,
};
use larder_signals::{
    CachedRead, CatalogKeeper, Changes, Failure, Larder, Planned, ReadCall, ReadOptions, Recorded,
    Returned, StatementEnd, StatementOutcome, TransactionLog, WrapConfig, WriteGuard,
    wanted_returning,
};
use larder_sql::{
    Dialect,
    plan::{Part, TransactionCommand},
};

use crate::backend::{CachedBackend, text_of};

/// The state of one wrapped connection.
#[derive(Debug)]
pub(crate) struct Session {
    larder: Larder,
    dialect: Dialect,
    config: WrapConfig,
    keeper: CatalogKeeper,
    /// Why nothing is read from the cache.
    doubt: Doubt,
    /// Of the transaction that is open.
    log: Option<TransactionLog>,
    /// Handles of the savepoints that are open, outermost first.
    savepoints: Vec<usize>,
    /// What the scope around the next reads asks for; `None` = they are not cached.
    options: Option<ReadOptions>,
    /// Writes outside a transaction whose end nobody has seen (W4).
    unended: Vec<StatementEnd>,
    /// The driver counts a transaction that was not opened through the wrapper.
    foreign: bool,
    /// Something was sent, and nobody has said how it ended.
    under_way: Option<UnderWay>,
    /// Queries whose type says their text.
    by_type: HashMap<TypeId, OfType, RandomState>,
}

/// What is the same for all queries of a type.
#[derive(Debug)]
struct OfType {
    text: Arc<str>,
    source: Arc<Source>,
    prepared: Arc<Prepared>,
}

/// The text of a query, and its type where that says the text.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) sql: Arc<str>,
    kind: Option<TypeId>,
}

/// Types of queries that are told apart; beyond, their text is built and looked up each time.
const TYPES_MAX: usize = 10_000;

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnderWay {
    /// A statement that may write.
    Write,
    /// BEGIN, COMMIT or the like.
    Control,
}

/// Unseen ends of writes that are kept; they only shorten a time.
const UNENDED_MAX: usize = 64;

/// What is not known of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doubt {
    Nothing,
    /// A transaction was opened by text.
    Transaction,
    /// A statement changed the session.
    Session,
}

/// A result as it is kept.
pub(crate) type Kept = Arc<dyn Any + Send + Sync>;

/// What a result is kept as.
#[derive(Clone, Debug)]
pub(crate) struct KeptAs {
    pub(crate) identity: ResultIdentity,
    /// What else tells it from other kinds.
    pub(crate) form: Option<Param<'static>>,
    pub(crate) codec: &'static ResultCodec,
}

/// What a read comes to before the database is asked.
#[derive(Debug)]
pub(crate) enum Now {
    /// The answer.
    Hit(Kept),
    /// The store, or another reader, must be asked.
    Later(CachedRead),
    /// It is the database's to answer.
    Pass,
}

/// What a read comes to once the store was asked.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// The answer.
    Hit(Arc<T>),
    /// Run the query and store what it gives.
    Fill(Fill),
    /// Run the query.
    Pass,
}

impl Session {
    pub(crate) fn new(larder: &Larder, dialect: Dialect, config: &WrapConfig) -> Self {
        Self {
            larder: larder.clone(),
            dialect,
            config: config.clone(),
            keeper: CatalogKeeper::new(config),
            doubt: Doubt::Nothing,
            log: None,
            savepoints: Vec::new(),
            options: Some(ReadOptions::default()),
            unended: Vec::new(),
            foreign: false,
            under_way: None,
            by_type: HashMap::default(),
        }
    }

    pub(crate) fn larder(&self) -> &Larder {
        &self.larder
    }

    pub(crate) fn keeper(&self) -> &CatalogKeeper {
        &self.keeper
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The scope of the reads that follow; what was there before comes back.
    pub(crate) fn replace_options(&mut self, options: Option<ReadOptions>) -> Option<ReadOptions> {
        std::mem::replace(&mut self.options, options)
    }

    /// Something begins on the connection, whose driver counts this many levels of transactions.
    /// What comes back is to be delivered first.
    pub(crate) fn begins(&mut self, depth: Option<NonZeroU32>) -> Option<WriteGuard> {
        let left = self.under_way.take();
        if left.is_some() {
            // Its future was leaked: nothing has told what became of it.
            self.doubt = Doubt::Session;
        }
        if left == Some(UnderWay::Control)
            && let Some(log) = &mut self.log
        {
            // The driver may count a transaction that the server has ended.
            log.events.detach();
        }
        let aligned = self.align(depth);
        self.foreign = depth.is_some() && self.log.is_none();
        match left {
            Some(UnderWay::Write) => self.known(Changes::Everything),
            _ => aligned,
        }
    }

    /// Whether the catalog should be read now. Never in a transaction, where a failing query would
    /// abort what the user does.
    pub(crate) fn is_catalog_due(&self) -> bool {
        self.log.is_none() && !self.is_lost() && self.keeper.is_due(&self.larder)
    }

    /// Whether nobody knows in what session or transaction the connection is.
    fn is_lost(&self) -> bool {
        self.foreign || self.doubt != Doubt::Nothing
    }

    /// The plan of a text.
    pub(crate) fn plan(&self, sql: &str) -> Planned {
        self.planned(self.source().plan(sql))
    }

    /// The text of a query. Where its type says it, which is what the driver keeps prepared
    /// statements by, it is built once.
    pub(crate) fn text<DB, T>(&self, query: &T) -> QueryResult<Text>
    where
        DB: CachedBackend,
        T: QueryFragment<DB> + QueryId,
    {
        let kind = match T::query_id() {
            Some(kind) if query.is_safe_to_cache_prepared(&DB::default())? => Some(kind),
            _ => None,
        };
        let known = kind.and_then(|kind| self.by_type.get(&kind));
        let sql = match known {
            Some(known) => Arc::clone(&known.text),
            None => text_of::<DB, T>(query)?.into(),
        };
        Ok(Text { sql, kind })
    }

    /// The plan of a query.
    pub(crate) fn plan_text(&mut self, text: &Text) -> Planned {
        let Some(kind) = text.kind else {
            return self.plan(&text.sql);
        };
        if let Some(known) = self.by_type.get(&kind)
            && Arc::ptr_eq(&known.source, self.source())
            && known.prepared.catalog_version() == known.source.catalog_version()
        {
            return self.planned(Arc::clone(&known.prepared));
        }
        let planned = self.plan(&text.sql);
        if self.by_type.len() < TYPES_MAX || self.by_type.contains_key(&kind) {
            let of_type = OfType {
                text: Arc::clone(&text.sql),
                source: Arc::clone(&planned.source),
                prepared: Arc::clone(&planned.prepared),
            };
            self.by_type.insert(kind, of_type);
        }
        planned
    }

    fn planned(&self, prepared: Arc<Prepared>) -> Planned {
        Planned {
            source: Arc::clone(self.source()),
            prepared,
            outdated: self.keeper.is_outdated() || self.is_lost(),
        }
    }

    /// Whether a read of this text may be answered from the cache, so that its parameters are worth
    /// collecting. The observer hears why not.
    pub(crate) fn may_answer(&self, planned: &Planned, wish: Option<ReadOptions>) -> bool {
        let (Some(scope), Some(_)) = (self.options, planned.prepared.read()) else {
            return false;
        };
        let mode = wish.unwrap_or(scope).mode;
        match self.refusal(&planned.prepared, mode) {
            Some(reason) => {
                self.larder
                    .bypassed(&planned.source, &planned.prepared, &reason);
                false
            }
            // Without a catalog nothing is cached.
            None => self.keeper.ready().is_some(),
        }
    }

    fn refusal(&self, prepared: &Prepared, mode: ReadMode) -> Option<BypassReason> {
        if self.log.is_some() || self.foreign {
            return Some(BypassReason::Transaction);
        }
        match self.doubt {
            Doubt::Nothing => {}
            Doubt::Transaction => return Some(BypassReason::Transaction),
            Doubt::Session => return Some(BypassReason::Session),
        }
        if mode == ReadMode::Refresh && self.keeper.lags() {
            return Some(BypassReason::Replica);
        }
        prepared
            .uncacheable()
            .map(|reason| BypassReason::Uncacheable(reason.clone()))
    }

    /// What can be said of a read without waiting. `wish` is that of the query itself, in place of
    /// the scope's.
    pub(crate) fn read_now(
        &self,
        planned: &Planned,
        params: &[Param<'_>],
        kept: &KeptAs,
        wish: Option<ReadOptions>,
    ) -> Now {
        let mut options = wish.or(self.options).unwrap_or_default();
        if self.keeper.lags() {
            options.mode = ReadMode::Peek;
        }
        let call = ReadCall {
            source: &planned.source,
            prepared: &planned.prepared,
            params,
            result: &kept.identity,
            codec: Some(kept.codec),
            options,
        };
        if let Some(ReadOutcome::Hit(value)) = self.larder.revisit_now(&call) {
            return Now::Hit(value);
        }
        match self.larder.begin_read(&call) {
            Err(_) => Now::Pass,
            Ok(read) => Now::Later(read),
        }
    }

    /// BEGIN, COMMIT or the like is on its way. Until [`controlled`](Self::controlled) is told what
    /// was there before, and for good when that never happens (cancellation, panic), nobody knows
    /// whether the connection is in a transaction.
    pub(crate) fn control(&mut self) {
        self.under_way = Some(UnderWay::Control);
    }

    /// It has ended.
    pub(crate) fn controlled(&mut self) {
        self.under_way = None;
    }

    /// An answer of the server: what it was sent before has ended.
    pub(crate) fn answered_by_server(&mut self) {
        self.unended.drain(..).for_each(|end| end.ended());
    }

    /// The end of this is not seen yet.
    fn watch(&mut self, guard: &WriteGuard) {
        if self.unended.len() < UNENDED_MAX {
            self.unended.push(guard.statement_end());
        }
    }

    /// A read has failed. Inside a transaction that may have been its end (a deadlock); elsewhere it
    /// may tell that the schema is not the one in the catalog.
    pub(crate) fn read_failed(&mut self, error: &Error) {
        self.look_at(error);
        if let Some(log) = &mut self.log {
            log.events.doubt();
        }
    }

    /// An error may tell that the schema is not the one in the catalog.
    pub(crate) fn look_at(&self, error: &Error) {
        let text = error.to_string();
        if SCHEMA_ERRORS.iter().any(|words| text.contains(words)) {
            self.keeper.doubt();
        }
    }

    /// The plan of a write that asks for what reads need to know of its rows, and what its text then
    /// ends with.
    pub(crate) fn told_more(&self, planned: &Planned, sql: &str) -> Option<(Planned, String)> {
        let end = wanted_returning(planned)?;
        let told = self.plan(&format!("{sql}{end}"));
        told.returns().then_some((told, end))
    }

    /// A statement that may write is about to be sent.
    ///
    /// # Errors
    /// It must not be.
    pub(crate) fn send<'s>(
        &'s mut self,
        planned: &'s Planned,
        params: &'s [Param<'s>],
    ) -> QueryResult<Sending<'s>> {
        let refusal = self.larder.write_refusal();
        if let Some(refusal) = refusal.filter(|_| planned.writes()) {
            return Err(Error::QueryBuilderError(Box::new(refusal)));
        }
        let inside = self.log.is_some();
        if planned.changes_schema() && !inside {
            // Before as well as after: what others write meanwhile is planned by no stale catalog.
            self.keeper.outdate(&self.larder);
        }
        let mut guard = self.guard(planned, inside);
        if !inside {
            guard.sent();
            self.watch(&guard);
        }
        self.under_way = Some(UnderWay::Write);
        Ok(Sending {
            session: self,
            planned,
            params,
            guard: Some(guard),
            inside,
        })
    }

    fn guard(&self, planned: &Planned, inside: bool) -> WriteGuard {
        // In a session that nobody knows, any statement may be the one that commits.
        let unknown = planned.changes_session() || planned.controls_transaction();
        if !inside && (unknown || planned.outdated) {
            return self
                .larder
                .begin_commit(&planned.source, Changes::Everything);
        }
        self.larder
            .begin_write(&planned.source, Arc::clone(&planned.prepared))
    }

    /// What a text outside a transaction of the wrapper leaves behind.
    fn follow(&mut self, planned: &Planned, failed: bool) {
        if planned.changes_session() {
            if planned.changes_settings_alone() && !failed {
                // Another session, of which the catalog will tell.
                self.keeper = CatalogKeeper::new(&self.config);
            } else {
                self.doubt = Doubt::Session;
            }
        }
        if planned.changes_schema() {
            self.keeper.outdate(&self.larder);
        }
        if self.doubt == Doubt::Session || !planned.controls_transaction() {
            return;
        }
        let mut open = self.doubt == Doubt::Transaction || failed;
        for part in &planned.plan().parts {
            match part {
                Part::Transaction(
                    TransactionCommand::Commit { chain } | TransactionCommand::Rollback { chain },
                ) => open = *chain || failed,
                Part::Transaction(_) => open = true,
                _ => {}
            }
        }
        self.doubt = if open {
            Doubt::Transaction
        } else {
            Doubt::Nothing
        };
    }

    /// BEGIN, or SAVEPOINT, has succeeded. What comes back is to be delivered.
    pub(crate) fn begun(&mut self) -> Option<WriteGuard> {
        if let Some(log) = &mut self.log {
            self.savepoints.push(log.events.begin_nested());
            return None;
        }
        self.savepoints.clear();
        if self.foreign {
            // Whatever its levels are, each may be the one that commits.
            return None;
        }
        let source = Arc::clone(self.source());
        self.log = Some(TransactionLog::new(&self.larder, &source));
        // It may have committed what statements of text had left open.
        (self.doubt != Doubt::Nothing)
            .then(|| self.known(Changes::Everything))
            .flatten()
    }

    /// COMMIT, or RELEASE, is about to be sent.
    pub(crate) fn commit(&mut self) -> Ending {
        let Some(log) = &mut self.log else {
            return self.ending(if self.foreign {
                Changes::Everything
            } else {
                Changes::none()
            });
        };
        let shown = if self.savepoints.is_empty() {
            log.events.commit()
        } else if log.events.is_detached() {
            // For all that is known, the savepoint is the transaction.
            log.events.everything_so_far()
        } else {
            return Ending::Savepoint;
        };
        let shown = if self.is_lost() {
            Changes::Everything
        } else {
            shown
        };
        self.over();
        self.ending(shown)
    }

    fn ending(&mut self, shown: Changes) -> Ending {
        if shown.is_empty() {
            return Ending::Nothing;
        }
        let mut guard = self.larder.begin_commit(self.source(), shown);
        guard.sent();
        self.watch(&guard);
        Ending::Commit(Box::new(guard))
    }

    /// COMMIT, or RELEASE, has ended, and the driver counts this many levels now.
    pub(crate) fn committed(
        &mut self,
        ending: Ending,
        failure: Option<Failure>,
        depth: Option<NonZeroU32>,
    ) -> Vec<WriteGuard> {
        self.over();
        let nested = self.end_savepoint(failure.is_some(), |log, handle| {
            log.events.commit_nested(handle)
        });
        if depth.is_none() && nested.is_none() {
            // What it showed is the guard's to apply.
            self.log = None;
        }
        let mut deliveries = Vec::new();
        match ending {
            Ending::Commit(mut guard) => {
                match failure {
                    // A server that refuses COMMIT says so; else the outcome is open.
                    Some(failure) => guard.failed(&[], failure),
                    None => guard.succeeded(&[], Returned::Nothing),
                }
                if failure != Some(Failure::Unknown) {
                    self.answered_by_server();
                }
                deliveries.push(*guard);
            }
            Ending::Savepoint => deliveries.extend(nested.and_then(|it| self.known(it))),
            Ending::Nothing => {}
        }
        deliveries.extend(self.align(depth));
        deliveries
    }

    /// ROLLBACK, or ROLLBACK TO, has ended.
    pub(crate) fn rolled_back(
        &mut self,
        failed: bool,
        depth: Option<NonZeroU32>,
    ) -> Vec<WriteGuard> {
        let nested = self.end_savepoint(failed, |log, handle| log.events.rollback_nested(handle));
        let changes = match nested {
            Some(changes) => changes,
            None => self.end(failed),
        };
        let mut deliveries = Vec::from_iter(self.known(changes));
        deliveries.extend(self.align(depth));
        deliveries
    }

    /// The driver counts this many levels: the server may have ended more than was asked for.
    pub(crate) fn align(&mut self, depth: Option<NonZeroU32>) -> Option<WriteGuard> {
        let log = self.log.as_mut()?;
        let Some(depth) = depth else {
            let changes = self.end(true);
            return self.known(changes);
        };
        let savepoints = depth.get() as usize - 1;
        let mut at_once = None;
        while self.savepoints.len() > savepoints {
            let handle = self.savepoints.pop()?;
            log.events.doubt();
            at_once = Some(log.events.commit_nested(handle));
        }
        at_once.and_then(|changes| self.known(changes))
    }

    /// Ends the innermost savepoint; `None` = none is open.
    fn end_savepoint(
        &mut self,
        failed: bool,
        end: impl FnOnce(&mut TransactionLog, usize) -> Changes,
    ) -> Option<Changes> {
        let log = self.log.as_mut()?;
        let handle = self.savepoints.pop()?;
        if failed {
            log.events.doubt();
        }
        Some(end(log, handle))
    }

    /// The transaction is over without a COMMIT; what must be applied all the same.
    fn end(&mut self, doubtful: bool) -> Changes {
        self.over();
        self.savepoints.clear();
        let Some(mut log) = self.log.take() else {
            return Changes::none();
        };
        if doubtful {
            log.events.doubt();
        }
        let changes = log.events.rollback();
        if self.is_lost() {
            Changes::Everything
        } else {
            changes
        }
    }

    /// The connection goes on without its wrapper, maybe to commit what is open.
    pub(crate) fn leave(mut self) {
        if self.log.is_none() && !self.is_lost() {
            return;
        }
        let changes = match self.log.take() {
            Some(log) if !self.is_lost() => log.events.everything_so_far(),
            _ => Changes::Everything,
        };
        if !changes.is_empty() {
            let mut guard = self.larder.begin_commit(self.source(), changes);
            guard.sent();
        }
    }

    /// What the transaction did to the schema shows now.
    fn over(&self) {
        let changed = |log: &TransactionLog| log.has_changed_schema();
        if self.savepoints.is_empty() && self.log.as_ref().is_some_and(changed) {
            self.keeper.outdate(&self.larder);
        }
    }

    /// Changes that are visible already, to be delivered; dropped, they are queued.
    fn known(&self, changes: Changes) -> Option<WriteGuard> {
        (!changes.is_empty()).then(|| {
            let mut guard = self.larder.begin_commit(self.source(), changes);
            guard.succeeded(&[], Returned::Nothing);
            guard
        })
    }

    fn source(&self) -> &Arc<Source> {
        self.keeper.source_or_stranger(self.dialect)
    }

    /// The changes of everything, for a refresh of the catalog.
    pub(crate) fn schema_changed(&self) -> Option<WriteGuard> {
        self.keeper.outdate(&self.larder);
        self.known(Changes::Everything)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The server rolls back what the connection leaves open.
        let changes = self.end(false);
        drop(self.known(changes));
    }
}

/// How a transaction or savepoint ends.
#[derive(Debug)]
#[must_use]
pub(crate) enum Ending {
    /// By a COMMIT that shows something.
    Commit(Box<WriteGuard>),
    /// By the end of a savepoint.
    Savepoint,
    /// With nothing to show.
    Nothing,
}

/// A statement that may write, on its way. Dropped before its end (cancellation, panic), it may
/// have been executed.
#[derive(Debug)]
#[must_use]
pub(crate) struct Sending<'s> {
    session: &'s mut Session,
    planned: &'s Planned,
    params: &'s [Param<'s>],
    guard: Option<WriteGuard>,
    inside: bool,
}

impl Sending<'_> {
    /// Whether it is sent inside a transaction.
    pub(crate) fn is_inside(&self) -> bool {
        self.inside
    }

    /// The statement has run. What comes back is to be delivered before the caller goes on.
    pub(crate) fn succeeded(mut self, returned: Returned<'_>) -> Option<WriteGuard> {
        let mut guard = self.guard.take()?;
        self.session.under_way = None;
        if self.inside {
            return self.record(guard, returned, StatementOutcome::Done);
        }
        self.session.answered_by_server();
        guard.succeeded(self.params, returned);
        self.session.follow(self.planned, false);
        Some(guard)
    }

    /// An error may tell that the schema is not the one in the catalog.
    pub(crate) fn look_at(&self, error: &Error) {
        self.session.look_at(error);
    }

    /// It has failed.
    pub(crate) fn failed(mut self, failure: Failure) -> Option<WriteGuard> {
        let mut guard = self.guard.take()?;
        self.session.under_way = None;
        if self.inside {
            return self.record(guard, Returned::Nothing, StatementOutcome::Failed);
        }
        if failure != Failure::Unknown {
            self.session.answered_by_server();
        }
        guard.failed(self.params, failure);
        self.session.follow(self.planned, true);
        Some(guard)
    }

    fn record(
        &mut self,
        guard: WriteGuard,
        returned: Returned<'_>,
        outcome: StatementOutcome,
    ) -> Option<WriteGuard> {
        let session = &mut *self.session;
        let log = session.log.as_mut()?;
        let Recorded {
            at_once,
            session_changed,
            schema_changed,
            ..
        } = log.record(self.planned, outcome, || {
            guard.changes(self.params, returned)
        });
        guard.handed_over();
        if session_changed {
            session.doubt = Doubt::Session;
        }
        let shows = log.events.is_detached() && log.has_changed_schema();
        if schema_changed || shows {
            session.keeper.outdate(&session.larder);
        }
        session.known(at_once)
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        let Some(guard) = self.guard.take() else {
            return;
        };
        self.session.under_way = None;
        if self.inside {
            drop(self.record(guard, Returned::Nothing, StatementOutcome::Failed));
        } else {
            self.session.follow(self.planned, true);
        }
    }
}

/// How a statement failed; `None` = only the connection itself can tell whether it is still there.
pub(crate) fn failure_of(error: &Error) -> Option<Failure> {
    use DatabaseErrorKind as Kind;
    match error {
        Error::DatabaseError(Kind::ClosedConnection | Kind::UnableToSendCommand, _)
        // What the server has sent was not understood: it may have done its work.
        | Error::DeserializationError(_)
        | Error::BrokenTransactionManager
        | Error::RollbackErrorOnCommit { .. } => Some(Failure::Unknown),
        Error::DatabaseError(
            Kind::UniqueViolation
            | Kind::ForeignKeyViolation
            | Kind::NotNullViolation
            | Kind::CheckViolation
            | Kind::SerializationFailure
            | Kind::ReadOnlyTransaction,
            _,
        ) => Some(Failure::ByServer),
        _ => None,
    }
}

impl<T: Any + Send + Sync> Answer<T> {
    /// What the store said. A value of another type is no answer.
    pub(crate) fn of(outcome: ReadOutcome) -> Self {
        match outcome {
            ReadOutcome::Hit(value) => Self::of_kept(value),
            ReadOutcome::Fill(fill) => Self::Fill(fill),
            _ => Self::Pass,
        }
    }

    pub(crate) fn of_kept(value: Kept) -> Self {
        value.downcast().map_or(Self::Pass, Self::Hit)
    }
}

const SCHEMA_ERRORS: [&str; 6] = [
    "no such table",
    "no such column",
    "has no column named",
    "does not exist",
    "doesn't exist",
    "Unknown column",
];
