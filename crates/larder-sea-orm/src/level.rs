//! One level of a transaction: the transaction itself or a savepoint, with its share of the
//! buffered write events.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use larder_core::{BypassReason, Cause, Image, Source};
use larder_signals::{
    Changes, Planned, Returned, StatementOutcome, TransactionBuffer, TransactionLog, WriteGuard,
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use crate::{
    before::{EXTENSIBLE, Sent},
    failure,
    job::{Done, Job},
    shared::Shared,
    task, told, write,
};

/// One level of a transaction. Dropped without an end, the transaction is rolled back by SeaORM,
/// and so is the level.
pub(crate) struct Level {
    shared: Arc<Shared>,
    source: Arc<Source>,
    log: Arc<Mutex<TransactionLog>>,
    /// `None` = the transaction itself.
    depth: Option<usize>,
    ended: bool,
}

impl Level {
    pub(crate) fn outermost(shared: &Arc<Shared>, backend: DbBackend) -> Self {
        let source = Arc::clone(shared.source_or_stranger(backend));
        let log = TransactionLog::new(shared.larder(), &source);
        Self {
            shared: Arc::clone(shared),
            source,
            log: Arc::new(Mutex::new(log)),
            depth: None,
            ended: false,
        }
    }

    pub(crate) fn nested(&self) -> Self {
        let depth = self.lock().events.begin_nested();
        Self {
            shared: Arc::clone(&self.shared),
            source: Arc::clone(&self.source),
            log: Arc::clone(&self.log),
            depth: Some(depth),
            ended: false,
        }
    }

    /// Runs one statement inside the transaction. Nothing is read from the pool for it: with one
    /// connection that would wait for ever, and a failing catalog query would abort a PostgreSQL
    /// transaction.
    pub(crate) async fn run<C: ConnectionTrait>(&self, inner: &C, job: Job) -> Result<Done, DbErr> {
        self.shared.larder().untracked(&BypassReason::Transaction);
        let Some(planned) = self.shared.plan_now(inner, job.sql()) else {
            return job.run(inner).await;
        };
        if planned.only_reads() {
            let result = job.run(inner).await;
            if result.is_err() {
                // It may have been the end of the transaction (a deadlock): what follows then
                // commits by itself.
                self.lock().events.doubt();
            }
            return result;
        }
        write::allowed(&self.shared, &planned)?;
        let backend = inner.get_database_backend();
        let statement = job.statement(backend).into_owned();
        let job = job.waiting_for_the_end(backend);
        let sending = Sending::new(self, &planned, &statement);
        let wanted = self
            .lock()
            .wanted(self.shared.larder(), &planned, EXTENSIBLE);
        let sent = Sent::new(&self.shared, job, &statement, wanted);
        let (result, old) = sent.run_inside(inner, &planned).await;
        self.shared.look_at(result.as_ref().err());
        let at_once = sending.end(&result, old.as_deref());
        self.apply(at_once).await;
        result
    }

    /// A cached terminal runs inside the transaction, where nothing is cached (P9).
    pub(crate) fn bypassed<C: ConnectionTrait>(&self, inner: &C, statement: &Statement) {
        if let Some(planned) = self.shared.plan_now(inner, &statement.sql) {
            let (larder, reason) = (self.shared.larder(), BypassReason::Transaction);
            larder.bypassed(&planned.prepared, &reason);
        }
    }

    /// A stream counts as a statement whose outcome nobody waited for. The guard is for what shows
    /// before the end of the transaction: it is to be delivered, or dropped, at the end of the
    /// stream.
    #[cfg(feature = "stream")]
    pub(crate) fn streams<C: ConnectionTrait>(
        &self,
        inner: &C,
        statement: &Statement,
    ) -> Result<Option<WriteGuard>, DbErr> {
        self.shared.larder().untracked(&BypassReason::Transaction);
        let planned = self.shared.plan_now(inner, &statement.sql);
        let Some(planned) = planned.filter(|planned| !planned.only_reads()) else {
            return Ok(None);
        };
        write::allowed(&self.shared, &planned)?;
        let mut sending = Sending::new(self, &planned, statement);
        let at_once = sending.record(None, StatementOutcome::Failed);
        if at_once.is_empty() {
            return Ok(None);
        }
        let mut guard = self.shared.larder().begin_commit(&self.source, at_once);
        guard.succeeded(&[], Returned::Nothing);
        Ok(Some(guard))
    }

    /// Ends the level with what `commit` does.
    pub(crate) async fn commit(
        mut self,
        commit: impl Future<Output = Result<(), DbErr>> + Send + 'static,
    ) -> Result<(), DbErr> {
        self.ended = true;
        let Some(changes) = self.shown_by_commit() else {
            let result = commit.await;
            let at_once = self.end_nested(result.is_err(), TransactionBuffer::commit_nested);
            self.apply(at_once).await;
            return result;
        };
        if changes.is_empty() && !self.lock().has_changed_schema() {
            return commit.await;
        }
        let mut guard = self.shared.larder().begin_commit(&self.source, changes);
        task::owned(async move {
            // What others write meanwhile is planned by no stale catalog.
            self.over();
            guard.sent();
            let result = commit.await;
            self.over();
            // What it shows is the guard's to apply.
            let _ = self.end_nested(result.is_err(), TransactionBuffer::commit_nested);
            match result.as_ref().err().map(failure::of) {
                // A server that refuses COMMIT says so; any other error leaves the outcome open.
                Some(Some(failure)) => guard.failed(&[], failure),
                Some(None) => {}
                None => guard.succeeded(&[], Returned::Nothing),
            }
            guard.deliver().await;
            result
        })
        .await
    }

    /// Ends the level with what `rollback` does.
    pub(crate) async fn rollback(
        mut self,
        rollback: impl Future<Output = Result<(), DbErr>>,
    ) -> Result<(), DbErr> {
        let result = rollback.await;
        self.ended = true;
        let changes = if self.depth.is_some() {
            self.end_nested(result.is_err(), TransactionBuffer::rollback_nested)
        } else {
            self.over();
            self.rolled_back(result.is_err())
        };
        self.apply(changes).await;
        result
    }

    /// What becomes visible when the level is committed; `None` = nothing, it is a savepoint.
    fn shown_by_commit(&self) -> Option<Changes> {
        let mut log = self.lock();
        let changes = match self.depth {
            Some(_) if !log.events.is_detached() => return None,
            // For all that is known, the savepoint is the transaction.
            Some(_) => log.events.everything_so_far(),
            None => log.events.commit(),
        };
        // In a session that nobody knows, more may have been open than the wrapper saw.
        Some(if self.shared.is_bypassed() {
            Changes::Everything
        } else {
            changes
        })
    }

    /// The end of a savepoint; what comes back is to be applied at once.
    fn end_nested(
        &self,
        failed: bool,
        end: impl FnOnce(&mut TransactionBuffer, usize) -> Changes,
    ) -> Changes {
        let Some(depth) = self.depth else {
            return Changes::none();
        };
        let mut log = self.lock();
        if failed {
            log.events.doubt();
        }
        end(&mut log.events, depth)
    }

    async fn apply(&self, changes: Changes) {
        self.shared
            .larder()
            .apply(&self.source, changes, Cause::Write)
            .await;
    }

    /// For where nothing can be waited for: the delivery thread does it.
    fn queue(&self, changes: Changes) {
        if !changes.is_empty() {
            let mut guard = self.shared.larder().begin_commit(&self.source, changes);
            guard.succeeded(&[], Returned::Nothing);
        }
    }

    fn rolled_back(&self, failed: bool) -> Changes {
        let mut log = self.lock();
        if failed {
            log.events.doubt();
        }
        let changes = log.events.rollback();
        if self.shared.is_bypassed() {
            return Changes::Everything;
        }
        changes
    }

    /// The transaction is over: what it did to the schema shows now.
    fn over(&self) {
        if self.lock().has_changed_schema() {
            self.shared.schema_changed();
        }
    }

    fn lock(&self) -> MutexGuard<'_, TransactionLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        match self.depth {
            // SeaORM rolls the savepoint back with the next statement; its events stay, which
            // invalidates too much at worst.
            Some(_) => {
                let at_once = self.end_nested(false, TransactionBuffer::commit_nested);
                self.queue(at_once);
            }
            None => {
                let changes = self.rolled_back(false);
                self.over();
                self.queue(changes);
            }
        }
    }
}

/// A statement on its way inside a transaction. Dropped before its end (cancellation, panic), it
/// counts as failed: it may have been executed.
struct Sending<'a> {
    level: &'a Level,
    planned: &'a Planned,
    statement: &'a Statement,
    /// Knows whether the caller stands in a scope that does not invalidate; guards nothing, since
    /// the buffer has the changes.
    guard: Option<WriteGuard>,
    entered: Option<u64>,
}

impl<'a> Sending<'a> {
    fn new(level: &'a Level, planned: &'a Planned, statement: &'a Statement) -> Self {
        let larder = level.shared.larder();
        let guard = larder.begin_write(&planned.source, Arc::clone(&planned.prepared));
        Self {
            level,
            planned,
            statement,
            guard: Some(guard),
            entered: level.lock().enters(),
        }
    }

    /// Records what the statement did; what comes back is to be applied at once.
    fn end(mut self, result: &Result<Done, DbErr>, old: Option<&[Image]>) -> Changes {
        match result {
            Ok(done) => self.record(Some((done, old)), StatementOutcome::Done),
            Err(_) => self.record(None, StatementOutcome::Failed),
        }
    }

    fn record(
        &mut self,
        done: Option<(&Done, Option<&[Image]>)>,
        outcome: StatementOutcome,
    ) -> Changes {
        let Some(guard) = self.guard.take() else {
            return Changes::none();
        };
        let exact = self.level.shared.has_exact_rows();
        let mut log = self.level.lock();
        let alone = log.leaves(self.entered);
        let done = done.map(|(done, old)| (done, old.filter(|_| alone)));
        let recorded = log.record(self.planned, outcome, || {
            told::tell(
                self.planned,
                exact,
                self.statement,
                done,
                |params, returned| guard.changes(params, returned),
            )
        });
        drop(log);
        guard.handed_over();
        if recorded.schema_changed {
            self.level.shared.schema_changed();
        }
        if recorded.session_changed {
            self.level.shared.bypass(self.planned);
        }
        recorded.at_once
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        let at_once = self.record(None, StatementOutcome::Failed);
        self.level.queue(at_once);
    }
}
