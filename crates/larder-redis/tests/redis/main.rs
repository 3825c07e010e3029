//! The Redis store on real servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conformance;
mod connect;
mod faces;
mod keys;
mod misfortune;
mod moving_slot;
mod reports;
mod urls;
