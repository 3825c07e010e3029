//! Counters of reads.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{BypassReason, FillOutcome, HitSource, stats::ReadStats};

/// What the reads of one statement came to.
#[derive(Debug, Default)]
pub(crate) struct ReadCounters {
    saved_micros: AtomicU64,
    /// By who answered.
    store: AtomicU64,
    near: AtomicU64,
    flight: AtomicU64,
    stale: AtomicU64,
    misses: AtomicU64,
    stored: AtomicU64,
    discarded: AtomicU64,
    fill_micros: AtomicU64,
    bytes: AtomicU64,
    bypasses: [AtomicU64; BypassReason::LABELS.len()],
}

impl ReadCounters {
    pub(crate) fn hit(&self, source: HitSource, saved: Duration) {
        let counter = match source {
            HitSource::Store => &self.store,
            HitSource::Near => &self.near,
            HitSource::Flight => &self.flight,
            HitSource::Stale => &self.stale,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.saved_micros
            .fetch_add(micros(saved), Ordering::Relaxed);
    }

    pub(crate) fn missed(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn filled(&self, outcome: FillOutcome, bytes: usize, took: Duration) {
        let counter = match outcome {
            FillOutcome::Stored => {
                self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                &self.stored
            }
            FillOutcome::Discarded(_) => &self.discarded,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.fill_micros.fetch_add(micros(took), Ordering::Relaxed);
    }

    pub(crate) fn bypassed(&self, reason: &BypassReason) {
        if let Some(counter) = self.bypasses.get(reason.number()) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn stats(&self) -> ReadStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (near, flight, stale) = (load(&self.near), load(&self.flight), load(&self.stale));
        let bypasses = BypassReason::LABELS.iter().zip(&self.bypasses);
        ReadStats {
            hits: load(&self.store) + near + flight + stale,
            near_hits: near,
            flight_hits: flight,
            stale_hits: stale,
            misses: load(&self.misses),
            bypasses: bypasses
                .map(|(label, count)| ((*label).to_owned(), load(count)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            fills: load(&self.stored),
            discarded: load(&self.discarded),
            fill_time: Duration::from_micros(load(&self.fill_micros)),
            saved: Duration::from_micros(load(&self.saved_micros)),
            bytes: load(&self.bytes),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
