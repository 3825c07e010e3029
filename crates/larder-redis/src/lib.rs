#![doc = include_str!("../README.md")]

// The client library carries single commands over single connections. Which server gets which
// command is decided here, and so is what may be sent again: a creating command must not be (P5),
// and every answer must be known to come from one life of one server (P6).

mod call;
mod config;
mod exchange;
pub mod inspect;
mod layout;
mod node;
mod store;
mod task;
mod topology;
mod wire;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use config::{
    AcknowledgeReplicas, Address, HostPort, RedisConfig, Secret, SentinelConfig, TlsConfig,
    Topology,
};
pub use store::RedisStore;

/// No state here is left half-changed by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
