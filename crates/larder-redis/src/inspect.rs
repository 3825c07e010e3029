//! A look at what is kept, and at the servers that keep it: for people. It only reads, never with
//! `KEYS`, and no further than it is told.

mod entry;
mod scan;
mod server;
mod table;

use larder_core::{Error, Fault};
use redis::Cmd;

use crate::{
    RedisStore,
    call::{Answer, Call, Kind, Place},
    node::{NodeRef, Way},
    topology::Topology,
};

pub use entry::{EntryHeader, EntryReport};
pub use scan::{KeySample, RecordKey, RecordKeys};
pub use server::ServerReport;
pub use table::TableReport;

/// Looks at what a store keeps, and at its servers, for people. Made by [`RedisStore::inspector`].
///
/// Every call blocks, and walks over the keys of all masters by `SCAN` where it must find them: as
/// far as [`InspectLimits`] say.
#[derive(Clone, Debug)]
pub struct Inspector {
    store: RedisStore,
    limits: InspectLimits,
}

/// How far a look goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct InspectLimits {
    /// Keys that each server steps over in one walk, roughly. Default: 10,000,000. Zero: one step
    /// of 1,000. A walk that ends early says so.
    pub scanned_max: u64,
    /// Entries that are read, and keys of a sample. Default: 1,000. Zero: none, so that entries are
    /// only counted.
    pub keys_max: usize,
}

impl RedisStore {
    /// A look at what is kept.
    pub fn inspector(&self, limits: InspectLimits) -> Inspector {
        Inspector {
            store: self.clone(),
            limits,
        }
    }
}

impl InspectLimits {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            scanned_max: 10_000_000,
            keys_max: 1_000,
        }
    }

    /// Sets [`scanned_max`](Self::scanned_max).
    pub const fn with_scanned_max(mut self, keys: u64) -> Self {
        self.scanned_max = keys;
        self
    }

    /// Sets [`keys_max`](Self::keys_max).
    pub const fn with_keys_max(mut self, keys: usize) -> Self {
        self.keys_max = keys;
        self
    }
}

impl Default for InspectLimits {
    fn default() -> Self {
        Self::new()
    }
}

impl Inspector {
    fn masters(&self) -> Result<Vec<NodeRef>, Error> {
        Ok(self.topology()?.masters())
    }

    fn topology(&self) -> Result<std::sync::Arc<Topology>, Error> {
        let found = self.store.shared.find_topology();
        found.map_err(|failure| failure.into_config_error().map_or_else(|e| e, Error::from))
    }

    /// The answers to these commands, in their order.
    fn run(&self, calls: Vec<Call>) -> Result<Vec<Answer>, Fault> {
        self.store.shared.run_reads(calls)
    }
}

/// A command for one server, which may be sent again.
fn at(node: &NodeRef, command: Cmd) -> Call {
    Call {
        place: Place::Node(node.clone()),
        command,
        kind: Kind::Repeatable,
    }
}

/// Reads take what answers in the time of a write: nobody waits for a page here.
pub(crate) fn way(timeout: std::time::Duration) -> Way {
    Way {
        timeout,
        wait: None,
        of_a_master: false,
    }
}
