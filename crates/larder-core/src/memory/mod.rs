//! The memory store: entries, stamps and records of one process.
//!
//! The same protocol as any other store, with no I/O. Three parts, so that payloads never push
//! out what validates them: entries (weighed in bytes), stamps of values (counted), records
//! (counted). Any of them may forget at any time; that costs a miss.

mod entries;
mod records;
mod slot;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use quick_cache::sync::{Cache as Map, GuardResult};

pub(crate) use self::entries::Entries;
use crate::{
    DependencyKey, Digest, EntryKey, Stamp, TableKey,
    clock::Moment,
    entropy::Entropy,
    entry::{Entry, Incarnation},
    store::{
        BlockingStore, Fault, Lookup, Registered, Registration, Removal, Reply, Request, Seen,
        Store,
    },
};
use records::Records;
use slot::Slot;

/// One stamp is kept per this many bytes of entries.
const BYTES_PER_STAMP: usize = 512;
/// Tables whose records are kept.
const RECORDS_MAX: usize = 10_000;

/// A store in this process. Clones share it.
///
/// # Staleness
/// None within one process. Two processes with memory stores do not see each other's writes.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    incarnation: Incarnation,
    entries: Entries,
    stamps: Map<Slot, Arc<StampCell>>,
    records: Records,
}

/// A stamp never changes: extending its life must not bring it back after a removal.
struct StampCell {
    stamp: Stamp,
    deadline: AtomicU64,
}

impl MemoryStore {
    /// A store for this many bytes of entries. Stamps and records come on top, at most about a
    /// third of it; an entry larger than a shard of it (4 MiB or the whole) is not kept. Zero
    /// keeps nothing.
    pub fn with_capacity_bytes(bytes: usize) -> Self {
        let stamps = (bytes / BYTES_PER_STAMP).clamp(4_096, 4 << 20);
        Self::with_bounds(bytes, stamps, RECORDS_MAX)
    }

    /// A store with each bound of its own: bytes of entries, number of stamps, number of tables.
    pub fn with_bounds(entry_bytes: usize, stamps: usize, records: usize) -> Self {
        let id = Entropy::system().draws().stamp();
        let shared = Shared {
            incarnation: Incarnation(u128::from_le_bytes(id.0)),
            entries: Entries::new(entry_bytes),
            stamps: Map::new(stamps),
            records: Records::new(records),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Bytes that its entries weigh now.
    pub fn entry_bytes(&self) -> usize {
        self.shared.entries.bytes()
    }

    /// Number of entries, stamps of values, and records that it keeps now.
    pub fn counts(&self) -> (usize, usize, usize) {
        let shared = &self.shared;
        (
            shared.entries.len(),
            shared.stamps.len(),
            shared.records.len(),
        )
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entries, stamps, records) = self.counts();
        let mut out = f.debug_struct("MemoryStore");
        out.field("entries", &entries)
            .field("stamps", &stamps)
            .field("records", &records);
        out.finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn exec(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        self.exec_blocking(now, batch)
    }

    fn try_now(&self, now: Moment, request: &Request<'_>) -> Option<Reply> {
        Some(self.shared.exec(now, request))
    }

    fn revisit_now(&self, now: Moment, entry: &EntryKey) -> Option<Lookup> {
        let entry = self.shared.entries.live(now, entry)?;
        let seen = self.shared.see(now, &entry.dependencies);
        Some(Lookup {
            entry: Some(entry),
            seen,
            damaged: false,
        })
    }
}

impl BlockingStore for MemoryStore {
    fn exec_blocking(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        Ok(batch
            .iter()
            .map(|request| self.shared.exec(now, request))
            .collect())
    }

    fn try_now_blocking(&self, now: Moment, request: &Request<'_>) -> Option<Reply> {
        Some(self.shared.exec(now, request))
    }
}

impl Shared {
    fn exec(&self, now: Moment, request: &Request<'_>) -> Reply {
        match request {
            Request::Lookup {
                entry,
                dependencies,
            } => Reply::Lookup(Lookup {
                entry: entry.and_then(|key| self.entries.live(now, key)),
                seen: self.see(now, dependencies),
                damaged: false,
            }),
            Request::Register { registrations, ttl } => {
                let register = |one| self.register(now, now + *ttl, one);
                Reply::Registered(registrations.iter().map(register).collect())
            }
            Request::Put {
                key,
                entry,
                dependencies,
            } => {
                self.put(now, key, entry, dependencies);
                Reply::Stored
            }
            Request::Records(tables) => {
                let shapes = |table: &TableKey| self.records.shapes(table, now);
                Reply::Records(tables.iter().map(shapes).collect())
            }
            Request::Remove(removals) => {
                let existed = removals.iter().map(|removal| self.remove(removal)).sum();
                Reply::Removed { existed }
            }
            Request::Claim { .. } => Reply::Claimed(true),
            Request::Report { .. } => Reply::Stored,
            Request::Reports { .. } => Reply::Reports(Vec::new()),
        }
    }

    fn see(&self, now: Moment, dependencies: &[DependencyKey]) -> Vec<Seen> {
        let see = |dependency: &DependencyKey| {
            let field = self.records.see(&dependency.table, &dependency.shape, now);
            Seen {
                incarnation: self.incarnation,
                shape: field.shape,
                value: dependency.value.and_then(|digest| self.stamp(digest, now)),
                empty: field.empty,
                shapes: field.shapes,
                created: field.created,
            }
        };
        dependencies.iter().map(see).collect()
    }

    fn register(&self, now: Moment, deadline: Moment, one: &Registration) -> Registered {
        let DependencyKey {
            table,
            shape,
            value,
            ..
        } = &one.dependency;
        let shape = match one.shape {
            Some(candidate) => self
                .records
                .create(&one.dependency, candidate, now, deadline),
            None => self.records.see(table, shape, now).shape,
        };
        let value = value.and_then(|digest| match one.value {
            Some(candidate) => self.create_stamp(digest, candidate, now, deadline),
            None => self.stamp(digest, now),
        });
        Registered {
            incarnation: self.incarnation,
            shape,
            value,
        }
    }

    fn put(&self, now: Moment, key: &EntryKey, entry: &Arc<Entry>, dependencies: &[DependencyKey]) {
        for dependency in dependencies {
            self.records.extend(&dependency.table, now, entry.expires);
            if let Some(cell) = dependency
                .value
                .and_then(|digest| self.stamps.get(&Slot(digest)))
            {
                cell.extend(now, entry.expires);
            }
        }
        self.entries.put(key, entry);
    }

    fn stamp(&self, digest: Digest, now: Moment) -> Option<Stamp> {
        let cell = self.stamps.get(&Slot(digest))?;
        cell.is_live(now).then_some(cell.stamp)
    }

    fn create_stamp(
        &self,
        digest: Digest,
        candidate: Stamp,
        now: Moment,
        deadline: Moment,
    ) -> Option<Stamp> {
        let slot = Slot(digest);
        self.stamps.remove_if(&slot, |cell| !cell.is_live(now));
        match self.stamps.get_value_or_guard(&slot, None) {
            GuardResult::Guard(guard) => {
                let deadline = AtomicU64::new(deadline.0);
                // Refused when the key was removed meanwhile; the stamp is read back below.
                let _ = guard.insert(Arc::new(StampCell {
                    stamp: candidate,
                    deadline,
                }));
            }
            // Another thread was faster; what it left is read back below.
            GuardResult::Value(_) | GuardResult::Timeout => {}
        }
        self.stamp(digest, now)
    }

    fn remove(&self, removal: &Removal) -> usize {
        match removal {
            Removal::Record(table) => self.records.remove(table),
            Removal::Shape(table, shape) => self.records.remove_shape(table, shape),
            Removal::Stamp(_, digest) => usize::from(self.stamps.remove(&Slot(*digest)).is_some()),
            Removal::Entry(key) => usize::from(self.entries.remove(key)),
            Removal::Claim(_) => 0,
            Removal::AllRecords(namespace) => {
                let records = self.records.clear(namespace);
                if self.records.len() == 0 {
                    // Dead without their records; give the room back.
                    self.entries.clear();
                    self.stamps.clear();
                }
                records
            }
        }
    }
}

impl StampCell {
    fn is_live(&self, now: Moment) -> bool {
        now.0 < self.deadline.load(Ordering::Relaxed)
    }

    /// An expired stamp may have been seen missing already: it stays expired.
    fn extend(&self, now: Moment, deadline: Moment) {
        if self.is_live(now) {
            self.deadline.fetch_max(deadline.0, Ordering::Relaxed);
        }
    }
}
