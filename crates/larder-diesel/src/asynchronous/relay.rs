//! The relay of the outbox, carried by a task.

use std::{fmt, sync::Arc};

use diesel::{QueryResult, result::Error};
use diesel_async::TransactionManager;
use larder_signals::{RelayConfig, RelayRound, Relaying};
use larder_sql::Catalog;

use super::{AsyncBackend, CachedAsyncConnection, WrappedAsyncConnection, connection::all_rows};
use crate::{backend::CachedBackend, relay::read};

/// [`Relay`](crate::Relay) for tasks. Made by [`CachedAsyncConnection::relay`].
pub struct AsyncRelay<'a, C: WrappedAsyncConnection> {
    connection: &'a mut CachedAsyncConnection<C>,
    config: RelayConfig,
}

impl<C: WrappedAsyncConnection> CachedAsyncConnection<C> {
    /// A relay of this database's outbox. Its statements run on the connection inside; give it one
    /// of its own.
    pub fn relay(&mut self, config: RelayConfig) -> AsyncRelay<'_, C> {
        AsyncRelay {
            connection: self,
            config,
        }
    }

    /// The schema as it was read last, or reads it if that is due: for
    /// [`Outbox::install`](larder_sql::outbox::Outbox::install). `None` when it cannot be read.
    pub async fn catalog(&mut self) -> Option<Arc<Catalog>> {
        self.prepare().await;
        self.session.keeper().ready()?.catalog()
    }
}

impl<C: WrappedAsyncConnection> AsyncRelay<'_, C> {
    /// One batch: claims rows, invalidates by them, deletes them. Wait
    /// [`RelayPace::after`](larder_signals::RelayPace::after) it before the next.
    ///
    /// # Errors
    /// Those of the database; what was claimed stays and is claimed again. `AlreadyInTransaction`
    /// when the connection is in a transaction, or may be.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the rows to another round, and the connection in a transaction:
    /// pools give it up, and so should the caller.
    pub async fn round(&mut self) -> QueryResult<RelayRound> {
        self.connection.prepare().await;
        let CachedAsyncConnection { inner, session, .. } = &mut *self.connection;
        if !session.is_idle() {
            return Err(Error::AlreadyInTransaction);
        }
        let larder = session.larder().clone();
        let keeper = session.keeper();
        let mut relaying = Relaying::begin(keeper, &larder, C::Backend::DIALECT, &self.config);
        if texts(inner, &relaying.peek()).await?.is_empty() {
            return Ok(relaying.end());
        }
        if !relaying.needs_transaction() {
            batch(inner, &mut relaying).await?;
            return Ok(relaying.end());
        }
        run(inner, relaying.before_begin()).await?;
        C::TransactionManager::begin_transaction(inner).await?;
        let done = match run(inner, relaying.after_begin()).await {
            Ok(()) => batch(inner, &mut relaying).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(true) => C::TransactionManager::commit_transaction(inner).await?,
            Ok(false) => C::TransactionManager::rollback_transaction(inner).await?,
            Err(error) => {
                // The first error says more.
                let _ = C::TransactionManager::rollback_transaction(inner).await;
                return Err(error);
            }
        }
        Ok(relaying.end())
    }
}

impl<C: WrappedAsyncConnection> fmt::Debug for AsyncRelay<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncRelay")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Whether the rows were trimmed.
async fn batch<C: WrappedAsyncConnection>(
    connection: &mut C,
    relaying: &mut Relaying<'_>,
) -> QueryResult<bool> {
    let claimed = texts(connection, &relaying.claim()).await?;
    relaying.claimed(claimed);
    relaying.deliver().await;
    let trim = relaying.trim();
    run(connection, trim.as_deref()).await?;
    Ok(trim.is_some())
}

async fn run<C: WrappedAsyncConnection>(connection: &mut C, sql: Option<&str>) -> QueryResult<()> {
    match sql {
        Some(sql) => connection.batch_execute(sql).await,
        None => Ok(()),
    }
}

async fn texts<C: WrappedAsyncConnection>(
    connection: &mut C,
    sql: &str,
) -> QueryResult<Vec<Vec<Option<String>>>> {
    let binds = C::Backend::collect(&diesel::sql_query(sql))?;
    let statement = C::Backend::statement(sql.to_owned(), true, &binds, &[]);
    read(&all_rows(connection, statement).await?)
}
