//! Invalidation by hand, for writes that pass by the wrapper.
//!
//! Every call acts on all sources that have the table: a model does not say where it lives.

use std::{sync::Arc, task::Poll, time::Duration};

use larder_core::{Cause, Change, ChangeScope, Error, Image, Param, RowChange, Value};
use larder_sql::{Catalog, Table, plan::Columns};

use crate::{
    CachedEntity, CachedModel, Changes, Larder,
    image::{set, unknown},
    sources::SourceEntry,
};

/// The same calls for threads: `larder.blocking()`.
#[derive(Clone, Copy, Debug)]
pub struct Blocking<'a> {
    larder: &'a Larder,
}

impl Larder {
    /// The calls that wait for the store, for threads.
    #[must_use]
    pub fn blocking(&self) -> Blocking<'_> {
        Blocking { larder: self }
    }

    /// Invalidates what may rest on the row with this primary key.
    ///
    /// Only the key is known: its own results drop, and with them every result of the table whose
    /// conditions name another column. [`Larder::invalidate_model`] knows more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future queues the invalidation for the delivery thread.
    pub async fn invalidate_row<E: CachedEntity>(&self, key: E::Key) {
        self.invalidate_sources(self.row::<E>(&E::key_values(key)))
            .await;
    }

    /// Invalidates what may rest on a row with these values, before or after a change.
    ///
    /// # Staleness
    ///
    /// A row that was changed has two states; invalidate both, or use [`Larder::invalidate_row`].
    ///
    /// # Cancel safety
    ///
    /// As [`Larder::invalidate_row`].
    pub async fn invalidate_model<M: CachedModel>(&self, model: &M) {
        self.invalidate_sources(self.row::<M::Entity>(&model.column_values()))
            .await;
    }

    /// Invalidates everything that rests on a table.
    ///
    /// # Cancel safety
    ///
    /// As [`Larder::invalidate_row`].
    pub async fn invalidate_table<E: CachedEntity>(&self) {
        self.invalidate_sources(self.table::<E>()).await;
    }

    /// Invalidates everything.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it done or not done.
    pub async fn invalidate_all(&self) {
        let delivered = self.inner.cache.invalidate_all(Cause::Manual).await;
        self.invalidated_all(&delivered);
    }

    /// A barrier: when it succeeds, every invalidation so far has reached the store.
    ///
    /// # Errors
    ///
    /// `Undelivered` when some wait still after `timeout`.
    pub async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let delivery = &self.inner.delivery;
        let deadline = self.inner.cache.now() + timeout;
        let begun = delivery.begun();
        std::future::poll_fn(|cx| {
            if delivery.is_clean_since(begun) {
                return Poll::Ready(Ok(()));
            }
            // Registered before the second look, so that no round in between is missed.
            delivery.wake_task(deadline, cx.waker());
            if delivery.is_clean_since(begun) {
                return Poll::Ready(Ok(()));
            }
            match self.inner.cache.now() < deadline {
                true => Poll::Pending,
                false => Poll::Ready(Err(undelivered())),
            }
        })
        .await
    }

    /// Flushes and lets the delivery thread end. A later event starts it anew.
    ///
    /// # Errors
    ///
    /// `Undelivered` when some wait still after `timeout`; the thread ends nevertheless.
    pub async fn shutdown(&self, timeout: Duration) -> Result<(), Error> {
        let flushed = self.flush(timeout).await;
        self.inner.delivery.stop();
        flushed
    }

    async fn invalidate_sources(&self, found: Vec<(Arc<SourceEntry>, Changes)>) {
        for (entry, changes) in found {
            self.apply(&entry.source.clone(), changes, Cause::Manual)
                .await;
        }
    }

    fn invalidated_all(&self, delivered: &larder_core::Invalidation) {
        self.noticed(delivered);
        self.inner
            .hooks
            .run(None, &Changes::Everything, Cause::Manual);
    }

    /// One row of a table, as far as `cells` tell, wherever the table exists.
    fn row<E: CachedEntity>(
        &self,
        cells: &[(&'static str, Param<'static>)],
    ) -> Vec<(Arc<SourceEntry>, Changes)> {
        self.found::<E>(|entry, table| {
            let mut image = unknown(table);
            for (name, param) in cells {
                let Some(position) = table.column(name) else {
                    continue;
                };
                let Some(column) = table.columns.get(position) else {
                    continue;
                };
                set(
                    &mut image,
                    position,
                    Value::from_param(column, entry.source.dialect(), param),
                );
            }
            ChangeScope::Rows {
                changed: Columns::All,
                rows: both_ways(image),
            }
        })
    }

    fn table<E: CachedEntity>(&self) -> Vec<(Arc<SourceEntry>, Changes)> {
        self.found::<E>(|_, _| ChangeScope::Record)
    }

    /// The changes of a model's table in every source that has it, its family included.
    fn found<E: CachedEntity>(
        &self,
        scope: impl Fn(&SourceEntry, &Table) -> ChangeScope,
    ) -> Vec<(Arc<SourceEntry>, Changes)> {
        let mut found = Vec::new();
        for entry in self.inner.sources.all() {
            // Without a catalog nothing of the source was stored by this process, but a shared
            // store may hold results of others.
            let Some(catalog) = entry.source.catalog() else {
                found.push((entry, Changes::Everything));
                continue;
            };
            let mut changes = Changes::none();
            for table in named::<E>(&catalog) {
                for member in catalog.family(&table.name) {
                    let change = Change {
                        table_key: entry.source.table_key(&member.name),
                        scope: scope(&entry, member),
                        table: Some(member.clone()),
                    };
                    changes.merge(Changes::Tables(vec![change]), self.inner.change_limits);
                }
            }
            if !changes.is_empty() {
                found.push((entry, changes));
            }
        }
        found
    }
}

impl Blocking<'_> {
    pub(crate) fn larder(&self) -> &Larder {
        self.larder
    }

    /// [`Larder::invalidate_row`].
    pub fn invalidate_row<E: CachedEntity>(&self, key: E::Key) {
        self.invalidate_sources(self.larder.row::<E>(&E::key_values(key)));
    }

    /// [`Larder::invalidate_model`].
    pub fn invalidate_model<M: CachedModel>(&self, model: &M) {
        self.invalidate_sources(self.larder.row::<M::Entity>(&model.column_values()));
    }

    /// [`Larder::invalidate_table`].
    pub fn invalidate_table<E: CachedEntity>(&self) {
        self.invalidate_sources(self.larder.table::<E>());
    }

    /// [`Larder::invalidate_all`].
    pub fn invalidate_all(&self) {
        let delivered = self
            .larder
            .inner
            .cache
            .invalidate_all_blocking(Cause::Manual);
        self.larder.invalidated_all(&delivered);
    }

    /// [`Larder::flush`].
    ///
    /// # Errors
    ///
    /// `Undelivered` when some wait still after `timeout`.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let inner = &self.larder.inner;
        let deadline = inner.cache.now() + timeout;
        loop {
            if inner.delivery.round() {
                return Ok(());
            }
            let left = deadline.since(inner.cache.now());
            if left.is_zero() {
                return Err(undelivered());
            }
            inner.delivery.wait(left);
        }
    }

    /// [`Larder::shutdown`], which also waits for the thread.
    ///
    /// # Errors
    ///
    /// `Undelivered` when some wait still after `timeout`; the thread ends nevertheless.
    pub fn shutdown(&self, timeout: Duration) -> Result<(), Error> {
        let inner = &self.larder.inner;
        let deadline = inner.cache.now() + timeout;
        let flushed = self.flush(timeout);
        inner.delivery.stop();
        while !inner.delivery.is_stopped() {
            let left = deadline.since(inner.cache.now());
            if left.is_zero() {
                return flushed.and(Err(Error::undelivered("the delivery thread is still busy")));
            }
            inner.delivery.wait(left);
        }
        flushed
    }

    fn invalidate_sources(&self, found: Vec<(Arc<SourceEntry>, Changes)>) {
        for (entry, changes) in found {
            self.larder
                .apply_blocking(&entry.source.clone(), changes, Cause::Manual);
        }
    }
}

fn undelivered() -> Error {
    Error::undelivered("invalidations wait for delivery")
}

/// The tables that a model may mean: of its schema, or of any when it names none.
fn named<E: CachedEntity>(catalog: &Catalog) -> Vec<Arc<Table>> {
    let same =
        |a: &str, b: &str| a == b || (catalog.table_names_ignore_case && a.eq_ignore_ascii_case(b));
    let meant = |table: &&Arc<Table>| {
        same(&table.name.name, E::table_name())
            && E::schema_name().is_none_or(|schema| same(&table.name.schema, schema))
    };
    catalog.tables.values().filter(meant).cloned().collect()
}

/// The row may have come, gone, or changed: it counts as both images of an update of everything.
fn both_ways(image: Image) -> Vec<RowChange> {
    vec![RowChange {
        old: Some(image.clone()),
        new: Some(image),
    }]
}
