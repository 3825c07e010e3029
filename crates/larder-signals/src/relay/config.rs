//! How a relay works, and how fast.

use std::{fmt, sync::Arc, time::Duration};

use larder_sql::{Dialect, outbox::Outbox};

use super::{RelayOutcome, RelayRound};

/// How a relay works.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RelayConfig {
    pub(super) rows_max: usize,
    pub(super) poll_interval: Duration,
    schema: Option<Arc<str>>,
}

/// How long a relay waits between two rounds.
#[derive(Clone, Debug)]
pub struct RelayPace {
    poll_interval: Duration,
    /// After a failure; zero = the last round went well.
    pause: Duration,
}

impl RelayConfig {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            rows_max: 1_000,
            poll_interval: Duration::from_millis(200),
            schema: None,
        }
    }

    /// How many rows one round claims at most. Default: 1,000. From 1 to 10,000; more than
    /// [`ChangeLimits::rows_max`](crate::ChangeLimits::rows_max) of one table drop its record.
    pub fn rows_max(mut self, rows: usize) -> Self {
        self.rows_max = rows.clamp(1, ROWS_MAX);
        self
    }

    /// How long a relay that found nothing waits before it looks again. Default: 200 ms. Zero: 1 ms.
    ///
    /// # Staleness
    /// What another program writes is served in its old state for this long after its COMMIT, and
    /// for as long as the round takes: as long as `RelayRound::lag` says.
    pub fn poll_interval(mut self, every: Duration) -> Self {
        self.poll_interval = every.max(Duration::from_millis(1));
        self
    }

    /// The PostgreSQL schema in which the outbox was created. Default: the first of the search path
    /// that has one. No effect elsewhere.
    pub fn schema(mut self, schema: impl Into<Arc<str>>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// The pace of a relay that works like this.
    #[must_use]
    pub const fn pace(&self) -> RelayPace {
        RelayPace {
            poll_interval: self.poll_interval,
            pause: Duration::ZERO,
        }
    }

    pub(super) fn outbox(&self, dialect: Dialect) -> Outbox {
        let outbox = Outbox::new(dialect);
        match &self.schema {
            Some(schema) => outbox.in_schema(Arc::clone(schema)),
            None => outbox,
        }
    }
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl RelayPace {
    /// How long to wait after a round.
    pub fn after(&mut self, round: &RelayRound) -> Duration {
        if round.outcome == RelayOutcome::Kept {
            return self.longer();
        }
        self.pause = Duration::ZERO;
        match round.more {
            true => Duration::ZERO,
            false => self.poll_interval,
        }
    }

    /// How long to wait after a round that failed, which is logged. Each failure doubles the pause,
    /// from the poll interval to 5 s.
    pub fn after_failure(&mut self, error: &dyn fmt::Display) -> Duration {
        tracing::warn!(%error, "a relay's round failed; what it claimed stays");
        self.longer()
    }

    fn longer(&mut self) -> Duration {
        let longest = PAUSE_MAX.max(self.poll_interval);
        self.pause = (self.pause * 2).clamp(self.poll_interval, longest);
        self.pause
    }
}

const ROWS_MAX: usize = 10_000;
const PAUSE_MAX: Duration = Duration::from_secs(5);
