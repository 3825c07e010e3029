//! What the processes say to each other: lines of JSON over TCP.

use serde::{Deserialize, Serialize};

/// How a worker is set up, in its environment.
#[derive(Serialize, Deserialize)]
pub struct Setup {
    /// Which of the workers it is.
    pub worker: usize,
    /// The port of the referee.
    pub referee: u16,
    pub database: String,
    pub redis: String,
}

/// Said first on each connection to the referee.
#[derive(Serialize, Deserialize)]
pub enum Hello {
    /// Takes [`Order`]s, and answers each but [`Order::Storm`] with counts.
    Worker(usize),
    /// Says [`Word`]s.
    Player(usize),
}

#[derive(Serialize, Deserialize)]
pub enum Order {
    /// Every player takes so many turns, on all rows.
    Play { turns: usize },
    /// Every player goes on and on, and writes the stormy rows alone.
    Storm,
    /// The storm ends after so many more hits. Its counts are the answer.
    Calm { hits: u64 },
}

#[derive(Serialize, Deserialize)]
pub enum Word {
    /// How old must these rows not be? Answered with a [`Floor`] for each.
    Ask { rows: Vec<i32> },
    /// The write that gave the row this version has returned.
    Tell {
        row: i32,
        version: i64,
        /// Its invalidation has reached the store.
        acknowledged: bool,
    },
}

/// The latest version of a row that was written before.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Floor {
    /// Among the writes whose invalidation was acknowledged.
    pub acknowledged: i64,
    /// Among all that have returned.
    pub returned: i64,
}

pub fn to_line(message: &impl Serialize) -> String {
    serde_json::to_string(message).unwrap() + "\n"
}

pub fn from_line<T: for<'de> Deserialize<'de>>(line: &str) -> T {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}
