//! Write events inside a transaction: buffered per savepoint, applied after COMMIT.
//!
//! The buffer follows what the wrapper *saw*. Wherever the server may have seen something else
//! (an implicit commit, a deadlock that ended the transaction, a table whose engine ignores
//! ROLLBACK), it applies more: at once, and again at the end, whatever the end is.

use std::sync::Arc;

use larder_sql::{
    Dialect, Plan,
    plan::{Part, TransactionCommand},
};

use crate::{ChangeLimits, Changes};

/// How one statement inside a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatementOutcome {
    /// It returned without an error.
    Done,
    /// It returned an error, or its outcome is not known.
    Failed,
}

/// The write events of one open transaction.
///
/// Levels are savepoints: those of the ORM by depth, those of SQL text by name. What a method
/// returns is to be applied at once; the rest waits for [`TransactionBuffer::commit`] or
/// [`TransactionBuffer::rollback`].
#[derive(Debug)]
pub struct TransactionBuffer {
    dialect: Dialect,
    limits: ChangeLimits,
    /// Never empty; the first is the transaction itself.
    levels: Vec<Level>,
    /// Every statement since BEGIN was understood and none failed: only then is ROLLBACK believed.
    certain: bool,
    /// Statements may have been committed already, each by itself or by text.
    detached: bool,
    /// Text has ended a savepoint of the ORM, whose handle does not know.
    orphans: bool,
}

#[derive(Debug)]
struct Level {
    name: Option<Arc<str>>,
    changes: Changes,
}

/// Savepoints open at a time. Above, no rollback to one is believed, so none is needed.
const LEVELS_MAX: usize = 64;

impl TransactionBuffer {
    /// A transaction that has just begun.
    #[must_use]
    pub fn new(dialect: Dialect, limits: ChangeLimits) -> Self {
        let levels = vec![Level {
            name: None,
            changes: Changes::none(),
        }];
        Self {
            dialect,
            limits,
            levels,
            certain: true,
            detached: false,
            orphans: false,
        }
    }

    /// Opens a savepoint of the ORM and returns its depth, the handle to end it.
    #[must_use]
    pub fn begin_nested(&mut self) -> usize {
        self.push(None);
        self.levels.len() - 1
    }

    /// RELEASE of the savepoint at this depth succeeded: its changes and those above belong to the
    /// level below. Returns what must be applied at once.
    #[must_use]
    pub fn commit_nested(&mut self, depth: usize) -> Changes {
        self.expect_innermost(depth);
        self.merge_down(depth);
        self.shown()
    }

    /// ROLLBACK TO the savepoint at this depth succeeded, which ends it. Returns what must be
    /// applied at once.
    #[must_use]
    pub fn rollback_nested(&mut self, depth: usize) -> Changes {
        self.expect_innermost(depth);
        self.roll_back_level(depth);
        self.shown()
    }

    /// Whether statements may have been committed already, so that the end of any level may be a
    /// COMMIT.
    #[must_use]
    pub fn is_detached(&self) -> bool {
        self.detached
    }

    /// Whether every statement since BEGIN was understood and none failed, so that the transaction
    /// is certain to be open.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.certain && !self.detached
    }

    /// Whether text has ended a savepoint of the ORM: its handle will end one that is not there, and
    /// nobody knows what the driver makes of that.
    #[must_use]
    pub fn has_orphans(&self) -> bool {
        self.orphans
    }

    /// Takes in one statement that ran in the transaction, with what it may have changed, and
    /// returns what must be applied at once.
    #[must_use]
    pub fn record(&mut self, plan: &Plan, changes: Changes, outcome: StatementOutcome) -> Changes {
        let commands = plan
            .parts
            .iter()
            .any(|part| matches!(part, Part::Transaction(_)));
        // The order of writes and commands inside one text is lost on the buffer.
        self.certain &= !(commands && plan.parts.len() > 1);
        let detached_before = self.detached;
        if outcome == StatementOutcome::Failed {
            self.doubt();
        }
        let mut at_once = if detached_before {
            changes.clone()
        } else {
            changes.not_transactional(self.dialect == Dialect::MySql)
        };
        if let Some(top) = self.levels.last_mut() {
            top.changes.merge(changes, self.limits);
        }
        for part in &plan.parts {
            self.follow(part);
        }
        // What was applied before a commit that nobody announced must be applied after it again.
        let may_commit = commands
            || plan
                .parts
                .iter()
                .any(|p| p.may_commit_implicitly(self.dialect));
        if self.detached && (may_commit || !detached_before) {
            at_once = self.everything_so_far();
        }
        at_once
    }

    /// A statement failed or its outcome is not known. PostgreSQL then waits for the end of the
    /// transaction; the others may have rolled it back already (a deadlock, ON CONFLICT ROLLBACK),
    /// and what follows commits by itself.
    pub fn doubt(&mut self) {
        self.certain = false;
        self.detached |= self.dialect != Dialect::Postgres;
    }

    /// What COMMIT makes visible, to be applied once its outcome is known or uncertain.
    #[must_use]
    pub fn commit(&mut self) -> Changes {
        let changes = self.everything_so_far();
        self.end();
        changes
    }

    /// What must be applied although the transaction was rolled back: nothing, unless some
    /// statement was not understood or failed.
    #[must_use]
    pub fn rollback(&mut self) -> Changes {
        let certain = self.certain && !self.has_nested_above(0);
        let changes = if certain {
            Changes::none()
        } else {
            self.everything_so_far()
        };
        self.end();
        changes
    }

    /// What would be applied now; the buffer keeps it.
    #[must_use]
    pub fn everything_so_far(&self) -> Changes {
        let mut all = Changes::none();
        for level in &self.levels {
            all.merge(level.changes.clone(), self.limits);
        }
        all
    }

    fn follow(&mut self, part: &Part) {
        if part.may_commit_implicitly(self.dialect) {
            self.detach();
        }
        match part {
            Part::Transaction(command) => self.command(command),
            Part::Unknown(_) => self.certain = false,
            _ => {}
        }
    }

    fn command(&mut self, command: &TransactionCommand) {
        match command {
            TransactionCommand::Savepoint(name) => self.push(Some(name.clone())),
            TransactionCommand::Release(name) => match self.find(name) {
                Some(depth) => {
                    self.expect_no_nested_above(depth);
                    self.merge_down(depth);
                }
                None => self.doubt(),
            },
            TransactionCommand::RollbackTo(name) => match self.find(name) {
                Some(depth) => {
                    self.expect_no_nested_above(depth);
                    self.roll_back_level(depth);
                    // The savepoint itself stays open.
                    self.push(Some(name.clone()));
                }
                None => self.doubt(),
            },
            TransactionCommand::TwoPhase => {
                if let Some(top) = self.levels.last_mut() {
                    top.changes = Changes::Everything;
                }
                self.detach();
            }
            // COMMIT, ROLLBACK or BEGIN as text: the wrapper's idea of the transaction is over.
            _ => self.detach(),
        }
    }

    /// Nobody knows any more whether statements commit by themselves: from here on they are applied
    /// at once, and at the end again.
    pub fn detach(&mut self) {
        self.certain = false;
        self.detached = true;
    }

    fn roll_back_level(&mut self, depth: usize) {
        if self.certain {
            self.levels.truncate(depth.max(1));
        } else {
            self.merge_down(depth);
        }
    }

    /// Drivers count levels: the end of a level below another one is the end of the innermost, and
    /// the transaction goes on when its own handle is gone.
    fn end(&mut self) {
        if self.has_nested_above(0) {
            self.detach();
        } else {
            self.restart();
        }
    }

    /// What must be applied when a level has ended.
    fn shown(&self) -> Changes {
        if self.detached {
            self.everything_so_far()
        } else {
            Changes::none()
        }
    }

    fn expect_innermost(&mut self, depth: usize) {
        if !self.is_nested(depth) {
            self.doubt();
        }
        if self.has_nested_above(depth) {
            self.detach();
        }
    }

    /// Text that ends a savepoint of the ORM leaves its handle with one that is not there.
    fn expect_no_nested_above(&mut self, depth: usize) {
        if self.has_nested_above(depth) {
            self.detach();
            self.orphans = true;
        }
    }

    /// Whether a savepoint of the ORM is open above this depth.
    fn has_nested_above(&self, depth: usize) -> bool {
        self.levels
            .iter()
            .skip(depth + 1)
            .any(|level| level.name.is_none())
    }

    /// Whether the level at this depth is a savepoint of the ORM; text may have ended it.
    fn is_nested(&self, depth: usize) -> bool {
        depth > 0
            && self
                .levels
                .get(depth)
                .is_some_and(|level| level.name.is_none())
    }

    fn push(&mut self, name: Option<Arc<str>>) {
        if self.levels.len() > LEVELS_MAX {
            self.certain = false;
            self.merge_down(LEVELS_MAX);
        }
        self.levels.push(Level {
            name,
            changes: Changes::none(),
        });
    }

    /// The innermost savepoint of this name. All three servers fold unquoted names.
    fn find(&self, name: &str) -> Option<usize> {
        self.levels.iter().rposition(|level| {
            level
                .name
                .as_ref()
                .is_some_and(|n| n.eq_ignore_ascii_case(name))
        })
    }

    fn merge_down(&mut self, depth: usize) {
        while self.levels.len() > depth.max(1) {
            let Some(level) = self.levels.pop() else {
                return;
            };
            if let Some(below) = self.levels.last_mut() {
                below.changes.merge(level.changes, self.limits);
            }
        }
    }

    fn restart(&mut self) {
        *self = Self::new(self.dialect, self.limits);
    }
}

#[cfg(test)]
mod tests;
