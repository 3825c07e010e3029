//! One open transaction: its buffered write events, and what its statements did to the schema and
//! to the session.

use larder_core::Source;
use larder_sql::Dialect;

use crate::{Changes, Larder, Planned, StatementOutcome, TransactionBuffer, Wanted};

/// What an adapter keeps of an open transaction.
#[derive(Debug)]
pub struct TransactionLog {
    /// The write events.
    pub events: TransactionBuffer,
    schema_changed: bool,
    /// `SET LOCAL` was seen: until the end, names may mean other tables.
    local_setting: bool,
    /// A write has succeeded.
    wrote: bool,
}

/// What follows from a statement that was recorded.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Recorded {
    /// To be applied at once.
    pub at_once: Changes,
    /// Nobody knows the session of the connection any more: what it reads is not to be cached.
    pub session_changed: bool,
    /// The schema is another one already, before the end of the transaction.
    pub schema_changed: bool,
}

impl TransactionLog {
    /// The log of a transaction that has just begun.
    #[must_use]
    pub fn new(larder: &Larder, source: &Source) -> Self {
        Self {
            events: larder.begin_transaction(source),
            schema_changed: false,
            local_setting: false,
            wrote: false,
        }
    }

    /// Whether a statement changed the schema, which is to be read again when the transaction is
    /// over.
    #[must_use]
    pub fn has_changed_schema(&self) -> bool {
        self.schema_changed
    }

    /// [`Larder::wanted`] in this transaction.
    #[must_use]
    pub fn wanted(&self, larder: &Larder, planned: &Planned, extensible: bool) -> Wanted {
        if self.local_setting {
            return Wanted::default();
        }
        let mut wanted = larder.wanted(planned, extensible);
        // What is locked stays so only in a transaction that is certain to be open. SQLite locks by
        // writing alone: who reads first may be refused to write.
        let locks = self.wrote || planned.source.dialect() != Dialect::Sqlite;
        if !self.events.is_certain() || !locks {
            wanted.before = None;
        }
        wanted
    }

    /// Takes in one statement; `changes` says what it may have changed if names mean what the plan
    /// took them for.
    pub fn record(
        &mut self,
        planned: &Planned,
        outcome: StatementOutcome,
        changes: impl FnOnce() -> Changes,
    ) -> Recorded {
        let changes = if planned.outdated || self.local_setting {
            Changes::Everything
        } else {
            changes()
        };
        self.wrote |= outcome == StatementOutcome::Done && planned.single_write().is_some();
        self.local_setting |= planned.is_local_setting();
        self.schema_changed |= planned.changes_schema();
        let at_once = self.events.record(planned.plan(), changes, outcome);
        Recorded {
            at_once,
            // With orphans, the driver's count of levels is not the server's, so that its end is not
            // that of the transaction.
            session_changed: planned.changes_session() || self.events.has_orphans(),
            // MySQL has committed.
            schema_changed: planned.changes_schema() && planned.source.dialect() == Dialect::MySql,
        }
    }
}
