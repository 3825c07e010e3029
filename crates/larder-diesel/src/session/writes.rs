//! Statements that may write, from their sending to their end.

use std::sync::Arc;

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error},
};
use larder_core::Param;
use larder_signals::{
    CatalogKeeper, Changes, Failure, Planned, Recorded, Returned, StatementOutcome, WriteGuard,
    wanted_returning,
};
use larder_sql::plan::{Part, TransactionCommand};

use super::{Doubt, Session, UnderWay};

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

impl Session {
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
