//! Events as metrics, by the `metrics` facade. Every name, label and unit is in `docs/metrics.md`.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use larder_core::{Event, FillOutcome, HitSource, Observer, TableKey};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

mod list;

pub use list::{Metric, MetricKind};

/// Tables told apart; what happens to further ones counts under this label.
const TABLES_MAX: usize = 1_000;
const OTHER_TABLES: &str = "other";
/// The label of an invalidation of every table.
const ALL_TABLES: &str = "*";

/// Turns events into metrics: counters, gauges and a histogram of the recorder that is installed.
///
/// Labels are tables and the names of causes, never statements, parameters or rows: at most 1,000
/// tables are told apart. A hit costs a look-up of its table and two additions.
///
/// ```
/// # use std::sync::Arc;
/// # use larder_core::MemoryStore;
/// # use larder_signals::{Larder, MetricsObserver};
/// // After the recorder was installed.
/// let larder = Larder::builder()
///     .namespace("blog")
///     .store(MemoryStore::with_capacity_bytes(64 << 20))
///     .observer(Arc::new(MetricsObserver::new()))
///     .build()?;
/// # Ok::<(), larder_core::Error>(())
/// ```
pub struct MetricsObserver {
    tables: RwLock<HashMap<TableKey, Arc<TableMetrics>>>,
    /// Made when the bound is reached.
    others: OnceLock<Arc<TableMetrics>>,
    fill_seconds: Histogram,
    filled_bytes: Counter,
    dropped_stamps: Counter,
    pending: Gauge,
    breaker_open: Gauge,
    relay_rows: Counter,
    relay_lag: Gauge,
}

/// The metrics of one table that hits need: found once.
struct TableMetrics {
    label: Arc<str>,
    hits: [(HitSource, Counter); 4],
    saved: Gauge,
}

impl MetricsObserver {
    /// An observer that tells the recorder which is installed now: install it before. Without one
    /// it tells nobody.
    #[must_use]
    pub fn new() -> Self {
        list::describe();
        Self {
            tables: RwLock::default(),
            others: OnceLock::new(),
            fill_seconds: histogram!("larder_fill_seconds"),
            filled_bytes: counter!("larder_filled_bytes_total"),
            dropped_stamps: counter!("larder_dropped_stamps_total"),
            pending: gauge!("larder_pending"),
            breaker_open: gauge!("larder_breaker_open"),
            relay_rows: counter!("larder_relay_rows_total"),
            relay_lag: gauge!("larder_relay_lag_seconds"),
        }
    }

    /// Every metric that it tells.
    #[must_use]
    pub fn metrics() -> &'static [Metric] {
        list::METRICS
    }

    fn table(&self, key: &TableKey) -> Arc<TableMetrics> {
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = known.get(key) {
            return table.clone();
        }
        if let (true, Some(others)) = (known.len() >= TABLES_MAX, self.others.get()) {
            return others.clone();
        }
        drop(known);
        let mut known = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TABLES_MAX && !known.contains_key(key) {
            let others = || Arc::new(TableMetrics::new(OTHER_TABLES.into()));
            return self.others.get_or_init(others).clone();
        }
        let new = || Arc::new(TableMetrics::new(key.0.clone()));
        known.entry(key.clone()).or_insert_with(new).clone()
    }
}

impl TableMetrics {
    fn new(label: Arc<str>) -> Self {
        let sources = [
            HitSource::Store,
            HitSource::Near,
            HitSource::Flight,
            HitSource::Stale,
        ];
        let hits = |source: HitSource| {
            let table = label.to_string();
            counter!("larder_hits_total", "table" => table, "source" => source.label())
        };
        Self {
            hits: sources.map(|source| (source, hits(source))),
            saved: gauge!("larder_saved_seconds_total", "table" => label.to_string()),
            label,
        }
    }
}

impl Observer for MetricsObserver {
    fn on_event(&self, event: &Event<'_>) {
        match *event {
            Event::Hit {
                table,
                source,
                saved,
                ..
            } => {
                let table = self.table(table);
                if let Some((_, hits)) = table.hits.iter().find(|(it, _)| *it == source) {
                    hits.increment(1);
                }
                table.saved.increment(saved.as_secs_f64());
            }
            Event::Miss { table, cause, .. } => {
                let table = self.table(table).label.to_string();
                counter!("larder_misses_total", "table" => table, "cause" => cause.label())
                    .increment(1);
            }
            Event::Fill {
                outcome,
                bytes,
                took,
                ..
            } => {
                counter!("larder_fills_total", "outcome" => outcome.label()).increment(1);
                self.fill_seconds.record(took.as_secs_f64());
                if outcome == FillOutcome::Stored {
                    self.filled_bytes.increment(bytes as u64);
                }
            }
            Event::Bypass { reason, .. } => {
                counter!("larder_bypasses_total", "reason" => reason.label()).increment(1);
            }
            Event::Invalidate {
                cause,
                table,
                dropped,
            } => {
                let table = match table {
                    Some(key) => self.table(key).label.to_string(),
                    None => ALL_TABLES.to_owned(),
                };
                counter!("larder_invalidations_total", "table" => table, "cause" => cause.label())
                    .increment(1);
                self.dropped_stamps.increment(dropped.existed as u64);
            }
            Event::Pending { changes } => self.pending.set(changes as f64),
            Event::Delivered => self.pending.set(0.0),
            Event::Relay { rows, lag, .. } => {
                self.relay_rows.increment(rows as u64);
                self.relay_lag.set(lag.as_secs_f64());
            }
            Event::Fault { fault } => {
                counter!("larder_faults_total", "kind" => fault.kind().label()).increment(1);
            }
            Event::BreakerOpened => self.breaker_open.set(1.0),
            Event::BreakerClosed => self.breaker_open.set(0.0),
            _ => {}
        }
    }
}

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MetricsObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsObserver").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
