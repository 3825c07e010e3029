//! [`CachedTransaction`]: reads go to the database and store nothing (P9); writes are buffered per
//! savepoint and invalidate after the outermost COMMIT, before the call returns.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;
use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, StatementBuilder, TransactionError, TransactionOptions, TransactionSession,
    TransactionTrait,
};

#[cfg(feature = "stream")]
use crate::CachedStream;
use crate::{job::Job, level::Level, probe, shared::Shared};

/// A transaction on a wrapped connection, or a savepoint inside one.
///
/// Dropped without an end, it is rolled back by SeaORM.
pub struct CachedTransaction<T> {
    // Dropped first: it rolls back before the buffered events are given up.
    inner: T,
    level: Level,
}

impl<T: ConnectionTrait> CachedTransaction<T> {
    pub(crate) fn outermost(inner: T, shared: &Arc<Shared>) -> Self {
        let level = Level::outermost(shared, inner.get_database_backend());
        Self { inner, level }
    }

    /// Asks a cached terminal only in order to tell the observer that it is not answered.
    fn build<S: StatementBuilder>(&self, statement: &S) -> Statement {
        let (statement, slot) = probe::build(statement, self.inner.get_database_backend());
        if slot.is_some() {
            self.level.bypassed(&self.inner, &statement);
        }
        statement
    }

    fn nested(&self, inner: T) -> Self {
        Self {
            inner,
            level: self.level.nested(),
        }
    }
}

impl<T> CachedTransaction<T>
where
    T: ConnectionTrait
        + TransactionTrait<Transaction = T>
        + TransactionSession
        + Send
        + Sync
        + 'static,
{
    /// See [`DatabaseTransaction::commit`](sea_orm::DatabaseTransaction::commit). Invalidates
    /// before it returns.
    ///
    /// # Errors
    /// Those of SeaORM.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.level.commit(self.inner.commit()).await
    }

    /// See [`DatabaseTransaction::rollback`](sea_orm::DatabaseTransaction::rollback).
    ///
    /// # Errors
    /// Those of SeaORM.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.level.rollback(self.inner.rollback()).await
    }

    /// See [`DatabaseTransaction::transaction_async`](sea_orm::DatabaseTransaction::transaction_async).
    ///
    /// # Errors
    /// Those of SeaORM and of the callback.
    pub async fn transaction_async<F, R, E>(&self, callback: F) -> Result<R, TransactionError<E>>
    where
        F: for<'c> AsyncFnOnce(&'c Self) -> Result<R, E> + Send,
        R: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        run_async(self.begin().await, callback).await
    }

    /// See [`DatabaseTransaction::transaction_with_config_async`](sea_orm::DatabaseTransaction::transaction_with_config_async).
    ///
    /// # Errors
    /// Those of SeaORM and of the callback.
    pub async fn transaction_with_config_async<F, R, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<R, TransactionError<E>>
    where
        F: for<'c> AsyncFnOnce(&'c Self) -> Result<R, E> + Send,
        R: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        run_async(
            self.begin_with_config(isolation_level, access_mode).await,
            callback,
        )
        .await
    }
}

impl<T> fmt::Debug for CachedTransaction<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedTransaction").finish_non_exhaustive()
    }
}

#[async_trait]
impl<T: ConnectionTrait + Send + Sync> ConnectionTrait for CachedTransaction<T> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.level
            .run(&self.inner, Job::Execute(statement))
            .await?
            .into_executed()
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.level
            .run(&self.inner, Job::Unprepared(sql.to_owned()))
            .await?
            .into_executed()
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.level
            .run(&self.inner, Job::One(statement))
            .await?
            .into_one()
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.level
            .run(&self.inner, Job::All(statement))
            .await?
            .into_all()
    }

    async fn query_one<S: StatementBuilder>(
        &self,
        statement: &S,
    ) -> Result<Option<QueryResult>, DbErr> {
        self.query_one_raw(self.build(statement)).await
    }

    async fn query_all<S: StatementBuilder>(
        &self,
        statement: &S,
    ) -> Result<Vec<QueryResult>, DbErr> {
        self.query_all_raw(self.build(statement)).await
    }

    fn support_returning(&self) -> bool {
        self.inner.support_returning()
    }

    fn is_mock_connection(&self) -> bool {
        self.inner.is_mock_connection()
    }
}

#[cfg(feature = "stream")]
impl<T: ConnectionTrait + sea_orm::StreamTrait> sea_orm::StreamTrait for CachedTransaction<T> {
    type Stream<'a>
        = CachedStream<T::Stream<'a>>
    where
        T: 'a;

    fn get_database_backend(&self) -> DbBackend {
        sea_orm::StreamTrait::get_database_backend(&self.inner)
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Stream<'a>, DbErr>> + 'a + Send>> {
        // What it writes counts from now on; the end of the stream comes before COMMIT.
        let guard = self.level.streams(&self.inner, &statement);
        Box::pin(async move {
            let guard = guard?;
            let stream = self.inner.stream_raw(statement).await?;
            Ok(CachedStream::inside(stream, guard))
        })
    }
}

#[async_trait]
impl<T> TransactionTrait for CachedTransaction<T>
where
    T: ConnectionTrait
        + TransactionTrait<Transaction = T>
        + TransactionSession
        + Send
        + Sync
        + 'static,
{
    type Transaction = Self;

    async fn begin(&self) -> Result<Self, DbErr> {
        Ok(self.nested(self.inner.begin().await?))
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<Self, DbErr> {
        Ok(self.nested(
            self.inner
                .begin_with_config(isolation_level, access_mode)
                .await?,
        ))
    }

    async fn begin_with_options(&self, options: TransactionOptions) -> Result<Self, DbErr> {
        Ok(self.nested(self.inner.begin_with_options(options).await?))
    }

    async fn transaction<F, R, E>(&self, callback: F) -> Result<R, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Self) -> Pin<Box<dyn Future<Output = Result<R, E>> + Send + 'c>>
            + Send,
        R: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        run(self.begin().await, callback).await
    }

    async fn transaction_with_config<F, R, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<R, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Self) -> Pin<Box<dyn Future<Output = Result<R, E>> + Send + 'c>>
            + Send,
        R: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        run(
            self.begin_with_config(isolation_level, access_mode).await,
            callback,
        )
        .await
    }
}

#[async_trait]
impl<T> TransactionSession for CachedTransaction<T>
where
    T: ConnectionTrait
        + TransactionTrait<Transaction = T>
        + TransactionSession
        + Send
        + Sync
        + 'static,
{
    async fn commit(self) -> Result<(), DbErr> {
        Self::commit(self).await
    }

    async fn rollback(self) -> Result<(), DbErr> {
        Self::rollback(self).await
    }
}

/// Runs a callback inside a transaction that was just begun and ends it by the outcome.
pub(crate) async fn run<T, F, R, E>(
    begun: Result<T, DbErr>,
    callback: F,
) -> Result<R, TransactionError<E>>
where
    T: TransactionSession,
    F: for<'c> FnOnce(&'c T) -> Pin<Box<dyn Future<Output = Result<R, E>> + Send + 'c>> + Send,
    E: fmt::Display + fmt::Debug + Send,
{
    let transaction = begun.map_err(TransactionError::Connection)?;
    let result = callback(&transaction).await;
    end(transaction, result).await
}

/// The same for an async closure.
pub(crate) async fn run_async<T, F, R, E>(
    begun: Result<T, DbErr>,
    callback: F,
) -> Result<R, TransactionError<E>>
where
    T: TransactionSession,
    F: for<'c> AsyncFnOnce(&'c T) -> Result<R, E> + Send,
    E: fmt::Display + fmt::Debug + Send,
{
    let transaction = begun.map_err(TransactionError::Connection)?;
    let result = callback(&transaction).await;
    end(transaction, result).await
}

async fn end<T: TransactionSession, R, E: fmt::Display + fmt::Debug>(
    transaction: T,
    result: Result<R, E>,
) -> Result<R, TransactionError<E>> {
    let ended = match &result {
        Ok(_) => transaction.commit().await,
        Err(_) => transaction.rollback().await,
    };
    ended.map_err(TransactionError::Connection)?;
    result.map_err(TransactionError::Transaction)
}
