//! Functions that users have called after an invalidation.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use larder_core::observer::Cause;

use crate::Changes;

/// A write that passed through a wrapped connection. Its invalidation is done, or pending when the
/// store is down.
#[derive(Debug)]
#[non_exhaustive]
pub struct WriteEvent<'a> {
    /// The source that was written.
    pub source: &'a str,
    /// What the write may have changed.
    pub changes: &'a Changes,
}

/// An invalidation, whatever it was for.
#[derive(Debug)]
#[non_exhaustive]
pub struct InvalidateEvent<'a> {
    /// The source concerned; `None` = all sources.
    pub source: Option<&'a str>,
    /// What it was for.
    pub cause: Cause,
    /// What was invalidated.
    pub changes: &'a Changes,
}

/// Names one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HookId(u64);

type WriteHook = dyn Fn(&WriteEvent<'_>) + Send + Sync;
type InvalidateHook = dyn Fn(&InvalidateEvent<'_>) + Send + Sync;

/// The subscriptions of one larder.
#[derive(Default)]
pub(crate) struct Hooks {
    next: AtomicU64,
    on_write: RwLock<Vec<(HookId, Arc<WriteHook>)>>,
    on_invalidate: RwLock<Vec<(HookId, Arc<InvalidateHook>)>>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

impl Hooks {
    pub(crate) fn on_write(&self, hook: Arc<WriteHook>) -> HookId {
        let id = self.id();
        self.on_write
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push((id, hook));
        id
    }

    pub(crate) fn on_invalidate(&self, hook: Arc<InvalidateHook>) -> HookId {
        let id = self.id();
        self.on_invalidate
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push((id, hook));
        id
    }

    pub(crate) fn remove(&self, id: HookId) {
        self.on_write
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(i, _)| *i != id);
        self.on_invalidate
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(i, _)| *i != id);
    }

    /// Runs the hooks outside any lock: a hook may subscribe, unsubscribe, read and write.
    pub(crate) fn run(&self, source: Option<&str>, changes: &Changes, cause: Cause) {
        if let (Some(source), Cause::Write | Cause::Uncertain | Cause::Schema) = (source, cause) {
            for hook in snapshot(&self.on_write) {
                guarded(|| hook(&WriteEvent { source, changes }));
            }
        }
        for hook in snapshot(&self.on_invalidate) {
            guarded(|| {
                hook(&InvalidateEvent {
                    source,
                    cause,
                    changes,
                })
            });
        }
    }

    fn id(&self) -> HookId {
        HookId(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

fn snapshot<H: ?Sized>(hooks: &RwLock<Vec<(HookId, Arc<H>)>>) -> Vec<Arc<H>> {
    let hooks = hooks.read().unwrap_or_else(PoisonError::into_inner);
    hooks.iter().map(|(_, hook)| hook.clone()).collect()
}

/// A hook that panics harms nothing: not the write, not the other hooks.
fn guarded(hook: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(hook)) {
        tracing::warn!("a larder hook panicked");
        // Dropping a payload may panic again.
        std::mem::forget(payload);
    }
}
