//! Waiting for a flight, the same for tasks and threads.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use super::{Alarm, Flight};
use crate::{
    clock::{Clock, Moment},
    entry::Payload,
    sync::lock,
};

/// How a wait ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Landing {
    /// The leader's value.
    Landed(Payload),
    /// The leader has none: join again.
    Failed,
    /// The wait took too long.
    TimedOut,
}

/// A place in a flight, given back when dropped.
#[derive(Debug)]
#[must_use]
pub struct Waiter {
    flight: Arc<Flight>,
    id: u64,
}

impl Waiter {
    pub(super) fn board(flight: Arc<Flight>, waiters_max: usize) -> Option<Self> {
        let id = {
            let mut state = lock(&flight.state);
            if state.waiters >= waiters_max {
                return None;
            }
            state.waiters += 1;
            state.next_waiter += 1;
            state.next_waiter
        };
        Some(Self { flight, id })
    }

    /// A waiter for a flight that never lands: it waits until its deadline.
    pub fn alone() -> Self {
        Self {
            flight: Arc::default(),
            id: 0,
        }
    }

    /// Waits in a task until the flight lands or fails, or `deadline`.
    pub fn wait<'a>(
        self,
        clock: &'a dyn Clock,
        alarm: &'a Alarm,
        deadline: Moment,
    ) -> impl Future<Output = Landing> + Send + 'a {
        Wait {
            waiter: self,
            clock,
            alarm,
            deadline,
            armed: false,
        }
    }

    /// Waits in a thread until the flight lands or fails, or `deadline`.
    pub fn wait_blocking(self, clock: &dyn Clock, deadline: Moment) -> Landing {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            if let Ok(landing) = self.poll(&waker) {
                return landing;
            }
            let left = deadline.since(clock.now());
            if left.is_zero() {
                return Landing::TimedOut;
            }
            thread::park_timeout(left);
        }
    }

    /// The landing, or, after leaving `waker` to be woken, whether one was there already.
    fn poll(&self, waker: &Waker) -> Result<Landing, bool> {
        let mut state = lock(&self.flight.state);
        match &state.landing {
            Some(landing) => Ok(landing.clone()),
            None => Err(state.wakers.insert(self.id, waker.clone()).is_some()),
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut state = lock(&self.flight.state);
        state.wakers.remove(&self.id);
        state.waiters = state.waiters.saturating_sub(1);
    }
}

struct Wait<'a> {
    waiter: Waiter,
    clock: &'a dyn Clock,
    alarm: &'a Alarm,
    deadline: Moment,
    armed: bool,
}

impl Future for Wait<'_> {
    type Output = Landing;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Landing> {
        let waiting = match self.waiter.poll(context.waker()) {
            Ok(landing) => return Poll::Ready(landing),
            Err(waiting) => waiting,
        };
        let left: Duration = self.deadline.since(self.clock.now());
        if left.is_zero() {
            return Poll::Ready(Landing::TimedOut);
        }
        // An alarm takes the waker along. By another clock than its own, time may be left.
        if !self.armed || !waiting {
            let flight = Arc::downgrade(&self.waiter.flight);
            self.armed = self.alarm.arm(left, flight, self.waiter.id);
            if !self.armed {
                // Nobody would end the wait in time.
                return Poll::Ready(Landing::TimedOut);
            }
        }
        Poll::Pending
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
