//! What the reads of one request came to.
//!
//! A scope is in force for one task or thread at a time, as that of the [`recorder`](crate::recorder)
//! is. Scopes nest: what happens in an inner one counts in the outer ones too, at once, so that
//! nothing is lost when the inner one is cancelled or panics.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use crate::HitSource;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Scope>>> = const { RefCell::new(None) };
}

/// What the reads inside one scope came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadSummary {
    /// Reads that were answered, by whoever.
    pub hits: u64,
    /// Those of them that a decoded result in the process answered, confirmed by the store.
    pub near_hits: u64,
    /// Reads that ran their query and were to store its result.
    pub misses: u64,
    /// Reads that ran their query and stored nothing.
    pub bypasses: u64,
    /// Fills that ended, stored or not.
    pub fills: u64,
    /// What the queries took that the hits spared.
    pub saved: Duration,
    /// Time in fills, from the lookup to the end.
    pub fill_time: Duration,
}

#[derive(Debug)]
struct Scope {
    /// Whose reads count here.
    owner: usize,
    counts: Counts,
    outer: Option<Arc<Self>>,
}

#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    near_hits: AtomicU64,
    misses: AtomicU64,
    bypasses: AtomicU64,
    fills: AtomicU64,
    saved_micros: AtomicU64,
    fill_micros: AtomicU64,
}

/// One thing that is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counted {
    Hit(HitSource, Duration),
    Miss,
    Bypass,
    Fill(Duration),
}

/// Runs a future and counts its reads of this owner.
pub(crate) async fn scope<F: Future>(owner: usize, future: F) -> (F::Output, ReadSummary) {
    let scope = Arc::new(Scope::new(owner));
    let scoped = Scoped {
        scope: scope.clone(),
        future: Box::pin(future),
    };
    (scoped.await, scope.counts.summary())
}

/// [`scope`] for threads.
pub(crate) fn scope_blocking<T>(owner: usize, work: impl FnOnce() -> T) -> (T, ReadSummary) {
    let scope = Arc::new(Scope::new(owner));
    let entered = Entered::new(scope.clone());
    let result = work();
    drop(entered);
    (result, scope.counts.summary())
}

/// Counts in every scope of this owner that is in force.
pub(crate) fn note(owner: usize, counted: Counted) {
    let _ = CURRENT.try_with(|current| {
        let current = current.borrow();
        let mut next = current.as_ref();
        while let Some(scope) = next {
            if scope.owner == owner {
                scope.counts.add(counted);
            }
            next = scope.outer.as_ref();
        }
    });
}

impl Scope {
    fn new(owner: usize) -> Self {
        let outer = CURRENT.try_with(|current| current.borrow().clone());
        Self {
            owner,
            counts: Counts::default(),
            outer: outer.ok().flatten(),
        }
    }
}

impl Counts {
    fn add(&self, counted: Counted) {
        let one = |counter: &AtomicU64| {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        let more = |counter: &AtomicU64, time: Duration| {
            let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            counter.fetch_add(micros, Ordering::Relaxed);
        };
        match counted {
            Counted::Hit(source, saved) => {
                one(&self.hits);
                more(&self.saved_micros, saved);
                if source == HitSource::Near {
                    one(&self.near_hits);
                }
            }
            Counted::Miss => one(&self.misses),
            Counted::Bypass => one(&self.bypasses),
            Counted::Fill(took) => {
                one(&self.fills);
                more(&self.fill_micros, took);
            }
        }
    }

    fn summary(&self) -> ReadSummary {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ReadSummary {
            hits: load(&self.hits),
            near_hits: load(&self.near_hits),
            misses: load(&self.misses),
            bypasses: load(&self.bypasses),
            fills: load(&self.fills),
            saved: Duration::from_micros(load(&self.saved_micros)),
            fill_time: Duration::from_micros(load(&self.fill_micros)),
        }
    }
}

struct Scoped<F: Future> {
    scope: Arc<Scope>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = Entered::new(self.scope.clone());
        self.future.as_mut().poll(context)
    }
}

/// Puts the outer scope back, also when the work panics.
struct Entered(Option<Arc<Scope>>);

impl Entered {
    fn new(scope: Arc<Scope>) -> Self {
        let outer = CURRENT.try_with(|current| current.replace(Some(scope)));
        Self(outer.ok().flatten())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let outer = self.0.take();
        let _ = CURRENT.try_with(|current| current.replace(outer));
    }
}
