//! What a reader does instead of waiting for another one, or of filling beside it.

use std::{sync::Arc, time::Duration};

use super::{ReadMachine, ReadMode, ReadStep};
use crate::{entry::Entry, observer::HitSource, store::Request};

impl<'a> ReadMachine<'a> {
    /// The reader leads the flight that it joined.
    pub fn leads(&mut self) -> ReadStep<'a> {
        self.leading = self.plan.as_ref().map(|plan| plan.stamps.clone());
        self.claim_or_run()
    }

    /// Another reader leads it. What to do instead of waiting, if there is something to serve.
    pub fn follows(&mut self) -> Option<ReadStep<'a>> {
        let (entry, source) = self.fallback.take()?;
        self.served_instead = true;
        Some(self.hit(entry, source))
    }

    /// The time of a [`ReadStep::Pause`] has passed.
    pub fn paused(&mut self) -> ReadStep<'a> {
        self.plan = None;
        self.full_lookup()
    }

    /// Whether this read replaces a result that answers it: `now - cost * ln(random) >= expiry`.
    pub(super) fn is_early(&mut self, entry: &Entry) -> bool {
        if !self.request.leeway.early_refresh || self.request.mode != ReadMode::Cached {
            return false;
        }
        let (draws, now) = (&mut self.draws, self.created);
        *self.early.get_or_insert_with(|| {
            let ahead = entry.cost.as_secs_f64() * -draws.fraction().ln();
            let ahead = Duration::try_from_secs_f64(ahead).unwrap_or(Duration::ZERO);
            now + ahead >= entry.expires
        })
    }

    /// Keeps what was valid not long ago (P13). Of an operation, not every table is known here.
    pub(super) fn may_serve_stale(&mut self, entry: &Arc<Entry>) {
        let allowed = self.request.leeway.allow_stale;
        let valid = entry.created.max(entry.validated.last());
        // What seems to come from the future was created by another clock: nobody knows when.
        let young = valid <= self.created && self.created.since(valid) <= allowed;
        if young && !allowed.is_zero() && !entry.extended && self.request.mode == ReadMode::Cached {
            let stale = (entry.clone(), HitSource::Stale);
            self.fallback.get_or_insert(stale);
        }
    }

    pub(super) fn claim_or_run(&mut self) -> ReadStep<'a> {
        if self.request.leeway.shared_flight && self.paused < self.wait_max {
            let (key, lease) = (self.request.entry, self.lease);
            return ReadStep::Ask(Request::Claim { key, lease });
        }
        self.run()
    }

    pub(super) fn claimed(&mut self, granted: bool) -> ReadStep<'a> {
        if granted {
            if let Some(plan) = &mut self.plan {
                plan.claimed = true;
            }
            return self.run();
        }
        if let Some(step) = self.follows() {
            return step;
        }
        let pause = self.next_pause;
        self.paused += pause;
        self.next_pause = (pause * 2).min(PAUSE_MAX);
        ReadStep::Pause(pause)
    }
}

/// How long a reader waits before it looks again whether another process has filled, and how long at
/// most.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(100);
