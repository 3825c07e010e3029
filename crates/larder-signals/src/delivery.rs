//! Delivery of what could not be delivered at once: one std thread per larder, started at the
//! first pending event. It works without a runtime and from `Drop`.
//!
//! Two kinds of work: invalidations that the store did not take (they wait in the cache's pending
//! queue), and writes of unknown outcome (W4), which drop their records again and again until the
//! statement is known to have ended or `uncertain_for` has passed.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
    thread::JoinHandle,
    time::Duration,
};

use larder_core::{Cache, bypass::MarkId, clock::Moment};

use crate::{ChangeLimits, Changes, sources::SourceEntry};

/// The delivery of one larder.
#[derive(Debug)]
pub(crate) struct Delivery {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    cache: Cache,
    limits: ChangeLimits,
    state: Mutex<State>,
    changed: Condvar,
    /// Held while a round takes repeats and queues them.
    repeating: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    running: bool,
    stopping: bool,
    /// Something new is there: deliver without waiting.
    woken: bool,
    /// Somebody wants to know when the store is back.
    probing: bool,
    /// Pause after a failed delivery; zero = none failed.
    pause: Duration,
    /// Rounds begun so far, how many of them run now, and the latest that delivered everything.
    begun: u64,
    running_rounds: usize,
    clean: u64,
    uncertain: Vec<Uncertain>,
    waiting: Vec<(Moment, Waker)>,
}

/// One write of unknown outcome.
#[derive(Debug)]
pub(crate) struct Uncertain {
    pub(crate) source: Arc<SourceEntry>,
    pub(crate) changes: Changes,
    pub(crate) mark: MarkId,
    pub(crate) until: Moment,
    /// Set when the connection proves that the statement ended.
    pub(crate) ended: Arc<AtomicBool>,
    next: Moment,
    interval: Duration,
}

const PAUSE_MIN: Duration = Duration::from_millis(100);
/// As long as an open breaker takes to let a request through: tables bypass until the delivery.
const PAUSE_MAX: Duration = Duration::from_secs(1);
const FIRST_INTERVAL: Duration = Duration::from_secs(1);
/// The thread looks at the clock at least so often while something is due: the clock may be turned.
const NAP_MAX: Duration = Duration::from_secs(5);
/// Uncertain writes told apart. Above, one more joins the last one of its source.
const UNCERTAIN_MAX: usize = 1_000;

impl Uncertain {
    pub(crate) fn new(
        source: Arc<SourceEntry>,
        changes: Changes,
        mark: MarkId,
        (now, until): (Moment, Moment),
        ended: Arc<AtomicBool>,
    ) -> Self {
        let next = now + FIRST_INTERVAL;
        Self {
            source,
            changes,
            mark,
            until,
            ended,
            next,
            interval: FIRST_INTERVAL,
        }
    }

    fn is_over(&self, now: Moment) -> bool {
        self.ended.load(Ordering::Acquire) || now >= self.until
    }
}

impl Delivery {
    pub(crate) fn new(cache: Cache, limits: ChangeLimits) -> Self {
        let shared = Shared {
            cache,
            limits,
            state: Mutex::default(),
            changed: Condvar::new(),
            repeating: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
            thread: Mutex::default(),
        }
    }

    /// Something waits: lets the thread look at it, and starts the thread if need be.
    pub(crate) fn wake(&self) {
        let mut state = self.shared.lock();
        state.woken = true;
        state.pause = Duration::ZERO;
        self.start(&mut state);
        self.shared.changed.notify_all();
    }

    /// Lets the thread find out when the store is back.
    pub(crate) fn wake_to_probe(&self) {
        let mut state = self.shared.lock();
        if !std::mem::replace(&mut state.probing, true) {
            state.woken = true;
            self.start(&mut state);
            self.shared.changed.notify_all();
        }
    }

    /// Takes over a write of unknown outcome, whose first drop is already queued.
    pub(crate) fn watch(&self, uncertain: Uncertain) {
        let mut state = self.shared.lock();
        let full = state.uncertain.len() >= UNCERTAIN_MAX;
        let same = |known: &&mut Uncertain| {
            full && Arc::ptr_eq(&known.source.source, &uncertain.source.source)
        };
        if let Some(known) = state.uncertain.iter_mut().rev().find(same) {
            known.changes.merge(uncertain.changes, self.shared.limits);
            known.until = known.until.max(uncertain.until);
            // The proof that one ended is none for the other; the new mark runs out by itself.
            known.ended = Arc::default();
        } else {
            state.uncertain.push(uncertain);
        }
        drop(state);
        self.wake();
    }

    /// Registers a waker for the end of the next round that delivers everything, and for
    /// `deadline`. Without a thread, the round is run here.
    pub(crate) fn wake_task(&self, deadline: Moment, waker: &Waker) {
        let mut state = self.shared.lock();
        if !state
            .waiting
            .iter()
            .any(|(at, w)| *at == deadline && w.will_wake(waker))
        {
            state.waiting.push((deadline, waker.clone()));
        }
        state.woken = true;
        self.start(&mut state);
        let running = state.running;
        self.shared.changed.notify_all();
        drop(state);
        if !running {
            let _ = self.round();
        }
    }

    /// One round by the calling thread: repeats what is due and delivers what waits. Whether
    /// everything that waited before has reached the store.
    pub(crate) fn round(&self) -> bool {
        self.shared.round()
    }

    /// The number of the latest round, for [`Self::is_clean_since`].
    pub(crate) fn begun(&self) -> u64 {
        self.shared.lock().begun
    }

    /// Whether everything that waited when round `begun` was the latest has reached the store. An
    /// empty queue alone does not say so: a round that runs holds a batch, and may put it back.
    pub(crate) fn is_clean_since(&self, begun: u64) -> bool {
        let state = self.shared.lock();
        state.clean > begun || (state.running_rounds == 0 && self.shared.cache.pending() == 0)
    }

    /// How many writes have no known outcome.
    pub(crate) fn uncertain(&self) -> usize {
        self.shared.lock().uncertain.len()
    }

    /// Asks the thread to end; it ends after its present round.
    pub(crate) fn stop(&self) {
        let mut state = self.shared.lock();
        state.stopping = state.running;
        self.shared.changed.notify_all();
    }

    /// Whether the thread is gone; then it is joined, too.
    pub(crate) fn is_stopped(&self) -> bool {
        if self.shared.lock().running {
            return false;
        }
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // It has left its loop, so this does not wait; the larder may die on its own thread.
        if let Some(thread) = thread.filter(|t| t.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
        true
    }

    /// Waits until something happened, at most `nap`.
    pub(crate) fn wait(&self, nap: Duration) {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout(state, nap.min(PAUSE_MIN));
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn start(&self, state: &mut MutexGuard<'_, State>) {
        if state.running {
            return;
        }
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new()
            .name("larder-delivery".into())
            .spawn(move || shared.run());
        match thread {
            Ok(thread) => {
                state.running = true;
                state.stopping = false;
                *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
            }
            Err(error) => tracing::error!(%error, "the delivery thread of larder cannot start"),
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn run(&self) {
        loop {
            let _ = self.round();
            let mut state = self.lock();
            if state.stopping {
                state.running = false;
                wake_all(&mut state, None);
                self.changed.notify_all();
                return;
            }
            if !state.woken {
                let nap = self.nap(&state);
                state = match nap {
                    Some(nap) => {
                        let waited = self.changed.wait_timeout(state, nap);
                        waited.unwrap_or_else(PoisonError::into_inner).0
                    }
                    None => self
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner),
                };
            }
            state.woken = false;
        }
    }

    /// Until the next thing is due; `None` = nothing is.
    fn nap(&self, state: &State) -> Option<Duration> {
        let now = self.cache.now();
        let uncertain = state.uncertain.iter().map(|u| u.next.min(u.until));
        let moments = uncertain.chain(state.waiting.iter().map(|(deadline, _)| *deadline));
        let due = moments.min().map(|moment| moment.since(now));
        let retry = (!state.pause.is_zero()).then_some(state.pause);
        let nap = due.into_iter().chain(retry).min()?;
        Some(nap.clamp(Duration::from_millis(1), NAP_MAX))
    }

    fn round(&self) -> bool {
        let number = {
            let mut state = self.lock();
            state.begun += 1;
            state.running_rounds += 1;
            state.begun
        };
        let lifted = self.repeat();
        let delivered = self.deliver();
        let found = self.probe();
        for mark in lifted {
            // What is not delivered yet bypasses as such.
            self.cache.lift_uncertain(mark);
        }
        let mut state = self.lock();
        state.running_rounds -= 1;
        if delivered {
            state.clean = state.clean.max(number);
        }
        state.pause = match delivered && found {
            true => Duration::ZERO,
            false => (state.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX),
        };
        wake_all(&mut state, (!delivered).then(|| self.cache.now()));
        self.changed.notify_all();
        delivered
    }

    /// Queues what is due again; returns the marks of the writes that are over. One round at a time:
    /// another must not deliver, and call itself clean, while repeats are on their way.
    fn repeat(&self) -> Vec<MarkId> {
        let _one_at_a_time = self
            .repeating
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (repeats, lifted) = self.due();
        for (source, changes) in repeats {
            source.enqueue(&self.cache, &changes, self.limits);
        }
        lifted
    }

    /// Whether the store is there, where somebody wants to know.
    fn probe(&self) -> bool {
        if !self.lock().probing {
            return true;
        }
        let probe = || self.cache.probe_blocking();
        // What panicked is not there.
        let found = catch_unwind(AssertUnwindSafe(probe)).unwrap_or_else(|payload| {
            std::mem::forget(payload);
            false
        });
        self.lock().probing = !found;
        found
    }

    /// A store is foreign code. What it held when it panicked is lost, so everything drops instead.
    fn deliver(&self) -> bool {
        let delivery = || self.cache.deliver_pending_blocking().is_ok();
        catch_unwind(AssertUnwindSafe(delivery)).unwrap_or_else(|payload| {
            tracing::error!("the store panicked during a delivery");
            // Dropping a payload may panic again.
            std::mem::forget(payload);
            let _ = self.cache.enqueue_all();
            false
        })
    }

    /// The uncertain writes that must drop their records now, and the marks of those that are over.
    fn due(&self) -> (Vec<(Arc<SourceEntry>, Changes)>, Vec<MarkId>) {
        let now = self.cache.now();
        let mut state = self.lock();
        let (mut repeats, mut lifted) = (Vec::new(), Vec::new());
        state.uncertain.retain_mut(|write| {
            let over = write.is_over(now);
            if over || now >= write.next {
                repeats.push((write.source.clone(), write.changes.clone()));
                write.interval = write.interval.saturating_mul(2);
                write.next = now + write.interval;
            }
            if over {
                lifted.push(write.mark);
            }
            !over
        });
        (repeats, lifted)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the waiting tasks; after a failed round only those whose deadline has passed.
fn wake_all(state: &mut State, failed_at: Option<Moment>) {
    state.waiting.retain(|(deadline, waker)| {
        let stays = failed_at.is_some_and(|now| now < *deadline);
        if !stays {
            waker.wake_by_ref();
        }
        stays
    });
}
