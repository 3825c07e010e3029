//! The store, as a command sees it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use larder_core::{
    Change, ChangeScope, Dropped, Event, Invalidation, Observer, Stats, Store as _, TableKey,
    observer::Cause,
};
use larder_redis::{
    Address, RedisConfig, RedisStore, Topology,
    inspect::{InspectLimits, Inspector, RecordKeys},
};
use larder_signals::Larder;

use crate::exit::{Exit, Failure, causes};

/// What store is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    None,
    Memory,
    Redis,
}

/// A Redis store that answers.
#[derive(Debug)]
pub(crate) struct Redis {
    pub(crate) config: RedisConfig,
    store: RedisStore,
}

/// A larder on it, and what it has dropped.
#[derive(Debug)]
pub(crate) struct Hand {
    pub(crate) larder: Larder,
    tally: Arc<Tally>,
}

/// Notes what is dropped.
#[derive(Debug, Default)]
struct Tally {
    dropped: Mutex<Vec<(Option<TableKey>, Dropped)>>,
    fault: Mutex<Option<String>>,
}

impl Redis {
    /// Connects, under no name of the connections: that would need a permission that applications
    /// may lack.
    pub(crate) fn with(config: RedisConfig) -> Result<Self, Failure> {
        let store = RedisStore::connect_blocking(config.clone())?;
        if let Some(fault) = store.fault_at_start() {
            let (place, why) = (place(&config), causes(&fault));
            return Err(Failure::new(
                Exit::Store,
                format!("the store at {place} cannot be reached: {why}"),
            ));
        }
        Ok(Self { config, store })
    }

    /// The same, dropping in every layout that is in use: the URL may name another one than the
    /// applications do, or they may be about to change it.
    pub(crate) fn in_every_layout(&self, records: &RecordKeys) -> Result<Self, Failure> {
        let mut shards: Vec<u16> = records.found.iter().map(|it| it.shards).collect();
        shards.sort_unstable();
        shards.dedup();
        self.also_in(shards)
    }

    /// The same, dropping in records of these numbers of shards too.
    fn also_in(&self, mut shards: Vec<u16>) -> Result<Self, Failure> {
        let mut config = self.config.clone();
        let known = &config.also_invalidate_shards;
        shards.retain(|it| *it != config.table_shards && !known.contains(it));
        if shards.is_empty() {
            let store = self.store.clone();
            return Ok(Self { config, store });
        }
        config.also_invalidate_shards.extend(shards);
        Self::with(config)
    }

    pub(crate) fn into_store(self) -> RedisStore {
        self.store
    }

    /// What each process of the namespace has counted.
    pub(crate) async fn reports(&self, namespace: &str) -> Result<Vec<Stats>, Failure> {
        Ok(self.store.reports(namespace).await?)
    }

    pub(crate) fn inspector(&self, limits: InspectLimits) -> Inspector {
        self.store.inspector(limits)
    }

    /// A larder that invalidates in it.
    pub(crate) fn hand(&self, namespace: &str) -> Result<Hand, Failure> {
        let tally = Arc::new(Tally::default());
        let larder = Larder::builder()
            .namespace(namespace)
            .store(self.store.clone())
            .near_cache_bytes(0)
            .report_every(Duration::ZERO)
            .observer(tally.clone())
            .build()?;
        Ok(Hand { larder, tally })
    }
}

impl Hand {
    /// Drops the records of these tables, of which nothing more is known.
    pub(crate) async fn drop_records(&self, tables: Vec<TableKey>) -> Result<(), Failure> {
        let change = |table_key| Change {
            table_key,
            table: None,
            scope: ChangeScope::Record,
        };
        let changes: Vec<_> = tables.into_iter().map(change).collect();
        let cache = self.larder.cache();
        self.delivered(&cache.invalidate(&changes, Cause::Manual).await)
    }

    /// Drops everything in the namespace.
    pub(crate) async fn drop_all(&self) -> Result<(), Failure> {
        self.delivered(&self.larder.cache().invalidate_all(Cause::Manual).await)
    }

    /// An error when something waits still.
    pub(crate) fn settled(&self) -> Result<(), Failure> {
        match self.larder.cache().pending() {
            0 => Ok(()),
            _ => Err(self.undelivered()),
        }
    }

    /// What was dropped: by table, `None` for everything.
    pub(crate) fn dropped(&self) -> Vec<(Option<TableKey>, Dropped)> {
        lock(&self.tally.dropped).clone()
    }

    fn delivered(&self, outcome: &Invalidation) -> Result<(), Failure> {
        match outcome {
            Invalidation::Delivered(_) => Ok(()),
            _ => Err(self.undelivered()),
        }
    }

    fn undelivered(&self) -> Failure {
        let why = lock(&self.tally.fault).clone();
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let message = format!("the store has not acknowledged it, so some of it may stand{why}");
        Failure::new(Exit::Store, message)
    }
}

impl Observer for Tally {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::Invalidate { table, dropped, .. } => {
                lock(&self.dropped).push((table.cloned(), *dropped));
            }
            Event::Fault { fault } => *lock(&self.fault) = Some(causes(*fault)),
            _ => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a store is, without what is secret.
pub(crate) fn place(config: &RedisConfig) -> String {
    match &config.servers {
        Topology::Standalone(address) => address_of(address),
        Topology::Sentinel(sentinels) => format!("the sentinels' service {}", sentinels.service),
        Topology::Cluster { nodes } => {
            let nodes: Vec<_> = nodes
                .iter()
                .map(|it| format!("{}:{}", it.host, it.port))
                .collect();
            format!("the cluster of {}", nodes.join(", "))
        }
        _ => "its servers".to_owned(),
    }
}

pub(crate) fn address_of(address: &Address) -> String {
    match address {
        Address::Tcp(it) if it.host.contains(':') => format!("[{}]:{}", it.host, it.port),
        Address::Tcp(it) => format!("{}:{}", it.host, it.port),
        Address::Unix(path) => path.display().to_string(),
        _ => "its address".to_owned(),
    }
}
