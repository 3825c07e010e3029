//! What happened in this process since it began, in numbers: by statement and by table.
//!
//! A hit costs two relaxed additions to counters that lie with its statement; nothing here takes a
//! lock on the way of a hit.

mod reads;
mod registry;
mod tables;

use std::{
    cmp::Reverse,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
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
        self.stats_of(|all| all)
    }

    /// The same with the statements that tell most: so many that saved most time, and half as many
    /// each that miss and that go past the cache most often.
    pub(crate) fn telling(&self, statements: usize) -> Stats {
        self.stats_of(|all| telling(all, statements))
    }

    /// Texts are copied of the chosen statements alone.
    fn stats_of(&self, choose: impl FnOnce(Vec<Counted>) -> Vec<Counted>) -> Stats {
        let mut stats = Stats {
            processes: 1,
            faults: self.faults.load(Ordering::Relaxed),
            reports_failed: self.reports_failed.load(Ordering::Relaxed),
            ..Stats::default()
        };
        let mut tables = self.tables.stats();
        stats.totals = self.unnamed.stats();
        stats.totals.add(&self.statements.forgotten());
        let mut counted = Vec::new();
        for statement in self.statements.all() {
            let reads = statement.counters.stats();
            if reads == ReadStats::default() {
                continue;
            }
            stats.totals.add(&reads);
            if let Some(table) = statement.table() {
                TableStats::of(&mut tables, &table.0).reads.add(&reads);
            }
            counted.push((reads, statement));
        }
        let chosen = choose(counted).into_iter();
        stats.statements = chosen
            .map(|(reads, statement)| StatementStats {
                id: statement.id(),
                sql: statement.sql().to_owned(),
                table: statement
                    .table()
                    .map(|table| table.0.to_string())
                    .unwrap_or_default(),
                reads,
            })
            .collect();
        stats.tables = tables.into_values().collect();
        stats.sort();
        stats
    }
}

type Counted = (ReadStats, Arc<Statement>);

fn telling(mut all: Vec<Counted>, most: usize) -> Vec<Counted> {
    let mut chosen = Vec::new();
    type Of = fn(&ReadStats) -> u128;
    let by: [(usize, Of); 3] = [
        (most, |reads| reads.saved.as_micros()),
        (most / 2, |reads| reads.misses.into()),
        (most / 2, |reads| reads.bypassed().into()),
    ];
    for (most, of) in by {
        all.sort_by_key(|(reads, _)| Reverse(of(reads)));
        let first = most.min(all.len());
        chosen.extend(all.drain(..first));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_only_misses_or_passes_is_told_beside_those_that_save() {
        let counted = |number: u8, saved, misses, bypasses| {
            let id = StatementId([number; 8]);
            let reads = ReadStats {
                saved: std::time::Duration::from_secs(saved),
                misses,
                bypasses: [("uncacheable".to_owned(), bypasses)].into(),
                ..ReadStats::default()
            };
            (
                reads,
                Arc::new(Statement::new(id, "SELECT 1", Dialect::Sqlite, None)),
            )
        };
        let mut all: Vec<Counted> = (0..10).map(|n| counted(n, u64::from(n), 1, 0)).collect();
        all.push(counted(100, 0, 50, 0));
        all.push(counted(101, 0, 0, 70));
        let told: Vec<u8> = telling(all, 4).iter().map(|(_, it)| it.id().0[0]).collect();
        assert_eq!(told.len(), 8);
        assert_eq!(told[..4], [9, 8, 7, 6]);
        assert!(told.contains(&100) && told.contains(&101), "{told:?}");
        assert!(telling(Vec::new(), 4).is_empty());
    }
}
