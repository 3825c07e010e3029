//! Wakes tasks whose wait is over. The core knows no runtime, so it keeps a thread for this: it
//! starts with the first wait and ends when nothing is left to wake.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fmt,
    sync::{Arc, Condvar, Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use super::Flight;
use crate::sync::lock;

/// How long an idle thread stays, so that steady traffic does not start one per wait.
const IDLE: Duration = Duration::from_secs(10);

/// The alarm clock of one cache.
#[derive(Debug)]
pub struct Alarm {
    shared: Arc<Shared>,
    bells_max: usize,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bells: BinaryHeap<Reverse<Bell>>,
    running: bool,
    closed: bool,
}

struct Bell {
    at: Instant,
    flight: Weak<Flight>,
    waiter: u64,
}

impl Alarm {
    /// An alarm that remembers at most this many waits.
    pub fn new(bells_max: usize) -> Self {
        Self {
            shared: Arc::default(),
            bells_max,
        }
    }

    /// Wakes this waiter of this flight after `left`, if it still waits. Returns whether it will.
    pub(super) fn arm(&self, left: Duration, flight: Weak<Flight>, waiter: u64) -> bool {
        let mut state = lock(&self.shared.state);
        if state.bells.len() >= self.bells_max {
            state
                .bells
                .retain(|Reverse(bell)| bell.flight.strong_count() > 0);
        }
        if state.bells.len() >= self.bells_max {
            return false;
        }
        if !state.running {
            let shared = self.shared.clone();
            let thread = thread::Builder::new().name("larder-alarm".into());
            state.running = thread.spawn(move || shared.run()).is_ok();
        }
        if state.running {
            state.bells.push(Reverse(Bell {
                at: real_now() + left,
                flight,
                waiter,
            }));
            self.shared.changed.notify_one();
        }
        state.running
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        lock(&self.shared.state).closed = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn run(&self) {
        let mut state = lock(&self.state);
        loop {
            let now = real_now();
            let mut due = Vec::new();
            while state
                .bells
                .peek()
                .is_some_and(|Reverse(bell)| bell.at <= now)
            {
                due.extend(state.bells.pop());
            }
            if !due.is_empty() {
                // Wakers are foreign code: never under the lock.
                drop(state);
                due.into_iter().for_each(|Reverse(bell)| bell.ring());
                state = lock(&self.state);
                continue;
            }
            let wait = state
                .bells
                .peek()
                .map_or(IDLE, |Reverse(bell)| bell.at - now);
            let (next, timeout) = self
                .changed
                .wait_timeout(state, wait)
                .unwrap_or_else(PoisonError::into_inner);
            state = next;
            if state.closed || (timeout.timed_out() && state.bells.is_empty()) {
                state.running = false;
                return;
            }
        }
    }
}

impl Bell {
    fn ring(self) {
        let Some(flight) = self.flight.upgrade() else {
            return;
        };
        let waker = lock(&flight.state).wakers.remove(&self.waiter);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a thread can only sleep by the real clock"
)]
fn real_now() -> Instant {
    Instant::now()
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Bell {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Bell {}

impl PartialOrd for Bell {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bell {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}
