//! What a store must do: a few requests, one method.
//!
//! A store is a map that may forget anything at any time. It decides nothing: which stamps to
//! read, create and drop is the machines' business.

use std::{error, fmt, ops::Deref, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    DependencyKey, Digest, EntryKey, ShapeName, Stamp, TableKey,
    clock::Moment,
    entry::{Entry, Incarnation},
};

/// One request to a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Request<'a> {
    /// Read an entry and the stamps of its dependencies.
    Lookup {
        /// The entry; `None` = only the stamps are wanted.
        entry: Option<&'a EntryKey>,
        /// The dependencies.
        dependencies: Dependencies<'a>,
    },
    /// Create what is missing and read what is there. Must never be sent twice (P5).
    Register {
        /// What to create.
        registrations: Vec<Registration>,
        /// How long created stamps live at least.
        ttl: Duration,
    },
    /// Store an entry and let the stamps of its dependencies live as long. May be repeated. An entry
    /// that is there and was created later stays: a slow query must not undo a refresh.
    Put {
        /// Its key.
        key: &'a EntryKey,
        /// The entry.
        entry: Arc<Entry>,
        /// The dependencies whose stamps it carries.
        dependencies: &'a [DependencyKey],
    },
    /// Read the shapes in the records of these tables.
    Records(Vec<TableKey>),
    /// Drop things. May be repeated.
    Remove(Vec<Removal>),
    /// Claim the filling of an entry, so that other processes wait for it. A claim is a hint: it
    /// may be lost, and a store in the process always grants it.
    Claim {
        /// The entry.
        key: &'a EntryKey,
        /// After how long it ends by itself.
        lease: Duration,
    },
    /// Let other processes read what this one has counted. May be repeated. A store in the process
    /// does nothing: nobody else reads it.
    Report {
        /// Whose it is.
        namespace: &'a str,
        /// Which process: letters and digits.
        instance: &'a str,
        /// The report, see [`Stats::encode`](crate::Stats::encode).
        report: &'a [u8],
        /// How long it lives.
        ttl: Duration,
    },
    /// Read what the processes of this namespace have reported.
    Reports {
        /// The namespace.
        namespace: &'a str,
    },
}

/// The dependencies of a lookup: those of a read, or those of an entry that was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Dependencies<'a> {
    /// The reader's.
    Read(&'a [DependencyKey]),
    /// An entry's.
    Entry(Arc<[DependencyKey]>),
}

impl Deref for Dependencies<'_> {
    type Target = [DependencyKey];

    fn deref(&self) -> &[DependencyKey] {
        match self {
            Self::Read(dependencies) => dependencies,
            Self::Entry(dependencies) => dependencies,
        }
    }
}

/// One dependency to register, with fresh stamps for what the lookup did not return.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The dependency.
    pub dependency: DependencyKey,
    /// `HSETNX`: the shape's stamp if the record has none. `None` = only read.
    pub shape: Option<Stamp>,
    /// `SET NX`: the value's stamp if there is none. `None` = only read.
    pub value: Option<Stamp>,
}

/// One thing to drop.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Removal {
    /// A table record: the whole table.
    Record(TableKey),
    /// One shape of a record.
    Shape(TableKey, ShapeName),
    /// The stamp of one value.
    Stamp(TableKey, Digest),
    /// An entry.
    Entry(EntryKey),
    /// The claim on an entry.
    Claim(EntryKey),
    /// The records of all tables in this namespace (P10).
    AllRecords(Arc<str>),
}

/// The answer to one request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reply {
    /// To [`Request::Lookup`].
    Lookup(Lookup),
    /// To [`Request::Register`]: one per registration.
    Registered(Vec<Registered>),
    /// To [`Request::Put`] and [`Request::Report`].
    Stored,
    /// To [`Request::Records`]: one per table, empty when there is no record.
    Records(Vec<Vec<ShapeName>>),
    /// To [`Request::Remove`].
    Removed {
        /// How many of them were there.
        existed: usize,
    },
    /// To [`Request::Claim`]: whether it is the caller's now.
    Claimed(bool),
    /// To [`Request::Reports`]: those that are there, at most 1,000.
    Reports(Vec<Vec<u8>>),
}

/// The answer to a lookup.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The entry, expired or not.
    pub entry: Option<Arc<Entry>>,
    /// One per dependency.
    pub seen: Vec<Seen>,
    /// Whether something is there that is no entry: it should be removed.
    pub damaged: bool,
}

/// What a lookup saw of one dependency.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The life of the server that answered (P6).
    pub incarnation: Incarnation,
    /// The shape's stamp.
    pub shape: Option<Stamp>,
    /// The value's stamp.
    pub value: Option<Stamp>,
    /// The stamp of the table's empty shape. This and what follows may be left out when `shape` is
    /// there, or when the lookup asks for no entry.
    pub empty: Option<Stamp>,
    /// How many shapes the record holds.
    pub shapes: usize,
    /// When the record was created.
    pub created: Option<Moment>,
}

/// What a registration left in the store.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// The life of the server that answered (P6).
    pub incarnation: Incarnation,
    /// The shape's stamp as read back.
    pub shape: Option<Stamp>,
    /// The value's stamp as read back.
    pub value: Option<Stamp>,
}

/// A store for the async shells.
///
/// # Contract
/// - Requests of one batch run in order; nothing else is promised about atomicity. Every creation,
///   read and removal of a single key is atomic.
/// - A removal that was answered is done; one that was not may or may not be.
/// - A creation is sent to the server at most once (P5), whatever happens to its reply.
/// - Any key may vanish at any time.
/// - `now` is the caller's clock; a store with a clock of its own may use that.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Whether it keeps results outside the process: they are written down for it, and the cache
    /// keeps the decoded ones near.
    fn is_remote(&self) -> bool {
        false
    }

    /// Why it could not be reached when it was made; the cache then starts with an open breaker.
    fn fault_at_start(&self) -> Option<Fault> {
        None
    }

    /// Runs requests and returns one reply per request.
    ///
    /// # Errors
    /// A [`Fault`] when any reply is missing.
    async fn exec(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault>;

    /// Answers at once when that takes no I/O.
    fn try_now(&self, _now: Moment, _request: &Request<'_>) -> Option<Reply> {
        None
    }

    /// Reads an entry by its key alone, with the stamps of what the entry says it rests on, when
    /// that takes no I/O. `None` says nothing: a lookup follows.
    fn revisit_now(&self, _now: Moment, _entry: &EntryKey) -> Option<Lookup> {
        None
    }
}

/// A store for the blocking shells and for delivery outside any runtime. The contract is that of
/// [`Store`].
pub trait BlockingStore: fmt::Debug + Send + Sync {
    /// Runs requests and returns one reply per request.
    ///
    /// # Errors
    /// A [`Fault`] when any reply is missing.
    fn exec_blocking(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault>;

    /// Answers at once when that takes no I/O.
    fn try_now_blocking(&self, _now: Moment, _request: &Request<'_>) -> Option<Reply> {
        None
    }
}

/// The two faces of one store.
#[derive(Clone, Debug)]
pub struct Stores {
    /// For async callers.
    pub shared: Arc<dyn Store>,
    /// For blocking callers and delivery.
    pub blocking: Arc<dyn BlockingStore>,
}

impl<S: Store + BlockingStore + 'static> From<S> for Stores {
    fn from(store: S) -> Self {
        let store = Arc::new(store);
        Self {
            shared: store.clone(),
            blocking: store,
        }
    }
}

/// A store failed: the cache did, the query did not.
#[derive(Clone, Debug)]
pub struct Fault {
    kind: FaultKind,
    source: Option<Arc<dyn error::Error + Send + Sync>>,
}

/// The kind of a [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// No connection.
    Unavailable,
    /// No reply in time.
    Timeout,
    /// A reply that does not fit its request.
    Protocol,
    /// The store has no room and makes none. Reads and removals still work.
    Full,
}

impl Fault {
    /// A fault of this kind.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(self, source: impl error::Error + Send + Sync + 'static) -> Self {
        Self {
            source: Some(Arc::new(source)),
            ..self
        }
    }

    /// Its kind.
    pub fn kind(&self) -> FaultKind {
        self.kind
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FaultKind::Unavailable => "the store is unavailable",
            FaultKind::Timeout => "the store did not answer in time",
            FaultKind::Full => "the store has no room",
            FaultKind::Protocol => "the store sent a reply that does not fit",
        })
    }
}

impl error::Error for Fault {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn error::Error + 'static))
    }
}
