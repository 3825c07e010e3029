//! The command from end to end: the built binary against real servers, its output and exit codes.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod doctor;
mod invalidate;
mod keys;
mod lab;
mod outbox;
mod usage;
