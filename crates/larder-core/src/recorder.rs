//! Collects what the statements inside an operation rest on, with the stamps under which each was
//! answered, so that the operation can be cached under one key.
//!
//! A recorder is in force for one task or thread at a time: it sits in a thread-local while the
//! operation's code runs and is taken out whenever its future is not being polled, so it needs no
//! runtime and follows the task across threads. What the operation spawns is not recorded.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use larder_sql::plan::Reason;

use crate::{BypassReason, DependencyKey, Untracked, clock::Moment, entry::Issued, sync::lock};

thread_local! {
    static CURRENT: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// Collects what statements rest on. Clones share what they collect.
#[derive(Clone, Debug)]
pub struct Recorder {
    recorded: Arc<Mutex<Recorded>>,
    dependencies_max: usize,
    /// Whose rows may be read.
    scope: Option<Arc<str>>,
}

/// What a recorder has collected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// What the statements rest on. Of a dependency that was read twice the stamps of the first time
    /// count, so that a write in between shows (P2); where nobody knows which came first, both do.
    pub rests_on: Vec<Rest>,
    /// When the first of the results expires (P7).
    pub expires: Moment,
    /// What ran of which nobody knows what it rests on: the first of it.
    pub untracked: Option<(Untracked, Option<Reason>)>,
}

/// One dependency of something that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rest {
    /// The dependency.
    pub dependency: DependencyKey,
    /// The stamps under which it was read.
    pub issued: Issued,
    /// When the read began: its stamps were read later.
    began: Began,
    /// When it was noted: its stamps were read before.
    noted: u64,
}

/// When a read began, in turns of the process. Statements inside an operation may run side by side,
/// and the order in which they are heard of is not that in which they read their stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Began(u64);

static TURNS: AtomicU64 = AtomicU64::new(1);

/// Dependencies on one table that are kept apart before it is asked for as a whole.
const APART: usize = 8;

impl Default for Recorded {
    fn default() -> Self {
        Self {
            rests_on: Vec::new(),
            expires: Moment(u64::MAX),
            untracked: None,
        }
    }
}

impl Recorder {
    /// A recorder for at most this many dependencies; with more it is not known what the operation
    /// rests on.
    pub fn new(dependencies_max: usize) -> Self {
        Self {
            recorded: Arc::default(),
            dependencies_max,
            scope: None,
        }
    }

    /// The same for an operation that reads the rows of this scope and of no other.
    #[must_use]
    pub fn of_scope(mut self, scope: Option<Arc<str>>) -> Self {
        self.scope = scope;
        self
    }

    /// Runs a future under this recorder; an outer recorder hears of its statements too.
    pub async fn scope<F: Future + Send>(&self, future: F) -> F::Output {
        let _nested = Nested {
            inner: self.clone(),
            outer: current(),
        };
        Scope {
            recorder: Some(self.clone()),
            future: Box::pin(future),
        }
        .await
    }

    /// Runs a function under this recorder.
    pub fn scope_blocking<T>(&self, operation: impl FnOnce() -> T) -> T {
        let _nested = Nested {
            inner: self.clone(),
            outer: current(),
        };
        let _entered = Entered::new(Some(self.clone()));
        operation()
    }

    /// What was collected so far.
    pub fn recorded(&self) -> Recorded {
        lock(&self.recorded).clone()
    }

    fn add(&self, rests_on: impl Iterator<Item = Rest>, expires: Moment) {
        let mut recorded = lock(&self.recorded);
        recorded.expires = recorded.expires.min(expires);
        rests_on.for_each(|rest| recorded.add(rest, self.dependencies_max));
    }

    fn add_untracked(&self, why: Untracked, reason: Option<Reason>) {
        lock(&self.recorded).untracked.get_or_insert((why, reason));
    }
}

impl Recorded {
    fn add(&mut self, rest: Rest, most: usize) {
        if self.rests_on.iter().any(|known| known.covers(&rest)) {
            return;
        }
        if self.rests_on.len() >= most {
            self.untracked
                .get_or_insert((Untracked::Dependencies, None));
            return;
        }
        self.rests_on.push(rest);
    }

    /// Whether so much of the dependency's table was read that the next query should rest on the
    /// whole of it.
    fn is_due(&self, dependency: &DependencyKey) -> bool {
        let of_table = self.rests_on.iter().map(|rest| &rest.dependency);
        let of_table = of_table.filter(|it| it.table == dependency.table);
        of_table.clone().count() >= APART
            && !of_table.clone().any(|it| it.is_whole(dependency))
            && !dependency.is_whole(dependency)
    }
}

impl Rest {
    /// Whether this drops with whatever drops the other, and was read no later.
    fn covers(&self, other: &Self) -> bool {
        let (mine, its) = (&self.dependency, &other.dependency);
        let before = self.noted < other.began.0;
        (mine == its && self.issued == other.issued)
            || (before && (mine.is_dropped_with(its) || mine.is_whole(its)))
    }
}

/// A read begins: to be called before its first stamp is read.
pub fn began() -> Began {
    // Without a recorder nobody asks.
    Began(if is_recording() { turn() } else { 0 })
}

fn turn() -> u64 {
    TURNS.fetch_add(1, Ordering::SeqCst)
}

/// Whether a recorder is in force.
pub fn is_recording() -> bool {
    CURRENT
        .try_with(|current| current.borrow().is_some())
        .unwrap_or(false)
}

/// Tells the recorder in force, if any, under which stamps a statement was answered, or will be: one
/// per dependency, read before its query (P2).
pub fn note(dependencies: &[DependencyKey], stamps: &[Issued], expires: Moment, began: Began) {
    if let Some(recorder) = current() {
        let noted = turn();
        let rests_on = dependencies.iter().zip(stamps);
        let rests_on = rests_on.map(|(dependency, issued)| Rest {
            dependency: dependency.clone(),
            issued: *issued,
            began,
            noted,
        });
        recorder.add(rests_on, expires);
    }
}

/// Tells the recorder in force, if any, that something ran of which it is not known what it rests
/// on.
pub fn note_untracked(why: Untracked, reason: Option<&Reason>) {
    if let Some(recorder) = current() {
        recorder.add_untracked(why, reason.cloned());
    }
}

/// [`note_untracked`] of a read that went past the cache.
pub fn note_bypass(reason: &BypassReason) {
    if is_recording() {
        let text = match reason {
            BypassReason::Uncacheable(reason) => Some(reason),
            _ => None,
        };
        note_untracked(Untracked::of(reason), text);
    }
}

/// Tells the recorder in force, if any, whose rows are read.
pub fn note_scope(scope: Option<&str>) {
    if let Some(recorder) = current()
        && recorder.scope.as_deref() != scope
    {
        recorder.add_untracked(Untracked::Scope, None);
    }
}

/// Of these dependencies, those on whose tables the recorder in force has so many that the stamps of
/// the whole tables should be read before the next query.
pub(crate) fn due(dependencies: &[DependencyKey]) -> Vec<DependencyKey> {
    let Some(recorder) = current() else {
        return Vec::new();
    };
    let recorded = lock(&recorder.recorded);
    let mut due: Vec<DependencyKey> = Vec::new();
    for dependency in dependencies {
        let known = due.iter().any(|it| it.table == dependency.table);
        if !known && recorded.is_due(dependency) {
            due.push(dependency.widened());
        }
    }
    due
}

/// Runs a future of which no recorder hears.
pub async fn unrecorded<F: Future + Send>(future: F) -> F::Output {
    Scope {
        recorder: None,
        future: Box::pin(future),
    }
    .await
}

/// [`unrecorded`] for threads.
pub fn unrecorded_blocking<T>(operation: impl FnOnce() -> T) -> T {
    let _entered = Entered::new(None);
    operation()
}

fn current() -> Option<Recorder> {
    CURRENT
        .try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

/// Tells the outer recorder in the end, also when the operation is cancelled or panics.
struct Nested {
    inner: Recorder,
    outer: Option<Recorder>,
}

impl Drop for Nested {
    fn drop(&mut self) {
        let Some(outer) = &self.outer else { return };
        let recorded = self.inner.recorded();
        outer.add(recorded.rests_on.into_iter(), recorded.expires);
        if let Some((why, reason)) = recorded.untracked {
            outer.add_untracked(why, reason);
        }
    }
}

struct Scope<F: Future> {
    recorder: Option<Recorder>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = Entered::new(self.recorder.clone());
        self.future.as_mut().poll(context)
    }
}

/// Puts the outer recorder back, also when the operation panics.
struct Entered(Option<Recorder>);

impl Entered {
    fn new(recorder: Option<Recorder>) -> Self {
        let outer = CURRENT.try_with(|current| current.replace(recorder));
        Self(outer.ok().flatten())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let outer = self.0.take();
        let _ = CURRENT.try_with(|current| current.replace(outer));
    }
}

#[cfg(test)]
mod tests;
