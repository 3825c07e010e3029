//! The typed path: what is kept is the result itself, not the rows.

use std::{
    any::{Any, TypeId, type_name},
    hash::BuildHasher,
    io,
    marker::PhantomData,
    ops::DerefMut,
    sync::Arc,
    time::Duration,
};

use diesel::{
    QueryResult,
    dsl::{CountStar, Limit, Select},
    expression::QueryMetadata,
    query_builder::{AsQuery, QueryFragment, QueryId},
    query_dsl::methods::{LimitDsl, LoadQuery, SelectDsl},
    result::Error,
};
use foldhash::fast::FixedState;
use larder_core::{
    Codec, Param, ReadMode, ResultCodec, ResultIdentity,
    codec::{Reader, Unreadable, Unwritable, Writer},
};
use larder_signals::ReadOptions;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    CachedConnection,
    connection::WrappedConnection,
    fields,
    session::{Answer, Kept, KeptAs},
};

/// A query whose result is kept as it is, and not as rows: see [`CacheDsl::cached`].
#[derive(Clone, Debug)]
#[must_use = "queries are only executed when calling `load`, `first` or similar"]
pub struct Cached<Q> {
    pub(crate) query: Q,
    options: ReadOptions,
}

/// A value that can be kept by its serde form.
#[diagnostic::on_unimplemented(
    message = "results of `{Self}` cannot be kept as they are",
    note = "derive `Clone`, `serde::Serialize` and `serde::Deserialize` for it; without `.cached()` \
            nothing is needed"
)]
pub trait Typed: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Typed for T {}

/// `.cached()` on queries.
pub trait CacheDsl: Sized {
    /// The same query, whose result is kept as it is: each terminal answers with a copy of it,
    /// instead of decoding rows. On SQLite, where rows are shown again by a database in memory,
    /// this is several times as fast for results of many rows; elsewhere it hardly matters.
    ///
    /// The result's type needs `Clone`, `Serialize` and `Deserialize`. The names of its own fields
    /// are part of the key; when what is *inside* of them changes its meaning, give the larder
    /// another [`entry_version`](larder_signals::LarderBuilder::entry_version).
    ///
    /// # Examples
    ///
    /// ```ignore
    /// let posts: Vec<Post> = posts::table
    ///     .filter(posts::author_id.eq(3))
    ///     .cached()
    ///     .ttl(Duration::from_secs(60))
    ///     .load(&mut connection)?; // of diesel-async: `.await?`
    /// ```
    fn cached(self) -> Cached<Self>;
}

impl<Q: AsQuery> CacheDsl for Q {
    fn cached(self) -> Cached<Self> {
        Cached {
            query: self,
            options: ReadOptions::default(),
        }
    }
}

impl<Q> Cached<Q> {
    /// How long the result may be served, in place of the policy's TTL. Zero: it is not cached.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.options.ttl = Some(ttl);
        self
    }

    /// Goes to the database and replaces what is stored.
    pub fn refresh(mut self) -> Self {
        self.options.mode = ReadMode::Refresh;
        self
    }

    /// While another reader replaces the result, one that was valid no longer ago than this is
    /// served, in place of what the policies say. Only with a store outside the process.
    ///
    /// # Staleness
    /// Up to the given time, for readers that meet a fill under way.
    pub fn allow_stale(mut self, at_most: Duration) -> Self {
        self.options.allow_stale = Some(at_most);
        self
    }

    /// The query without the cache's typed path.
    pub fn into_inner(self) -> Q {
        self.query
    }

    /// See [`RunQueryDsl::load`](diesel::RunQueryDsl::load).
    ///
    /// # Errors
    /// Those of Diesel.
    pub fn load<'q, U, D>(self, connection: &mut D) -> D::Answer<'_, Vec<U>>
    where
        U: Typed,
        D: TypedLoad<'q, Q, U>,
    {
        connection.load_typed(self, |rows| Ok(Arc::unwrap_or_clone(rows)))
    }

    /// [`load`](Self::load) without the copy: a hit is what all readers share.
    ///
    /// # Errors
    /// Those of Diesel.
    pub fn load_shared<'q, U, D>(self, connection: &mut D) -> D::Answer<'_, Arc<Vec<U>>>
    where
        U: Typed,
        D: TypedLoad<'q, Q, U>,
    {
        connection.load_typed(self, Ok)
    }

    /// See [`RunQueryDsl::get_result`](diesel::RunQueryDsl::get_result).
    ///
    /// # Errors
    /// Those of Diesel; [`Error::NotFound`] without a row.
    pub fn get_result<'q, U, D>(self, connection: &mut D) -> D::Answer<'_, U>
    where
        U: Typed,
        D: TypedLoad<'q, Q, U>,
    {
        connection.load_typed(self, |rows| rows.first().cloned().ok_or(Error::NotFound))
    }

    /// See [`RunQueryDsl::first`](diesel::RunQueryDsl::first).
    ///
    /// # Errors
    /// Those of Diesel; [`Error::NotFound`] without a row.
    pub fn first<'q, U, D>(self, connection: &mut D) -> D::Answer<'_, U>
    where
        U: Typed,
        Q: LimitDsl,
        D: TypedLoad<'q, Limit<Q>, U>,
    {
        let (query, options) = (self.query.limit(1), self.options);
        Cached { query, options }.get_result(connection)
    }

    /// The number of rows, as `.count().get_result()` gives it.
    ///
    /// # Errors
    /// Those of Diesel.
    pub fn count<'q, D>(self, connection: &mut D) -> D::Answer<'_, i64>
    where
        Q: SelectDsl<CountStar>,
        D: TypedLoad<'q, Select<Q, CountStar>, i64>,
    {
        let (query, options) = (SelectDsl::select(self.query, CountStar), self.options);
        Cached { query, options }.get_result(connection)
    }

    /// What it asks for in place of the connection's scope.
    pub(crate) fn wish(&self) -> Option<ReadOptions> {
        Some(self.options).filter(|wish| *wish != ReadOptions::default())
    }
}

/// A wrapped connection, or what leads to one: a pooled one, a scope.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no connection that larder has wrapped",
    note = "`.cached()` needs one: `larder.wrap(connection)`"
)]
pub trait TypedConnection {
    /// How it answers: at once by a [`QueryResult`], or by a future of one.
    type Answer<'c, T: Send + 'static>;
}

/// A connection that can run this query for values of this type.
pub trait TypedLoad<'q, Q, U>: TypedConnection {
    /// What is taken of the rows of a query.
    #[doc(hidden)]
    fn load_typed<T: Send + 'static>(
        &mut self,
        cached: Cached<Q>,
        take: fn(Arc<Vec<U>>) -> QueryResult<T>,
    ) -> Self::Answer<'_, T>;
}

#[diagnostic::do_not_recommend]
impl<D> TypedConnection for D
where
    D: DerefMut<Target: TypedConnection>,
{
    type Answer<'c, T: Send + 'static> = <D::Target as TypedConnection>::Answer<'c, T>;
}

#[diagnostic::do_not_recommend]
impl<'q, D, Q, U> TypedLoad<'q, Q, U> for D
where
    D: DerefMut<Target: TypedLoad<'q, Q, U>>,
{
    fn load_typed<T: Send + 'static>(
        &mut self,
        cached: Cached<Q>,
        take: fn(Arc<Vec<U>>) -> QueryResult<T>,
    ) -> Self::Answer<'_, T> {
        (**self).load_typed(cached, take)
    }
}

impl<C: WrappedConnection> TypedConnection for CachedConnection<C> {
    type Answer<'c, T: Send + 'static> = QueryResult<T>;
}

impl<'q, Q, U, C> TypedLoad<'q, Q, U> for CachedConnection<C>
where
    U: Typed,
    C: WrappedConnection,
    Q: LoadQuery<'q, Self, U> + AsQuery + Clone,
    Q::Query: QueryFragment<C::Backend> + QueryId,
    C::Backend: QueryMetadata<Q::SqlType>,
{
    fn load_typed<T: Send + 'static>(
        &mut self,
        cached: Cached<Q>,
        take: fn(Arc<Vec<U>>) -> QueryResult<T>,
    ) -> QueryResult<T> {
        take(shared(cached, self)?)
    }
}

fn shared<'q, Q, U, C>(
    cached: Cached<Q>,
    connection: &mut CachedConnection<C>,
) -> QueryResult<Arc<Vec<U>>>
where
    U: Typed,
    C: WrappedConnection,
    Q: LoadQuery<'q, CachedConnection<C>, U> + AsQuery + Clone,
    Q::Query: QueryFragment<C::Backend> + QueryId,
    C::Backend: QueryMetadata<Q::SqlType>,
{
    let wish = cached.wish();
    let source = cached.query.clone().as_query();
    connection.prepare();
    let Ok(text) = connection.session.text::<C::Backend, _>(&source) else {
        return all(cached.query, connection).map(Arc::new);
    };
    let planned = connection.session.plan_text(&text);
    if !planned.only_reads() {
        return all(cached.query, connection).map(Arc::new);
    }
    match connection.answer::<Vec<U>, _>(&planned, &source, &kept_as::<U, Q::SqlType>(), wish) {
        Answer::Hit(result) => Ok(result),
        Answer::Pass => connection
            .uncached(|it| all(cached.query, it))
            .map(Arc::new),
        Answer::Fill(fill) => {
            let result = connection.uncached(|it| all(cached.query, it))?;
            let result = Arc::new(result);
            // Its server may have become a standby meanwhile (P9).
            if !connection.session.keeper().lags() {
                let bytes = weight(&*result);
                fill.store_blocking(Arc::clone(&result) as Kept, bytes);
            }
            Ok(result)
        }
    }
}

fn all<'q, Q, U, C>(query: Q, connection: &mut CachedConnection<C>) -> QueryResult<Vec<U>>
where
    C: WrappedConnection,
    Q: LoadQuery<'q, CachedConnection<C>, U>,
{
    query.internal_load(connection)?.collect()
}

/// What lists of a type are kept as. One type may read columns of `ST` in another way than others.
pub(crate) fn kept_as<U: Typed, ST>() -> KeptAs {
    KeptAs {
        identity: ResultIdentity {
            adapter: "diesel-typed",
            terminal: "load",
            type_id: TypeId::of::<Vec<U>>(),
            type_name: type_name::<U>(),
            schema_fingerprint: FixedState::with_seed(0).hash_one(type_name::<ST>()),
        },
        form: Some(Param::Other("fields", fields::names::<U>().into())),
        codec: &Lists::<U>::CODEC,
    }
}

/// Lists of a type.
struct Lists<U>(PhantomData<U>);

impl<U: Typed> Lists<U> {
    // The fields are part of the key.
    const CODEC: ResultCodec = ResultCodec {
        fingerprint: 0x4469_0001,
        write: Self::write,
        read: Self::read,
    };

    fn write(value: &(dyn Any + Send + Sync), out: &mut Writer<'_>) -> Result<(), Unwritable> {
        let list = value.downcast_ref::<Vec<U>>().ok_or(Unwritable)?;
        out.list(list.len())?;
        list.iter().try_for_each(|item| out.serde(item))
    }

    fn read(from: &mut Reader<'_>) -> Result<Kept, Unreadable> {
        let len = from.list()?;
        let mut list = from.room::<U>(len);
        for _ in 0..len {
            list.push(from.serde()?);
        }
        Ok(Arc::new(list))
    }
}

/// About the bytes that a list takes in memory: what it would be written as, and its values'
/// places. What has no written form counts as its places.
pub(crate) fn weight<U: Typed>(list: &Vec<U>) -> usize {
    let mut count = Counted(0);
    let _ = Lists::<U>::write(list, &mut Writer::new(Codec::MessagePack, &mut count));
    count.0 + list.capacity() * size_of::<U>() + size_of::<Vec<U>>()
}

/// Counts what is written.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
