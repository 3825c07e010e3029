//! The reference store: what a store must do, in its plainest form.
//!
//! Every request falls into single operations, as on a server that interleaves the pipelines of
//! many clients. The simulator runs them one at a time; the conformance suite compares real stores
//! with whole requests.

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use larder_core::{
    BlockingStore, DependencyKey, Digest, EntryKey, Fault, Moment, ShapeName, Stamp, Store,
    TableKey,
    entry::{Content, Entry, Incarnation},
    store::{Lookup, Registered, Registration, Removal, Reply, Request, Seen},
};

/// Everything that a store keeps.
#[derive(Clone, Debug)]
pub struct Model {
    /// The life of the server.
    pub incarnation: Incarnation,
    entries: BTreeMap<Digest, Arc<Entry>>,
    stamps: BTreeMap<Digest, (Stamp, Moment)>,
    records: BTreeMap<TableKey, Record>,
}

#[derive(Clone, Debug)]
struct Record {
    fields: BTreeMap<ShapeName, Stamp>,
    created: Moment,
    deadline: Moment,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            incarnation: Incarnation(1),
            entries: BTreeMap::new(),
            stamps: BTreeMap::new(),
            records: BTreeMap::new(),
        }
    }
}

/// A request half done: how many of its operations ran, and the reply so far.
#[derive(Clone, Debug)]
pub struct Progress {
    done: usize,
    /// Complete once [`Model::advance`] says so.
    pub reply: Reply,
}

impl Progress {
    /// No operation of this request has run.
    pub fn of(request: &Request<'_>) -> Self {
        let reply = match request {
            Request::Lookup { .. } => Reply::Lookup(Lookup {
                entry: None,
                seen: Vec::new(),
                damaged: false,
            }),
            Request::Register { .. } => Reply::Registered(Vec::new()),
            Request::Records(_) => Reply::Records(Vec::new()),
            Request::Remove(_) => Reply::Removed { existed: 0 },
            Request::Claim { .. } => Reply::Claimed(true),
            _ => Reply::Stored,
        };
        Self { done: 0, reply }
    }
}

impl Progress {
    /// Whether any operation ran.
    pub fn has_begun(&self) -> bool {
        self.done > 0
    }
}

impl Hash for Progress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.done.hash(state);
        hash_reply(&self.reply, state);
    }
}

/// Feeds what a client can tell of a reply.
pub fn hash_reply<H: Hasher>(reply: &Reply, state: &mut H) {
    match reply {
        Reply::Lookup(Lookup { entry, seen, .. }) => {
            entry.as_ref().inspect(|entry| entry.stamps.hash(state));
            for seen in seen {
                let Seen {
                    incarnation,
                    shape,
                    value,
                    empty,
                    shapes,
                    ..
                } = seen;
                (incarnation, shape, value, empty, shapes).hash(state);
            }
        }
        Reply::Registered(all) => {
            for Registered {
                incarnation,
                shape,
                value,
            } in all
            {
                (incarnation, shape, value).hash(state);
            }
        }
        Reply::Records(records) => records.hash(state),
        Reply::Removed { existed } => existed.hash(state),
        _ => {}
    }
}

/// A key that a store may lose at any time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// An entry.
    Entry(Digest),
    /// A value's stamp.
    Stamp(Digest),
    /// A record.
    Record(TableKey),
}

impl Model {
    /// All keys that it holds.
    pub fn keys(&self) -> Vec<Key> {
        let entries = self.entries.keys().copied().map(Key::Entry);
        let stamps = self.stamps.keys().copied().map(Key::Stamp);
        entries
            .chain(stamps)
            .chain(self.records.keys().cloned().map(Key::Record))
            .collect()
    }

    /// Loses a key.
    pub fn evict(&mut self, key: &Key) {
        match key {
            Key::Entry(digest) => drop(self.entries.remove(digest)),
            Key::Stamp(digest) => drop(self.stamps.remove(digest)),
            Key::Record(table) => drop(self.records.remove(table)),
        }
    }

    /// Runs a whole request.
    pub fn exec(&mut self, now: Moment, request: &Request<'_>) -> Reply {
        let mut progress = Progress::of(request);
        while !self.advance(now, request, &mut progress) {}
        progress.reply
    }

    /// Runs the next operation of a request; `true` when its reply is complete.
    pub fn advance(&mut self, now: Moment, request: &Request<'_>, at: &mut Progress) -> bool {
        let step = at.done;
        at.done += 1;
        match (request, &mut at.reply) {
            (
                Request::Lookup {
                    entry,
                    dependencies,
                },
                Reply::Lookup(lookup),
            ) => {
                if step == 0 {
                    lookup.entry = entry.and_then(|key| self.entries.get(&key.digest).cloned());
                } else if let Some(dependency) = dependencies.get((step - 1) / 2) {
                    self.look(now, dependency, &mut lookup.seen, step % 2 == 1);
                }
                at.done > dependencies.len() * 2
            }
            (Request::Register { registrations, ttl }, Reply::Registered(replies)) => {
                if let Some(one) = registrations.get(step / 4) {
                    let shape = step % 4 < 2;
                    match step % 2 {
                        0 => self.create(now, now + *ttl, one, shape),
                        _ => self.read_back(now, &one.dependency, replies, shape),
                    }
                }
                at.done >= registrations.len() * 4
            }
            (
                Request::Put {
                    key,
                    entry,
                    dependencies,
                },
                _,
            ) => {
                self.put(now, key, entry, dependencies);
                true
            }
            (Request::Records(tables), Reply::Records(records)) => {
                if let Some(table) = tables.get(step) {
                    let fields = self.record(now, table).map(|record| record.fields.keys());
                    records.push(
                        fields
                            .map(|keys| keys.cloned().collect())
                            .unwrap_or_default(),
                    );
                }
                at.done >= tables.len()
            }
            (Request::Remove(removals), Reply::Removed { existed }) => {
                *existed += removals.get(step).map_or(0, |removal| self.remove(removal));
                at.done >= removals.len()
            }
            _ => true,
        }
    }

    fn look(&self, now: Moment, of: &DependencyKey, seen: &mut Vec<Seen>, shape: bool) {
        if shape {
            let record = self.record(now, &of.table);
            let field = |name| record.and_then(|record| record.fields.get(name).copied());
            seen.push(Seen {
                incarnation: self.incarnation,
                shape: field(&of.shape),
                value: None,
                empty: field(&ShapeName::any_row()),
                shapes: record.map_or(0, |record| record.fields.len()),
                created: record.map(|record| record.created),
            });
        } else if let Some(last) = seen.last_mut() {
            last.value = of.value.and_then(|digest| self.stamp(now, digest));
        }
    }

    /// `HSETNX` or `SET NX`.
    fn create(&mut self, now: Moment, deadline: Moment, one: &Registration, shape: bool) {
        let Registration {
            dependency,
            shape: field,
            value,
        } = one;
        if shape {
            field.inspect(|stamp| self.create_shape(now, deadline, dependency, *stamp));
        } else if let (Some(digest), Some(stamp)) = (dependency.value, value)
            && self.stamp(now, digest).is_none()
        {
            self.stamps.insert(digest, (*stamp, deadline));
        }
    }

    /// `HGET` or `GET`.
    fn read_back(&self, now: Moment, of: &DependencyKey, into: &mut Vec<Registered>, shape: bool) {
        if shape {
            let record = self.record(now, &of.table);
            let shape = record.and_then(|record| record.fields.get(&of.shape).copied());
            into.push(Registered {
                incarnation: self.incarnation,
                shape,
                value: None,
            });
        } else if let Some(last) = into.last_mut() {
            last.value = of.value.and_then(|digest| self.stamp(now, digest));
        }
    }

    fn create_shape(&mut self, now: Moment, deadline: Moment, of: &DependencyKey, stamp: Stamp) {
        if self.record(now, &of.table).is_none() {
            let record = Record {
                fields: BTreeMap::new(),
                created: now,
                deadline,
            };
            self.records.insert(of.table.clone(), record);
        }
        if let Some(record) = self.records.get_mut(&of.table) {
            record.deadline = record.deadline.max(deadline);
            record.fields.entry(of.shape.clone()).or_insert(stamp);
        }
    }

    fn put(&mut self, now: Moment, key: &EntryKey, entry: &Arc<Entry>, of: &[DependencyKey]) {
        let known = self.entries.get(&key.digest);
        if known.is_none_or(|known| known.created <= entry.created) {
            self.entries.insert(key.digest, entry.clone());
        }
        for dependency in of {
            if self.record(now, &dependency.table).is_some()
                && let Some(record) = self.records.get_mut(&dependency.table)
            {
                record.deadline = record.deadline.max(entry.expires);
            }
            if let Some(digest) = dependency.value
                && self.stamp(now, digest).is_some()
                && let Some((_, deadline)) = self.stamps.get_mut(&digest)
            {
                *deadline = (*deadline).max(entry.expires);
            }
        }
    }

    fn remove(&mut self, removal: &Removal) -> usize {
        match removal {
            Removal::Record(table) => usize::from(self.records.remove(table).is_some()),
            Removal::Shape(table, shape) => {
                let record = self.records.get_mut(table);
                usize::from(
                    record
                        .and_then(|record| record.fields.remove(shape))
                        .is_some(),
                )
            }
            Removal::Stamp(_, digest) => usize::from(self.stamps.remove(digest).is_some()),
            Removal::Entry(key) => usize::from(self.entries.remove(&key.digest).is_some()),
            Removal::AllRecords(namespace) => {
                let existed = self.records.len();
                self.records.retain(|table, _| !table.is_in(namespace));
                existed - self.records.len()
            }
            _ => 0,
        }
    }

    fn record(&self, now: Moment, table: &TableKey) -> Option<&Record> {
        self.records
            .get(table)
            .filter(|record| now < record.deadline)
    }

    fn stamp(&self, now: Moment, digest: Digest) -> Option<Stamp> {
        self.stamps
            .get(&digest)
            .filter(|(_, deadline)| now < *deadline)
            .map(|(stamp, _)| *stamp)
    }
}

impl Hash for Model {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.incarnation.hash(state);
        for (digest, entry) in &self.entries {
            (digest, &entry.stamps).hash(state);
            if let Content::Decoded(payload) = &entry.content {
                payload.value.downcast_ref::<u64>().hash(state);
            }
        }
        self.stamps.hash(state);
        for (table, record) in &self.records {
            (table, &record.fields).hash(state);
        }
    }
}

/// The reference store as a store.
#[derive(Clone, Debug, Default)]
pub struct ModelStore(Arc<Mutex<Model>>);

impl ModelStore {
    /// What it holds.
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for ModelStore {
    async fn exec(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        self.exec_blocking(now, batch)
    }
}

impl BlockingStore for ModelStore {
    fn exec_blocking(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        let mut model = self.model();
        Ok(batch
            .iter()
            .map(|request| model.exec(now, request))
            .collect())
    }
}
