//! The command from end to end: the built binary against real servers, its output and exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod config;
mod doctor;
mod explain;
mod invalidate;
mod keys;
mod lab;
mod outbox;
mod usage;
