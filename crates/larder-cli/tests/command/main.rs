//! The command from end to end: the built binary against real servers, its output and exit codes.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod config;
mod doctor;
mod explain;
mod invalidate;
mod keys;
mod lab;
mod outbox;
mod stats;
mod usage;
mod walk;
