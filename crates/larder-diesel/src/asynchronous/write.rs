//! A write and the look at the rows that it is about to change.

use std::sync::Arc;

use diesel::{QueryResult, connection::TransactionManagerStatus};
use diesel_async::TransactionManager;
use larder_core::Image;
use larder_signals::{Planned, RowsBefore};
use larder_sql::Dialect;

use super::{
    AsyncBackend,
    connection::{WrappedAsyncConnection, all_rows},
};
use crate::{backend::CachedBackend as _, before, session::Written};

/// The SELECT of the rows that a write is about to change.
pub(super) struct Looking<'a, DB: AsyncBackend> {
    pub(super) planned: &'a Planned,
    pub(super) before: &'a RowsBefore,
    pub(super) statement: DB::Statement,
}

impl<DB: AsyncBackend> Looking<'_, DB> {
    /// The rows; `None` = they are not all.
    pub(super) async fn found<C>(self, inner: &mut C) -> QueryResult<Option<Vec<Image>>>
    where
        C: WrappedAsyncConnection<Backend = DB>,
    {
        let rows = all_rows(inner, self.statement).await?;
        Ok(before::images::<DB>(self.before, self.planned, &rows))
    }
}

/// Sends a statement, and reads its rows to the end where it has any.
pub(super) async fn run<C: WrappedAsyncConnection>(
    inner: &mut C,
    statement: <C::Backend as AsyncBackend>::Statement,
    as_rows: bool,
) -> QueryResult<Written> {
    if as_rows {
        let rows = all_rows(inner, statement).await?;
        return Ok(Written::Rows(Arc::new(rows)));
    }
    let count = inner.execute_returning_count(statement).await;
    count.map(Written::Count)
}

/// Runs a statement and the look before it in a transaction of their own. Where the look fails, the
/// statement runs by itself.
pub(super) async fn in_own_transaction<C: WrappedAsyncConnection>(
    inner: &mut C,
    look: Looking<'_, C::Backend>,
    statement: <C::Backend as AsyncBackend>::Statement,
    as_rows: bool,
) -> QueryResult<(Written, Option<Vec<Image>>)> {
    let mut own = OwnTransaction::new(inner);
    let old = match own.open().await {
        Ok(()) => look.found(own.inner).await,
        Err(error) => Err(error),
    };
    let Ok(old) = old else {
        own.rollback().await;
        drop(own);
        return Ok((run(inner, statement, as_rows).await?, None));
    };
    match run(own.inner, statement, as_rows).await {
        Ok(written) => {
            own.commit().await?;
            Ok((written, old))
        }
        Err(error) => {
            own.rollback().await;
            Err(error)
        }
    }
}

/// A transaction of the wrapper's own, opened and ended by text: the driver would give up for good on
/// one that is dropped half way. Dropped, it is to be rolled back before anything else, and no pool
/// takes the connection back.
pub(super) struct OwnTransaction<'a, C: WrappedAsyncConnection> {
    inner: &'a mut C,
    ended: bool,
}

impl<'a, C: WrappedAsyncConnection> OwnTransaction<'a, C> {
    fn new(inner: &'a mut C) -> Self {
        Self {
            inner,
            ended: false,
        }
    }

    /// Rolls back one that was dropped half way.
    pub(super) async fn left(inner: &'a mut C) {
        let mut own = Self::new(inner);
        own.rollback().await;
        if own.ended {
            *own.status() = TransactionManagerStatus::default();
        }
    }

    fn status(&mut self) -> &mut TransactionManagerStatus {
        C::TransactionManager::transaction_manager_status_mut(self.inner)
    }

    async fn open(&mut self) -> QueryResult<()> {
        let begin = match C::Backend::DIALECT {
            // Who reads first may be refused to write.
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            _ => "BEGIN",
        };
        self.inner.batch_execute(begin).await
    }

    async fn commit(&mut self) -> QueryResult<()> {
        let result = self.inner.batch_execute("COMMIT").await;
        match result {
            Ok(()) => self.ended = true,
            // SQLite leaves it open.
            Err(_) => self.rollback().await,
        }
        result
    }

    /// What cannot be rolled back has ended with its connection.
    async fn rollback(&mut self) {
        self.ended = self.inner.batch_execute("ROLLBACK").await.is_ok();
    }
}

impl<C: WrappedAsyncConnection> Drop for OwnTransaction<'_, C> {
    fn drop(&mut self) {
        if !self.ended {
            *self.status() = TransactionManagerStatus::InError;
        }
    }
}
