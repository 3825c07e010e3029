//! Stops asking a store that does not answer.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::{clock::Moment, limits::Limits};

/// Opens after some faults in a row; then lets one request through per interval until one
/// succeeds.
#[derive(Debug)]
pub struct Breaker {
    faults: AtomicU32,
    next_try: AtomicU64,
    faults_max: u32,
    open_micros: u64,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(limits: &Limits) -> Self {
        let open = u64::try_from(limits.breaker_open.as_micros()).unwrap_or(u64::MAX);
        Self {
            faults: AtomicU32::new(0),
            next_try: AtomicU64::new(0),
            faults_max: limits.breaker_faults,
            open_micros: open,
        }
    }

    /// Whether a request may be sent now. An open breaker says so once per interval.
    pub fn allows(&self, now: Moment) -> bool {
        if !self.is_open() {
            return true;
        }
        let next = self.next_try.load(Ordering::Relaxed);
        let after = now.0.saturating_add(self.open_micros);
        next <= now.0
            && self
                .next_try
                .compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.faults_max > 0 && self.faults.load(Ordering::Relaxed) >= self.faults_max
    }

    /// Opens it at this moment.
    pub fn open(&self, now: Moment) {
        self.faults.store(self.faults_max, Ordering::Relaxed);
        let next = now.0.saturating_add(self.open_micros);
        self.next_try.store(next, Ordering::Relaxed);
    }

    /// A request succeeded; whether that closes it.
    pub fn succeeded(&self) -> bool {
        // Read first: a shared line that is written on every request would cost more than it.
        if self.faults.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let faults = self.faults.swap(0, Ordering::Relaxed);
        self.faults_max > 0 && faults >= self.faults_max
    }

    /// A request failed at this moment; whether that opens it.
    pub fn failed(&self, now: Moment) -> bool {
        let faults = self
            .faults
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1);
        if self.faults_max > 0 && faults >= self.faults_max {
            self.next_try
                .store(now.0.saturating_add(self.open_micros), Ordering::Relaxed);
        }
        self.faults_max > 0 && faults == self.faults_max
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_open_breaker_lets_one_request_through_per_interval() {
        let limits = Limits {
            breaker_faults: 2,
            breaker_open: Duration::from_secs(1),
            ..Limits::default()
        };
        let breaker = Breaker::new(&limits);
        let start = Moment(1_000_000);
        assert!(!breaker.failed(start));
        assert!(breaker.allows(start));
        assert!(breaker.failed(start), "it opens");
        assert!(!breaker.failed(start), "it is open already");
        assert!(!breaker.allows(start));
        let later = start + Duration::from_secs(1);
        assert!(breaker.allows(later));
        assert!(!breaker.allows(later));
        assert!(breaker.succeeded(), "it closes");
        assert!(!breaker.succeeded(), "it is closed already");
        assert!(breaker.allows(later));
    }
}
