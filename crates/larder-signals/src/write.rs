//! One write, from before it is sent until its invalidation is delivered.
//!
//! `Prepared -> Sent -> Known -> Delivered`. Where a guard is dropped decides what follows:
//! 1. *Prepared*: nothing was sent, nothing happened.
//! 2. *Sent*: the outcome is not known and the write may still commit (W4). Its tables are bypassed
//!    in this process, their records drop now, again when the connection proves that the statement
//!    ended, else at growing intervals up to `uncertain_for`.
//! 3. *Known*: the write happened; its invalidation is queued for the delivery thread.
//!
//! None of it needs a runtime or waits for I/O.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use larder_core::{Change, Param, Prepared, Source, Untracked, observer::Cause, recorder};
use larder_sql::{Dialect, Plan, Table, outbox, plan::Part};
use tracing::{Instrument as _, Span};

use crate::{
    Changes, Larder, Returned, changes_of, delivery::Uncertain, scope, sources::SourceEntry,
};

/// Guards one write or COMMIT. Made before it is sent.
#[derive(Debug)]
#[must_use = "a write is guarded only while its guard lives"]
pub struct WriteGuard {
    larder: Larder,
    entry: Arc<SourceEntry>,
    subject: Subject,
    stage: Stage,
    cause: Cause,
    ended: Arc<AtomicBool>,
}

/// What is guarded.
#[derive(Debug)]
enum Subject {
    Statement(Arc<Prepared>),
    /// A COMMIT, with what it makes visible.
    Commit(Changes),
    /// Inside the scope in which writes do not invalidate.
    Suspended,
}

#[derive(Debug)]
enum Stage {
    Prepared,
    Sent,
    Known(Changes),
    Delivered,
}

/// How a write failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The server reported an error of the statement.
    ByServer,
    /// Anything else: a lost connection, a timeout, an error of the driver. The statement may have
    /// run, and may still run.
    Unknown,
}

/// Proof that a guarded statement ended, whoever holds it: its guard may be gone.
#[derive(Clone, Debug)]
pub struct StatementEnd {
    larder: Larder,
    ended: Arc<AtomicBool>,
}

impl StatementEnd {
    /// The connection has proved that the statement ended (it answered a later one, or closed
    /// cleanly): its records drop once more and its tables are read from the cache again.
    pub fn ended(&self) {
        self.ended.store(true, Ordering::Release);
        if self.larder.inner.delivery.uncertain() > 0 {
            self.larder.inner.delivery.wake();
        }
    }
}

impl WriteGuard {
    pub(crate) fn of_statement(larder: Larder, source: &Arc<Source>, write: Arc<Prepared>) -> Self {
        let schema = write
            .plan()
            .parts
            .iter()
            .any(|part| matches!(part, Part::Schema { .. }));
        let cause = if schema { Cause::Schema } else { Cause::Write };
        Self::new(larder, source, Subject::Statement(write), cause)
    }

    pub(crate) fn of_commit(larder: Larder, source: &Arc<Source>, changes: Changes) -> Self {
        Self::new(larder, source, Subject::Commit(changes), Cause::Write)
    }

    fn new(larder: Larder, source: &Arc<Source>, subject: Subject, cause: Cause) -> Self {
        let entry = larder.inner.sources.entry(source);
        // What writes is to be run each time.
        recorder::note_untracked(Untracked::Write, None);
        // What a transaction recorded was recorded outside the scope; only a statement is in it.
        let subject = match subject {
            Subject::Statement(_) if scope::is_suspended(larder.inner.id) => Subject::Suspended,
            subject => subject,
        };
        Self {
            larder,
            entry,
            subject,
            stage: Stage::Prepared,
            cause,
            ended: Arc::default(),
        }
    }

    /// The statement is about to be sent: from here on a drop means "outcome not known".
    pub fn sent(&mut self) {
        self.stage = Stage::Sent;
    }

    /// The write succeeded; these are its parameters and what the server returned.
    pub fn succeeded(&mut self, params: &[Param<'_>], returned: Returned<'_>) {
        self.stage = Stage::Known(self.changes(params, returned));
    }

    /// The write failed. An error is not "nothing happened", unless the server reported it for a
    /// single statement whose engine takes everything back.
    pub fn failed(&mut self, params: &[Param<'_>], failure: Failure) {
        if failure == Failure::Unknown {
            return;
        }
        let changes = self.changes(params, Returned::Nothing);
        self.stage = match &self.subject {
            Subject::Statement(write)
                if is_taken_back(write.plan(), &changes, self.entry.source.dialect()) =>
            {
                Stage::Delivered
            }
            _ => Stage::Known(changes),
        };
    }

    /// What the write may have changed, for a transaction's buffer.
    #[must_use]
    pub fn changes(&self, params: &[Param<'_>], returned: Returned<'_>) -> Changes {
        match &self.subject {
            Subject::Statement(write) => {
                let limits = self.larder.inner.change_limits;
                changes_of(&self.entry.source, write, params, returned, limits)
            }
            Subject::Commit(changes) => changes.clone(),
            Subject::Suspended => Changes::none(),
        }
    }

    /// The write's changes are someone else's to apply: a transaction's buffer has them, or the
    /// transaction was rolled back.
    pub fn handed_over(mut self) {
        self.stage = Stage::Delivered;
    }

    /// Proves the end of the statement, should this guard be dropped in between.
    #[must_use]
    pub fn statement_end(&self) -> StatementEnd {
        StatementEnd {
            larder: self.larder.clone(),
            ended: self.ended.clone(),
        }
    }

    /// Invalidates what the write changed; hooks run before this returns.
    ///
    /// # Cancel safety
    /// Dropping the future queues the invalidation for the delivery thread.
    pub async fn deliver(self) {
        let Stage::Known(changes) = &self.stage else {
            return;
        };
        let sending = self.larder.send(&self.entry, changes, self.cause);
        sending.instrument(span(self.cause)).await;
        self.delivered();
    }

    /// [`Self::deliver`] for threads.
    pub fn deliver_blocking(self) {
        let Stage::Known(changes) = &self.stage else {
            return;
        };
        span(self.cause).in_scope(|| {
            self.larder.send_blocking(&self.entry, changes, self.cause);
        });
        self.delivered();
    }

    /// The hooks' turn.
    fn delivered(mut self) {
        if let Stage::Known(changes) = mem::replace(&mut self.stage, Stage::Delivered) {
            let (hooks, source) = (&self.larder.inner.hooks, self.entry.source.id());
            hooks.run(Some(source), &changes, self.cause);
        }
    }

    pub(crate) fn with_known(mut self, cause: Cause) -> Self {
        self.stage = Stage::Known(self.changes(&[], Returned::Nothing));
        self.cause = cause;
        self
    }

    /// A write of unknown outcome (W4).
    fn abandon(&self) {
        // Without parameters the plan tells the tables, which is all that is dropped.
        let changes = self.changes(&[], Returned::Nothing).widened();
        if changes.is_empty() {
            return;
        }
        let inner = &self.larder.inner;
        let now = inner.cache.now();
        let until = now + inner.uncertain_for;
        let listed = self.entry.listed(&changes, inner.change_limits);
        let key = |change: &Change| change.table_key.clone();
        let tables = listed.map(|changes| changes.iter().map(key).collect());
        // The mark stands before the first drop: no reader refills in between.
        let mark = inner.cache.mark_uncertain(tables, until);
        self.entry
            .enqueue(&inner.cache, &changes, inner.change_limits);
        let (entry, ended) = (self.entry.clone(), self.ended.clone());
        inner
            .delivery
            .watch(Uncertain::new(entry, changes, mark, (now, until), ended));
    }
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        match &self.stage {
            Stage::Prepared | Stage::Delivered => {}
            Stage::Sent => self.abandon(),
            Stage::Known(changes) => {
                let inner = &self.larder.inner;
                self.entry
                    .enqueue(&inner.cache, changes, inner.change_limits);
                inner.delivery.wake();
            }
        }
    }
}

/// What a subscriber sees of an invalidation: what it is for, and how long its caller waits.
fn span(cause: Cause) -> Span {
    tracing::debug_span!(target: "larder", "invalidate", cause = cause.label())
}

/// Whether an error that the server reported leaves nothing of the statement behind.
fn is_taken_back(plan: &Plan, changes: &Changes, dialect: Dialect) -> bool {
    match plan.parts.as_slice() {
        [Part::Write(write)] => {
            let mixed = dialect == Dialect::MySql;
            !write.error_keeps_rows
                && changes.not_transactional(mixed).is_empty()
                && !(dialect == Dialect::Sqlite && may_fail_keeping_rows(changes))
        }
        [Part::Read(_) | Part::Neutral] => true,
        _ => false,
    }
}

/// SQLite: whether a changed table may keep what a failed statement has done.
fn may_fail_keeping_rows(changes: &Changes) -> bool {
    match changes {
        Changes::Everything => true,
        Changes::Tables(changes) => changes
            .iter()
            .any(|change| change.table.as_deref().is_none_or(fails_keeping_rows)),
    }
}

/// SQLite: whether the table's schema, or a trigger of it by RAISE, may make a statement fail
/// without taking back what it has done.
pub(crate) fn fails_keeping_rows(table: &Table) -> bool {
    table.conflict_keeps_rows || !table.triggers.iter().all(outbox::is_outbox_trigger)
}

#[cfg(test)]
mod tests;
