//! What is counted, in a worker and over all of them.

use std::{
    array, fmt,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use larder::{Event, Observer};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Reads,
    Writes,
    Hits,
    Misses,
    Bypasses,
    Faults,
    /// Invalidations that could not be delivered before their write returned.
    Pending,
    /// How often nothing waited any more.
    Delivered,
    /// Of a query of the user.
    Errors,
    /// Reads older than a write of any process whose invalidation was acknowledged (G1).
    StaleAcknowledged,
    /// Reads older than a write of the same process (G2).
    StaleOwn,
    /// Reads older than a write of another process whose invalidation was pending: allowed.
    StalePending,
}

use What::*;

const ALL: [What; 12] = [
    Reads,
    Writes,
    Hits,
    Misses,
    Bypasses,
    Faults,
    Pending,
    Delivered,
    Errors,
    StaleAcknowledged,
    StaleOwn,
    StalePending,
];

/// Counts of one phase.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Counts {
    numbers: [u64; ALL.len()],
    /// What must not have happened, in words.
    pub wrong: Vec<String>,
}

/// Counts that go on.
#[derive(Default)]
pub struct Tally {
    numbers: [AtomicU64; ALL.len()],
    wrong: Mutex<Vec<String>>,
}

impl Tally {
    pub fn add(&self, what: What) {
        self.numbers[what as usize].fetch_add(1, SeqCst);
    }

    /// Counts what must not happen, and keeps the first of it.
    pub fn add_wrong(&self, what: What, words: String) {
        self.add(what);
        let mut wrong = self.wrong.lock().unwrap();
        if wrong.len() < 5 {
            wrong.push(format!("{what:?}: {words}"));
        }
    }

    pub fn get(&self, what: What) -> u64 {
        self.numbers[what as usize].load(SeqCst)
    }

    pub fn counts(&self) -> Counts {
        Counts {
            numbers: array::from_fn(|at| self.numbers[at].load(SeqCst)),
            wrong: self.wrong.lock().unwrap().clone(),
        }
    }
}

impl Observer for Tally {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::Hit { .. } => self.add(Hits),
            Event::Miss { .. } => self.add(Misses),
            Event::Bypass { .. } => self.add(Bypasses),
            Event::Fault { .. } => self.add(Faults),
            Event::Pending { .. } => self.add(Pending),
            Event::Delivered => self.add(Delivered),
            _ => {}
        }
    }
}

impl Counts {
    pub fn get(&self, what: What) -> u64 {
        self.numbers[what as usize]
    }

    /// These since those.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            numbers: array::from_fn(|at| self.numbers[at] - before.numbers[at]),
            wrong: self.wrong[before.wrong.len()..].to_vec(),
        }
    }

    pub fn merge(&mut self, other: Self) {
        for (sum, number) in self.numbers.iter_mut().zip(other.numbers) {
            *sum += number;
        }
        self.wrong.extend(other.wrong);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = ALL.map(|what| format!("{what:?} {}", self.get(what)));
        f.write_str(&texts.join(", "))
    }
}
