//! What a larder says of itself: counters, hooks on reads, what one request came to.

use std::future::Future;

use larder_core::{ReadSummary, Stats};

use crate::{HookId, Larder, ReadEvent};

impl Larder {
    /// What was counted since this larder was built, in this process: reads by statement and by
    /// table, time saved, invalidations by cause. Made anew at each call, from counters that go on
    /// meanwhile; it takes time in proportion to the statements in use.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.cache.stats()
    }

    /// Calls `hook` at each read of a cacheable terminal, once it is answered or known to go to the
    /// database, and before its query runs. Called inline, at hits too: be quick. A panic in it is
    /// swallowed. Ended by [`unsubscribe`](Self::unsubscribe).
    pub fn on_read(&self, hook: impl Fn(&ReadEvent<'_>) + Send + Sync + 'static) -> HookId {
        let id = self.inner.hooks.id();
        self.inner
            .read_hooks
            .add(id, &self.inner.cache, Box::new(hook));
        id
    }

    /// Runs a future, a request say, and tells what its reads through this larder came to. What
    /// happens in a nested call counts here too; tasks that the future spawns are not in it.
    ///
    /// # Cancel safety
    ///
    /// As the future's own; of a dropped one there is no summary.
    pub async fn recorded<F: Future>(&self, future: F) -> (F::Output, ReadSummary) {
        self.inner.cache.recorded(future).await
    }

    /// [`Larder::recorded`] for threads. Threads that `work` starts are not in it.
    pub fn recorded_blocking<T>(&self, work: impl FnOnce() -> T) -> (T, ReadSummary) {
        self.inner.cache.recorded_blocking(work)
    }
}

#[cfg(test)]
mod tests;
