//! The relay of the outbox: invalidates by what other programs have written.

use std::{fmt, sync::Arc, thread, time::Duration};

use diesel::{QueryResult, connection::TransactionManager, result::Error};
use larder_signals::{RelayConfig, RelayRound, Relaying};
use larder_sql::Catalog;

use crate::{
    backend::CachedBackend,
    connection::{CachedConnection, UNKEPT, WrappedConnection, all_rows},
    rows::Rows,
};

/// Invalidates by what other programs have written, as the outbox's triggers recorded it, and deletes
/// the records. Made by [`CachedConnection::relay`].
///
/// Any number may run, in any processes that share the store, and none loses a row: what one has
/// claimed the others pass over, and what it leaves behind when it dies they claim. It deletes what
/// it has told its own store, so one outbox serves one cache: a memory store serves one process, and
/// there one relay may run, in that process.
///
/// # Staleness
/// What another program writes is served in its old state until a round has claimed it: the poll
/// interval (200 ms) and what the round takes, as [`RelayRound::lag`] says; without a running relay,
/// until the TTL ends.
pub struct Relay<'a, C: WrappedConnection> {
    connection: &'a mut CachedConnection<C>,
    config: RelayConfig,
}

impl<C: WrappedConnection> CachedConnection<C> {
    /// A relay of this database's outbox. Its statements run on the connection inside.
    pub fn relay(&mut self, config: RelayConfig) -> Relay<'_, C> {
        Relay {
            connection: self,
            config,
        }
    }

    /// The schema as it was read last, or reads it if that is due: for
    /// [`Outbox::install`](larder_sql::outbox::Outbox::install). `None` when it cannot be read.
    pub fn catalog(&mut self) -> Option<Arc<Catalog>> {
        self.prepare();
        self.session.keeper().ready()?.catalog()
    }
}

impl<C: WrappedConnection> Relay<'_, C> {
    /// One batch: claims rows, invalidates by them, deletes them.
    ///
    /// # Errors
    /// Those of the database; what was claimed stays and is claimed again. `AlreadyInTransaction`
    /// when the connection is in a transaction, or may be.
    pub fn round(&mut self) -> QueryResult<RelayRound> {
        self.connection.prepare();
        let CachedConnection { inner, session, .. } = &mut *self.connection;
        if !session.is_idle() {
            return Err(Error::AlreadyInTransaction);
        }
        let larder = session.larder().clone();
        let keeper = session.keeper();
        let mut relaying = Relaying::begin(keeper, &larder, C::Backend::DIALECT, &self.config);
        if texts(inner, &relaying.peek())?.is_empty() {
            return Ok(relaying.end());
        }
        if !relaying.needs_transaction() {
            batch(inner, &mut relaying)?;
            return Ok(relaying.end());
        }
        run(inner, relaying.before_begin())?;
        C::TransactionManager::begin_transaction(inner)?;
        let done = run(inner, relaying.after_begin()).and_then(|()| batch(inner, &mut relaying));
        match done {
            Ok(true) => C::TransactionManager::commit_transaction(inner)?,
            Ok(false) => C::TransactionManager::rollback_transaction(inner)?,
            Err(error) => {
                // The first error says more.
                let _ = C::TransactionManager::rollback_transaction(inner);
                return Err(error);
            }
        }
        Ok(relaying.end())
    }

    /// Rounds while `goes_on` says so, which is asked at least every 100 ms. What fails is logged and
    /// tried again, at growing intervals up to 5 s; the observer hears of every round.
    pub fn run(&mut self, mut goes_on: impl FnMut() -> bool) {
        let mut pace = self.config.pace();
        while goes_on() {
            let mut pause = match self.round() {
                Ok(round) => pace.after(&round),
                Err(error) => pace.after_failure(&error),
            };
            while !pause.is_zero() && goes_on() {
                let nap = pause.min(NAP_MAX);
                thread::sleep(nap);
                pause -= nap;
            }
        }
    }
}

impl<C: WrappedConnection> fmt::Debug for Relay<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Whether the rows were trimmed.
fn batch<C: WrappedConnection>(
    connection: &mut C,
    relaying: &mut Relaying<'_>,
) -> QueryResult<bool> {
    let claimed = texts(connection, &relaying.claim())?;
    relaying.claimed(claimed);
    relaying.deliver_blocking();
    let trim = relaying.trim();
    run(connection, trim.as_deref())?;
    Ok(trim.is_some())
}

fn run<C: WrappedConnection>(connection: &mut C, sql: Option<&str>) -> QueryResult<()> {
    sql.map_or(Ok(()), |sql| connection.batch_execute(sql))
}

fn texts<C: WrappedConnection>(
    connection: &mut C,
    sql: &str,
) -> QueryResult<Vec<Vec<Option<String>>>> {
    read(&all_rows(connection, diesel::sql_query(sql))?)
}

/// Every output column of a relay's queries is text.
pub(crate) fn read(rows: &Rows) -> QueryResult<Vec<Vec<Option<String>>>> {
    rows.texts()
        .ok_or_else(|| Error::DeserializationError(UNKEPT.into()))
}

const NAP_MAX: Duration = Duration::from_millis(100);
