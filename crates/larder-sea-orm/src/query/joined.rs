//! What SeaORM's selects of several entities offer besides their traits.

#[cfg(feature = "with-json")]
use sea_orm::JsonValue;
#[cfg(feature = "stream")]
use sea_orm::{ConnectionTrait, DbErr, SelectorTrait, StreamTrait};
use sea_orm::{
    EntityTrait, FromQueryResult, IdentityOf, PartialModelTrait, Related, SelectFive,
    SelectFiveModel, SelectFour, SelectFourMany, SelectFourModel, SelectSix, SelectSixModel,
    SelectThree, SelectThreeMany, SelectThreeModel, SelectTwo, SelectTwoModel, SelectTwoRequired,
    SelectTwoRequiredModel, Topology, TopologyChain, TopologyStar,
};

#[cfg(feature = "stream")]
use super::RowStream;
use super::{Cached, CachedCursor, Shaped};

impl<E: EntityTrait, F: EntityTrait> Cached<SelectTwo<E, F>> {
    /// See [`SelectTwo::find_also`].
    pub fn find_also<G, R>(
        self,
        entity: G,
        related: R,
    ) -> Cached<SelectThree<E, F, R, TopologyStar>>
    where
        G: EntityTrait + Related<R>,
        R: EntityTrait,
    {
        self.map(|select| select.find_also(entity, related))
    }

    /// See [`SelectTwo::find_also_related`].
    pub fn find_also_related<R>(self, related: R) -> Cached<SelectThree<E, F, R, TopologyStar>>
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.map(|select| select.find_also_related(related))
    }

    /// See [`SelectTwo::and_also_related`].
    pub fn and_also_related<R>(self, related: R) -> Cached<SelectThree<E, F, R, TopologyChain>>
    where
        R: EntityTrait,
        F: Related<R>,
    {
        self.map(|select| select.and_also_related(related))
    }

    /// What SeaORM's generated loaders call for relations that they do not join.
    #[doc(hidden)]
    pub fn select_also_fake<R: EntityTrait>(
        self,
        related: R,
    ) -> Cached<SelectThree<E, F, R, TopologyStar>> {
        self.map(|select| select.select_also_fake(related))
    }
}

impl<E, F> Cached<SelectTwo<E, F>>
where
    E: EntityTrait<Model: Send + Sync>,
    F: EntityTrait<Model: Send + Sync>,
{
    /// See [`SelectTwo::cursor_by`].
    pub fn cursor_by<C>(self, order_columns: C) -> CachedCursor<SelectTwoModel<E::Model, F::Model>>
    where
        C: IdentityOf<E>,
    {
        CachedCursor::new(self.map(|select| select.cursor_by(order_columns)))
    }

    /// See [`SelectTwo::cursor_by_other`].
    pub fn cursor_by_other<C>(
        self,
        order_columns: C,
    ) -> CachedCursor<SelectTwoModel<E::Model, F::Model>>
    where
        C: IdentityOf<F>,
    {
        CachedCursor::new(self.map(|select| select.cursor_by_other(order_columns)))
    }
}

impl<E, F, G, T> Cached<SelectThree<E, F, G, T>>
where
    E: EntityTrait<Model: Send + Sync>,
    F: EntityTrait<Model: Send + Sync>,
    G: EntityTrait<Model: Send + Sync>,
    T: Topology,
{
    /// See [`SelectThree::cursor_by`].
    pub fn cursor_by<C>(
        self,
        order_columns: C,
    ) -> CachedCursor<SelectThreeModel<E::Model, F::Model, G::Model>>
    where
        C: IdentityOf<E>,
    {
        CachedCursor::new(self.map(|select| select.cursor_by(order_columns)))
    }
}

impl<E: EntityTrait, F: EntityTrait, G: EntityTrait, T: Topology> Cached<SelectThree<E, F, G, T>> {
    /// See [`SelectThree::find_also`].
    pub fn find_also<S, R>(
        self,
        entity: S,
        related: R,
    ) -> Cached<SelectFour<E, F, G, R, TopologyStar>>
    where
        S: EntityTrait + Related<R>,
        R: EntityTrait,
    {
        self.map(|select| select.find_also(entity, related))
    }

    /// See [`SelectThree::consolidate`].
    pub fn consolidate(self) -> Cached<SelectThreeMany<E, F, G, T>> {
        self.map(SelectThree::consolidate)
    }
}

impl<E, F, G, H, T> Cached<SelectFour<E, F, G, H, T>>
where
    E: EntityTrait,
    F: EntityTrait,
    G: EntityTrait,
    H: EntityTrait,
    T: Topology,
{
    /// See [`SelectFour::find_also`].
    pub fn find_also<S, R>(
        self,
        entity: S,
        related: R,
    ) -> Cached<SelectFive<E, F, G, H, R, TopologyStar>>
    where
        S: EntityTrait + Related<R>,
        R: EntityTrait,
    {
        self.map(|select| select.find_also(entity, related))
    }

    /// See [`SelectFour::consolidate`].
    pub fn consolidate(self) -> Cached<SelectFourMany<E, F, G, H, T>> {
        self.map(SelectFour::consolidate)
    }
}

impl<E, F, G, H, I, T> Cached<SelectFive<E, F, G, H, I, T>>
where
    E: EntityTrait,
    F: EntityTrait,
    G: EntityTrait,
    H: EntityTrait,
    I: EntityTrait,
    T: Topology,
{
    /// See [`SelectFive::find_also`].
    pub fn find_also<S, R>(
        self,
        entity: S,
        related: R,
    ) -> Cached<SelectSix<E, F, G, H, I, R, TopologyStar>>
    where
        S: EntityTrait + Related<R>,
        R: EntityTrait,
    {
        self.map(|select| select.find_also(entity, related))
    }
}

/// Rows of another shape, for each number of entities.
macro_rules! shapes {
    ([$($generics:tt)*] $select:ty => $model:ident<$($part:ident),+>, json: $json:ty) => {
        impl<$($generics)*> Cached<$select> {
            /// The same rows, each part decoded as another type.
            pub fn into_model<$($part: FromQueryResult),+>(
                self,
            ) -> Cached<Shaped<$select, $model<$($part),+>>> {
                self.map(|select| Shaped::new(select, <$select>::into_model::<$($part),+>))
            }

            /// The columns of partial models alone.
            pub fn into_partial_model<$($part: PartialModelTrait),+>(
                self,
            ) -> Cached<Shaped<$select, $model<$($part),+>>> {
                self.map(|select| Shaped::new(select, <$select>::into_partial_model::<$($part),+>))
            }

            /// The same rows as JSON.
            #[cfg(feature = "with-json")]
            pub fn into_json(self) -> Cached<Shaped<$select, $json>> {
                self.map(|select| Shaped::new(select, <$select>::into_json))
            }
        }
    };
}

/// What SeaORM offers for up to four entities and not for more.
#[cfg(feature = "stream")]
macro_rules! streamed {
    ([$($generics:tt)*] $select:ty => $model:ident<$($part:ident),+>) => {
        impl<$($generics)*> Cached<$select> {
            /// The columns of partial models alone, row by row. Past the cache.
            ///
            /// # Errors
            /// Those of SeaORM.
            pub async fn stream_partial_model<'db: 'b, 'b, C, $($part),+>(
                self,
                db: &'db C,
            ) -> Result<RowStream<'b, <$model<$($part),+> as SelectorTrait>::Item>, DbErr>
            where
                C: ConnectionTrait + StreamTrait + Send,
                $($part: PartialModelTrait + Send + Sync + 'static,)+
            {
                self.into_partial_model::<$($part),+>().stream(db).await
            }
        }
    };
}

#[cfg(feature = "stream")]
mod streamed {
    use super::*;

    streamed! {
        [E: EntityTrait, F: EntityTrait] SelectTwo<E, F> => SelectTwoModel<M, N>
    }
    streamed! {
        [E: EntityTrait, F: EntityTrait] SelectTwoRequired<E, F> => SelectTwoRequiredModel<M, N>
    }
    streamed! {
        [E: EntityTrait, F: EntityTrait, G: EntityTrait, T: Topology + Send + 'static]
        SelectThree<E, F, G, T> => SelectThreeModel<M, N, O>
    }
    streamed! {
        [
            E: EntityTrait, F: EntityTrait, G: EntityTrait, H: EntityTrait,
            T: Topology + Send + 'static
        ]
        SelectFour<E, F, G, H, T> => SelectFourModel<M, N, O, P>
    }
}

shapes! {
    [E: EntityTrait, F: EntityTrait] SelectTwo<E, F> => SelectTwoModel<M, N>,
    json: SelectTwoModel<JsonValue, JsonValue>
}

shapes! {
    [E: EntityTrait, F: EntityTrait] SelectTwoRequired<E, F> => SelectTwoRequiredModel<M, N>,
    json: SelectTwoRequiredModel<JsonValue, JsonValue>
}

shapes! {
    [E: EntityTrait, F: EntityTrait, G: EntityTrait, T: Topology]
    SelectThree<E, F, G, T> => SelectThreeModel<M, N, O>,
    json: SelectThreeModel<JsonValue, JsonValue, JsonValue>
}

shapes! {
    [E: EntityTrait, F: EntityTrait, G: EntityTrait, H: EntityTrait, T: Topology]
    SelectFour<E, F, G, H, T> => SelectFourModel<M, N, O, P>,
    json: SelectFourModel<JsonValue, JsonValue, JsonValue, JsonValue>
}

shapes! {
    [E: EntityTrait, F: EntityTrait, G: EntityTrait, H: EntityTrait, I: EntityTrait, T: Topology]
    SelectFive<E, F, G, H, I, T> => SelectFiveModel<M, N, O, P, Q>,
    json: SelectFiveModel<JsonValue, JsonValue, JsonValue, JsonValue, JsonValue>
}

shapes! {
    [
        E: EntityTrait, F: EntityTrait, G: EntityTrait, H: EntityTrait, I: EntityTrait,
        J: EntityTrait, T: Topology
    ]
    SelectSix<E, F, G, H, I, J, T> => SelectSixModel<M, N, O, P, Q, R>,
    json: SelectSixModel<JsonValue, JsonValue, JsonValue, JsonValue, JsonValue, JsonValue>
}
