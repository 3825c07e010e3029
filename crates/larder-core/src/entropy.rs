//! Where random stamps and jitter come from.
//!
//! A keyed counter rather than a generator with hidden state: the first half of a stamp is a
//! permutation of the counter, so one process never issues a stamp twice (P5), and two processes
//! differ in both keys (P1). Nothing locks, and a fixed seed replays.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::Stamp;

/// Counters handed to one [`Draws`]; more than a read can use.
const DRAWS_MAX: u64 = 1 << 20;

/// The randomness of one cache.
#[derive(Debug)]
pub struct Entropy {
    keys: [u64; 2],
    next: AtomicU64,
}

impl Entropy {
    /// Randomness that replays: for tests and simulations.
    pub fn seeded(seed: u64) -> Self {
        let first = mix(seed ^ 0x9e37_79b9_7f4a_7c15);
        Self {
            keys: [first, mix(first)],
            next: AtomicU64::new(0),
        }
    }

    /// Randomness from the operating system.
    pub fn system() -> Self {
        let draw = |salt: u64| RandomState::new().hash_one(salt);
        let keys = [
            mix(draw(1) ^ draw(2).rotate_left(32)),
            mix(draw(3) ^ draw(4).rotate_left(32)),
        ];
        Self {
            keys,
            next: AtomicU64::new(0),
        }
    }

    /// A stretch of randomness for one machine.
    pub fn draws(&self) -> Draws {
        Draws {
            keys: self.keys,
            next: self.next.fetch_add(DRAWS_MAX, Ordering::Relaxed),
        }
    }
}

/// A stretch of randomness: pure, so that a machine that holds it can be cloned and replayed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Draws {
    keys: [u64; 2],
    next: u64,
}

impl Draws {
    /// A stamp that was never issued before (P1).
    pub fn stamp(&mut self) -> Stamp {
        let [first, second] = self.draw();
        let mut bytes = [0; 16];
        let (low, high) = bytes.split_at_mut(8);
        low.copy_from_slice(&first.to_le_bytes());
        high.copy_from_slice(&second.to_le_bytes());
        Stamp(bytes)
    }

    /// `ttl` shortened by up to `percent`: the documented TTL stays an upper bound.
    pub fn jittered(&mut self, ttl: Duration, percent: u32) -> Duration {
        let [_, draw] = self.draw();
        let cut = u128::from(draw >> 32) * ttl.as_micros() * u128::from(percent.min(100)) / 100;
        ttl.saturating_sub(Duration::from_micros(
            u64::try_from(cut >> 32).unwrap_or(u64::MAX),
        ))
    }

    /// A number above zero, up to one.
    pub fn fraction(&mut self) -> f64 {
        let [_, draw] = self.draw();
        let upper = u32::try_from(draw >> 32).unwrap_or(u32::MAX);
        (f64::from(upper) + 1.0) / (f64::from(u32::MAX) + 1.0)
    }

    fn draw(&mut self) -> [u64; 2] {
        let counter = self.next;
        self.next = self.next.wrapping_add(1);
        [
            mix(counter ^ self.keys[0]),
            mix(counter.wrapping_add(self.keys[1])),
        ]
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): a permutation of 64 bits.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
