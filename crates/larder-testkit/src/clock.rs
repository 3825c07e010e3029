//! A clock that moves only when told.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use larder_core::{Clock, Moment};

/// A clock that moves only when told.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that shows this moment.
    pub fn at(moment: Moment) -> Self {
        Self(AtomicU64::new(moment.0))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        self.0.store((self.now() + by).0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }
}
