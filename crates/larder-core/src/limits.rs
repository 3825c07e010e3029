//! The bounds of the protocol.

use std::time::Duration;

/// Bounds; each has a documented effect when it is reached.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Shapes per table record (default 64). Above, readers use the table's empty shape (P11).
    pub shapes_max: usize,
    /// Dependencies per entry (default 64). Above, the read bypasses.
    pub dependencies_max: usize,
    /// Bytes per entry (default 1 MiB). Above, the fill is discarded.
    pub entry_bytes_max: usize,
    /// How long a waiter waits for a flight (default 5 s); then it runs alone. Zero: never waits.
    pub wait_max: Duration,
    /// How long a process may claim the filling of an entry where its policy has a shared flight
    /// (default 2 s). A claim ends with the fill; that of a fill that failed,
    /// or whose process died, ends after this for other processes.
    pub lease: Duration,
    /// Flights at a time (default 10,000). Above, readers run alone.
    pub flights_max: usize,
    /// Waiters per flight (default 10,000). Above, readers run alone.
    pub waiters_max: usize,
    /// Undelivered changes (default 10,000). Above, they fold into whole tables, then into
    /// everything.
    pub pending_max: usize,
    /// Stamps that one write drops one by one in a table (default 10,000). Above, the record.
    pub stamps_per_write_max: usize,
    /// Jitter in percent of the TTL, taken off it (default 10).
    pub jitter_percent: u32,
    /// The longest TTL of any policy (default 1 day). A full record older than this drops (P11);
    /// a longer TTL is cut to it.
    pub ttl_max: Duration,
    /// Faults in a row that open the breaker (default 5). Zero: never.
    pub breaker_faults: u32,
    /// How long the breaker stays open before one request may try again (default 1 s).
    pub breaker_open: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            shapes_max: 64,
            dependencies_max: 64,
            entry_bytes_max: 1 << 20,
            wait_max: Duration::from_secs(5),
            lease: Duration::from_secs(2),
            flights_max: 10_000,
            waiters_max: 10_000,
            pending_max: 10_000,
            stamps_per_write_max: 10_000,
            jitter_percent: 10,
            ttl_max: Duration::from_secs(24 * 60 * 60),
            breaker_faults: 5,
            breaker_open: Duration::from_secs(1),
        }
    }
}
