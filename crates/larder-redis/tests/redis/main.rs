//! The Redis store on real servers.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod conformance;
mod connect;
mod faces;
mod urls;
