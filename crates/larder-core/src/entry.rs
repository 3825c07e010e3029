//! Stored results and the stamps under which they were computed.

use std::{
    any::Any,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{CallDigest, Codec, DependencyKey, Stamp, clock::Moment};

/// Names one life of a server: a restart, a failover or a slot migration makes another (P6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Incarnation(pub u128);

/// The stamps of one dependency as a reader read or created them before its query (P2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Issued {
    /// Which life of the server issued them (P6).
    pub incarnation: Incarnation,
    /// The shape's stamp.
    pub shape: Stamp,
    /// The value's stamp; `None` for a shape without conditions.
    pub value: Option<Stamp>,
    /// Whether the empty shape stands in because the record was full (P11).
    pub widened: bool,
}

/// A decoded result and what it weighs.
#[derive(Clone)]
pub struct Payload {
    /// The result; its type belongs to the entry key.
    pub value: Arc<dyn Any + Send + Sync>,
    /// Its size in bytes.
    pub bytes: usize,
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// A result as it is written down for a store outside the process.
#[derive(Clone)]
pub struct Encoded {
    /// In which encoding.
    pub codec: Codec,
    /// Fingerprint of its type.
    pub fingerprint: u64,
    /// The bytes.
    pub bytes: Arc<[u8]>,
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded")
            .field("codec", &self.codec)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// A result in one of its forms.
#[derive(Clone, Debug)]
pub enum Content {
    /// As the caller wants it.
    Decoded(Payload),
    /// As a store outside the process keeps it.
    Encoded(Encoded),
}

impl From<Payload> for Content {
    fn from(payload: Payload) -> Self {
        Self::Decoded(payload)
    }
}

/// A stored result.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The result.
    pub content: Content,
    /// What it rests on, as it was registered: an entry can be judged by itself.
    pub dependencies: Arc<[DependencyKey]>,
    /// One per dependency, in its order.
    pub stamps: Arc<[Issued]>,
    /// When its stamps were read.
    pub created: Moment,
    /// When it expires, counted from `created` and not from the put (P7).
    pub expires: Moment,
    /// How long the query took that gave it.
    pub cost: Duration,
    /// Which call it answers, for those who look for it; zero = not known.
    pub call: CallDigest,
    /// Whether it rests on more than the statement does whose name it bears: an operation of
    /// several statements. A reader of such a name cannot know the dependencies beforehand.
    pub extended: bool,
    /// When this copy last answered a read; not part of what a store keeps.
    pub validated: Validated,
}

/// When something was last found to be valid, by the reads of one process.
#[derive(Debug, Default)]
pub struct Validated(AtomicU64);

impl Validated {
    /// The latest moment, 1970 if there was none.
    pub fn last(&self) -> Moment {
        Moment(self.0.load(Ordering::Relaxed))
    }

    /// It was valid at this moment.
    pub fn at(&self, moment: Moment) {
        self.0.fetch_max(moment.0, Ordering::Relaxed);
    }
}

impl Clone for Validated {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.last().0))
    }
}

impl Entry {
    /// What it weighs in a store: payload, stamps and bookkeeping.
    pub fn bytes(&self) -> usize {
        const FIXED: usize = 200;
        const EACH: usize = size_of::<Issued>() + size_of::<DependencyKey>();
        let stamps = self.stamps.len().saturating_mul(EACH);
        let content = match &self.content {
            Content::Decoded(payload) => payload.bytes,
            Content::Encoded(encoded) => encoded.bytes.len(),
        };
        content.saturating_add(stamps).saturating_add(FIXED)
    }
}
