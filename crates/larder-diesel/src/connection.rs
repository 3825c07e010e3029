//! [`CachedConnection`]: a connection of Diesel that answers reads from the cache and sees every
//! write.

use std::{
    any::{Any, type_name},
    fmt,
    num::NonZeroU32,
    sync::Arc,
};

use diesel::{
    Connection, ConnectionError, ConnectionResult, QueryResult,
    connection::{
        CacheSize, ConnectionSealed, DefaultLoadingMode, Instrumentation, LoadConnection,
        SimpleConnection, TransactionManager,
    },
    expression::QueryMetadata,
    query_builder::{Query, QueryFragment, QueryId},
    result::Error,
    sql_types::Untyped,
};
use larder_core::{DiscardReason, Fill, Image, Param, ReadMode};
use larder_signals::{Failure, Larder, Planned, ReadOptions, WrapConfig, WriteGuard};
use larder_sql::Dialect;

use crate::{
    backend::{CachedBackend, Extended, capture},
    before::{self, Looking},
    codec,
    cursor::CachedCursor,
    row::CachedRow,
    rows::Rows,
    session::{self, Answer, Kept, KeptAs, Now, Session, Written},
    transaction::CachedTransactionManager,
};

/// A connection whose reads may be answered from the cache and whose writes invalidate before they
/// return. Made by [`Larder::wrap`].
///
/// It stands wherever the connection inside stands behind Diesel's traits. There is no `DerefMut`:
/// the connection inside would escape the cache unseen; see
/// [`inner_mut_uncached`](Self::inner_mut_uncached).
///
/// # Staleness
/// None within what [`Larder`] guarantees, as long as every write passes through a wrapped
/// connection.
pub struct CachedConnection<C: WrappedConnection> {
    pub(crate) inner: C,
    pub(crate) session: Session,
    pub(crate) player: <C::Backend as CachedBackend>::Player,
}

/// A connection that can be wrapped: Diesel's own ones, and r2d2's of them. Not for implementing
/// elsewhere: results are kept as these lay them out.
#[diagnostic::on_unimplemented(
    message = "larder cannot wrap `{Self}`",
    note = "it wraps `PgConnection`, `MysqlConnection`, `SqliteConnection` (by the features \
            `diesel-postgres`, `diesel-mysql`, `diesel-sqlite`) and r2d2's pooled ones \
            (`diesel-r2d2`)"
)]
pub trait WrappedConnection:
    Connection<Backend: CachedBackend + QueryMetadata<Untyped>> + LoadConnection<DefaultLoadingMode>
{
    /// The row by itself, where the driver gives it away, so that it is not shown again for this
    /// caller.
    #[doc(hidden)]
    fn detach<'conn>(
        row: Self::Row<'conn, '_>,
        names: &mut <Self::Backend as CachedBackend>::Names,
    ) -> Option<<Self::Backend as CachedBackend>::StoredRow>
    where
        Self: 'conn;
}

impl<C: WrappedConnection> CachedConnection<C> {
    /// Wraps a connection with settings of its own; `larder.wrap(connection)` takes the defaults.
    pub fn wrap(larder: &Larder, connection: C, config: &WrapConfig) -> Self {
        Self {
            inner: connection,
            session: Session::new(larder, C::Backend::DIALECT, config),
            player: Default::default(),
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

    /// Runs `work`, none of whose reads are answered from the cache or stored.
    pub fn uncached<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> R {
        self.scope(None, work)
    }

    /// Runs `work`, each of whose reads goes to the database and replaces what was stored.
    pub fn refreshed<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> R {
        let mut options = ReadOptions::default();
        options.mode = ReadMode::Refresh;
        self.scope(Some(options), work)
    }

    /// Runs `work`, whose reads ask for this besides what the policies say.
    pub fn with_options<R>(
        &mut self,
        options: ReadOptions,
        work: impl FnOnce(&mut Self) -> R,
    ) -> R {
        self.scope(Some(options), work)
    }

    fn scope<R>(&mut self, options: Option<ReadOptions>, work: impl FnOnce(&mut Self) -> R) -> R {
        struct Scope<'a, C: WrappedConnection>(&'a mut CachedConnection<C>, Option<ReadOptions>);
        impl<C: WrappedConnection> Drop for Scope<'_, C> {
            // A panic in the work must not leave it behind.
            fn drop(&mut self) {
                self.0.session.replace_options(self.1);
            }
        }
        let before = self.session.replace_options(options);
        let scope = Scope(self, before);
        work(&mut *scope.0)
    }

    /// Reads the schema again before it is believed the next time, and drops everything that was
    /// cached of this database: to be called after migrations that ran on the connection
    /// [inside](Self::inner_mut_uncached), or anywhere else than through a wrapped connection.
    ///
    /// # Staleness
    /// None once it has returned.
    pub fn refresh_catalog(&mut self) {
        self.prepare();
        if let Some(guard) = self.session.schema_changed() {
            guard.deliver_blocking();
        }
    }

    /// Something begins: looks at the state of transactions, and at the catalog where that is due.
    pub(crate) fn prepare(&mut self) {
        self.begins();
        if !self.session.is_catalog_due() {
            return;
        }
        let Self { inner, session, .. } = self;
        let (larder, dialect) = (session.larder().clone(), session.dialect());
        let mut reading = session.keeper().begin_reading(&larder, dialect);
        while let Some(sql) = reading.query() {
            reading.answer(texts(inner, sql));
        }
    }

    /// How many levels of transactions the driver counts; what it has given up counts as none.
    pub(crate) fn depth(&mut self) -> Option<NonZeroU32> {
        let status = C::TransactionManager::transaction_manager_status_mut(&mut self.inner);
        status.transaction_depth().ok().flatten()
    }

    /// Runs a statement that may write, after a look at the rows that it is about to change.
    pub(crate) fn write<T: QueryFragment<C::Backend> + ?Sized>(
        &mut self,
        planned: &Planned,
        params: &[Param<'_>],
        look: Option<&Looking<'_, C::Backend, T>>,
        run: impl FnOnce(&mut C) -> QueryResult<Written>,
    ) -> QueryResult<Written> {
        let Self { inner, session, .. } = self;
        let mut sending = session.send(planned, params)?;
        let mut old = None;
        let result = match look {
            None => run(inner),
            Some(look) if sending.is_inside() => match found(inner, planned, look) {
                Ok(found) => {
                    old = found;
                    run(inner)
                }
                // The statement would have met it, and may have no transaction any more.
                Err(error) => Err(error),
            },
            Some(look) => {
                sending.opens();
                let result = in_own_transaction(
                    inner,
                    |inner| {
                        old = found(inner, planned, look)?;
                        Ok(())
                    },
                    run,
                );
                sending.closed();
                result
            }
        };
        let delivery = match &result {
            Ok(written) => sending.written::<C::Backend>(written, old, true),
            Err(error) => {
                let failure = failure_of(inner, error, sending.is_inside());
                sending.look_at(error);
                sending.failed(failure)
            }
        };
        deliver(delivery);
        let depth = self.depth();
        deliver(self.session.align(depth));
        result
    }

    /// The answer to a read, if the cache may give it.
    pub(crate) fn answer<K, T>(
        &mut self,
        planned: &Planned,
        source: &T,
        kept: &KeptAs,
        wish: Option<ReadOptions>,
    ) -> Answer<K>
    where
        K: Any + Send + Sync,
        T: Query + QueryFragment<C::Backend>,
        C::Backend: QueryMetadata<T::SqlType>,
    {
        if !self.session.may_answer(planned, wish) {
            return Answer::Pass;
        }
        let Ok(mut params) = C::Backend::params(source, &mut self.player) else {
            // The driver will meet the same error, and say so.
            return Answer::Pass;
        };
        params.extend(C::Backend::expected::<T::SqlType>());
        params.extend(kept.form.clone());
        match self.session.read_now(planned, &params, kept, wish) {
            Now::Hit(value) => Answer::of_kept(value),
            Now::Later(read) => Answer::of(self.session.larder().read_blocking(&read)),
            Now::Pass => Answer::Pass,
        }
    }
}

impl<C: WrappedConnection> fmt::Debug for CachedConnection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedConnection").finish_non_exhaustive()
    }
}

impl<C: WrappedConnection> ConnectionSealed for CachedConnection<C> {}

impl<C: WrappedConnection> SimpleConnection for CachedConnection<C> {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.prepare();
        let planned = self.session.plan(query);
        if planned.only_reads() {
            self.session.larder().unseen();
            let result = self.inner.batch_execute(query);
            return result.inspect_err(|error| self.session.read_failed(error));
        }
        let run = |inner: &mut C| inner.batch_execute(query).map(|()| Written::Done);
        self.write::<diesel::query_builder::SqlQuery>(&planned, &[], None, run)
            .map(|_| ())
    }
}

impl<C: WrappedConnection> Connection for CachedConnection<C> {
    type Backend = C::Backend;
    type TransactionManager = CachedTransactionManager<C>;

    /// Establishes a connection and wraps it in the larder that was set by
    /// [`Larder::set_global`].
    fn establish(database_url: &str) -> ConnectionResult<Self> {
        let larder =
            Larder::global().ok_or_else(|| ConnectionError::BadConnection(NO_LARDER.to_owned()))?;
        let inner = C::establish(database_url)?;
        Ok(Self::wrap(&larder, inner, &WrapConfig::new()))
    }

    fn execute_returning_count<T>(&mut self, source: &T) -> QueryResult<usize>
    where
        T: QueryFragment<Self::Backend> + QueryId,
    {
        self.prepare();
        let Ok(text) = self.session.text::<Self::Backend, T>(source) else {
            // The driver meets the same error, and says so.
            self.session.larder().unseen();
            return self.inner.execute_returning_count(source);
        };
        let planned = self.session.plan_text(&text);
        if planned.only_reads() {
            self.track(&planned, source);
            let result = self.inner.execute_returning_count(source);
            self.session.tracked();
            return result.inspect_err(|error| self.session.read_failed(error));
        }
        // Without them, what the statement writes is not known as well.
        let params = C::Backend::params(source, &mut self.player).unwrap_or_default();
        let wanted = self.session.wanted(&planned);
        let before = wanted.before.as_ref();
        let look = before.and_then(|before| Looking::new(source, before, &params));
        let told = wanted.returning.as_deref().and_then(|end| {
            let told = self.session.told_more(&text.sql, end)?;
            Some((told, end))
        });
        let written = match &told {
            Some((planned, end)) => self.write(planned, &params, look.as_ref(), |inner| {
                let rows = all_rows(inner, Extended::new(source, end))?;
                Ok(Written::Rows(Arc::new(rows)))
            }),
            None => self.write(&planned, &params, look.as_ref(), |inner| {
                inner.execute_returning_count(source).map(Written::Count)
            }),
        };
        Ok(written?.count())
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

impl<C: WrappedConnection> LoadConnection<DefaultLoadingMode> for CachedConnection<C> {
    type Cursor<'conn, 'query>
        = CachedCursor<'conn, 'query, C>
    where
        Self: 'conn;
    type Row<'conn, 'query>
        = CachedRow<C::Row<'conn, 'query>, <C::Backend as CachedBackend>::StoredRow>
    where
        Self: 'conn;

    fn load<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<Self::Backend> + QueryId + 'query,
        Self::Backend: QueryMetadata<T::SqlType>,
    {
        self.prepare();
        let Ok(text) = self.session.text::<Self::Backend, T>(&source) else {
            self.session.larder().unseen();
            return Ok(CachedCursor::live(self.inner.load(source)?, None));
        };
        let planned = self.session.plan_text(&text);
        if !planned.only_reads() {
            let rows = self.load_written(&planned, &source)?;
            return CachedCursor::stored(&mut self.player, rows);
        }
        let kept =
            codec::kept_as::<C::Backend>(C::Backend::ADAPTER, type_name::<C::Row<'conn, 'query>>());
        match self.answer(&planned, &source, &kept, None) {
            Answer::Hit(rows) => CachedCursor::stored(&mut self.player, rows),
            Answer::Fill(fill) => self.fill(fill, source),
            Answer::Pass => {
                self.track(&planned, &source);
                self.pass(source)
            }
        }
    }
}

impl<C: WrappedConnection> CachedConnection<C> {
    /// The rows of a statement that may write, read to the end.
    pub(crate) fn load_written<T>(
        &mut self,
        planned: &Planned,
        source: &T,
    ) -> QueryResult<Arc<Rows>>
    where
        T: Query + QueryFragment<C::Backend> + QueryId,
        C::Backend: QueryMetadata<T::SqlType>,
    {
        let params = C::Backend::params(source, &mut self.player).unwrap_or_default();
        let before = self.session.wanted(planned).before;
        let look = before.as_ref();
        let look = look.and_then(|before| Looking::new(source, before, &params));
        let run = |inner: &mut C| {
            let rows = all_rows(inner, source)?;
            Ok(Written::Rows(Arc::new(rows)))
        };
        let written = self.write(planned, &params, look.as_ref(), run)?;
        Ok(written.into_rows())
    }

    fn pass<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> QueryResult<CachedCursor<'conn, 'query, C>>
    where
        T: Query + QueryFragment<C::Backend> + QueryId + 'query,
        C::Backend: QueryMetadata<T::SqlType>,
    {
        let Self { inner, session, .. } = self;
        match inner.load(source) {
            Ok(live) => {
                session.answered_by_server();
                session.tracked();
                Ok(CachedCursor::live(live, Some(session)))
            }
            Err(error) => {
                session.read_failed(&error);
                Err(error)
            }
        }
    }

    /// Runs a query and keeps its rows, as many as an entry may have.
    fn fill<'conn, 'query, T>(
        &'conn mut self,
        fill: Fill,
        source: T,
    ) -> QueryResult<CachedCursor<'conn, 'query, C>>
    where
        T: Query + QueryFragment<C::Backend> + QueryId + 'query,
        C::Backend: QueryMetadata<T::SqlType>,
    {
        let Self {
            inner,
            session,
            player,
        } = self;
        let bytes_max = session.larder().cache().limits().entry_bytes_max;
        let mut live = inner
            .load(source)
            .inspect_err(|error| session.look_at(error))?;
        let (mut rows, mut detached) = (Rows::default(), Vec::new());
        let mut names = Default::default();
        let rest = loop {
            match live.next() {
                None => break None,
                Some(Err(error)) => {
                    session.look_at(&error);
                    return CachedCursor::failed(player, Arc::new(rows), error);
                }
                Some(Ok(row)) if capture::<C::Backend, _>(&row, &mut rows).is_none() => {
                    break Some(Some(row));
                }
                Some(Ok(row)) => {
                    detached.extend(C::detach(row, &mut names));
                    if rows.weight() > bytes_max {
                        break Some(None);
                    }
                }
            }
        };
        session.answered_by_server();
        session.tracked();
        let rows = Arc::new(rows);
        match rest {
            None => {
                drop(live);
                // Its server may have become a standby meanwhile (P9).
                if !session.keeper().lags() {
                    let bytes = rows.weight();
                    fill.store_blocking(Arc::clone(&rows) as Kept, bytes);
                }
                match detached.len() == rows.len() {
                    true => Ok(CachedCursor::detached(detached)),
                    false => CachedCursor::stored(player, rows),
                }
            }
            Some(row) => {
                fill.discard(DiscardReason::TooLarge);
                CachedCursor::mixed(player, rows, row, live)
            }
        }
    }
}

/// Every row of a statement.
pub(crate) fn all_rows<C, T>(connection: &mut C, source: T) -> QueryResult<Rows>
where
    C: WrappedConnection,
    T: Query + QueryFragment<C::Backend> + QueryId,
    C::Backend: QueryMetadata<T::SqlType>,
{
    let mut rows = Rows::default();
    for row in connection.load(source)? {
        capture::<C::Backend, _>(&row?, &mut rows)
            .ok_or_else(|| Error::DeserializationError(UNKEPT.into()))?;
    }
    Ok(rows)
}

/// The rows that a write is about to change; `None` = they are not all.
fn found<C, T>(
    inner: &mut C,
    planned: &Planned,
    look: &Looking<'_, C::Backend, T>,
) -> QueryResult<Option<Vec<Image>>>
where
    C: WrappedConnection,
    T: QueryFragment<C::Backend> + ?Sized,
{
    let rows = all_rows(inner, look.select())?;
    Ok(before::images::<C::Backend>(look.before(), planned, &rows))
}

/// Runs a statement and the look before it in a transaction of their own. Where the look fails, the
/// statement runs by itself.
fn in_own_transaction<C: WrappedConnection, R>(
    inner: &mut C,
    look: impl FnOnce(&mut C) -> QueryResult<()>,
    run: impl FnOnce(&mut C) -> QueryResult<R>,
) -> QueryResult<R> {
    if open(inner).is_err() {
        return run(inner);
    }
    if look(inner).is_err() {
        undo(inner);
        return run(inner);
    }
    let done = run(inner).inspect_err(|_| undo(inner))?;
    close(inner)?;
    Ok(done)
}

fn open<C: WrappedConnection>(inner: &mut C) -> QueryResult<()> {
    match C::Backend::DIALECT {
        // Who reads first may be refused to write.
        Dialect::Sqlite => inner.batch_execute("BEGIN IMMEDIATE"),
        _ => C::TransactionManager::begin_transaction(inner),
    }
}

fn close<C: WrappedConnection>(inner: &mut C) -> QueryResult<()> {
    match C::Backend::DIALECT {
        Dialect::Sqlite => inner.batch_execute("COMMIT").inspect_err(|_| undo(inner)),
        _ => C::TransactionManager::commit_transaction(inner),
    }
}

/// What cannot be rolled back has ended with its connection.
pub(crate) fn undo<C: WrappedConnection>(inner: &mut C) {
    let _ = match C::Backend::DIALECT {
        Dialect::Sqlite => inner.batch_execute("ROLLBACK"),
        _ => C::TransactionManager::rollback_transaction(inner),
    };
}

/// The rows of one of larder's own questions; `None` = it failed.
fn texts<C: WrappedConnection>(connection: &mut C, sql: &str) -> Option<Vec<Vec<Option<String>>>> {
    let query = diesel::sql_query(sql);
    all_rows(connection, query).ok()?.texts()
}

pub(crate) fn deliver(guards: impl IntoIterator<Item = WriteGuard>) {
    for guard in guards {
        guard.deliver_blocking();
    }
}

/// How a statement failed. Where its error does not say, the connection is asked.
pub(crate) fn failure_of<C: Connection>(
    connection: &mut C,
    error: &Error,
    inside: bool,
) -> Failure {
    session::failure_of(error).unwrap_or_else(|| asked(connection, inside))
}

/// Whether the connection is still there, in which case an error was its answer. In a transaction
/// nothing depends on it, and a question would fail.
pub(crate) fn asked<C: Connection>(connection: &mut C, inside: bool) -> Failure {
    if inside || connection.batch_execute("SELECT 1").is_ok() {
        Failure::ByServer
    } else {
        Failure::Unknown
    }
}

pub(crate) const NO_LARDER: &str = "a cached connection was to be established, but no larder is set: call \
                         `Larder::set_global` first, or wrap a plain connection with \
                         `larder.wrap(connection)`";
pub(crate) const UNKEPT: &str = "a row holds a value of a kind that larder does not know";
