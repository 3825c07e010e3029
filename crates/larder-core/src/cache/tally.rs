//! What happened is counted, then told to whoever listens.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{
    BypassReason, Cause, Counters, Dropped, Fault, FaultKind, FillOutcome, HitSource, MissCause,
    NamedCall, ReadSummary, Statement, Stats, TableKey,
    counters::ReadCounters,
    observer::{Event, Observer},
    store::Request,
    summary::{self, Counted},
    sync::{read, write},
};

use super::{Cache, Listeners};

/// Tables in a report.
const TABLES_REPORTED: usize = 1_000;

impl Cache {
    /// Tells the observers; without one, this costs nothing.
    pub fn report(&self, event: &Event<'_>) {
        for observer in &self.shared.observers {
            tell(&**observer, event);
        }
        self.shared.listeners.tell(event);
    }

    /// Whether anyone listens to [`Self::report`].
    pub fn is_observed(&self) -> bool {
        !self.shared.observers.is_empty() || self.shared.listeners.any.load(Ordering::Relaxed)
    }

    /// Lets one more observer hear of events from now on. Those of
    /// [`CacheOptions`](crate::CacheOptions) are told first.
    pub fn listen(&self, observer: Arc<dyn Observer>) {
        self.shared.listeners.change(|all| all.push(observer));
    }

    /// Ends what [`Self::listen`] began with this very observer.
    pub fn unlisten(&self, observer: &Arc<dyn Observer>) {
        self.shared
            .listeners
            .change(|all| all.retain(|known| !Arc::ptr_eq(known, observer)));
    }

    /// The counters, for the sources whose reads it answers.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.shared.counters
    }

    /// What was counted since the cache was made.
    pub fn stats(&self) -> Stats {
        self.dated(self.shared.counters.stats())
    }

    fn dated(&self, mut stats: Stats) -> Stats {
        stats.started = self.shared.started;
        stats.taken = self.now();
        stats.pending = self.pending() as u64;
        stats.breakers_open = u64::from(self.is_store_down());
        stats
    }

    /// Writes what was counted into the store for other processes, under the name of this instance
    /// and for so long; the statements are those that saved most time, so many at most, and half as
    /// many each that miss and that go past the cache most often. Whether it is there now. A fault is only counted: reports are no reason to leave the store alone. Nor is it
    /// asked while it is left alone.
    pub fn report_stats_blocking(&self, instance: &str, statements: usize, ttl: Duration) -> bool {
        if self.is_store_down() {
            return false;
        }
        let mut stats = self.dated(self.shared.counters.telling(statements));
        stats.tables.truncate(TABLES_REPORTED);
        let Some(report) = stats.encode() else {
            return false;
        };
        let request = Request::Report {
            namespace: &self.shared.namespace,
            instance,
            report: &report,
            ttl,
        };
        let store = &self.shared.stores.blocking;
        let written = store.exec_blocking(self.now(), &[request]).is_ok();
        if !written {
            self.shared.counters.report_failed();
        }
        written
    }

    /// Runs a future and says what its reads of this cache came to.
    pub async fn recorded<F: Future>(&self, future: F) -> (F::Output, ReadSummary) {
        summary::scope(self.owner(), future).await
    }

    /// [`Self::recorded`] for threads.
    pub fn recorded_blocking<T>(&self, work: impl FnOnce() -> T) -> (T, ReadSummary) {
        summary::scope_blocking(self.owner(), work)
    }

    /// Counts and reports a read that its caller keeps from the cache.
    pub fn bypassed(
        &self,
        statement: Option<&Statement>,
        table: Option<&TableKey>,
        reason: &BypassReason,
    ) {
        self.counters_of(statement).bypassed(reason);
        summary::note(self.owner(), Counted::Bypass);
        if self.is_observed() {
            self.report(&Event::Bypass {
                table: table.or_else(|| statement?.table()),
                statement: statement.map(Statement::id),
                reason,
            });
        }
    }

    pub(super) fn answered(
        &self,
        table: &TableKey,
        statement: Option<&Statement>,
        (source, saved): (HitSource, Duration),
    ) {
        self.counters_of(statement).hit(source, saved);
        summary::note(self.owner(), Counted::Hit(source, saved));
        if self.is_observed() {
            self.report(&Event::Hit {
                table,
                statement: statement.map(Statement::id),
                source,
                saved,
            });
        }
    }

    pub(super) fn missed(&self, table: &TableKey, call: Option<NamedCall<'_>>, cause: MissCause) {
        let statement = call.map(|call| &**call.statement);
        self.counters_of(statement).missed();
        summary::note(self.owner(), Counted::Miss);
        if self.is_observed() {
            self.report(&Event::Miss {
                table,
                statement: statement.map(Statement::id),
                cause,
            });
        }
    }

    pub(super) fn filled(
        &self,
        table: &TableKey,
        statement: Option<&Statement>,
        (outcome, bytes, took): (FillOutcome, usize, Duration),
    ) {
        self.counters_of(statement).filled(outcome, bytes, took);
        summary::note(self.owner(), Counted::Fill(took));
        if self.is_observed() {
            self.report(&Event::Fill {
                table,
                statement: statement.map(Statement::id),
                outcome,
                bytes,
                took,
            });
        }
    }

    pub(super) fn dropped(&self, table: Option<&TableKey>, dropped: Dropped, cause: Cause) {
        self.shared.counters.invalidated(table, cause, dropped);
        self.report(&Event::Invalidate {
            cause,
            table,
            dropped,
        });
    }

    /// Counts a reply or a fault of the store.
    pub(super) fn heard(&self, fault: Option<&Fault>) {
        let breaker = &self.shared.breaker;
        let Some(fault) = fault else {
            if breaker.succeeded() {
                self.report(&Event::BreakerClosed);
            }
            return;
        };
        self.shared.counters.failed();
        // A full store still answers.
        let opened = fault.kind() != FaultKind::Full && breaker.failed(self.now());
        self.report(&Event::Fault { fault });
        if opened {
            self.report(&Event::BreakerOpened);
        }
    }

    fn counters_of<'s>(&'s self, statement: Option<&'s Statement>) -> &'s ReadCounters {
        statement.map_or(&self.shared.counters.unnamed, |it| &it.counters)
    }

    /// Tells the caches of a process apart.
    fn owner(&self) -> usize {
        Arc::as_ptr(&self.shared).addr()
    }
}

impl Listeners {
    fn tell(&self, event: &Event<'_>) {
        if !self.any.load(Ordering::Relaxed) {
            return;
        }
        // Outside the lock: an observer may begin or end listening.
        let all = read(&self.all).clone();
        for observer in all.iter() {
            tell(&**observer, event);
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<dyn Observer>>)) {
        let mut all = write(&self.all);
        let mut changed = all.to_vec();
        change(&mut changed);
        self.any.store(!changed.is_empty(), Ordering::Relaxed);
        *all = changed.into();
    }
}

/// An observer is foreign code: its panic is not the query's, and not the next observer's.
fn tell(observer: &dyn Observer, event: &Event<'_>) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| observer.on_event(event))) {
        // Dropping a payload may panic again.
        std::mem::forget(payload);
    }
}
