//! The relay of the outbox: invalidates by what other programs have written.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use larder_signals::{RelayConfig, RelayRound, Relaying};
use larder_sql::{Catalog, Dialect};
use sea_orm::{ConnectionTrait, DbErr, IsolationLevel, TransactionSession, TransactionTrait};
use tokio::sync::Notify;

use crate::{
    connection::CachedConnection,
    job,
    shared::{self, Shared},
    task,
};

/// Invalidates by what other programs have written, as the outbox's triggers recorded it, and deletes
/// the records. Made by [`CachedConnection::relay`]; cheap to clone.
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
pub struct Relay<C> {
    inner: Arc<C>,
    shared: Arc<Shared>,
    config: RelayConfig,
    woken: Arc<Notify>,
}

/// Lets a relay look at once: see [`Relay::waker`].
#[derive(Clone, Debug)]
pub struct RelayWaker {
    woken: Arc<Notify>,
}

impl<C: ConnectionTrait> CachedConnection<C> {
    /// A relay of this database's outbox. Its statements run on the connection inside.
    pub fn relay(&self, config: RelayConfig) -> Relay<C> {
        Relay {
            inner: Arc::clone(self.shared_inner()),
            shared: Arc::clone(self.shared()),
            config,
            woken: Arc::default(),
        }
    }

    /// The schema as it was read last, or reads it if that is due: for
    /// [`Outbox::install`](larder_sql::outbox::Outbox::install). `None` when it cannot be read. After
    /// a migration on the connection [inside](Self::inner), call
    /// [`refresh_catalog`](Self::refresh_catalog) first.
    pub async fn catalog(&self) -> Option<Arc<Catalog>> {
        self.shared().keep(self.inner()).await;
        self.shared().keeper().ready()?.catalog()
    }
}

impl<C> Relay<C>
where
    C: ConnectionTrait + TransactionTrait + Send + Sync + 'static,
    C::Transaction: Send + Sync + 'static,
{
    /// One batch: claims rows, invalidates by them, deletes them.
    ///
    /// # Errors
    /// Those of the database. What was claimed stays and is claimed again.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the rows to the next round, at worst invalidated twice.
    pub async fn round(&self) -> Result<RelayRound, DbErr> {
        self.shared.keep(&*self.inner).await;
        let backend = self.inner.get_database_backend();
        let dialect = job::dialect(backend).unwrap_or(Dialect::Postgres);
        let (keeper, larder) = (self.shared.keeper(), self.shared.larder());
        let mut relaying = Relaying::begin(keeper, larder, dialect, &self.config);
        if self.shared.is_bypassed() {
            relaying.distrust_catalog();
        }
        if shared::rows(&*self.inner, &relaying.peek())
            .await?
            .is_empty()
        {
            return Ok(relaying.end());
        }
        if !relaying.needs_transaction() {
            batch(&*self.inner, &mut relaying).await?;
            return Ok(relaying.end());
        }
        let inner = Arc::clone(&self.inner);
        let isolation = Some(IsolationLevel::ReadCommitted);
        // A driver whose BEGIN is dropped half way forgets it.
        let begin = async move { inner.begin_with_config(isolation, None).await };
        let transaction = task::owned(begin).await?;
        match batch(&transaction, &mut relaying).await? {
            Rows::Trimmed => transaction.commit().await?,
            Rows::Kept => transaction.rollback().await?,
        }
        Ok(relaying.end())
    }

    /// Rounds until `until` is ready. What fails is logged and tried again, at growing intervals up
    /// to 5 s; the observer hears of every round.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers.
    ///
    /// # Cancel safety
    /// As [`round`](Self::round).
    pub async fn run(&self, until: impl Future<Output = ()>) {
        let (mut until, mut rounds) = (pin!(until), pin!(self.rounds()));
        poll_fn(|context| match until.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => rounds.as_mut().poll(context),
        })
        .await;
    }

    async fn rounds(&self) {
        let mut pace = self.config.pace();
        loop {
            match self.round().await {
                Ok(round) => {
                    // Woken or not, it is time for the next round.
                    let pause = pace.after(&round);
                    let _ = tokio::time::timeout(pause, self.woken.notified()).await;
                }
                Err(error) => tokio::time::sleep(pace.after_failure(&error)).await,
            }
        }
    }
}

impl<C> Relay<C> {
    /// Wakes [`run`](Self::run) before its poll interval ends: for what listens to
    /// `LISTEN larder_outbox` on a connection of its own, which SeaORM has none for.
    #[must_use]
    pub fn waker(&self) -> RelayWaker {
        RelayWaker {
            woken: Arc::clone(&self.woken),
        }
    }
}

impl RelayWaker {
    /// Something may have been recorded. Cheap, and harmless when nothing was.
    pub fn wake(&self) {
        self.woken.notify_one();
    }
}

impl<C> Clone for Relay<C> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            shared: Arc::clone(&self.shared),
            config: self.config.clone(),
            woken: Arc::clone(&self.woken),
        }
    }
}

impl<C> fmt::Debug for Relay<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// What became of claimed rows.
enum Rows {
    Trimmed,
    Kept,
}

async fn batch<C: ConnectionTrait>(
    connection: &C,
    relaying: &mut Relaying<'_>,
) -> Result<Rows, DbErr> {
    let claimed = shared::rows(connection, &relaying.claim()).await?;
    relaying.claimed(claimed);
    relaying.deliver().await;
    match relaying.trim() {
        Some(sql) => {
            connection.execute_unprepared(&sql).await?;
            Ok(Rows::Trimmed)
        }
        None => Ok(Rows::Kept),
    }
}
