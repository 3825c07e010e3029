//! A write and the look at the rows that it is about to change.

use std::sync::Arc;

use diesel::{QueryResult, connection::TransactionManagerStatus};
use diesel_async::TransactionManager;
use larder_core::{Image, Param};
use larder_signals::{Planned, RowsBefore, Wanted, WriteGuard};
use larder_sql::Dialect;

use super::{
    AsyncBackend, CachedAsyncConnection, CachedAsyncStream, Collected, WrappedAsyncConnection,
    connection::{all_rows, deliver, failure_of},
};
use crate::{
    backend::CachedBackend as _,
    before,
    session::{Sending, Written},
};

impl<C: WrappedAsyncConnection> CachedAsyncConnection<C> {
    /// Runs a text that may write.
    pub(super) async fn write_text(&mut self, planned: &Planned, sql: &str) -> QueryResult<()> {
        let Self { inner, session, .. } = self;
        let sending = session.send(planned, &[])?;
        let result = inner.batch_execute(sql).await.map(|()| Written::Done);
        let delivery = end(inner, sending, &result, None).await;
        self.end_of_write(delivery).await;
        result.map(|_| ())
    }

    /// Runs a statement that may write, after a look at the rows that it is about to change.
    pub(super) async fn write(
        &mut self,
        planned: &Planned,
        collected: &Collected<C::Backend>,
        before: Option<&RowsBefore>,
        as_rows: bool,
    ) -> QueryResult<Written> {
        let statement = self.statement(collected).await?;
        // Without them, what the statement writes is not known as well.
        let params = C::Backend::params_of(&collected.binds, &mut self.player).unwrap_or_default();
        let look = match before {
            Some(before) => self.look(planned, collected, before, &params).await,
            None => None,
        };
        let Self { inner, session, .. } = self;
        let mut sending = session.send(planned, &params)?;
        let (result, old) = match look {
            None => (run(inner, statement, as_rows).await, None),
            Some(look) if sending.is_inside() => match look.found(inner).await {
                Ok(old) => (run(inner, statement, as_rows).await, old),
                // The statement would have met it, and may have no transaction any more.
                Err(error) => (Err(error), None),
            },
            Some(look) => {
                sending.opens();
                let done = in_own_transaction(inner, look, statement, as_rows).await;
                sending.closed();
                match done {
                    Ok((written, old)) => (Ok(written), old),
                    Err(error) => (Err(error), None),
                }
            }
        };
        let delivery = end(inner, sending, &result, old).await;
        self.end_of_write(delivery).await;
        result
    }

    /// What this write asks for besides doing its work; no rows before it where the driver's count
    /// would not prove that these were all (W3).
    pub(super) fn wanted(&self, planned: &Planned) -> Wanted {
        let wanted = self.session.wanted(planned);
        let proves = C::Backend::COUNTS_MATCHED || planned.locks_gaps();
        // SQLite's thread goes on with a BEGIN whose future was dropped, and nobody can stop it.
        let safe = C::Backend::DIALECT != Dialect::Sqlite || self.session.is_inside();
        match proves && safe {
            true => wanted,
            false => wanted.without_before(),
        }
    }

    /// `None` = its parameters cannot be sent by themselves.
    async fn look<'a>(
        &mut self,
        planned: &'a Planned,
        collected: &Collected<C::Backend>,
        before: &'a RowsBefore,
        params: &[Param<'static>],
    ) -> Option<Looking<'a, C::Backend>> {
        let part = collected.part(before, params).ok()?;
        let statement = self.statement(&part).await.ok()?;
        Some(Looking {
            planned,
            before,
            statement,
        })
    }

    async fn end_of_write(&mut self, delivery: Option<WriteGuard>) {
        deliver(delivery).await;
        let depth = self.depth();
        let more = self.session.align(depth);
        deliver(more).await;
    }

    /// The rows of a statement that may write.
    pub(super) async fn load_written(
        &mut self,
        planned: &Planned,
        collected: &Collected<C::Backend>,
    ) -> QueryResult<CachedAsyncStream<'_, C>> {
        let before = self.wanted(planned).before;
        let written = self.write(planned, collected, before.as_ref(), true);
        let rows = written.await?.into_rows();
        CachedAsyncStream::stored(&mut self.player, rows)
    }
}

/// The SELECT of the rows that a write is about to change.
struct Looking<'a, DB: AsyncBackend> {
    planned: &'a Planned,
    before: &'a RowsBefore,
    statement: DB::Statement,
}

impl<DB: AsyncBackend> Looking<'_, DB> {
    /// The rows; `None` = they are not all.
    async fn found<C>(self, inner: &mut C) -> QueryResult<Option<Vec<Image>>>
    where
        C: WrappedAsyncConnection<Backend = DB>,
    {
        let rows = all_rows(inner, self.statement).await?;
        Ok(before::images::<DB>(self.before, self.planned, &rows))
    }
}

/// A statement that may write has ended.
async fn end<C: WrappedAsyncConnection>(
    inner: &mut C,
    sending: Sending<'_>,
    result: &QueryResult<Written>,
    old: Option<Vec<Image>>,
) -> Option<WriteGuard> {
    match result {
        Ok(written) => sending.written::<C::Backend>(written, old, C::Backend::COUNTS_MATCHED),
        Err(error) => {
            let failure = failure_of(inner, error, sending.is_inside()).await;
            sending.look_at(error);
            sending.failed(failure)
        }
    }
}

/// Sends a statement, and reads its rows to the end where it has any.
async fn run<C: WrappedAsyncConnection>(
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
async fn in_own_transaction<C: WrappedAsyncConnection>(
    inner: &mut C,
    look: Looking<'_, C::Backend>,
    statement: <C::Backend as AsyncBackend>::Statement,
    as_rows: bool,
) -> QueryResult<(Written, Option<Vec<Image>>)> {
    let mut own = OwnTransaction::new(inner);
    if own.open().await.is_err() {
        // There is none of its own to roll back.
        own.ended = true;
        drop(own);
        return Ok((run(inner, statement, as_rows).await?, None));
    }
    let Ok(old) = look.found(own.inner).await else {
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
