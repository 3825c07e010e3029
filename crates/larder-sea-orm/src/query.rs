//! [`Cached`]: a query of SeaORM's with terminals that ask the cache.

use std::{fmt, sync::Arc, time::Duration};

use larder_core::ReadMode;
use larder_signals::ReadOptions;
use sea_orm::{
    ConnectionTrait, CursorTrait, DbErr, Paginator, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select, SelectExt, sea_query::SelectStatement,
};

use crate::{
    probe::{Found, ResultSlot},
    result::CachedResult,
};

mod cached;
mod cursor;
mod entity_loader;
mod joined;
mod many;
mod pages;
mod raw;
mod rows;
mod select;
mod shaped;

pub use cached::CacheQuery;
pub use cursor::CachedCursor;
pub use entity_loader::{CacheLoader, CachedEntityLoader};
pub use pages::{CachedPaginator, Paged};
pub use raw::RawRows;
#[cfg(feature = "stream")]
pub use rows::RowStream;
pub use rows::{Repeat, Rows, SingleRow};
pub use shaped::Shaped;

/// SeaORM's `Select` with terminals that ask the cache: what `find` and `find_by_id` of a cached
/// entity give.
pub type CachedSelect<E> = Cached<Select<E>>;

/// `sea_orm::Select` in a module that says `use larder::sea_orm;`. The derive asks for it.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the module of a cached dense entity must begin with `use larder::sea_orm;`",
    label = "here `sea_orm` is SeaORM itself",
    note = "`#[sea_orm::model]` generates code that names `sea_orm::Select`; larder's `sea_orm` is SeaORM with the cached one in its place"
)]
pub trait OverlaidSelect {}

impl<E: sea_orm::EntityTrait> OverlaidSelect for CachedSelect<E> {}

/// A query of SeaORM's whose terminals are answered from the cache when they run on a wrapped
/// connection. On any other connection, and inside a transaction, it is the plain query.
///
/// Filters, joins, orders and limits are those of SeaORM's own traits and methods. What turns it
/// into another query (`into_tuple`, `find_also_related`, `paginate`, `cursor_by` ..) gives that
/// other query, cached as well. `stream` goes past the cache.
///
/// # Staleness
/// None after a write through a wrapped connection whose invalidation was acknowledged; the TTL
/// otherwise.
#[must_use = "a query does nothing until one of its terminals is awaited"]
pub struct Cached<Q> {
    query: Q,
    options: ReadOptions,
}

impl<Q> Cached<Q> {
    /// Makes a query cache-aware. The derive does this in `find` and `find_by_id`.
    pub fn new(query: Q) -> Self {
        Self {
            query,
            options: ReadOptions::default(),
        }
    }

    /// How old this result may be, in place of the policy's time; also where no policy asks for
    /// caching. What was stored longer ago does not answer; what is stored now answers others for
    /// as long. Zero caches nothing.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.options.ttl = Some(ttl);
        self
    }

    /// How long ago a result may have been valid that answers while another reader replaces it,
    /// instead of what the policies say; see [`Policy::allow_stale`](larder_core::Policy::allow_stale).
    pub fn allow_stale(mut self, at_most: Duration) -> Self {
        self.options.allow_stale = Some(at_most);
        self
    }

    /// Goes to the database and stores what it says, whatever is stored now.
    pub fn refresh(mut self) -> Self {
        self.options.mode = ReadMode::Refresh;
        self
    }

    /// What the caller asks of the cache.
    pub(crate) fn options(&self) -> ReadOptions {
        self.options
    }

    /// The same wishes for what becomes of the query.
    fn map<R>(self, change: impl FnOnce(Q) -> R) -> Cached<R> {
        Cached {
            query: change(self.query),
            options: self.options,
        }
    }
}

impl<Q: Rows> Cached<Q> {
    /// SeaORM's own query, which goes to the database and stores nothing.
    #[must_use = "a query does nothing until one of its terminals is awaited"]
    pub fn uncached(self) -> Q::Plain {
        self.query.plain()
    }

    /// All rows. Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    pub async fn all<C: ConnectionTrait>(self, db: &C) -> Result<Vec<Q::Row>, DbErr>
    where
        Q::Row: CachedResult,
    {
        Ok(self.fetch(db).await?.into_owned())
    }

    /// All rows, shared with the cache: nothing is cloned. Cached together with
    /// [`all`](Self::all).
    ///
    /// # Errors
    /// Those of [`all`](Self::all).
    pub async fn all_shared<C: ConnectionTrait>(self, db: &C) -> Result<Arc<Vec<Q::Row>>, DbErr>
    where
        Q::Row: CachedResult,
    {
        Ok(self.fetch(db).await?.into_shared())
    }

    async fn fetch<C: ConnectionTrait>(self, db: &C) -> Result<Found<Vec<Q::Row>>, DbErr>
    where
        Q::Row: CachedResult,
    {
        let query = self.query;
        ResultSlot::new::<Q::Decoder>("all", self.options)
            .run(db, |probe| async move { query.all(&probe).await })
            .await
    }
}

impl<Q: SingleRow> Cached<Q> {
    /// The first row, or `None`. Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    pub async fn one<C: ConnectionTrait>(self, db: &C) -> Result<Option<Q::Row>, DbErr>
    where
        Q::Row: CachedResult,
    {
        let row = self.fetch_one(db).await?.into_owned();
        Ok(row.map(Arc::unwrap_or_clone))
    }

    /// The first row, shared with the cache: nothing is cloned. Cached together with
    /// [`one`](Self::one).
    ///
    /// # Errors
    /// Those of [`one`](Self::one).
    pub async fn one_shared<C: ConnectionTrait>(self, db: &C) -> Result<Option<Arc<Q::Row>>, DbErr>
    where
        Q::Row: CachedResult,
    {
        Ok(self.fetch_one(db).await?.into_owned())
    }

    /// The first row, or [`DbErr::RecordNotFound`]. Cached together with [`one`](Self::one).
    ///
    /// # Errors
    /// Those of [`one`](Self::one), and `RecordNotFound` when no row matches.
    pub async fn require_one<C: ConnectionTrait>(self, db: &C) -> Result<Q::Row, DbErr>
    where
        Q::Row: CachedResult,
    {
        // The text is SeaORM's: wrapping a query must not change its error.
        self.one(db)
            .await?
            .ok_or_else(|| DbErr::RecordNotFound("None of the models match the query".to_owned()))
    }

    /// The number of rows, `limit` and `offset` honoured. Cached.
    ///
    /// # Errors
    /// Those of [`PaginatorTrait::count`]; a fault of the cache is none.
    pub async fn count<C: ConnectionTrait>(self, db: &C) -> Result<u64, DbErr> {
        let query = self.query;
        let count = ResultSlot::new::<()>("count", self.options)
            .run(db, |probe| async move { query.count(&probe).await });
        Ok(count.await?.into_owned())
    }

    /// Whether any row matches. Cached.
    ///
    /// # Errors
    /// Those of [`SelectExt::exists`]; a fault of the cache is none.
    pub async fn exists<C: ConnectionTrait>(self, db: &C) -> Result<bool, DbErr> {
        let query = self.query;
        let exists = ResultSlot::new::<()>("exists", self.options)
            .run(db, |probe| async move { query.exists(&probe).await });
        Ok(exists.await?.into_owned())
    }

    /// Pages of this many rows each, cached one by one; see [`PaginatorTrait::paginate`].
    ///
    /// # Panics
    /// As SeaORM's, when a page has no rows.
    pub fn paginate<C: ConnectionTrait>(
        self,
        db: &C,
        page_size: u64,
    ) -> CachedPaginator<'_, C, Self>
    where
        Q: Repeat,
    {
        assert!(page_size != 0, "page_size should not be zero");
        CachedPaginator::new(self, db, page_size)
    }

    /// The rows one by one, as the database gives them. Past the cache.
    ///
    /// # Errors
    /// Those of SeaORM.
    #[cfg(feature = "stream")]
    pub async fn stream<'db: 'b, 'b, C>(self, db: &'db C) -> Result<RowStream<'b, Q::Row>, DbErr>
    where
        C: ConnectionTrait + sea_orm::StreamTrait + Send,
        Q: 'b,
    {
        self.query.stream(db).await
    }

    async fn fetch_one<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<Found<Option<Arc<Q::Row>>>, DbErr>
    where
        Q::Row: CachedResult,
    {
        let query = self.query;
        ResultSlot::new::<Q::Decoder>("one", self.options)
            .run(db, |probe| async move {
                Ok(query.one(&probe).await?.map(Arc::new))
            })
            .await
    }
}

impl<Q: Clone> Clone for Cached<Q> {
    fn clone(&self) -> Self {
        Self {
            query: self.query.clone(),
            options: self.options,
        }
    }
}

impl<Q: fmt::Debug> fmt::Debug for Cached<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("query", &self.query)
            .field("options", &self.options)
            .finish()
    }
}

impl<Q: QueryTrait<QueryStatement = SelectStatement>> QueryTrait for Cached<Q> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        self.query.query()
    }

    fn as_query(&self) -> &SelectStatement {
        self.query.as_query()
    }

    fn into_query(self) -> SelectStatement {
        self.query.into_query()
    }
}

impl<Q: QuerySelect<QueryStatement = SelectStatement>> QuerySelect for Cached<Q> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        self.query.query()
    }
}

impl<Q: QueryFilter<QueryStatement = SelectStatement>> QueryFilter for Cached<Q> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        self.query.query()
    }
}

impl<Q: QueryOrder<QueryStatement = SelectStatement>> QueryOrder for Cached<Q> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        self.query.query()
    }
}

/// For functions generic over SeaORM's traits, which know no cache: past it.
impl<Q: SelectExt> SelectExt for Cached<Q> {
    fn exists_query(self) -> SelectStatement {
        self.query.exists_query()
    }
}

/// For functions generic over SeaORM's traits, which know no cache: past it.
impl<'db, C: ConnectionTrait, Q: PaginatorTrait<'db, C>> PaginatorTrait<'db, C> for Cached<Q> {
    type Selector = Q::Selector;

    fn paginate(self, db: &'db C, page_size: u64) -> Paginator<'db, C, Self::Selector> {
        self.query.paginate(db, page_size)
    }
}

impl<Q: CursorTrait> CursorTrait for Cached<Q> {
    type Selector = Q::Selector;
}
