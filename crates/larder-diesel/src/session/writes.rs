//! Statements that may write, from their sending to their end.

use std::sync::Arc;

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error},
};
use larder_core::{Image, Param};
use larder_signals::{
    CatalogKeeper, Changes, Failure, Matched, Planned, Recorded, Returned, StatementOutcome,
    Wanted, WriteGuard,
};
use larder_sql::plan::{Part, TransactionCommand};

use super::{Doubt, Session, UnderWay};
use crate::{backend::CachedBackend, before, rows::Rows};

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

/// What a statement that may write has given.
#[derive(Debug)]
pub(crate) enum Written {
    /// Rows, read to the end.
    Rows(Arc<Rows>),
    /// How many rows it has matched, or changed.
    Count(usize),
    /// Nothing: a text.
    Done,
}

impl Written {
    /// Its rows.
    pub(crate) fn into_rows(self) -> Arc<Rows> {
        match self {
            Self::Rows(rows) => rows,
            _ => Arc::default(),
        }
    }

    /// How many rows there were.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Count(count) => *count,
            Self::Done => 0,
        }
    }
}

impl Session {
    /// What a write asks for besides doing its work.
    pub(crate) fn wanted(&self, planned: &Planned) -> Wanted {
        match &self.log {
            Some(log) => log.wanted(&self.larder, planned, true),
            None => self.larder.wanted(planned, true),
        }
    }

    /// The plan of a write with this at its end; `None` = nothing would come back.
    pub(crate) fn told_more(&self, sql: &str, end: &str) -> Option<Planned> {
        let told = self.plan(&format!("{sql}{end}"));
        told.returns().then_some(told)
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

    /// A transaction of the wrapper's own is about to be opened around the statement. Until
    /// [`closed`](Self::closed), and for good when that never happens (cancellation, panic), it is
    /// open.
    pub(crate) fn opens(&mut self) {
        self.session.own_open = true;
    }

    /// It has ended.
    pub(crate) fn closed(&mut self) {
        self.session.own_open = false;
    }

    /// The statement has run and given this; `old` = its rows before, all of them. Where counts are
    /// not of the rows it matched, none came in between.
    pub(crate) fn written<DB: CachedBackend>(
        self,
        written: &Written,
        old: Option<Vec<Image>>,
        counts_matched: bool,
    ) -> Option<WriteGuard> {
        let rows = match written {
            Written::Rows(rows) => Some(&**rows),
            _ => None,
        };
        let returns = rows.is_some() && self.planned.returns();
        let new = rows.filter(|_| returns);
        let new = new.map(|rows| before::returned::<DB>(self.planned, rows));
        let new = new.as_deref().unwrap_or_default();
        let matched = match written {
            Written::Rows(rows) if returns => Some(rows.len()),
            Written::Count(count) if counts_matched => Some(*count),
            Written::Count(_) => old.as_ref().map(Vec::len),
            _ => None,
        };
        let matched = matched.map(Matched::Exactly);
        self.succeeded(match (old.as_deref(), matched) {
            (Some(old), Some(matched)) => Returned::Before { old, matched, new },
            _ if returns => Returned::All(new),
            _ => Returned::Nothing,
        })
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
        if self.session.is_out_of_step_after_a_drop() {
            self.session.doubt = Doubt::Session;
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
