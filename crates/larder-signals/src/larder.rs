//! [`Larder`]: one cache with its sources, policies, hooks and delivery.

use std::{
    future::Future,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use larder_core::{Cache, Cause, FunctionLists, Invalidation, Prepared, Source, SourceLimits};
use larder_sql::{Catalog, Dialect};

use crate::{
    ChangeLimits, Changes, HookId, InvalidateEvent, LarderBuilder, TransactionBuffer, Undelivered,
    WriteEvent, WriteGuard,
    delivery::Delivery,
    hooks::Hooks,
    policy::Policies,
    read_hooks::ReadHooks,
    reporting::Reporting,
    scope::{self, Suspended},
    sources::{SchemaEpoch, SourceEntry, Sources},
};

/// A query-result cache that invalidates itself. Clones share it.
///
/// An adapter uses it like this:
/// 1. [`Larder::attach`] the source, and [`Larder::set_catalog`] once it has been read.
/// 2. A read outside a transaction: [`Larder::begin_read`], then [`Larder::read_now`] or
///    [`Larder::read`]; on a fill, run the query and `store` its result.
/// 3. A write outside a transaction: [`Larder::begin_write`], `sent`, `succeeded` or `failed`,
///    `deliver`.
/// 4. A write inside a transaction: as 3, but its `changes` go to the transaction's
///    [`TransactionBuffer`], what that returns is [applied](Larder::apply) at once, and the guard
///    is `handed_over`. COMMIT has a guard of its own: [`Larder::begin_commit`].
#[derive(Clone, Debug)]
pub struct Larder {
    pub(crate) inner: Arc<Inner>,
}

static GLOBAL: RwLock<Option<Larder>> = RwLock::new(None);

/// What the clones share.
#[derive(Debug)]
pub(crate) struct Inner {
    /// Tells larders of one process apart.
    pub(crate) id: u64,
    pub(crate) namespace: Arc<str>,
    pub(crate) cache: Cache,
    pub(crate) enabled: AtomicBool,
    pub(crate) policies: Policies,
    pub(crate) sources: Sources,
    pub(crate) source_limits: SourceLimits,
    pub(crate) change_limits: ChangeLimits,
    pub(crate) functions: FunctionLists,
    pub(crate) hooks: Hooks,
    pub(crate) read_hooks: ReadHooks,
    pub(crate) reporting: Reporting,
    pub(crate) delivery: Delivery,
    pub(crate) uncertain_for: Duration,
    pub(crate) undelivered: Undelivered,
    pub(crate) entry_version: Arc<str>,
}

/// A connection that a larder can wrap. Each adapter has a marker type `M` of its own, which is
/// inferred.
#[diagnostic::on_unimplemented(
    message = "larder cannot wrap `{Self}`",
    note = "it takes the connection itself, not a reference to it, and one that it has not wrapped yet",
    note = "each kind of connection has a feature of `larder`'s"
)]
pub trait Wrap<M>: Sized {
    /// The wrapped connection.
    type Wrapped;

    /// Wraps the connection.
    fn wrap(self, larder: &Larder) -> Self::Wrapped;
}

impl Larder {
    /// A larder to be set up.
    pub fn builder() -> LarderBuilder {
        LarderBuilder::default()
    }

    /// Wraps a connection: reads through it may be cached, writes through it invalidate.
    pub fn wrap<M, C: Wrap<M>>(&self, connection: C) -> C::Wrapped {
        connection.wrap(self)
    }

    /// The larder for connections that are established by URL alone, as pools do. The one set last
    /// counts for those established afterwards.
    pub fn set_global(larder: Self) {
        *GLOBAL.write().unwrap_or_else(PoisonError::into_inner) = Some(larder);
    }

    /// What [`set_global`](Self::set_global) has set.
    #[must_use]
    pub fn global() -> Option<Self> {
        let global = GLOBAL.read().unwrap_or_else(PoisonError::into_inner);
        global.clone()
    }

    /// Stops caching: reads go to the database and nothing is stored. Writes go on invalidating, so
    /// that switching back on is safe.
    pub fn disable(&self) {
        self.inner.enabled.store(false, Ordering::Release);
    }

    /// Starts caching again.
    pub fn enable(&self) {
        self.inner.enabled.store(true, Ordering::Release);
    }

    /// Whether reads may be cached.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.inner.enabled.load(Ordering::Acquire)
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    /// The cache beneath, for adapters.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    /// Calls `hook` after each write that passed through a wrapped connection, once its
    /// invalidation is done or queued. Called inline; a panic in it is swallowed. Not called for a
    /// write whose caller was dropped before the end.
    pub fn on_write(&self, hook: impl Fn(&WriteEvent<'_>) + Send + Sync + 'static) -> HookId {
        self.inner.hooks.on_write(Arc::new(hook))
    }

    /// Calls `hook` after each invalidation, as [`Larder::on_write`].
    pub fn on_invalidate(
        &self,
        hook: impl Fn(&InvalidateEvent<'_>) + Send + Sync + 'static,
    ) -> HookId {
        self.inner.hooks.on_invalidate(Arc::new(hook))
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, hook: HookId) {
        self.inner.hooks.remove(hook);
        self.inner.read_hooks.remove(hook, &self.inner.cache);
    }

    /// Runs a future whose writes through wrapped connections do **not** invalidate: for bulk loads
    /// that end in [`Larder::invalidate_all`] or the like. Also for writes recorded inside an open
    /// transaction while the future runs. Tasks that the future spawns are not in the scope.
    ///
    /// # Staleness
    ///
    /// Reads may be answered from results older than these writes until the TTL ends.
    pub fn without_invalidation_stale_reads_possible<F: Future>(
        &self,
        future: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        Suspended::new(self.inner.id, future)
    }

    /// [`Larder::without_invalidation_stale_reads_possible`] for threads.
    pub fn without_invalidation_stale_reads_possible_blocking<T>(
        &self,
        work: impl FnOnce() -> T,
    ) -> T {
        scope::suspended(self.inner.id, work)
    }

    /// The source with this identity: one for all adapters and handles on one database whose
    /// sessions are alike. `session` is what tells sessions apart that resolve names or show
    /// values differently; their reads never share an entry, their writes invalidate each other's.
    pub fn attach(&self, id: &str, session: &str, dialect: Dialect) -> Arc<Source> {
        self.inner.sources.attach(id, session, dialect, || {
            let inner = &self.inner;
            Source::new(
                id,
                dialect,
                inner.source_limits.clone(),
                inner.functions.clone(),
            )
            .with_namespace(inner.namespace.clone())
            .with_entry_version(inner.entry_version.clone())
            .with_counters(inner.cache.counters().clone())
        })
    }

    /// Counts the schema changes of the database with this identity, for those who keep catalogs.
    pub fn schema_epoch(&self, id: &str, dialect: Dialect) -> SchemaEpoch {
        self.inner.sources.schema_epoch(id, dialect)
    }

    /// Makes all of them distrust their catalogs: the schema of a database changed whose identity
    /// is not known.
    pub fn advance_schema_epochs(&self) {
        self.inner.sources.advance_all();
    }

    /// Gives a source its catalog, whose reading began in this [epoch](SchemaEpoch::current): a
    /// catalog that was read before a later change than the one in place is dropped. Use this
    /// rather than the source's own method: unknown writes drop the records of every table that
    /// was ever met (P10).
    pub fn set_catalog(&self, source: &Arc<Source>, catalog: Catalog, epoch: u64) {
        self.inner.sources.entry(source).set_catalog(catalog, epoch);
    }

    /// Guards a write outside a transaction, or one statement inside it. Call it before the
    /// statement is sent, and in the task of the caller: the scope without invalidation is his.
    pub fn begin_write(&self, source: &Arc<Source>, write: Arc<Prepared>) -> WriteGuard {
        WriteGuard::of_statement(self.clone(), source, write)
    }

    /// Guards a COMMIT (or a ROLLBACK that may not take everything back) with what
    /// [`TransactionBuffer::commit`] returned.
    pub fn begin_commit(&self, source: &Arc<Source>, changes: Changes) -> WriteGuard {
        WriteGuard::of_commit(self.clone(), source, changes)
    }

    /// The buffer of a transaction that has just begun.
    #[must_use]
    pub fn begin_transaction(&self, source: &Source) -> TransactionBuffer {
        TransactionBuffer::new(source.dialect(), self.inner.change_limits)
    }

    /// Invalidates changes that are visible already.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future queues the invalidation for the delivery thread.
    pub async fn apply(&self, source: &Arc<Source>, changes: Changes, cause: Cause) {
        if !changes.is_empty() {
            self.begin_commit(source, changes)
                .with_known(cause)
                .deliver()
                .await;
        }
    }

    /// [`Larder::apply`] for threads.
    pub fn apply_blocking(&self, source: &Arc<Source>, changes: Changes, cause: Cause) {
        if !changes.is_empty() {
            self.begin_commit(source, changes)
                .with_known(cause)
                .deliver_blocking();
        }
    }

    /// How many writes have no known outcome yet (W4).
    #[must_use]
    pub fn uncertain_writes(&self) -> usize {
        self.inner.delivery.uncertain()
    }

    pub(crate) async fn send(&self, entry: &SourceEntry, changes: &Changes, cause: Cause) {
        let delivered = match entry.listed(changes, self.inner.change_limits) {
            Some(changes) if changes.is_empty() => return,
            Some(changes) => self.inner.cache.invalidate(&changes, cause).await,
            None => self.inner.cache.invalidate_all(cause).await,
        };
        self.noticed(&delivered);
    }

    pub(crate) fn send_blocking(&self, entry: &SourceEntry, changes: &Changes, cause: Cause) {
        let delivered = match entry.listed(changes, self.inner.change_limits) {
            Some(changes) if changes.is_empty() => return,
            Some(changes) => self.inner.cache.invalidate_blocking(&changes, cause),
            None => self.inner.cache.invalidate_all_blocking(cause),
        };
        self.noticed(&delivered);
    }

    /// What could not be delivered is the thread's from here.
    pub(crate) fn noticed(&self, delivered: &Invalidation) {
        if matches!(delivered, Invalidation::Pending) {
            self.inner.delivery.wake();
        }
    }
}

#[cfg(test)]
mod tests;
