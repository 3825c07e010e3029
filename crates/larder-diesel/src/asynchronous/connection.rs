//! [`CachedAsyncConnection`]: a connection of diesel-async that answers reads from the cache and
//! sees every write.

use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    num::NonZeroU32,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use diesel::{
    ConnectionError, ConnectionResult, QueryResult,
    connection::{CacheSize, Instrumentation, TransactionManagerStatus},
    query_builder::{AsQuery, QueryFragment, QueryId},
    result::Error,
    row::Row,
};
use diesel_async::{
    AsyncConnection, AsyncConnectionCore, SimpleAsyncConnection, TransactionManager,
};
use futures_core::Stream;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, ready},
};
use larder_core::{DiscardReason, Fill, ReadMode};
use larder_signals::{Failure, Larder, Planned, ReadOptions, WrapConfig, WriteGuard};

use super::{
    AsyncBackend, Collected, stream::CachedAsyncStream, transaction::CachedAsyncTransactionManager,
    write::OwnTransaction,
};
use crate::{
    backend::{CachedBackend, TypeName, capture},
    codec,
    connection::{NO_LARDER, UNKEPT},
    row::CachedRow,
    rows::Rows,
    session::{self, Answer, Kept, KeptAs, Now, Session},
};

/// A connection of diesel-async whose reads may be answered from the cache and whose writes
/// invalidate before they return. Made by [`Larder::wrap`].
///
/// There is no `DerefMut`: the connection inside would escape the cache unseen; see
/// [`inner_mut_uncached`](Self::inner_mut_uncached).
///
/// # Cancel safety
/// A write whose future is dropped may have been executed: its tables are read from the database
/// until a later statement on the connection has an answer, or for the time that
/// [`uncertain_for`](larder_signals::LarderBuilder::uncertain_for) says. A dropped BEGIN or COMMIT
/// makes the connection go past the cache for good, as diesel-async's pools give it up.
///
/// # Staleness
/// None within what [`Larder`] guarantees, as long as every write passes through a wrapped
/// connection.
pub struct CachedAsyncConnection<C: WrappedAsyncConnection> {
    pub(super) inner: C,
    pub(super) session: Session,
    pub(super) player: <C::Backend as CachedBackend>::Player,
    /// The server's numbers of types of its own.
    pub(super) types: BTreeMap<TypeName, (u32, u32)>,
}

/// A connection of diesel-async that can be wrapped: its own ones, and pools' of them.
#[diagnostic::on_unimplemented(
    message = "larder cannot wrap `{Self}`",
    note = "it wraps `AsyncPgConnection`, `AsyncMysqlConnection` and \
            `SyncConnectionWrapper<SqliteConnection>` (by the features `diesel-async-postgres`, \
            `diesel-async-mysql`, `diesel-async-sqlite`) and pooled ones"
)]
pub trait WrappedAsyncConnection: AsyncConnection<Backend: AsyncBackend> + 'static {}

impl<C: AsyncConnection<Backend: AsyncBackend> + 'static> WrappedAsyncConnection for C {}

impl<C: WrappedAsyncConnection> CachedAsyncConnection<C> {
    /// Wraps a connection with settings of its own; `larder.wrap(connection)` takes the defaults.
    pub fn wrap(larder: &Larder, connection: C, config: &WrapConfig) -> Self {
        Self {
            inner: connection,
            session: Session::new(larder, C::Backend::DIALECT, config),
            player: Default::default(),
            types: BTreeMap::new(),
        }
    }

    /// The cache.
    pub fn larder(&self) -> &Larder {
        self.session.larder()
    }

    /// The connection inside, for what it alone can do. Reads through it are not cached and writes
    /// through it are **not seen**: they leave what was cached before as it is. Leave its session
    /// (role, `search_path`, time zone ..) as it was: results are kept by what it was when the
    /// wrapper looked.
    pub fn inner_mut_uncached(&mut self) -> &mut C {
        &mut self.inner
    }

    /// The connection inside, for good. What an open transaction has written counts as a write of
    /// unknown outcome.
    pub fn into_inner(self) -> C {
        self.session.leave();
        self.inner
    }

    /// The same connection, none of whose reads are answered from the cache or stored.
    pub fn uncached(&mut self) -> AsyncScope<'_, C> {
        self.scope(None)
    }

    /// The same connection, each of whose reads goes to the database and replaces what was stored.
    pub fn refreshed(&mut self) -> AsyncScope<'_, C> {
        let mut options = ReadOptions::default();
        options.mode = ReadMode::Refresh;
        self.scope(Some(options))
    }

    /// The same connection, whose reads ask for this besides what the policies say.
    pub fn with_options(&mut self, options: ReadOptions) -> AsyncScope<'_, C> {
        self.scope(Some(options))
    }

    fn scope(&mut self, options: Option<ReadOptions>) -> AsyncScope<'_, C> {
        let before = self.session.replace_options(options);
        AsyncScope {
            connection: self,
            before,
        }
    }

    /// Reads the schema again before it is believed the next time, and drops everything that was
    /// cached of this database: to be called after migrations that ran on the connection
    /// [inside](Self::inner_mut_uncached), or anywhere else than through a wrapped connection.
    ///
    /// # Staleness
    /// None once it has returned.
    pub async fn refresh_catalog(&mut self) {
        self.prepare().await;
        if let Some(guard) = self.session.schema_changed() {
            guard.deliver().await;
        }
    }

    /// Something begins: looks at the state of transactions, and at the catalog where that is due.
    pub(super) async fn prepare(&mut self) {
        self.begins().await;
        if !self.session.is_catalog_due() {
            return;
        }
        let Self { inner, session, .. } = self;
        let (larder, dialect) = (session.larder().clone(), session.dialect());
        session.reads();
        let mut reading = session.keeper().begin_reading(&larder, dialect);
        while let Some(sql) = reading.query() {
            let rows = texts(inner, sql).await;
            reading.answer(rows);
        }
        session.read_over();
    }

    /// Something begins on the connection.
    pub(super) async fn begins(&mut self) {
        if self.session.is_own_open() {
            OwnTransaction::left(&mut self.inner).await;
            self.session.own_closed();
        }
        let depth = self.depth();
        let left = self.session.begins(depth);
        deliver(left).await;
    }

    fn status(&mut self) -> &mut TransactionManagerStatus {
        C::TransactionManager::transaction_manager_status_mut(&mut self.inner)
    }

    /// How many levels of transactions the driver counts; what it has given up counts as none.
    pub(super) fn depth(&mut self) -> Option<NonZeroU32> {
        self.status().transaction_depth().ok().flatten()
    }

    /// The answer to a read, if the cache may give it without waiting.
    pub(super) fn answer_now(
        &mut self,
        planned: &Planned,
        collected: &Collected<C::Backend>,
        kept: &KeptAs,
        wish: Option<ReadOptions>,
    ) -> Now {
        if !self.session.may_answer(planned, wish) {
            return Now::Pass;
        }
        let Ok(mut params) = C::Backend::params_of(&collected.binds, &mut self.player) else {
            return Now::Pass;
        };
        params.extend(kept.form.clone());
        self.session.read_now(planned, &params, kept, wish)
    }

    /// Asks the store, where it must be asked.
    pub(super) async fn answer_to<T: Any + Send + Sync>(&mut self, now: Now) -> Answer<T> {
        match now {
            Now::Hit(value) => Answer::of_kept(value),
            Now::Later(read) => Answer::of(self.session.larder().read(&read).await),
            Now::Pass => Answer::Pass,
        }
    }

    async fn load_collected(
        &mut self,
        collected: Collected<C::Backend>,
    ) -> QueryResult<CachedAsyncStream<'_, C>> {
        self.prepare().await;
        let planned = self.session.plan_text(&collected.text);
        if !planned.only_reads() {
            return self.load_written(&planned, &collected).await;
        }
        let kept = codec::kept_as::<C::Backend>(C::Backend::ASYNC_ADAPTER, "by tasks");
        let now = self.answer_now(&planned, &collected, &kept, None);
        match self.answer_to(now).await {
            Answer::Hit(rows) => CachedAsyncStream::stored(&mut self.player, rows),
            Answer::Fill(fill) => self.fill(fill, &collected).await,
            Answer::Pass => self.pass(&collected).await,
        }
    }

    /// Lets a memo that runs here rest on a read that goes past the cache, and is sent next.
    async fn track(&mut self, planned: &Planned, collected: &Collected<C::Backend>) {
        if !self.session.may_track(planned) {
            return;
        }
        match C::Backend::params_of(&collected.binds, &mut self.player) {
            Ok(params) => {
                let larder = self.session.larder().clone();
                larder.track(&self.session.passing(planned, &params)).await;
            }
            Err(_) => self.session.larder().unseen(),
        }
    }

    /// Runs a query past the cache.
    pub(super) async fn pass(
        &mut self,
        collected: &Collected<C::Backend>,
    ) -> QueryResult<CachedAsyncStream<'_, C>> {
        if self.session.larder().is_recording() {
            let planned = self.session.plan_text(&collected.text);
            self.track(&planned, collected).await;
        }
        let statement = self.statement(collected).await?;
        let Self { inner, session, .. } = self;
        session.reads();
        let live = inner.load(statement).await;
        session.read_over();
        match live {
            Ok(live) => {
                session.answered_by_server();
                session.tracked();
                Ok(CachedAsyncStream::live(live, session))
            }
            Err(error) => {
                session.read_failed(&error);
                Err(error)
            }
        }
    }

    /// Runs a query and keeps its rows, as many as an entry may have.
    async fn fill(
        &mut self,
        fill: Fill,
        collected: &Collected<C::Backend>,
    ) -> QueryResult<CachedAsyncStream<'_, C>> {
        let statement = self.statement(collected).await?;
        let Self {
            inner,
            session,
            player,
            ..
        } = self;
        let bytes_max = session.larder().cache().limits().entry_bytes_max;
        session.reads();
        let live = inner.load(statement).await;
        session.read_over();
        let mut live = Box::pin(live.inspect_err(|error| session.look_at(error))?);
        let mut rows = Rows::default();
        let end = gather::<C::Backend, _, _>(&mut live, &mut rows, bytes_max).await;
        session.tracked();
        let rows = Arc::new(rows);
        match end {
            End::Failed(error) => {
                session.look_at(&error);
                CachedAsyncStream::failed(player, rows, error)
            }
            End::TooLarge => {
                session.answered_by_server();
                fill.discard(DiscardReason::TooLarge);
                CachedAsyncStream::mixed(player, rows, live)
            }
            End::Complete => {
                session.answered_by_server();
                drop(live);
                // Its server may have become a standby meanwhile (P9).
                if !session.keeper().lags() {
                    let bytes = rows.weight();
                    fill.store(Arc::clone(&rows) as Kept, bytes).await;
                }
                CachedAsyncStream::stored(player, rows)
            }
        }
    }
}

/// The same connection for as long as this lives, with a wish for its reads.
#[derive(Debug)]
pub struct AsyncScope<'a, C: WrappedAsyncConnection> {
    connection: &'a mut CachedAsyncConnection<C>,
    before: Option<ReadOptions>,
}

// diesel-async takes for a connection whatever leads to one like this.
impl<C: WrappedAsyncConnection> Deref for AsyncScope<'_, C> {
    type Target = CachedAsyncConnection<C>;

    fn deref(&self) -> &Self::Target {
        self.connection
    }
}

impl<C: WrappedAsyncConnection> DerefMut for AsyncScope<'_, C> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection
    }
}

impl<C: WrappedAsyncConnection> Drop for AsyncScope<'_, C> {
    fn drop(&mut self) {
        self.connection.session.replace_options(self.before);
    }
}

/// How the rows of a query ended.
enum End {
    Complete,
    TooLarge,
    Failed(Error),
}

/// Takes rows in, until they are more bytes than this.
async fn gather<'a, DB, R, S>(live: &mut S, rows: &mut Rows, bytes_max: usize) -> End
where
    DB: CachedBackend,
    R: Row<'a, DB>,
    S: Stream<Item = QueryResult<R>> + Unpin,
{
    while let Some(row) = live.next().await {
        match row {
            Err(error) => return End::Failed(error),
            Ok(row) if capture::<DB, _>(&row, rows).is_none() => {
                return End::Failed(Error::DeserializationError(UNKEPT.into()));
            }
            Ok(_) if rows.weight() > bytes_max => return End::TooLarge,
            Ok(_) => {}
        }
    }
    End::Complete
}

/// Every row of a statement.
pub(super) async fn all_rows<C: WrappedAsyncConnection>(
    connection: &mut C,
    statement: <C::Backend as AsyncBackend>::Statement,
) -> QueryResult<Rows> {
    let live = connection.load(statement).await?;
    let mut live = std::pin::pin!(live);
    let mut rows = Rows::default();
    while let Some(row) = live.next().await {
        capture::<C::Backend, _>(&row?, &mut rows)
            .ok_or_else(|| Error::DeserializationError(UNKEPT.into()))?;
    }
    Ok(rows)
}

/// The rows of one of larder's own questions; `None` = it failed.
pub(super) async fn texts<C: WrappedAsyncConnection>(
    connection: &mut C,
    sql: &str,
) -> Option<Vec<Vec<Option<String>>>> {
    let binds = C::Backend::collect(&diesel::sql_query(sql)).ok()?;
    let statement = C::Backend::statement(sql.to_owned(), true, &binds, &[]);
    let rows = all_rows(connection, statement).await.ok()?;
    rows.texts()
}

pub(super) async fn deliver(guards: impl IntoIterator<Item = WriteGuard, IntoIter: Send>) {
    for guard in guards.into_iter().collect::<Vec<_>>() {
        guard.deliver().await;
    }
}

/// How a statement failed. Where its error does not say, the connection is asked whether it is
/// still there: then the error was an answer.
pub(super) async fn failure_of<C: AsyncConnection>(
    connection: &mut C,
    error: &Error,
    inside: bool,
) -> Failure {
    match session::failure_of(error) {
        Some(failure) => failure,
        // In a transaction nothing depends on it, and a question would fail.
        None if inside || connection.batch_execute("SELECT 1").await.is_ok() => Failure::ByServer,
        None => Failure::Unknown,
    }
}

impl<C: WrappedAsyncConnection> fmt::Debug for CachedAsyncConnection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedAsyncConnection")
            .finish_non_exhaustive()
    }
}

impl<C: WrappedAsyncConnection> SimpleAsyncConnection for CachedAsyncConnection<C> {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.prepare().await;
        let planned = self.session.plan(query);
        if planned.only_reads() {
            self.session.larder().unseen();
            self.session.reads();
            let result = self.inner.batch_execute(query).await;
            self.session.read_over();
            return result.inspect_err(|error| self.session.read_failed(error));
        }
        self.write_text(&planned, query).await
    }
}

impl<C: WrappedAsyncConnection> AsyncConnectionCore for CachedAsyncConnection<C> {
    type ExecuteFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<usize>>;
    type LoadFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<Self::Stream<'conn, 'query>>>;
    type Stream<'conn, 'query> = CachedAsyncStream<'conn, C>;
    type Row<'conn, 'query> =
        CachedRow<C::Row<'conn, 'static>, <C::Backend as CachedBackend>::StoredRow>;
    type Backend = C::Backend;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Self::Backend> + QueryId + 'query,
    {
        // It is answered when it is awaited: what was written since it was made shows.
        match Collected::of(&self.session, &source.as_query()) {
            Ok(collected) => self.load_collected(collected).boxed(),
            Err(error) => ready(Err(error)).boxed(),
        }
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Self::Backend> + QueryId + 'query,
    {
        let collected = Collected::of(&self.session, &source);
        async move {
            let mut collected = collected?;
            self.prepare().await;
            let planned = self.session.plan_text(&collected.text);
            if planned.only_reads() {
                self.track(&planned, &collected).await;
                let statement = self.statement(&collected).await?;
                self.session.reads();
                let result = self.inner.execute_returning_count(statement).await;
                self.session.read_over();
                self.session.tracked();
                return result.inspect_err(|error| self.session.read_failed(error));
            }
            let wanted = self.wanted(&planned);
            let end = wanted.returning.unwrap_or_default();
            let told = match end.is_empty() {
                true => None,
                false => self.session.told_more(&collected.text.sql, &end),
            };
            if told.is_some() {
                collected.end = end;
            }
            let as_rows = told.is_some();
            let planned = told.unwrap_or(planned);
            let written = self.write(&planned, &collected, wanted.before.as_ref(), as_rows);
            Ok(written.await?.count())
        }
        .boxed()
    }
}

impl<C: WrappedAsyncConnection> AsyncConnection for CachedAsyncConnection<C> {
    type TransactionManager = CachedAsyncTransactionManager<C>;

    /// Establishes a connection and wraps it in the larder that was set by
    /// [`Larder::set_global`].
    async fn establish(database_url: &str) -> ConnectionResult<Self> {
        let larder =
            Larder::global().ok_or_else(|| ConnectionError::BadConnection(NO_LARDER.to_owned()))?;
        let inner = C::establish(database_url).await?;
        Ok(Self::wrap(&larder, inner, &WrapConfig::new()))
    }

    fn transaction_state(
        &mut self,
    ) -> &mut <Self::TransactionManager as TransactionManager<Self>>::TransactionStateData {
        self.inner.transaction_state()
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.inner.instrumentation()
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.inner.set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.inner.set_prepared_statement_cache_size(size);
    }
}
