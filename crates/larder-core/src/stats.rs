//! Counters as they were at one moment, of one process or summed over several.
//!
//! They are written down for other processes, which may be of another version: what a reader does
//! not know it passes over, what a writer did not know is zero.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{Moment, StatementId};

/// What a cache has done since its process began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Stats {
    /// Processes that are summed.
    pub processes: u64,
    /// When the first of them began to count.
    pub started: Moment,
    /// When the last of them was asked.
    pub taken: Moment,
    /// The reads of all statements, also of those that are not told apart any more, and reads
    /// without a statement.
    pub totals: ReadStats,
    /// By table; reads count under the first table of their statement. The name `*` holds the
    /// invalidations of everything. Sorted by time saved, then by name.
    pub tables: Vec<TableStats>,
    /// By statement and first table, sorted by time saved, then by time in fills.
    pub statements: Vec<StatementStats>,
    /// Requests that the store failed.
    pub faults: u64,
    /// Changes whose invalidation waits for delivery now (G2).
    pub pending: u64,
    /// Processes whose breaker is open now.
    pub breakers_open: u64,
    /// Reports that could not be written.
    pub reports_failed: u64,
}

/// What reads came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ReadStats {
    /// Reads that were answered, by whoever.
    pub hits: u64,
    /// Those of them that a decoded result in the process answered, confirmed by the store. A memory
    /// store's hits are not among them.
    pub near_hits: u64,
    /// Those of them that another reader's fill answered.
    pub flight_hits: u64,
    /// Those of them that a result answered which another reader was replacing.
    pub stale_hits: u64,
    /// Reads that ran their query and were to store its result.
    pub misses: u64,
    /// Reads that ran their query and stored nothing, by the [label](crate::BypassReason::label) of
    /// the reason.
    pub bypasses: BTreeMap<String, u64>,
    /// Results that were stored.
    pub fills: u64,
    /// Results that were not stored.
    pub discarded: u64,
    /// Time in fills of both kinds, from the lookup to the end. That of a memo contains the fills
    /// inside it, which count as well.
    #[serde(rename = "fill_us", with = "micros")]
    pub fill_time: Duration,
    /// What the queries took that the hits spared: the sum of what each one's fill has cost. Hits of
    /// other readers' fills count as nothing.
    #[serde(rename = "saved_us", with = "micros")]
    pub saved: Duration,
    /// Size of the results that were stored, together.
    pub bytes: u64,
}

/// What happened to one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TableStats {
    /// Its key, `namespace:source:schema.table`.
    pub table: String,
    /// The reads of statements whose first table it is.
    pub reads: ReadStats,
    /// Invalidations by the [label](crate::Cause::label) of their cause.
    pub invalidations: BTreeMap<String, u64>,
    /// Records that they were to drop, and with each the whole table.
    pub records_dropped: u64,
    /// Shapes that they were to drop.
    pub shapes_dropped: u64,
    /// Stamps of single values that they were to drop.
    pub stamps_dropped: u64,
    /// How many of all these were there.
    pub existed: u64,
}

/// The reads of one statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StatementStats {
    /// Its name.
    pub id: StatementId,
    /// Its normalized text, with `?` for literals.
    pub sql: String,
    /// The key of its first table; empty = none is known.
    pub table: String,
    /// Its reads.
    pub reads: ReadStats,
}

impl Stats {
    /// Sums the counters of several processes.
    #[must_use]
    pub fn sum(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::default();
        let (mut tables, mut statements) = (BTreeMap::new(), BTreeMap::new());
        for part in parts {
            sum.add(&part);
            for table in part.tables {
                TableStats::of(&mut tables, &table.table).add(&table);
            }
            for one in part.statements {
                match statements.entry((one.id, one.table.clone())) {
                    Entry::Vacant(place) => drop(place.insert(one)),
                    Entry::Occupied(mut known) => {
                        let known: &mut StatementStats = known.get_mut();
                        known.reads.add(&one.reads);
                    }
                }
            }
        }
        sum.tables = tables.into_values().collect();
        sum.statements = statements.into_values().collect();
        sum.sort();
        sum
    }

    /// The same with so many statements at most: those that saved most time.
    #[must_use]
    pub fn top(mut self, statements: usize) -> Self {
        self.statements.truncate(statements);
        self
    }

    /// Writes them down for other processes; `None` = they have no written form, which is not known
    /// to happen.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        rmp_serde::to_vec_named(self).ok()
    }

    /// Reads what another process has written down; `None` = the bytes are something else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        rmp_serde::from_slice(bytes).ok()
    }

    pub(crate) fn sort(&mut self) {
        self.tables.sort_by(|a, b| {
            let key = |it: &TableStats| std::cmp::Reverse(it.reads.saved);
            (key(a), &a.table).cmp(&(key(b), &b.table))
        });
        self.statements.sort_by(|a, b| {
            let key = |it: &StatementStats| std::cmp::Reverse((it.reads.saved, it.reads.fill_time));
            (key(a), a.id, &a.table).cmp(&(key(b), b.id, &b.table))
        });
    }

    /// Adds what is not told apart by table or statement.
    fn add(&mut self, part: &Self) {
        self.started = match self.processes {
            0 => part.started,
            _ => self.started.min(part.started),
        };
        self.taken = self.taken.max(part.taken);
        self.totals.add(&part.totals);
        for (sum, one) in [
            (&mut self.processes, part.processes),
            (&mut self.faults, part.faults),
            (&mut self.pending, part.pending),
            (&mut self.breakers_open, part.breakers_open),
            (&mut self.reports_failed, part.reports_failed),
        ] {
            *sum = sum.saturating_add(one);
        }
    }
}

impl ReadStats {
    /// Hits among the reads that may be cached, 0 to 1; `None` without any.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        let reads = self.hits.saturating_add(self.misses);
        (reads > 0).then(|| self.hits as f64 / reads as f64)
    }

    /// Reads that bypassed, for whatever reason.
    #[must_use]
    pub fn bypassed(&self) -> u64 {
        self.bypasses
            .values()
            .fold(0, |sum, it| sum.saturating_add(*it))
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, one) in [
            (&mut self.hits, other.hits),
            (&mut self.near_hits, other.near_hits),
            (&mut self.flight_hits, other.flight_hits),
            (&mut self.stale_hits, other.stale_hits),
            (&mut self.misses, other.misses),
            (&mut self.fills, other.fills),
            (&mut self.discarded, other.discarded),
            (&mut self.bytes, other.bytes),
        ] {
            *sum = sum.saturating_add(one);
        }
        self.fill_time = self.fill_time.saturating_add(other.fill_time);
        self.saved = self.saved.saturating_add(other.saved);
        add_all(&mut self.bypasses, &other.bypasses);
    }
}

impl TableStats {
    /// The table of this name, which is added where it is new.
    pub(crate) fn of<'t>(tables: &'t mut BTreeMap<String, Self>, name: &str) -> &'t mut Self {
        tables.entry(name.to_owned()).or_insert_with(|| Self {
            table: name.to_owned(),
            ..Self::default()
        })
    }

    fn add(&mut self, other: &Self) {
        self.reads.add(&other.reads);
        add_all(&mut self.invalidations, &other.invalidations);
        for (sum, one) in [
            (&mut self.records_dropped, other.records_dropped),
            (&mut self.shapes_dropped, other.shapes_dropped),
            (&mut self.stamps_dropped, other.stamps_dropped),
            (&mut self.existed, other.existed),
        ] {
            *sum = sum.saturating_add(one);
        }
    }
}

fn add_all(sums: &mut BTreeMap<String, u64>, others: &BTreeMap<String, u64>) {
    for (label, count) in others {
        let sum = sums.entry(label.clone()).or_default();
        *sum = sum.saturating_add(*count);
    }
}

/// Durations as whole microseconds.
mod micros {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(it: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(it.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_micros)
    }
}

#[cfg(test)]
mod tests;
