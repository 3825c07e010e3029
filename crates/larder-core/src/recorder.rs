//! Collects what the statements inside an operation rest on, so that an operation of several
//! statements can be cached under one key.
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

use crate::{DependencyKey, sync::lock};

thread_local! {
    static CURRENT: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// Collects dependencies. Clones share what they collect.
#[derive(Clone, Debug)]
pub struct Recorder {
    recorded: Arc<Mutex<Recorded>>,
    dependencies_max: usize,
}

/// What a recorder has collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The dependencies of all statements, without repetition.
    pub dependencies: Vec<DependencyKey>,
    /// Whether something ran that must not be cached, or that is not known.
    pub uncacheable: bool,
}

impl Recorder {
    /// A recorder for at most this many dependencies; more make the operation uncacheable.
    pub fn new(dependencies_max: usize) -> Self {
        Self {
            recorded: Arc::default(),
            dependencies_max,
        }
    }

    /// Runs a future under this recorder; an outer recorder hears of its statements too.
    pub async fn scope<F: Future + Send>(&self, future: F) -> F::Output {
        let _nested = Nested {
            inner: self.clone(),
            outer: current(),
        };
        let recorder = self.clone();
        Scope {
            recorder,
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
        let _entered = Entered::new(self.clone());
        operation()
    }

    /// What was collected so far.
    pub fn recorded(&self) -> Recorded {
        lock(&self.recorded).clone()
    }

    fn add(&self, dependencies: &[DependencyKey]) {
        let mut recorded = lock(&self.recorded);
        for dependency in dependencies {
            if recorded.dependencies.contains(dependency) {
                continue;
            }
            if recorded.dependencies.len() >= self.dependencies_max {
                recorded.uncacheable = true;
                return;
            }
            recorded.dependencies.push(dependency.clone());
        }
    }
}

/// Tells the recorder in force, if any, what a statement rests on.
pub fn note(dependencies: &[DependencyKey]) {
    if let Some(recorder) = current() {
        recorder.add(dependencies);
    }
}

/// Tells the recorder in force, if any, that something ran that must not be cached.
pub fn note_uncacheable() {
    if let Some(recorder) = current() {
        lock(&recorder.recorded).uncacheable = true;
    }
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
        outer.add(&recorded.dependencies);
        lock(&outer.recorded).uncacheable |= recorded.uncacheable;
    }
}

struct Scope<F: Future> {
    recorder: Recorder,
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
    fn new(recorder: Recorder) -> Self {
        let outer = CURRENT.try_with(|current| current.replace(Some(recorder)));
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
mod tests {
    use super::*;
    use crate::TableKey;

    fn dependency(name: &str) -> DependencyKey {
        DependencyKey::any_row(TableKey(name.into()))
    }

    #[test]
    fn an_outer_recorder_hears_of_inner_statements_and_none_after_the_scope() {
        let (outer, inner) = (Recorder::new(9), Recorder::new(9));
        outer.scope_blocking(|| {
            note(&[dependency("a")]);
            inner.scope_blocking(|| note(&[dependency("b"), dependency("a")]));
        });
        note(&[dependency("c")]);
        assert_eq!(
            outer.recorded().dependencies,
            [dependency("a"), dependency("b")]
        );
        assert_eq!(
            inner.recorded().dependencies,
            [dependency("b"), dependency("a")]
        );
        assert!(!outer.recorded().uncacheable);
    }

    #[test]
    fn too_many_dependencies_make_the_operation_uncacheable() {
        let recorder = Recorder::new(1);
        recorder.scope_blocking(|| note(&[dependency("a"), dependency("b")]));
        assert!(recorder.recorded().uncacheable);
    }

    #[test]
    fn interleaved_tasks_record_their_own_statements() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let (one, two) = (Recorder::new(9), Recorder::new(9));
        let task = |recorder: Recorder, name: &'static str| async move {
            let statements = async {
                note(&[dependency(name)]);
                tokio::task::yield_now().await;
                note(&[dependency("both")]);
            };
            recorder.scope(statements).await;
        };
        let tasks = (task(one.clone(), "a"), task(two.clone(), "b"));
        assert!(runtime.is_ok_and(|runtime| {
            runtime.block_on(async {
                let first = tokio::spawn(tasks.0);
                let second = tokio::spawn(tasks.1);
                first.await.is_ok() && second.await.is_ok()
            })
        }));
        assert_eq!(
            one.recorded().dependencies,
            [dependency("a"), dependency("both")]
        );
        assert_eq!(
            two.recorded().dependencies,
            [dependency("b"), dependency("both")]
        );
    }
}
