//! Every metric by name. `docs/metrics.md` and the dashboard hold the same names; a test compares.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

use MetricKind::{Counter, Gauge, Histogram};

/// What a metric is called and says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: MetricKind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It grows only, by whole numbers.
    Counter,
    /// It goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

const fn metric(
    name: &'static str,
    kind: MetricKind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        labels,
        help,
    }
}

pub(super) const METRICS: &[Metric] = &[
    metric(
        "larder_hits_total",
        Counter,
        &["table", "source"],
        "Reads that were answered.",
    ),
    metric(
        "larder_misses_total",
        Counter,
        &["table", "cause"],
        "Reads that ran their query and were to store its result.",
    ),
    metric(
        "larder_bypasses_total",
        Counter,
        &["reason"],
        "Reads that ran their query and stored nothing.",
    ),
    metric(
        "larder_fills_total",
        Counter,
        &["outcome"],
        "Fills that ended, by how.",
    ),
    metric(
        "larder_fill_seconds",
        Histogram,
        &[],
        "Time from the lookup to the end of a fill.",
    ),
    metric(
        "larder_filled_bytes_total",
        Counter,
        &[],
        "Size of the results that were stored.",
    ),
    metric(
        "larder_saved_seconds_total",
        Gauge,
        &["table"],
        "What the queries took that hits spared. It grows only.",
    ),
    metric(
        "larder_invalidations_total",
        Counter,
        &["table", "cause"],
        "Invalidations of a table.",
    ),
    metric(
        "larder_dropped_stamps_total",
        Counter,
        &[],
        "Stamps, shapes and records that were there and were dropped.",
    ),
    metric(
        "larder_pending",
        Gauge,
        &[],
        "Changes whose invalidation waits for delivery.",
    ),
    metric(
        "larder_breaker_open",
        Gauge,
        &[],
        "1 while the store is not asked, else 0.",
    ),
    metric(
        "larder_faults_total",
        Counter,
        &["kind"],
        "Requests that the store failed.",
    ),
    metric(
        "larder_relay_rows_total",
        Counter,
        &[],
        "Rows of the outbox that a relay has claimed.",
    ),
    metric(
        "larder_relay_lag_seconds",
        Gauge,
        &[],
        "Age of the oldest row of the last round of a relay.",
    ),
];

/// Tells the recorder that is installed.
pub(super) fn describe() {
    for metric in METRICS {
        let (name, help) = (metric.name, metric.help);
        let unit = match name {
            _ if name.contains("_seconds") => Unit::Seconds,
            _ if name.contains("_bytes") => Unit::Bytes,
            _ => Unit::Count,
        };
        match metric.kind {
            Counter => describe_counter!(name, unit, help),
            Gauge => describe_gauge!(name, unit, help),
            Histogram => describe_histogram!(name, unit, help),
        }
    }
}
