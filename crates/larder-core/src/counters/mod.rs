//! What happened in this process since it began, in numbers: by statement and by table.
//!
//! A hit costs two relaxed additions to counters that lie with its statement; nothing here takes a
//! lock on the way of a hit.

mod reads;
mod registry;
mod tables;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use larder_sql::Dialect;

use crate::{
    Cause, Dropped, StatementId, TableKey,
    statement::Statement,
    stats::{ReadStats, StatementStats, Stats, TableStats},
};

pub(crate) use reads::ReadCounters;
use registry::Registry;
use tables::Tables;

/// The counters of one cache. Bounded: what is not told apart any more counts in the totals.
#[derive(Debug, Default)]
pub struct Counters {
    statements: Registry,
    tables: Tables,
    /// Reads without a statement.
    pub(crate) unnamed: ReadCounters,
    faults: AtomicU64,
    reports_failed: AtomicU64,
}

impl Counters {
    /// The statement of a text whose first table is this one: the same for every plan of it.
    pub(crate) fn statement(
        &self,
        id: StatementId,
        table: Option<&TableKey>,
        (normalized, dialect): (&str, Dialect),
    ) -> Arc<Statement> {
        let make = || Statement::new(id, normalized, dialect, table.cloned());
        self.statements.find_or_make(id, table, make)
    }

    pub(crate) fn invalidated(&self, table: Option<&TableKey>, cause: Cause, dropped: Dropped) {
        self.tables.add(table, cause, dropped);
    }

    pub(crate) fn failed(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn report_failed(&self) {
        self.reports_failed.fetch_add(1, Ordering::Relaxed);
    }

    /// All of them at this moment, statements by time saved. Counters go on while they are read: a
    /// hit may be in one figure and not yet in another.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats {
            processes: 1,
            faults: self.faults.load(Ordering::Relaxed),
            reports_failed: self.reports_failed.load(Ordering::Relaxed),
            ..Stats::default()
        };
        let mut tables = self.tables.stats();
        stats.totals = self.unnamed.stats();
        stats.totals.add(&self.statements.forgotten());
        for statement in self.statements.all() {
            let reads = statement.counters.stats();
            if reads == ReadStats::default() {
                continue;
            }
            stats.totals.add(&reads);
            let table = statement.table().map(|table| table.0.to_string());
            if let Some(table) = &table {
                TableStats::of(&mut tables, table).reads.add(&reads);
            }
            stats.statements.push(StatementStats {
                id: statement.id(),
                sql: statement.sql().to_owned(),
                table: table.unwrap_or_default(),
                reads,
            });
        }
        stats.tables = tables.into_values().collect();
        stats.sort();
        stats
    }
}
