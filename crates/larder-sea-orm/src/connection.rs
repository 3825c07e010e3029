//! [`CachedConnection`]: a SeaORM connection that answers cached selects and sees every write.

use std::{
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
};

use async_trait::async_trait;
use larder_core::Cause;
use larder_signals::{Changes, Larder};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, IsolationLevel,
    QueryResult, Statement, StatementBuilder, TransactionError, TransactionOptions,
    TransactionTrait,
};

use crate::{
    begin::begun,
    job::Job,
    probe::{self, Asked, LeftSlot},
    shared::Shared,
    transaction::{CachedTransaction, run, run_async},
    write,
};

/// What `async_trait` makes of a method.
type Answered<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbErr>> + Send + 'a>>;

/// A connection whose cached selects are answered from the cache and whose writes invalidate
/// before they return. Made by [`Larder::wrap`]; cheap to clone.
///
/// It stands wherever a [`DatabaseConnection`] stands behind SeaORM's traits. There is no `Deref`:
/// the methods of the connection inside would escape the cache unseen; see [`inner`](Self::inner).
pub struct CachedConnection<C> {
    inner: Arc<C>,
    shared: Arc<Shared>,
}

impl<C> CachedConnection<C> {
    pub(crate) fn from_parts(inner: C, shared: Shared) -> Self {
        Self {
            inner: Arc::new(inner),
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn shared_inner(&self) -> &Arc<C> {
        &self.inner
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The connection inside. Writes through it are not seen.
    pub fn inner(&self) -> &C {
        &self.inner
    }

    /// The cache.
    pub fn larder(&self) -> &Larder {
        self.shared.larder()
    }

    /// The same connection for reads of one tenant: [`WrapConfig::scope`] for as long as the handle
    /// lives. The caller vouches that whatever session answers sees that tenant's rows and no
    /// others; without a scope nothing of a table with row-level security is cached.
    ///
    /// [`WrapConfig::scope`]: larder_signals::WrapConfig::scope
    #[must_use]
    pub fn scope(&self, scope: impl Into<Arc<str>>) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            shared: Arc::new(self.shared.scoped(scope.into())),
        }
    }

    /// Reads the schema again before it is believed the next time, and drops everything that was
    /// cached of this database: to be called after migrations that ran on the connection
    /// [inside](Self::inner), or anywhere else than through a wrapped connection.
    ///
    /// # Staleness
    /// None once it has returned; of what other processes cached as in
    /// [`Larder::invalidate_all`].
    pub async fn refresh_catalog(&self)
    where
        C: ConnectionTrait,
    {
        // A new handle learns which database it is on: those on others need not pay.
        self.shared.keep(&*self.inner).await;
        self.shared.schema_changed();
        let source = self
            .shared
            .source_or_stranger(self.inner.get_database_backend());
        self.larder()
            .apply(source, Changes::Everything, Cause::Schema)
            .await;
    }
}

/// What users of a [`DatabaseConnection`] expect beside its traits.
impl CachedConnection<DatabaseConnection> {
    /// See [`DatabaseConnection::ping`].
    ///
    /// # Errors
    /// Those of SeaORM.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.inner.ping().await
    }

    /// See [`DatabaseConnection::set_metric_callback`]. It hears of the statements that reach the
    /// database, larder's own questions about the schema among them, and of no hit.
    ///
    /// As with SeaORM's, clones that were made before do not hear it.
    pub fn set_metric_callback<F>(&mut self, callback: F)
    where
        F: Fn(&sea_orm::metric::Info<'_>) + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.inner).set_metric_callback(callback);
    }

    /// See [`DatabaseConnection::close`].
    ///
    /// # Errors
    /// Those of SeaORM.
    pub async fn close(self) -> Result<(), DbErr> {
        self.inner.close_by_ref().await
    }

    /// See [`DatabaseConnection::close_by_ref`].
    ///
    /// # Errors
    /// Those of SeaORM.
    pub async fn close_by_ref(&self) -> Result<(), DbErr> {
        self.inner.close_by_ref().await
    }
}

impl<C> CachedConnection<C>
where
    C: ConnectionTrait + TransactionTrait + Send + Sync + 'static,
    C::Transaction: Send + Sync + 'static,
{
    /// See [`DatabaseConnection::transaction_async`].
    ///
    /// # Errors
    /// Those of SeaORM and of the callback.
    pub async fn transaction_async<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> AsyncFnOnce(&'c CachedTransaction<C::Transaction>) -> Result<T, E> + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        run_async(self.begin().await, callback).await
    }

    /// See [`DatabaseConnection::transaction_with_config_async`].
    ///
    /// # Errors
    /// Those of SeaORM and of the callback.
    pub async fn transaction_with_config_async<F, T, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> AsyncFnOnce(&'c CachedTransaction<C::Transaction>) -> Result<T, E> + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        run_async(
            self.begin_with_config(isolation_level, access_mode).await,
            callback,
        )
        .await
    }
}

impl<C> CachedConnection<C>
where
    C: ConnectionTrait + Send + Sync + 'static,
{
    /// [`query_one`](ConnectionTrait::query_one) for those who look at every statement: operations
    /// of several are neither answered nor stored.
    #[cfg(feature = "rbac")]
    pub(crate) fn query_one_alone<'a, S>(
        &'a self,
        statement: &S,
    ) -> Answered<'a, Option<QueryResult>>
    where
        S: StatementBuilder,
    {
        let (statement, slot) = probe::build(statement, self.get_database_backend());
        self.answer(statement, probe::alone(slot), Self::query_one_raw)
    }

    /// [`query_all`](ConnectionTrait::query_all) as [`query_one_alone`](Self::query_one_alone).
    #[cfg(feature = "rbac")]
    pub(crate) fn query_all_alone<'a, S>(&'a self, statement: &S) -> Answered<'a, Vec<QueryResult>>
    where
        S: StatementBuilder,
    {
        let (statement, slot) = probe::build(statement, self.get_database_backend());
        self.answer(statement, probe::alone(slot), Self::query_all_raw)
    }

    /// Answers a probe from the cache, where `T::default()` stands for no rows, or runs its query.
    fn ask<'a, S, T>(
        &'a self,
        statement: &S,
        run: fn(&'a Self, Statement) -> Answered<'a, T>,
    ) -> Answered<'a, T>
    where
        S: StatementBuilder,
        T: Default + Send + 'a,
    {
        let (statement, slot) = probe::build(statement, self.get_database_backend());
        self.answer(statement, slot, run)
    }

    fn answer<'a, T: Default + Send + 'a>(
        &'a self,
        statement: Statement,
        slot: Option<LeftSlot>,
        run: fn(&'a Self, Statement) -> Answered<'a, T>,
    ) -> Answered<'a, T> {
        let Some((slot, asked)) = slot else {
            return run(self, statement);
        };
        if asked == Asked::Part {
            return Box::pin(async move {
                self.shared.follow(&statement, &*slot).await;
                let result = run(self, statement).await;
                self.shared.after_fill(&*slot);
                result
            });
        }
        let now = self.shared.read_now(&statement, &*slot, asked);
        if now.is_hit(&*slot) {
            return Box::pin(ready(Ok(T::default())));
        }
        Box::pin(async move {
            let answer = self.shared.answer(&*self.inner, &statement, &*slot, now);
            if answer.await {
                return Ok(T::default());
            }
            let result = run(self, statement).await;
            self.shared.after_fill(&*slot);
            result
        })
    }
}

impl<C> Clone for CachedConnection<C> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<C> fmt::Debug for CachedConnection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedConnection").finish_non_exhaustive()
    }
}

#[async_trait]
impl<C> ConnectionTrait for CachedConnection<C>
where
    C: ConnectionTrait + Send + Sync + 'static,
{
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        write::run(&self.inner, &self.shared, Job::Execute(statement))
            .await?
            .into_executed()
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        write::run(&self.inner, &self.shared, Job::Unprepared(sql.to_owned()))
            .await?
            .into_executed()
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        write::run(&self.inner, &self.shared, Job::One(statement))
            .await?
            .into_one()
    }

    // Spelled out, so that a hit makes no future but a ready one. It is read when this is called,
    // which the probe's terminal does where it awaits.
    fn query_one<'life0, 'life1, 'async_trait, S>(
        &'life0 self,
        statement: &'life1 S,
    ) -> Answered<'async_trait, Option<QueryResult>>
    where
        S: StatementBuilder + 'async_trait,
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        self.ask(statement, Self::query_one_raw)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        write::run(&self.inner, &self.shared, Job::All(statement))
            .await?
            .into_all()
    }

    fn query_all<'life0, 'life1, 'async_trait, S>(
        &'life0 self,
        statement: &'life1 S,
    ) -> Answered<'async_trait, Vec<QueryResult>>
    where
        S: StatementBuilder + 'async_trait,
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        self.ask(statement, Self::query_all_raw)
    }

    fn support_returning(&self) -> bool {
        self.inner.support_returning()
    }

    fn is_mock_connection(&self) -> bool {
        self.inner.is_mock_connection()
    }
}

#[async_trait]
impl<C> TransactionTrait for CachedConnection<C>
where
    C: ConnectionTrait + TransactionTrait + Send + Sync + 'static,
    C::Transaction: Send + Sync + 'static,
{
    type Transaction = CachedTransaction<C::Transaction>;

    async fn begin(&self) -> Result<Self::Transaction, DbErr> {
        let inner = Arc::clone(&self.inner);
        let begin = async move { inner.begin().await };
        begun(&*self.inner, &self.shared, begin).await
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<Self::Transaction, DbErr> {
        let inner = Arc::clone(&self.inner);
        let begin = async move { inner.begin_with_config(isolation_level, access_mode).await };
        begun(&*self.inner, &self.shared, begin).await
    }

    async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<Self::Transaction, DbErr> {
        let inner = Arc::clone(&self.inner);
        let begin = async move { inner.begin_with_options(options).await };
        begun(&*self.inner, &self.shared, begin).await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c Self::Transaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        run(self.begin().await, callback).await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c Self::Transaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        run(
            self.begin_with_config(isolation_level, access_mode).await,
            callback,
        )
        .await
    }
}
