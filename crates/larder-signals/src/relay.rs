//! The relay: from what the outbox has recorded to invalidation.
//!
//! One round claims rows, invalidates by them, and only then deletes them: a relay that dies in
//! between lets the next one repeat, and nothing is lost. Rows are found by being there, not by a
//! cursor over their numbers, since a transaction that began earlier may commit later.
//!
//! 1. The writer commits row and outbox row together.
//! 2. A reader that took its stamps before that may still be running its query.
//! 3. The relay sees the outbox row, so that every read from here on sees the row too, and drops the
//!    stamps: what the reader of 2 stores is dead on arrival.

mod changes;
mod config;
mod scalars;

use std::{sync::Arc, time::Duration};

use larder_core::{Cause, Event, Invalidation, Source};
use larder_sql::{
    Dialect,
    outbox::{Claimed, Outbox},
};

pub use self::config::{RelayConfig, RelayPace};
use crate::{CatalogKeeper, Changes, Larder};

/// What one round of a relay came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelayRound {
    /// Rows that were claimed.
    pub rows: usize,
    /// How long ago the oldest of them was recorded, by the server's clock; zero without rows. A
    /// row is recorded by its statement and can be claimed once its transaction has committed.
    pub lag: Duration,
    /// What became of the rows.
    pub outcome: RelayOutcome,
    /// Whether the claim was full, so that the next round need not wait.
    pub more: bool,
}

/// What became of claimed rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelayOutcome {
    /// There were none.
    Idle,
    /// They have been invalidated by, and deleted.
    Trimmed,
    /// The store has not acknowledged the invalidation: they stay, and are claimed again. This
    /// process bypasses their tables meanwhile.
    Kept,
}

/// One round, for adapters, which run its statements on the connection inside:
/// [`peek`](Self::peek), and when that has a row [`claim`](Self::claim),
/// [`claimed`](Self::claimed), [`deliver`](Self::deliver), [`trim`](Self::trim) in one transaction
/// where [`needs_transaction`](Self::needs_transaction) says so; then [`end`](Self::end). Given up
/// half way, and rolled back, it leaves the rows to the next round.
#[derive(Debug)]
#[must_use]
pub struct Relaying<'a> {
    keeper: &'a CatalogKeeper,
    larder: &'a Larder,
    source: Arc<Source>,
    outbox: Outbox,
    rows_max: usize,
    /// The catalog is not looked after.
    distrusted: bool,
    claimed: Vec<Claimed>,
    rows: usize,
    changes: Changes,
    outcome: RelayOutcome,
}

impl<'a> Relaying<'a> {
    /// A round on the database whose catalog is kept here, which the adapter has looked after.
    pub fn begin(
        keeper: &'a CatalogKeeper,
        larder: &'a Larder,
        dialect: Dialect,
        config: &RelayConfig,
    ) -> Self {
        Self {
            keeper,
            larder,
            source: Arc::clone(keeper.source_or_stranger(dialect)),
            outbox: config.outbox(dialect),
            rows_max: config.rows_max,
            distrusted: false,
            claimed: Vec::new(),
            rows: 0,
            changes: Changes::none(),
            outcome: RelayOutcome::Idle,
        }
    }

    /// The catalog is not read again when that is due: every row may change everything.
    pub fn distrust_catalog(&mut self) {
        self.distrusted = true;
    }

    /// Asks whether there is anything to claim.
    #[must_use]
    pub fn peek(&self) -> String {
        self.outbox.peek()
    }

    /// Whether claim and trim belong into one transaction, READ COMMITTED: a higher isolation would
    /// lock the gap that the writers' rows go to.
    #[must_use]
    pub fn needs_transaction(&self) -> bool {
        self.outbox.locks_rows()
    }

    /// To be run before BEGIN.
    #[must_use]
    pub fn before_begin(&self) -> Option<&'static str> {
        (self.source.dialect() == Dialect::MySql).then_some(READ_COMMITTED)
    }

    /// To be run after BEGIN.
    #[must_use]
    pub fn after_begin(&self) -> Option<&'static str> {
        (self.source.dialect() == Dialect::Postgres).then_some(READ_COMMITTED)
    }

    /// Claims rows; every output column is text.
    #[must_use]
    pub fn claim(&self) -> String {
        let catalog = self.source.catalog();
        self.outbox.claim(self.rows_max, catalog.as_deref())
    }

    /// Takes the claim's rows.
    pub fn claimed(&mut self, rows: Vec<Vec<Option<String>>>) {
        self.rows = rows.len();
        if rows.is_empty() {
            return;
        }
        let all = rows.into_iter().map(|row| self.outbox.read(row));
        self.claimed = all.flatten().collect();
        let limits = self.larder.inner.change_limits;
        // A row without a number says nothing of what was written, nor does a catalog that is known
        // to be wrong.
        let believed = !self.distrusted && !self.keeper.is_outdated();
        let told = (self.claimed.len() == self.rows && believed)
            .then(|| changes::of_claimed(&self.source, &self.outbox, &self.claimed, limits));
        self.changes = told.flatten().unwrap_or_else(|| {
            // Perhaps the catalog is older than the table.
            self.keeper.doubt();
            Changes::Everything
        });
    }

    /// Invalidates by them.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it done or not done: the rows must stay.
    pub async fn deliver(&mut self) {
        if self.rows == 0 {
            return;
        }
        let cache = &self.larder.inner.cache;
        let entry = self.larder.inner.sources.entry(&self.source);
        let delivered = match entry.listed(&self.changes, self.larder.inner.change_limits) {
            Some(changes) => cache.invalidate(&changes, Cause::Outbox).await,
            None => cache.invalidate_all(Cause::Outbox).await,
        };
        self.delivered(&delivered);
    }

    /// [`Self::deliver`] for threads.
    pub fn deliver_blocking(&mut self) {
        if self.rows == 0 {
            return;
        }
        let cache = &self.larder.inner.cache;
        let entry = self.larder.inner.sources.entry(&self.source);
        let delivered = match entry.listed(&self.changes, self.larder.inner.change_limits) {
            Some(changes) => cache.invalidate_blocking(&changes, Cause::Outbox),
            None => cache.invalidate_all_blocking(Cause::Outbox),
        };
        self.delivered(&delivered);
    }

    /// Deletes the rows that were invalidated by; `None` = there are none, and a transaction is to be
    /// rolled back.
    #[must_use]
    pub fn trim(&self) -> Option<String> {
        let delivered = self.outcome == RelayOutcome::Trimmed;
        delivered.then(|| self.outbox.trim(&self.claimed)).flatten()
    }

    /// The round is over, and its statements have succeeded.
    pub fn end(self) -> RelayRound {
        let oldest = self.claimed.iter().map(|row| row.age_micros).max();
        let round = RelayRound {
            rows: self.rows,
            lag: Duration::from_micros(oldest.unwrap_or_default()),
            outcome: self.outcome,
            more: self.rows >= self.rows_max,
        };
        self.larder.inner.cache.report(&Event::Relay {
            rows: round.rows,
            lag: round.lag,
            delivered: round.outcome != RelayOutcome::Kept,
        });
        round
    }

    fn delivered(&mut self, delivered: &Invalidation) {
        self.outcome = match delivered {
            Invalidation::Delivered(_) => RelayOutcome::Trimmed,
            _ => RelayOutcome::Kept,
        };
        self.larder.noticed(delivered);
        let hooks = &self.larder.inner.hooks;
        if !self.changes.is_empty() {
            hooks.run(Some(self.source.id()), &self.changes, Cause::Outbox);
        }
    }
}

const READ_COMMITTED: &str = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

#[cfg(test)]
mod tests;
