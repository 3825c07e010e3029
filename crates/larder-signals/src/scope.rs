//! The scope in which writes do not invalidate.
//!
//! A thread-local rather than a task-local of some runtime: the future sets it while it is polled,
//! so that it works under any executor and without one.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

thread_local! {
    /// The larder whose writes do not invalidate now; zero = none.
    static SUSPENDED: Cell<u64> = const { Cell::new(0) };
}

/// Whether the running code is inside a scope of this larder.
pub(crate) fn is_suspended(larder: u64) -> bool {
    SUSPENDED
        .try_with(|suspended| suspended.get() == larder)
        .unwrap_or(false)
}

/// Runs a closure inside the scope.
pub(crate) fn suspended<T>(larder: u64, work: impl FnOnce() -> T) -> T {
    let _entered = Entered::new(larder);
    work()
}

/// A future that is inside the scope while it is polled.
#[derive(Debug)]
pub(crate) struct Suspended<F> {
    larder: u64,
    future: Pin<Box<F>>,
}

impl<F: Future> Suspended<F> {
    pub(crate) fn new(larder: u64, future: F) -> Self {
        Self {
            larder,
            future: Box::pin(future),
        }
    }
}

impl<F: Future> Future for Suspended<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let _entered = Entered::new(self.larder);
        self.future.as_mut().poll(cx)
    }
}

/// Restores what was set before, also when the work panics.
struct Entered {
    before: u64,
}

impl Entered {
    fn new(larder: u64) -> Self {
        Self {
            before: SUSPENDED.try_with(|s| s.replace(larder)).unwrap_or(0),
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // The thread may be on its way out; then nothing is left to restore.
        let _ = SUSPENDED.try_with(|s| s.set(self.before));
    }
}
