//! Redis starts in every topology, bears what is done to it, and is gone afterwards.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cluster;
#[path = "../gone/mod.rs"]
mod gone;
mod orphan;
mod proxy;
mod sentinel;
mod server;
