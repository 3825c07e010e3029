//! Single flight: one fill that others wait for (P8).
//!
//! A flight is keyed by the entry *and* the complete stamp vector, so whoever joins has seen
//! exactly the stamps under which the leader's query runs. Waiters receive values, never errors:
//! when the leader fails, is cancelled or panics, all waiters join again and one of them leads.

mod alarm;
mod waiter;

use std::{
    collections::{HashMap, hash_map::Entry as Slot},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};

use crate::{entry::Payload, machine::FlightKey, sync::lock};

pub use alarm::Alarm;
pub use waiter::{Landing, Waiter};

/// The flights of one process.
#[derive(Debug)]
pub struct Flights {
    flights: Mutex<HashMap<FlightKey, Arc<Flight>>>,
    ended: AtomicU64,
    flights_max: usize,
    waiters_max: usize,
}

/// What joining a flight makes of a reader.
#[derive(Debug)]
#[non_exhaustive]
pub enum Joined {
    /// It runs the query.
    Leads(Lead),
    /// It waits.
    Waits(Waiter),
    /// There is no room; it runs alone.
    Alone,
}

/// The duty to run the query of a flight. Dropped without [`Lead::land`], it hands the duty to a
/// waiter.
#[derive(Debug)]
#[must_use]
pub struct Lead {
    flights: Arc<Flights>,
    key: FlightKey,
    flight: Arc<Flight>,
}

#[derive(Debug, Default)]
pub(crate) struct Flight {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    landing: Option<Landing>,
    wakers: HashMap<u64, Waker>,
    waiters: usize,
    next_waiter: u64,
}

impl Flights {
    /// No flights, at most this many at a time with at most this many waiters each.
    pub fn new(flights_max: usize, waiters_max: usize) -> Self {
        Self {
            flights: Mutex::default(),
            ended: AtomicU64::new(0),
            flights_max,
            waiters_max,
        }
    }

    /// Joins the flight with this key, or starts it.
    pub fn join(self: &Arc<Self>, key: FlightKey) -> Joined {
        let mut flights = lock(&self.flights);
        let room = flights.len() < self.flights_max;
        match flights.entry(key) {
            Slot::Occupied(slot) => {
                let flight = slot.get().clone();
                drop(flights);
                Waiter::board(flight, self.waiters_max).map_or(Joined::Alone, Joined::Waits)
            }
            Slot::Vacant(slot) if room => {
                let key = slot.key().clone();
                let flight = slot.insert(Arc::default()).clone();
                Joined::Leads(Lead {
                    flights: self.clone(),
                    key,
                    flight,
                })
            }
            Slot::Vacant(_) => Joined::Alone,
        }
    }

    /// How many flights have ended so far: while it stays the same, nobody has stored what a lookup
    /// missed.
    pub fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    /// How many flights are under way.
    pub fn len(&self) -> usize {
        lock(&self.flights).len()
    }

    /// How many readers wait for one of them.
    pub fn waiters(&self) -> usize {
        let flights: Vec<Arc<Flight>> = lock(&self.flights).values().cloned().collect();
        flights.iter().map(|it| lock(&it.state).waiters).sum()
    }

    /// Whether no flight is under way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Lead {
    /// Hands the value to the waiters, and to whoever joins until this is dropped: the time
    /// between the end of the query and the end of the put.
    pub fn land(&self, payload: Payload) {
        self.flight.end(Landing::Landed(payload));
    }

    /// Tells the waiters that there is nothing to wait for: what ran cannot be kept, and would run
    /// for one after the other.
    pub fn dismiss(&self) {
        self.flight.end(Landing::TimedOut);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        // Counted first: who finds it out of the table knows that it was there.
        self.flights.ended.fetch_add(1, Ordering::AcqRel);
        // Out of the table first: a woken waiter must not join the flight that failed it.
        lock(&self.flights.flights).remove(&self.key);
        self.flight.end(Landing::Failed);
    }
}

impl Flight {
    fn end(&self, landing: Landing) {
        let wakers = {
            let mut state = lock(&self.state);
            state.landing.get_or_insert(landing);
            std::mem::take(&mut state.wakers)
        };
        for waker in wakers.into_values() {
            waker.wake();
        }
    }
}
