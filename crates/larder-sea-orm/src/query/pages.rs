//! Pages of a cached query.

use std::{fmt, future::Future, pin::Pin};

use futures_core::Stream;
use futures_util::stream;
use sea_orm::{ConnectionTrait, DbErr, ItemsAndPagesNumber};

use super::{Cached, Repeat};
use crate::{probe::ResultSlot, result::CachedResult};

/// What [`CachedPaginator::into_stream`] gives.
type Pages<'db, R> = Pin<Box<dyn Stream<Item = Result<Vec<R>, DbErr>> + 'db>>;

/// What is read page by page: a cached query, or a cached entity loader.
pub trait Paged: Clone + Send {
    /// One of a page's rows.
    type Row: Send;

    /// A page, counted from zero.
    #[doc(hidden)]
    fn page<C: ConnectionTrait>(
        self,
        db: &C,
        page_size: u64,
        page: u64,
    ) -> impl Future<Output = Result<Vec<Self::Row>, DbErr>> + Send
    where
        Self::Row: CachedResult;

    /// The number of rows on all pages.
    #[doc(hidden)]
    fn items<C: ConnectionTrait>(
        self,
        db: &C,
        page_size: u64,
    ) -> impl Future<Output = Result<u64, DbErr>> + Send;
}

impl<Q: Repeat> Paged for Cached<Q> {
    type Row = Q::Row;

    async fn page<C: ConnectionTrait>(
        self,
        db: &C,
        page_size: u64,
        page: u64,
    ) -> Result<Vec<Q::Row>, DbErr>
    where
        Q::Row: CachedResult,
    {
        let Self { query, options } = self;
        // The same as `all` of the query with this limit and offset.
        let rows = ResultSlot::new::<Q::Decoder>("all", options).run(db, |probe| async move {
            query.page(&probe, page_size, page).await
        });
        Ok(rows.await?.into_owned())
    }

    async fn items<C: ConnectionTrait>(self, db: &C, page_size: u64) -> Result<u64, DbErr> {
        let Self { query, options } = self;
        let items = ResultSlot::new::<()>("count", options).run(db, |probe| async move {
            query.items(&probe, page_size).await
        });
        Ok(items.await?.into_owned())
    }
}

/// SeaORM's `Paginator`, whose pages and totals are cached one by one.
///
/// Every page rests on the whole condition of the query, so a write that can change one page drops
/// them all.
#[must_use = "a paginator does nothing until a page is asked for"]
pub struct CachedPaginator<'db, C, P> {
    paged: P,
    db: &'db C,
    page_size: u64,
    page: u64,
}

impl<'db, C: ConnectionTrait, P: Paged> CachedPaginator<'db, C, P> {
    pub(super) fn new(paged: P, db: &'db C, page_size: u64) -> Self {
        Self {
            paged,
            db,
            page_size,
            page: 0,
        }
    }

    /// A page, counted from zero. Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    pub async fn fetch_page(&self, page: u64) -> Result<Vec<P::Row>, DbErr>
    where
        P::Row: CachedResult,
    {
        let paged = self.paged.clone();
        paged.page(self.db, self.page_size, page).await
    }

    /// The current page. Cached.
    ///
    /// # Errors
    /// Those of [`fetch_page`](Self::fetch_page).
    pub async fn fetch(&self) -> Result<Vec<P::Row>, DbErr>
    where
        P::Row: CachedResult,
    {
        self.fetch_page(self.page).await
    }

    /// The number of rows on all pages. Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    pub async fn num_items(&self) -> Result<u64, DbErr> {
        self.paged.clone().items(self.db, self.page_size).await
    }

    /// The number of pages. Cached.
    ///
    /// # Errors
    /// Those of [`num_items`](Self::num_items).
    pub async fn num_pages(&self) -> Result<u64, DbErr> {
        Ok(self.num_items().await?.div_ceil(self.page_size))
    }

    /// The number of rows and of pages. Cached.
    ///
    /// # Errors
    /// Those of [`num_items`](Self::num_items).
    pub async fn num_items_and_pages(&self) -> Result<ItemsAndPagesNumber, DbErr> {
        let number_of_items = self.num_items().await?;
        Ok(ItemsAndPagesNumber {
            number_of_items,
            number_of_pages: number_of_items.div_ceil(self.page_size),
        })
    }

    /// Goes to the next page.
    pub fn next(&mut self) {
        self.page += 1;
    }

    /// The current page, counted from zero.
    pub fn cur_page(&self) -> u64 {
        self.page
    }

    /// Goes to a page.
    pub fn set_page(&mut self, page: u64) {
        self.page = page;
    }

    /// The current page, or `None` behind the last one; goes to the next. Cached.
    ///
    /// # Errors
    /// Those of [`fetch_page`](Self::fetch_page).
    pub async fn fetch_and_next(&mut self) -> Result<Option<Vec<P::Row>>, DbErr>
    where
        P::Row: CachedResult,
    {
        let rows = self.fetch().await?;
        self.next();
        Ok((!rows.is_empty()).then_some(rows))
    }

    /// The pages from the current one on, as a stream. Cached one by one.
    pub fn into_stream(self) -> Pages<'db, P::Row>
    where
        P: 'db,
        P::Row: CachedResult,
    {
        Box::pin(stream::try_unfold(self, |mut pages| async move {
            let rows = pages.fetch_and_next().await?;
            Ok(rows.map(|rows| (rows, pages)))
        }))
    }
}

impl<C, P: Clone> Clone for CachedPaginator<'_, C, P> {
    fn clone(&self) -> Self {
        Self {
            paged: self.paged.clone(),
            ..*self
        }
    }
}

impl<C, P: fmt::Debug> fmt::Debug for CachedPaginator<'_, C, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedPaginator")
            .field("paged", &self.paged)
            .field("page_size", &self.page_size)
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}
