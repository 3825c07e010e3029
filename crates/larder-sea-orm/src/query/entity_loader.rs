//! SeaORM's generated entity loaders as one cached operation.

use std::{
    fmt::{self, Debug},
    marker::PhantomData,
    time::Duration,
};

use larder_core::ReadMode;
use larder_signals::ReadOptions;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, Value,
    compound::EntityLoaderTrait, sea_query::SelectStatement,
};

use super::{CachedPaginator, Paged};
use crate::{probe::ResultSlot, result::CachedResult};

/// Adds [`cached`](Self::cached) to the loaders that `#[sea_orm::model]` generates
/// (`Entity::load().with(..)`).
///
/// Where the entity's module says `use larder::sea_orm;`, a loader is cached without this, one
/// statement at a time. This makes one entry of the whole, with a TTL of its own if need be, and
/// works for entities whose modules do not say so.
pub trait CacheLoader<E: EntityTrait>: EntityLoaderTrait<E> {
    /// The same loader, cached as one operation under the policies of the tables that it reads.
    fn cached(self) -> CachedEntityLoader<Self, E>
    where
        Self: Debug,
    {
        CachedEntityLoader {
            loader: self,
            options: ReadOptions::default(),
            cached: true,
            entity: PhantomData,
        }
    }

    /// The same loader past the cache: none of its statements is looked up or stored.
    fn uncached(self) -> CachedEntityLoader<Self, E>
    where
        Self: Debug,
    {
        CachedEntityLoader {
            cached: false,
            ..self.cached()
        }
    }
}

impl<E: EntityTrait, L: EntityLoaderTrait<E>> CacheLoader<E> for L {}

/// An entity loader that is cached as one operation. Made by [`CacheLoader::cached`].
///
/// # Staleness
/// As of [`Cached`](super::Cached). The stamps of each statement are read before that statement.
/// Callers that miss at the same time each run it: an operation of several statements is not shared
/// before it is stored.
#[derive(Clone)]
#[must_use = "a loader does nothing until one of its terminals is awaited"]
pub struct CachedEntityLoader<L, E> {
    loader: L,
    options: ReadOptions,
    cached: bool,
    entity: PhantomData<fn() -> E>,
}

impl<E, L> CachedEntityLoader<L, E>
where
    E: EntityTrait,
    L: EntityLoaderTrait<E, ModelEx: CachedResult> + Debug + Send + 'static,
{
    /// See [`Cached::ttl`](super::Cached::ttl).
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.options.ttl = Some(ttl);
        self
    }

    /// See [`Cached::refresh`](super::Cached::refresh).
    pub fn refresh(mut self) -> Self {
        self.options.mode = ReadMode::Refresh;
        self
    }

    /// All models with what they were asked to load. Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    pub async fn all<C: ConnectionTrait>(self, db: &C) -> Result<Vec<L::ModelEx>, DbErr> {
        self.page(db, 0, 0).await
    }

    /// The first model with what it was asked to load. Cached.
    ///
    /// # Errors
    /// Those of SeaORM; a fault of the cache is none.
    pub async fn one<C>(mut self, db: &C) -> Result<Option<L::ModelEx>, DbErr>
    where
        C: ConnectionTrait,
        L: QueryOrder<QueryStatement = SelectStatement>,
    {
        QueryOrder::query(&mut self.loader).limit(1);
        Ok(self.all(db).await?.into_iter().next())
    }

    /// Pages of this many models each, cached one by one.
    pub fn paginate<C: ConnectionTrait>(
        self,
        db: &C,
        page_size: u64,
    ) -> CachedPaginator<'_, C, Self> {
        CachedPaginator::new(self, db, page_size)
    }

    /// What is loaded beside the rows shows in the loader's debug form, and nowhere else.
    fn within<T: CachedResult>(&self, slot: ResultSlot<T>) -> ResultSlot<T> {
        if self.cached {
            slot.with_inputs(vec![Value::from(format!("{:?}", self.loader))])
        } else {
            slot.of_none()
        }
    }
}

impl<E, L> Paged for CachedEntityLoader<L, E>
where
    E: EntityTrait,
    L: EntityLoaderTrait<E, ModelEx: CachedResult> + Debug + Send + 'static,
{
    type Row = L::ModelEx;

    async fn page<C: ConnectionTrait>(
        self,
        db: &C,
        page_size: u64,
        page: u64,
    ) -> Result<Vec<L::ModelEx>, DbErr> {
        let slot = ResultSlot::new::<L>("load", self.options).of_several();
        let slot = self.within(slot);
        let loader = self.loader;
        let found = slot.run(db, |probe| async move {
            loader.fetch(&probe, page, page_size).await
        });
        Ok(found.await?.into_owned())
    }

    async fn items<C: ConnectionTrait>(self, db: &C, page_size: u64) -> Result<u64, DbErr> {
        let slot = self.within(ResultSlot::new::<L>("count", self.options));
        let loader = self.loader;
        let found = slot.run(db, |probe| async move {
            loader.num_items(&probe, page_size).await
        });
        Ok(found.await?.into_owned())
    }
}

impl<L, E> QueryFilter for CachedEntityLoader<L, E>
where
    L: QueryFilter<QueryStatement = SelectStatement>,
{
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        QueryFilter::query(&mut self.loader)
    }
}

impl<L, E> QueryOrder for CachedEntityLoader<L, E>
where
    L: QueryOrder<QueryStatement = SelectStatement>,
{
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        QueryOrder::query(&mut self.loader)
    }
}

impl<L, E> fmt::Debug for CachedEntityLoader<L, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedEntityLoader")
            .field("options", &self.options)
            .field("cached", &self.cached)
            .finish_non_exhaustive()
    }
}
