//! Transactions and savepoints, from BEGIN to what their end shows.

use std::{num::NonZeroU32, sync::Arc};

use larder_signals::{Changes, Failure, Returned, TransactionLog, WriteGuard};

use super::{Doubt, Session, UnderWay};

impl Session {
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
    pub(super) fn end(&mut self, doubtful: bool) -> Changes {
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
