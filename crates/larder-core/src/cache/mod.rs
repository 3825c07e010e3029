//! The cache: the shells that carry requests between machines and stores.

mod fill;
mod memo;
mod met_tables;
mod own_drops;
mod read;
mod tally;
mod write;

use std::{
    any::Any,
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, RwLock, atomic::AtomicBool},
};

use crate::{
    Codec, Counters, Digest,
    breaker::Breaker,
    bypass::{BypassMarks, MarkId},
    clock::{Clock, Moment, SystemClock},
    entropy::Entropy,
    flight::{Alarm, Flights},
    limits::Limits,
    memory::Entries,
    observer::{BypassReason, Event, Observer},
    pending::Pending,
    store::Stores,
};

use met_tables::MetTables;
use own_drops::OwnDrops;

pub use fill::Fill;
pub use memo::{MemoFill, MemoStep};
pub use write::Invalidation;

/// A query-result cache over one store. Clones share it.
#[derive(Clone)]
pub struct Cache {
    shared: Arc<Shared>,
}

/// How a cache is set up.
#[non_exhaustive]
pub struct CacheOptions {
    /// Under what the keys of its tables begin, for the dropping of everything. Default: empty.
    pub namespace: Arc<str>,
    /// The bounds of the protocol.
    pub limits: Limits,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where stamps and jitter come from.
    pub entropy: Entropy,
    /// Hear of events, in this order.
    pub observers: Vec<Arc<dyn Observer>>,
    /// Bytes of decoded results that are kept in process memory beside a store outside it. They are
    /// served only when the store confirms their stamps, so nothing is staler for it. Default:
    /// 64 MiB. Zero: none.
    pub near_bytes: usize,
    /// How results are written down for a store outside the process. Default: MessagePack.
    pub codec: Codec,
}

const NEAR_BYTES: usize = 64 << 20;

/// What a read comes to.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum ReadOutcome {
    /// The answer.
    Hit(Arc<dyn Any + Send + Sync>),
    /// Run the query, then [`Fill::store`] its result.
    Fill(Fill),
    /// Run the query.
    Bypass(BypassReason),
}

struct Shared {
    stores: Stores,
    namespace: Arc<str>,
    /// Decoded results, where the store keeps them outside the process.
    near: Option<Entries>,
    codec: Codec,
    limits: Limits,
    clock: Arc<dyn Clock>,
    entropy: Entropy,
    observers: Vec<Arc<dyn Observer>>,
    listeners: Listeners,
    counters: Arc<Counters>,
    /// Since when it counts.
    started: Moment,
    flights: Arc<Flights>,
    alarm: Alarm,
    marks: BypassMarks,
    breaker: Breaker,
    pending: Pending,
    own_drops: OwnDrops,
    met: MetTables,
    /// Entries whose fill ended without an end of its claim, which the process holds still.
    abandoned: Mutex<HashSet<Digest>>,
    /// One delivery at a time: a second one would lift marks that the first still needs.
    delivering: Mutex<()>,
}

/// Observers that came after the cache was made. Told without a lock held, and found out about by one
/// load where there are none.
#[derive(Default)]
struct Listeners {
    any: AtomicBool,
    all: RwLock<Arc<[Arc<dyn Observer>]>>,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            namespace: Arc::from(""),
            limits: Limits::default(),
            clock: Arc::new(SystemClock::default()),
            entropy: Entropy::system(),
            observers: Vec::new(),
            near_bytes: NEAR_BYTES,
            codec: Codec::default(),
        }
    }
}

impl fmt::Debug for CacheOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("CacheOptions");
        out.field("namespace", &self.namespace)
            .field("limits", &self.limits)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

impl Cache {
    /// A cache over this store.
    pub fn new(stores: impl Into<Stores>, options: CacheOptions) -> Self {
        let CacheOptions {
            namespace,
            limits,
            clock,
            entropy,
            observers,
            near_bytes,
            codec,
        } = options;
        let stores = stores.into();
        let wants_near = stores.shared.is_remote() && near_bytes > 0;
        let fault = stores.shared.fault_at_start();
        let shared = Shared {
            started: clock.now(),
            stores,
            near: wants_near.then(|| Entries::new(near_bytes)),
            codec,
            flights: Arc::new(Flights::new(limits.flights_max, limits.waiters_max)),
            alarm: Alarm::new(limits.flights_max.saturating_mul(4)),
            marks: BypassMarks::default(),
            breaker: Breaker::new(&limits),
            pending: Pending::new(limits.pending_max),
            own_drops: OwnDrops::default(),
            met: MetTables::default(),
            abandoned: Mutex::default(),
            delivering: Mutex::default(),
            namespace,
            limits,
            clock,
            entropy,
            observers,
            listeners: Listeners::default(),
            counters: Arc::default(),
        };
        let cache = Self {
            shared: Arc::new(shared),
        };
        if let Some(fault) = fault {
            cache.shared.breaker.open(cache.now());
            cache.shared.counters.failed();
            cache.report(&Event::Fault { fault: &fault });
            cache.report(&Event::BreakerOpened);
        }
        cache
    }

    /// The present moment by the cache's clock.
    pub fn now(&self) -> Moment {
        self.shared.clock.now()
    }

    /// How many readers of this process wait for another one's fill.
    pub fn waiters(&self) -> usize {
        self.shared.flights.waiters()
    }

    /// The bounds in force.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Whether results are kept outside the process, where other processes meet them.
    pub fn is_remote(&self) -> bool {
        self.shared.stores.shared.is_remote()
    }

    /// Lets reads of these tables bypass until then, or until lifted: a write of theirs was sent
    /// and its outcome is not known (W4). `None` = all tables.
    pub fn mark_uncertain(&self, tables: Option<Vec<crate::TableKey>>, until: Moment) -> MarkId {
        self.shared.marks.mark_uncertain(tables, until, self.now())
    }

    /// Takes an uncertain mark back: the outcome is known and its invalidation was delivered, or
    /// is pending.
    pub fn lift_uncertain(&self, mark: MarkId) {
        self.shared.marks.lift(mark, self.now());
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Cache");
        out.field("stores", &self.shared.stores)
            .field("pending", &self.shared.pending.len());
        out.finish_non_exhaustive()
    }
}
