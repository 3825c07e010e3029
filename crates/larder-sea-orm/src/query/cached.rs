//! `.cached()`: caching for queries that no derive has made cache-aware.

use sea_orm::{
    Cursor, EntityTrait, FromQueryResult, Select, SelectFive, SelectFour, SelectFourMany,
    SelectModel, SelectSix, SelectThree, SelectThreeMany, SelectTwo, SelectTwoMany,
    SelectTwoRequired, Selector, SelectorRaw, SelectorTrait, Topology,
};

use super::{Cached, CachedCursor, RawRows};

/// Adds [`cached`](Self::cached) to SeaORM's queries: for code generic over `E: EntityTrait`, which
/// calls SeaORM's own `find`, for `Related::find_related`, for statements as text, and for models
/// without `#[derive(Cacheable)]`, whose rows need `#[derive(CachedResult)]` alone.
///
/// ```
/// use larder_sea_orm::{CacheQuery, CachedResult};
/// use sea_orm::{ConnectionTrait, DbErr, EntityTrait};
///
/// async fn list<E>(db: &impl ConnectionTrait) -> Result<Vec<E::Model>, DbErr>
/// where
///     E: EntityTrait<Model: CachedResult>,
/// {
///     E::find().cached().all(db).await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no cached form",
    note = "`.cached()` stands on Select, SelectTwo to SelectSix, their `_many` forms, Selector, SelectorRaw and Cursor"
)]
pub trait CacheQuery: Sized {
    /// The same query with terminals that ask the cache.
    type Cached;

    /// The same query with terminals that ask the cache. The policies of its tables decide, or
    /// [`ttl`](Cached::ttl).
    fn cached(self) -> Self::Cached;
}

macro_rules! cached {
    ($([$($generics:tt)*] $query:ty),* $(,)?) => {$(
        impl<$($generics)*> CacheQuery for $query {
            type Cached = Cached<Self>;

            fn cached(self) -> Cached<Self> {
                Cached::new(self)
            }
        }
    )*};
}

cached! {
    [E: EntityTrait] Select<E>,
    [E: EntityTrait, F: EntityTrait] SelectTwo<E, F>,
    [E: EntityTrait, F: EntityTrait] SelectTwoRequired<E, F>,
    [E: EntityTrait, F: EntityTrait] SelectTwoMany<E, F>,
    [E: EntityTrait, F: EntityTrait, G: EntityTrait, T: Topology] SelectThree<E, F, G, T>,
    [E: EntityTrait, F: EntityTrait, G: EntityTrait, T: Topology] SelectThreeMany<E, F, G, T>,
    [E: EntityTrait, F: EntityTrait, G: EntityTrait, H: EntityTrait, T: Topology]
        SelectFour<E, F, G, H, T>,
    [E: EntityTrait, F: EntityTrait, G: EntityTrait, H: EntityTrait, T: Topology]
        SelectFourMany<E, F, G, H, T>,
    [
        E: EntityTrait, F: EntityTrait, G: EntityTrait, H: EntityTrait, I: EntityTrait,
        T: Topology
    ] SelectFive<E, F, G, H, I, T>,
    [
        E: EntityTrait, F: EntityTrait, G: EntityTrait, H: EntityTrait, I: EntityTrait,
        J: EntityTrait, T: Topology
    ] SelectSix<E, F, G, H, I, J, T>,
    [S: SelectorTrait] Selector<S>,
}

impl<M: FromQueryResult> CacheQuery for SelectorRaw<SelectModel<M>> {
    type Cached = Cached<RawRows<M>>;

    fn cached(self) -> Cached<RawRows<M>> {
        Cached::new(RawRows::new(self.into_statement()))
    }
}

impl<S: SelectorTrait> CacheQuery for Cursor<S>
where
    Self: std::fmt::Debug,
{
    type Cached = CachedCursor<S>;

    fn cached(self) -> CachedCursor<S> {
        CachedCursor::of_unknown_direction(self)
    }
}

/// So that generic code may say it of a query that may be cache-aware already.
impl<Q> CacheQuery for Cached<Q> {
    type Cached = Self;

    fn cached(self) -> Self {
        self
    }
}
