//! What SeaORM's `Select` offers besides its traits.

#[cfg(feature = "stream")]
use sea_orm::{ConnectionTrait, DbErr, StreamTrait};
use sea_orm::{
    Cursor, EntityOrSelect, EntityTrait, FromQueryResult, IntoIdentity, Linked, Order,
    PartialModelTrait, Related, Select, SelectGetableTuple, SelectGetableValue, SelectModel,
    SelectTwo, SelectTwoMany, SelectTwoRequired, Statement, TryGetableMany,
    sea_query::{Iden, IntoCondition},
    strum::IntoEnumIterator,
};

#[cfg(feature = "stream")]
use super::RowStream;
use super::{Cached, CachedCursor, CachedSelect, RawRows, Shaped};

/// Still a select of the same entity.
impl<E: EntityTrait> CachedSelect<E> {
    /// See [`Select::left_join`](sea_orm::Select::left_join).
    pub fn left_join<R>(self, related: R) -> Self
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.map(|select| select.left_join(related))
    }

    /// See [`Select::right_join`](sea_orm::Select::right_join).
    pub fn right_join<R>(self, related: R) -> Self
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.map(|select| select.right_join(related))
    }

    /// See [`Select::inner_join`](sea_orm::Select::inner_join).
    pub fn inner_join<R>(self, related: R) -> Self
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.map(|select| select.inner_join(related))
    }

    /// See [`Select::reverse_join`](sea_orm::Select::reverse_join).
    pub fn reverse_join<R>(self, related: R) -> Self
    where
        R: EntityTrait + Related<E>,
    {
        self.map(|select| select.reverse_join(related))
    }

    /// See [`Select::left_join_linked`](sea_orm::Select::left_join_linked).
    pub fn left_join_linked<L, T>(self, linked: L) -> Self
    where
        L: Linked<FromEntity = E, ToEntity = T>,
        T: EntityTrait,
    {
        self.map(|select| select.left_join_linked(linked))
    }

    /// See [`Select::has_related`](sea_orm::Select::has_related).
    pub fn has_related<R, C>(self, related: R, condition: C) -> Self
    where
        R: EntityTrait,
        E: Related<R>,
        C: IntoCondition,
    {
        self.map(|select| select.has_related(related, condition))
    }

    /// See [`Select::order_by_id`](sea_orm::Select::order_by_id).
    pub fn order_by_id(self, order: Order) -> Self {
        self.map(|select| select.order_by_id(order))
    }

    /// See [`Select::order_by_id_asc`](sea_orm::Select::order_by_id_asc).
    pub fn order_by_id_asc(self) -> Self {
        self.order_by_id(Order::Asc)
    }

    /// See [`Select::order_by_id_desc`](sea_orm::Select::order_by_id_desc).
    pub fn order_by_id_desc(self) -> Self {
        self.order_by_id(Order::Desc)
    }

    /// See [`Select::select_except`](sea_orm::Select::select_except).
    pub fn select_except(self, except: impl IntoIterator<Item = E::Column>) -> Self {
        self.map(|select| select.select_except(except))
    }

    /// Follows a link to the same entity again and again; hidden in SeaORM.
    #[doc(hidden)]
    pub fn find_with_linked_recursive<L>(self, linked: L) -> Self
    where
        L: Linked<FromEntity = E, ToEntity = E>,
    {
        self.map(|select| select.find_with_linked_recursive(linked))
    }
}

/// Several entities in a row.
impl<E: EntityTrait> CachedSelect<E> {
    /// See [`Select::find_also`](sea_orm::Select::find_also).
    pub fn find_also<R>(self, entity: E, related: R) -> Cached<SelectTwo<E, R>>
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.map(|select| select.find_also(entity, related))
    }

    /// See [`Select::find_also_related`](sea_orm::Select::find_also_related).
    pub fn find_also_related<R>(self, related: R) -> Cached<SelectTwo<E, R>>
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.map(|select| select.find_also_related(related))
    }

    /// See [`Select::find_both_related`](sea_orm::Select::find_both_related).
    pub fn find_both_related<R>(self, related: R) -> Cached<SelectTwoRequired<E, R>>
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.map(|select| select.find_both_related(related))
    }

    /// See [`Select::find_with_related`](sea_orm::Select::find_with_related).
    pub fn find_with_related<R>(self, related: R) -> Cached<SelectTwoMany<E, R>>
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.map(|select| select.find_with_related(related))
    }

    /// See [`Select::find_also_linked`](sea_orm::Select::find_also_linked).
    pub fn find_also_linked<L, T>(self, linked: L) -> Cached<SelectTwo<E, T>>
    where
        L: Linked<FromEntity = E, ToEntity = T>,
        T: EntityTrait,
    {
        self.map(|select| select.find_also_linked(linked))
    }

    /// See [`Select::find_with_linked`](sea_orm::Select::find_with_linked).
    pub fn find_with_linked<L, T>(self, linked: L) -> Cached<SelectTwoMany<E, T>>
    where
        L: Linked<FromEntity = E, ToEntity = T>,
        T: EntityTrait,
    {
        self.map(|select| select.find_with_linked(linked))
    }

    /// See [`Select::select_also`](sea_orm::Select::select_also).
    pub fn select_also<R: EntityTrait>(self, related: R) -> Cached<SelectTwo<E, R>> {
        self.map(|select| select.select_also(related))
    }

    /// What SeaORM's generated loaders call for relations that they do not join.
    #[doc(hidden)]
    pub fn select_also_fake<R: EntityTrait>(self, related: R) -> Cached<SelectTwo<E, R>> {
        self.map(|select| select.select_also_fake(related))
    }

    /// See [`Select::select_with`](sea_orm::Select::select_with).
    pub fn select_with<R: EntityTrait>(self, related: R) -> Cached<SelectTwoMany<E, R>> {
        self.map(|select| select.select_with(related))
    }

    /// See [`Select::select_two_required`](sea_orm::Select::select_two_required).
    pub fn select_two_required<R: EntityTrait>(
        self,
        related: R,
    ) -> Cached<SelectTwoRequired<E, R>> {
        self.map(|select| select.select_two_required(related))
    }
}

/// Rows of another shape.
impl<E: EntityTrait> CachedSelect<E> {
    /// See [`Select::from_raw_sql`](sea_orm::Select::from_raw_sql).
    pub fn from_raw_sql(self, statement: Statement) -> Cached<RawRows<E::Model>> {
        self.map(|_| RawRows::new(statement))
    }

    /// See [`Select::into_model`](sea_orm::Select::into_model).
    pub fn into_model<M: FromQueryResult>(self) -> Cached<Shaped<Select<E>, SelectModel<M>>> {
        self.map(|select| Shaped::new(select, Select::into_model))
    }

    /// See [`Select::into_partial_model`](sea_orm::Select::into_partial_model).
    pub fn into_partial_model<M: PartialModelTrait>(
        self,
    ) -> Cached<Shaped<Select<E>, SelectModel<M>>> {
        self.map(|select| Shaped::new(select, Select::into_partial_model))
    }

    /// See [`Select::stream_partial_model`](sea_orm::Select::stream_partial_model). Past the cache.
    ///
    /// # Errors
    /// Those of SeaORM.
    #[cfg(feature = "stream")]
    pub async fn stream_partial_model<'db: 'b, 'b, C, M>(
        self,
        db: &'db C,
    ) -> Result<RowStream<'b, M>, DbErr>
    where
        C: ConnectionTrait + StreamTrait + Send,
        M: PartialModelTrait + Send + Sync + 'static,
    {
        self.into_partial_model::<M>().stream(db).await
    }

    /// See [`Select::into_json`](sea_orm::Select::into_json).
    #[cfg(feature = "with-json")]
    pub fn into_json(self) -> Cached<Shaped<Select<E>, SelectModel<sea_orm::JsonValue>>> {
        self.map(|select| Shaped::new(select, Select::into_json))
    }

    /// See [`Select::into_values`](sea_orm::Select::into_values).
    pub fn into_values<T, C>(self) -> Cached<Shaped<Select<E>, SelectGetableValue<T, C>>>
    where
        T: TryGetableMany,
        C: IntoEnumIterator + Iden,
    {
        self.map(|select| Shaped::new(select, Select::into_values))
    }

    /// See [`Select::into_tuple`](sea_orm::Select::into_tuple).
    pub fn into_tuple<T: TryGetableMany>(self) -> Cached<Shaped<Select<E>, SelectGetableTuple<T>>> {
        self.map(|select| Shaped::new(select, Select::into_tuple))
    }

    /// See [`Select::cursor_by`](sea_orm::Select::cursor_by).
    pub fn cursor_by<C>(self, order_columns: C) -> CachedCursor<SelectModel<E::Model>>
    where
        C: IntoIdentity,
        E::Model: Send + Sync,
    {
        CachedCursor::new(self.map(|select| -> Cursor<_> { select.cursor_by(order_columns) }))
    }
}

impl<E: EntityTrait> From<CachedSelect<E>> for Select<E> {
    fn from(select: CachedSelect<E>) -> Self {
        select.query
    }
}

/// SeaORM's own loaders take it as they take a `Select`, and know nothing of its wishes.
impl<E: EntityTrait> EntityOrSelect<E> for CachedSelect<E> {
    fn select(self) -> Select<E> {
        self.query
    }
}
