//! The command from end to end: the built binary against real servers, its output and exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod doctor;
mod invalidate;
mod keys;
mod lab;
mod outbox;
mod usage;
