//! The place where connection and terminal leave things for each other.

use std::{
    any::{Any, TypeId, type_name},
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use larder_core::{DiscardReason, Fill, ResultCodec, ResultIdentity};
use larder_signals::ReadOptions;
use sea_orm::{ConnectionTrait, DbErr, Value};

use super::ProbeConnection;
use crate::result::CachedResult;

/// What a connection sees of a slot.
pub(crate) trait Slot: Send + Sync {
    /// The identity of the result that is asked for.
    fn identity(&self) -> &ResultIdentity;
    /// How the result is written down; `None` = it stays in process memory.
    fn codec(&self) -> Option<&'static ResultCodec>;
    /// What the result depends on besides statement and type: part of the key.
    fn inputs(&self) -> &[Value];
    /// What the caller asked of the cache.
    fn options(&self) -> &ReadOptions;
    /// Leaves a stored result; `false` when it is of another type.
    fn put_hit(&self, value: Arc<dyn Any + Send + Sync>) -> bool;
    /// Leaves the ticket with which the terminal completes the fill.
    fn put_fill(&self, fill: Fill);
    /// Whether the result will be stored, as far as is known.
    fn is_filling(&self) -> bool;
    /// Lets the result rest on a later statement of its operation as well.
    fn rest_on(&self, part: Fill);
    /// The result must not be stored, whatever else comes. A stored one that answered stays: what
    /// the terminal was given in its place means nothing.
    fn withdraw(&self);
    /// Counts a statement that asks.
    fn ask(&self) -> Asked;
    /// Whether its result may come from several statements.
    fn is_of_several(&self) -> bool;
    /// Whether a statement planned with a catalog of this fingerprint may be what it is to the
    /// operation: all of its statements are planned with the catalog of the first.
    fn takes_catalog(&self, asked: Asked, fingerprint: [u8; 16]) -> bool;
    /// Whether a stored result is there, so that the operation need not go on.
    fn is_answered(&self) -> bool;
}

/// What a statement is to the result of its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The first one: its text names the entry.
    First,
    /// A later one of an operation of several statements.
    Part,
    /// None of the cache's business.
    Nothing,
}

/// What the connection left.
#[derive(Debug)]
pub(super) enum Answer<T> {
    /// Nothing: what the terminal returned is the result, and it is not stored.
    Uncached,
    /// The result; what the terminal returned means nothing.
    Hit(Arc<T>),
    /// What the terminal returned is the result, and this stores it.
    Fill(Fill),
}

/// A result, and whose it is.
#[derive(Debug)]
pub(crate) enum Found<T> {
    /// The caller's alone.
    Own(T),
    /// Shared with the cache.
    Shared(Arc<T>),
}

/// A slot for results of one type.
#[derive(Debug)]
pub(crate) struct ResultSlot<T> {
    identity: ResultIdentity,
    inputs: Vec<Value>,
    options: ReadOptions,
    answer: Mutex<Answer<T>>,
    asked: AtomicBool,
    /// The key and the dependencies would be those of a part of the result.
    spoiled: AtomicBool,
    /// Whether the result may come from several statements.
    several: bool,
    /// The fingerprint of the catalog with which its first statement was planned.
    catalog: Mutex<[u8; 16]>,
}

impl<T: CachedResult> ResultSlot<T> {
    /// A slot for what this terminal makes of the rows that `D` decodes: of two decoders of one
    /// row type, one may go by names and the other by positions.
    pub(crate) fn new<D: 'static>(terminal: &'static str, options: ReadOptions) -> Self {
        Self {
            identity: ResultIdentity {
                adapter: "sea-orm",
                terminal,
                type_id: TypeId::of::<(D, T)>(),
                type_name: type_name::<(D, T)>(),
                schema_fingerprint: T::SCHEMA_FINGERPRINT,
            },
            inputs: Vec::new(),
            options,
            answer: Mutex::new(Answer::Uncached),
            asked: AtomicBool::new(false),
            spoiled: AtomicBool::new(false),
            several: false,
            catalog: Mutex::default(),
        }
    }

    /// The same for a result that depends on these values too.
    pub(crate) fn with_inputs(mut self, inputs: Vec<Value>) -> Self {
        self.inputs = inputs;
        self
    }

    /// The same for a result that may come from several statements.
    pub(crate) fn of_several(mut self) -> Self {
        self.several = true;
        self
    }

    /// The same for a result that is neither looked up nor stored, and neither are parts of it.
    pub(crate) fn of_none(self) -> Self {
        self.spoiled.store(true, Ordering::Relaxed);
        self
    }

    /// Runs one of SeaORM's terminals on a probe connection. Gives a stored result, or what the
    /// terminal gave and is stored now.
    pub(crate) async fn run<'a, C, F>(
        self,
        db: &'a C,
        terminal: impl FnOnce(ProbeConnection<'a, C>) -> F + Send,
    ) -> Result<Found<T>, DbErr>
    where
        C: ConnectionTrait,
        F: Future<Output = Result<T, DbErr>> + Send,
    {
        let slot = Arc::new(self);
        let probe = ProbeConnection::new(db, Arc::clone(&slot) as Arc<dyn Slot>);
        let result = terminal(probe).await;
        let value = match (slot.take(), result) {
            (Answer::Hit(value), _) => return Ok(Found::Shared(value)),
            (Answer::Uncached, result) => return result.map(Found::Own),
            (Answer::Fill(fill), Err(error)) => {
                // Its error ends the fill: waiters run themselves (P8).
                fill.discard(DiscardReason::QueryFailed);
                return Err(error);
            }
            (Answer::Fill(fill), Ok(value)) => {
                let bytes = value.result_bytes();
                let value = Arc::new(value);
                fill.store(value.clone(), bytes).await;
                value
            }
        };
        Ok(Found::Shared(value))
    }

    /// Takes what the connection left.
    pub(super) fn take(&self) -> Answer<T> {
        std::mem::replace(&mut *self.lock(), Answer::Uncached)
    }

    fn lock(&self) -> MutexGuard<'_, Answer<T>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: CachedResult> Slot for ResultSlot<T> {
    fn identity(&self) -> &ResultIdentity {
        &self.identity
    }

    fn codec(&self) -> Option<&'static ResultCodec> {
        crate::result::codec::<T>()
    }

    fn inputs(&self) -> &[Value] {
        &self.inputs
    }

    fn options(&self) -> &ReadOptions {
        &self.options
    }

    fn put_hit(&self, value: Arc<dyn Any + Send + Sync>) -> bool {
        value
            .downcast::<T>()
            .map(|value| *self.lock() = Answer::Hit(value))
            .is_ok()
    }

    fn put_fill(&self, fill: Fill) {
        let mut answer = self.lock();
        if self.spoiled.load(Ordering::Relaxed) {
            drop(answer);
            fill.discard(DiscardReason::NotCacheable);
        } else {
            *answer = Answer::Fill(fill);
        }
    }

    fn is_filling(&self) -> bool {
        matches!(*self.lock(), Answer::Fill(_))
    }

    fn rest_on(&self, part: Fill) {
        if let Answer::Fill(fill) = &mut *self.lock() {
            fill.rest_on(part);
        }
    }

    fn withdraw(&self) {
        self.spoiled.store(true, Ordering::Relaxed);
        let mut answer = self.lock();
        if !matches!(*answer, Answer::Hit(_)) {
            let withdrawn = std::mem::replace(&mut *answer, Answer::Uncached);
            drop(answer);
            if let Answer::Fill(fill) = withdrawn {
                fill.discard(DiscardReason::NotCacheable);
            }
        }
    }

    fn ask(&self) -> Asked {
        if self.spoiled.load(Ordering::Relaxed) {
            return Asked::Nothing;
        }
        match (self.asked.swap(true, Ordering::Relaxed), self.several) {
            (false, _) => Asked::First,
            (true, true) => Asked::Part,
            (true, false) => {
                self.withdraw();
                Asked::Nothing
            }
        }
    }

    fn is_of_several(&self) -> bool {
        self.several
    }

    fn takes_catalog(&self, asked: Asked, fingerprint: [u8; 16]) -> bool {
        let mut catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        if asked == Asked::First {
            *catalog = fingerprint;
        }
        *catalog == fingerprint
    }

    fn is_answered(&self) -> bool {
        matches!(*self.lock(), Answer::Hit(_))
    }
}

impl<T: Clone> Found<T> {
    /// The result, cloned when it is shared.
    pub(crate) fn into_owned(self) -> T {
        match self {
            Self::Own(value) => value,
            Self::Shared(value) => Arc::unwrap_or_clone(value),
        }
    }

    /// The result, shared.
    pub(crate) fn into_shared(self) -> Arc<T> {
        match self {
            Self::Own(value) => Arc::new(value),
            Self::Shared(value) => value,
        }
    }
}
