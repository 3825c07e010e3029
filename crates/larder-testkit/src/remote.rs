//! A store outside the process that is not: one map that several caches take for theirs.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use larder_core::{
    BlockingStore, Digest, Fault, Moment, Store,
    store::{Removal, Reply, Request},
};

use crate::model::ModelStore;

/// The reference store as several processes see it. It counts what it is asked.
#[derive(Clone, Debug, Default)]
pub struct RemoteStore {
    inner: ModelStore,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    claims: HashSet<Digest>,
    asked: Asked,
}

/// How often a store was asked for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Entries with their stamps.
    pub entries: usize,
    /// Stamps alone.
    pub stamps: usize,
    /// To keep an entry.
    pub puts: usize,
    /// Batches in all.
    pub rounds: usize,
}

impl RemoteStore {
    /// How often it was asked since the last call.
    pub fn asked(&self) -> Asked {
        std::mem::take(&mut self.lock().asked)
    }

    /// Waits until it was asked for so many entries since the last call of [`asked`](Self::asked).
    pub fn wait_for_entries(&self, count: usize) {
        while self.lock().asked.entries < count {
            std::thread::yield_now();
        }
    }

    /// The store behind.
    pub fn inner(&self) -> &ModelStore {
        &self.inner
    }

    fn one(&self, now: Moment, request: &Request<'_>) -> Result<Vec<Reply>, Fault> {
        let mut shared = self.lock();
        match request {
            Request::Lookup { entry: Some(_), .. } => shared.asked.entries += 1,
            Request::Lookup { entry: None, .. } => shared.asked.stamps += 1,
            Request::Put { .. } => shared.asked.puts += 1,
            Request::Claim { key, .. } => {
                let granted = shared.claims.insert(key.digest);
                return Ok(vec![Reply::Claimed(granted)]);
            }
            Request::Remove(removals) => {
                for removal in removals {
                    if let Removal::Claim(key) = removal {
                        shared.claims.remove(&key.digest);
                    }
                }
            }
            _ => {}
        }
        drop(shared);
        self.inner.exec_blocking(now, std::slice::from_ref(request))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for RemoteStore {
    fn is_remote(&self) -> bool {
        true
    }

    async fn exec(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        self.exec_blocking(now, batch)
    }
}

impl BlockingStore for RemoteStore {
    fn exec_blocking(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        self.lock().asked.rounds += 1;
        let mut replies = Vec::with_capacity(batch.len());
        for request in batch {
            replies.extend(self.one(now, request)?);
        }
        Ok(replies)
    }
}
