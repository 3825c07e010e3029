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
    sync::{Arc, Mutex},
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
    /// What the statements rest on, each under the stamps that were read first: a write between two
    /// statements must show (P2).
    pub rests_on: Vec<(DependencyKey, Issued)>,
    /// When the first of the results expires (P7).
    pub expires: Moment,
    /// What ran of which nobody knows what it rests on: the first of it.
    pub untracked: Option<(Untracked, Option<Reason>)>,
}

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

    fn add<'a>(
        &self,
        rests_on: impl Iterator<Item = (&'a DependencyKey, Issued)>,
        expires: Moment,
    ) {
        let mut recorded = lock(&self.recorded);
        recorded.expires = recorded.expires.min(expires);
        for (dependency, issued) in rests_on {
            recorded.add(dependency, issued, self.dependencies_max);
        }
    }

    fn add_untracked(&self, why: Untracked, reason: Option<Reason>) {
        lock(&self.recorded).untracked.get_or_insert((why, reason));
    }
}

impl Recorded {
    fn add(&mut self, dependency: &DependencyKey, issued: Issued, most: usize) {
        // A stamp of the whole table drops with whatever this drops with, and was read before.
        let covers = |it: &DependencyKey| it.is_dropped_with(dependency) || it.is_whole(dependency);
        if self.rests_on.iter().any(|(it, _)| covers(it)) {
            return;
        }
        if self.rests_on.len() >= most {
            self.untracked
                .get_or_insert((Untracked::Dependencies, None));
            return;
        }
        self.rests_on.push((dependency.clone(), issued));
    }

    /// Whether so much of the dependency's table was read that the next query should rest on the
    /// whole of it.
    fn is_due(&self, dependency: &DependencyKey) -> bool {
        let of_table = self.rests_on.iter().map(|(it, _)| it);
        let of_table = of_table.filter(|it| it.table == dependency.table);
        of_table.clone().count() >= APART
            && !of_table.clone().any(|it| it.is_whole(dependency))
            && !dependency.is_whole(dependency)
    }
}

/// Whether a recorder is in force.
pub fn is_recording() -> bool {
    CURRENT
        .try_with(|current| current.borrow().is_some())
        .unwrap_or(false)
}

/// Tells the recorder in force, if any, under which stamps a statement was answered, or will be: one
/// per dependency, read before its query (P2).
pub fn note(dependencies: &[DependencyKey], stamps: &[Issued], expires: Moment) {
    if let Some(recorder) = current() {
        recorder.add(dependencies.iter().zip(stamps.iter().copied()), expires);
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
        let rests_on = recorded.rests_on.iter();
        outer.add(rests_on.map(|(it, issued)| (it, *issued)), recorded.expires);
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
