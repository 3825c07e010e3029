//! Entries in memory, weighed in bytes.

use std::sync::Arc;

use quick_cache::{
    OptionsBuilder, Weighter,
    sync::{Cache as Map, EntryAction, EntryResult},
};

use super::Slot;
use crate::{EntryKey, clock::Moment, entry::Entry};

/// Fewer shards than this many bytes each would refuse large entries.
const SHARD_BYTES_MIN: usize = 4 << 20;

/// Entries of one process, the least useful of which go when they weigh too much.
pub(crate) struct Entries {
    map: Map<Slot, Arc<Entry>, EntryBytes>,
}

#[derive(Clone)]
struct EntryBytes;

impl Weighter<Slot, Arc<Entry>> for EntryBytes {
    fn weight(&self, _: &Slot, entry: &Arc<Entry>) -> u64 {
        entry.bytes() as u64
    }
}

impl Entries {
    /// Room for this many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = (bytes / SHARD_BYTES_MIN).clamp(1, cores.saturating_mul(4));
        let items = (bytes / 1024).max(32);
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(items)
            .weight_capacity(bytes as u64)
            .build();
        let map = match options {
            Ok(options) => {
                Map::with_options(options, EntryBytes, Default::default(), Default::default())
            }
            // Only a missing setting fails, and none is.
            Err(_) => Map::with_weighter(items, bytes as u64, EntryBytes),
        };
        Self { map }
    }

    /// An entry that has not expired.
    pub(crate) fn live(&self, now: Moment, key: &EntryKey) -> Option<Arc<Entry>> {
        let slot = Slot(key.digest);
        self.map.get(&slot).filter(|entry| {
            let live = now < entry.expires;
            if !live {
                self.map.remove_if(&slot, |found| found.expires <= now);
            }
            live
        })
    }

    /// An entry, expired or not.
    pub(crate) fn kept(&self, key: &EntryKey) -> Option<Arc<Entry>> {
        self.map.get(&Slot(key.digest))
    }

    /// Keeps an entry, unless one that was created later is there.
    pub(crate) fn put(&self, key: &EntryKey, entry: &Arc<Entry>) {
        let slot = Slot(key.digest);
        let replaced = self.map.entry(&slot, None, |_, known| {
            if known.created <= entry.created {
                *known = entry.clone();
            }
            EntryAction::Retain(())
        });
        if let EntryResult::Vacant(guard) = replaced {
            // Refused when the key was removed meanwhile.
            let _ = guard.insert(entry.clone());
        }
    }

    pub(crate) fn remove(&self, key: &EntryKey) -> bool {
        self.map.remove(&Slot(key.digest)).is_some()
    }

    /// Removes this very entry.
    pub(crate) fn remove_same(&self, key: &EntryKey, entry: &Arc<Entry>) {
        self.map
            .remove_if(&Slot(key.digest), |known| Arc::ptr_eq(known, entry));
    }

    pub(crate) fn clear(&self) {
        self.map.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// What they weigh now.
    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.map.weight()).unwrap_or(usize::MAX)
    }
}
