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
    /// Statements that are on their way, and how many there were: a transaction may be shared by
    /// tasks.
    on_their_way: usize,
    sent: u64,
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
            on_their_way: 0,
            sent: 0,
        }
    }

    /// Whether a statement changed the schema, which is to be read again when the transaction is
    /// over.
    #[must_use]
    pub fn has_changed_schema(&self) -> bool {
        self.schema_changed
    }

    /// A statement that may write is about to be sent, or looked for. What comes back is for
    /// [`leaves`](Self::leaves); `None` = another one is on its way.
    pub fn enters(&mut self) -> Option<u64> {
        self.on_their_way += 1;
        self.sent += 1;
        (self.on_their_way == 1).then_some(self.sent)
    }

    /// It has ended. Whether it was alone, so that what it looked at before is what it met.
    pub fn leaves(&mut self, entered: Option<u64>) -> bool {
        self.on_their_way = self.on_their_way.saturating_sub(1);
        entered == Some(self.sent)
    }

    /// [`Larder::wanted`] in this transaction.
    #[must_use]
    pub fn wanted(&self, larder: &Larder, planned: &Planned, extensible: bool) -> Wanted {
        if self.local_setting {
            return Wanted::default();
        }
        let wanted = larder.wanted(planned, extensible);
        // What is locked stays so only in a transaction that is certain to be open. SQLite locks by
        // writing alone: who reads first may be refused to write.
        let locks = self.wrote || planned.source.dialect() != Dialect::Sqlite;
        match self.events.is_certain() && locks {
            true => wanted,
            false => wanted.without_before(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::Rig;

    #[test]
    fn statement_is_alone_only_while_no_other_is_on_its_way() {
        let rig = Rig::new();
        let mut log = TransactionLog::new(&rig.larder, &rig.source);
        let alone = log.enters();
        assert!(log.leaves(alone));
        let first = log.enters();
        let second = log.enters();
        assert!(!log.leaves(second));
        assert!(!log.leaves(first));
        let later = log.enters();
        assert!(log.leaves(later));
    }
}
