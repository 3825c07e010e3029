//! What this process has counted is written into the store every now and then, for the command and
//! for other processes: one std thread per larder whose store is outside the process. It holds the
//! larder weakly and ends with it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, PoisonError, Weak},
    time::Duration,
};

use larder_core::{Entropy, Stamp};

use crate::larder::Inner;

/// Statements in a report.
const STATEMENTS_REPORTED: usize = 50;

/// Periods for which a report lives: one that is late must not be missed.
const PERIODS_LIVE: u32 = 3;

/// The reporting of one larder. Dropped, it ends the thread.
#[derive(Debug, Default)]
pub(crate) struct Reporting {
    end: Arc<End>,
}

#[derive(Debug, Default)]
struct End {
    ended: Mutex<bool>,
    changed: Condvar,
}

impl Reporting {
    /// Starts the thread, unless nobody could read what it writes.
    pub(crate) fn start(&self, larder: &Arc<Inner>, period: Duration) {
        if period.is_zero() || !larder.cache.is_remote() {
            return;
        }
        let (end, larder) = (self.end.clone(), Arc::downgrade(larder));
        let started = std::thread::Builder::new()
            .name("larder-report".into())
            .spawn(move || run(&end, &larder, period));
        if let Err(error) = started {
            tracing::error!(%error, "the report thread of larder cannot start");
        }
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        // Not waited for: the larder may be dropped by that very thread.
        *self
            .end
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.end.changed.notify_all();
    }
}

fn run(end: &End, larder: &Weak<Inner>, period: Duration) {
    let instance = instance();
    while end.lasts(period) {
        let Some(larder) = larder.upgrade() else {
            return;
        };
        let ttl = period.saturating_mul(PERIODS_LIVE);
        let report = || {
            let cache = &larder.cache;
            cache.report_stats_blocking(&instance, STATEMENTS_REPORTED, ttl)
        };
        // A store is foreign code; the next report may work.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(report)) {
            tracing::error!("the store panicked during a report");
            // Dropping a payload may panic again.
            std::mem::forget(payload);
        }
    }
}

impl End {
    /// Waits for the next report; whether the larder is there still.
    fn lasts(&self, period: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(ended, period, |ended| !*ended);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Never drawn from the larder's seed: two processes with one seed are two instances.
fn instance() -> String {
    let Stamp(random) = Entropy::system().draws().stamp();
    format!("{:032x}", u128::from_be_bytes(random))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use larder_core::{
        BlockingStore, Fault, FaultKind, Moment, Stats, Store, Stores,
        store::{Reply, Request},
    };

    use super::*;
    use crate::{Larder, fixtures::eventually};

    const PERIOD: Duration = Duration::from_millis(5);

    /// Keeps the reports that it gets, or refuses them.
    #[derive(Debug, Default)]
    struct Mailbox {
        refuses: bool,
        tries: AtomicUsize,
        reports: Mutex<Vec<(String, Vec<u8>, Duration)>>,
    }

    impl BlockingStore for Mailbox {
        fn exec_blocking(&self, _: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
            let [
                Request::Report {
                    namespace: "shop",
                    instance,
                    report,
                    ttl,
                },
            ] = batch
            else {
                panic!("not a report: {batch:?}")
            };
            self.tries.fetch_add(1, Ordering::SeqCst);
            if self.refuses {
                return Err(Fault::new(FaultKind::Unavailable));
            }
            let report = ((*instance).to_owned(), report.to_vec(), *ttl);
            self.reports.lock().expect("unpoisoned").push(report);
            Ok(vec![Reply::Stored])
        }
    }

    #[async_trait::async_trait]
    impl Store for Mailbox {
        fn is_remote(&self) -> bool {
            true
        }

        async fn exec(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
            self.exec_blocking(now, batch)
        }
    }

    fn reporting(mailbox: &Arc<Mailbox>, period: Duration) -> Larder {
        let stores = Stores {
            shared: mailbox.clone(),
            blocking: mailbox.clone(),
        };
        let builder = Larder::builder().namespace("shop").store(stores).seed(1);
        builder.report_every(period).build().expect("complete")
    }

    #[test]
    fn a_larder_reports_again_and_again_until_it_is_gone() {
        let mailbox = Arc::new(Mailbox::default());
        let larder = reporting(&mailbox, PERIOD);
        let end = Arc::downgrade(&larder.inner.reporting.end);
        let count = || mailbox.reports.lock().expect("unpoisoned").len();
        eventually("three reports", || count() >= 3);
        drop(larder);
        eventually("the end of the thread", || end.strong_count() == 0);
        let reports = mailbox.reports.lock().expect("unpoisoned");
        for (instance, report, ttl) in reports.iter() {
            assert_eq!((instance, *ttl), (&reports[0].0, 3 * PERIOD));
            assert_eq!(Stats::decode(report).expect("stats").processes, 1);
        }
    }

    #[test]
    fn a_report_that_fails_is_counted_and_opens_no_breaker() {
        let mailbox = Arc::new(Mailbox {
            refuses: true,
            ..Mailbox::default()
        });
        let larder = reporting(&mailbox, PERIOD);
        eventually("many tries", || mailbox.tries.load(Ordering::SeqCst) > 10);
        let stats = larder.stats();
        assert!(stats.reports_failed >= 10);
        assert_eq!((stats.faults, stats.breakers_open), (0, 0));
    }

    #[test]
    fn a_period_of_zero_or_a_store_in_the_process_starts_no_thread() {
        let mailbox = Arc::new(Mailbox::default());
        let larder = reporting(&mailbox, Duration::ZERO);
        assert_eq!(Arc::strong_count(&larder.inner.reporting.end), 1);
        let memory = Larder::builder()
            .namespace("shop")
            .store(larder_core::MemoryStore::with_capacity_bytes(1 << 20))
            .build()
            .expect("complete");
        assert_eq!(Arc::strong_count(&memory.inner.reporting.end), 1);
    }
}
