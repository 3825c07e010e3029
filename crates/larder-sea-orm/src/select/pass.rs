//! What `Select` offers besides its traits: either it stays a select of the same entity and stays
//! cached, or it becomes another type of SeaORM and runs uncached.

use sea_orm::{
    ConnectionTrait, Cursor, CursorTrait, EntityTrait, FromQueryResult, IntoIdentity, Linked,
    Order, Paginator, PaginatorTrait, PartialModelTrait, Related, SelectGetableTuple, SelectModel,
    SelectTwo, SelectTwoMany, SelectTwoRequired, Selector, SelectorRaw, Statement, TryGetableMany,
    sea_query::{Iden, IntoCondition},
    strum::IntoEnumIterator,
};

use super::CachedSelect;

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
}

/// No longer a select of one entity: uncached.
impl<E: EntityTrait> CachedSelect<E> {
    /// See [`Select::find_also`](sea_orm::Select::find_also).
    pub fn find_also<R>(self, entity: E, related: R) -> SelectTwo<E, R>
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.select.find_also(entity, related)
    }

    /// See [`Select::find_also_related`](sea_orm::Select::find_also_related).
    pub fn find_also_related<R>(self, related: R) -> SelectTwo<E, R>
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.select.find_also_related(related)
    }

    /// See [`Select::find_both_related`](sea_orm::Select::find_both_related).
    pub fn find_both_related<R>(self, related: R) -> SelectTwoRequired<E, R>
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.select.find_both_related(related)
    }

    /// See [`Select::find_with_related`](sea_orm::Select::find_with_related).
    pub fn find_with_related<R>(self, related: R) -> SelectTwoMany<E, R>
    where
        R: EntityTrait,
        E: Related<R>,
    {
        self.select.find_with_related(related)
    }

    /// See [`Select::find_also_linked`](sea_orm::Select::find_also_linked).
    pub fn find_also_linked<L, T>(self, linked: L) -> SelectTwo<E, T>
    where
        L: Linked<FromEntity = E, ToEntity = T>,
        T: EntityTrait,
    {
        self.select.find_also_linked(linked)
    }

    /// See [`Select::find_with_linked`](sea_orm::Select::find_with_linked).
    pub fn find_with_linked<L, T>(self, linked: L) -> SelectTwoMany<E, T>
    where
        L: Linked<FromEntity = E, ToEntity = T>,
        T: EntityTrait,
    {
        self.select.find_with_linked(linked)
    }

    /// See [`Select::select_also`](sea_orm::Select::select_also).
    pub fn select_also<R: EntityTrait>(self, related: R) -> SelectTwo<E, R> {
        self.select.select_also(related)
    }

    /// See [`Select::select_with`](sea_orm::Select::select_with).
    pub fn select_with<R: EntityTrait>(self, related: R) -> SelectTwoMany<E, R> {
        self.select.select_with(related)
    }

    /// See [`Select::from_raw_sql`](sea_orm::Select::from_raw_sql).
    pub fn from_raw_sql(self, statement: Statement) -> SelectorRaw<SelectModel<E::Model>> {
        self.select.from_raw_sql(statement)
    }

    /// See [`Select::into_model`](sea_orm::Select::into_model).
    pub fn into_model<M: FromQueryResult>(self) -> Selector<SelectModel<M>> {
        self.select.into_model()
    }

    /// See [`Select::into_partial_model`](sea_orm::Select::into_partial_model).
    pub fn into_partial_model<M: PartialModelTrait>(self) -> Selector<SelectModel<M>> {
        self.select.into_partial_model()
    }

    /// See [`Select::into_json`](sea_orm::Select::into_json).
    #[cfg(feature = "with-json")]
    pub fn into_json(self) -> Selector<SelectModel<sea_orm::JsonValue>> {
        self.select.into_json()
    }

    /// See [`Select::into_values`](sea_orm::Select::into_values).
    pub fn into_values<T, C>(self) -> Selector<sea_orm::SelectGetableValue<T, C>>
    where
        T: TryGetableMany,
        C: IntoEnumIterator + Iden,
    {
        self.select.into_values()
    }

    /// See [`Select::into_tuple`](sea_orm::Select::into_tuple).
    pub fn into_tuple<T: TryGetableMany>(self) -> Selector<SelectGetableTuple<T>> {
        self.select.into_tuple()
    }

    /// See [`Select::cursor_by`](sea_orm::Select::cursor_by).
    pub fn cursor_by<C>(self, order_columns: C) -> Cursor<SelectModel<E::Model>>
    where
        C: IntoIdentity,
        E::Model: Send + Sync,
    {
        self.select.cursor_by(order_columns)
    }

    /// See [`Select::stream`](sea_orm::Select::stream).
    ///
    /// # Errors
    /// Those of SeaORM.
    #[cfg(feature = "stream")]
    pub async fn stream<'a: 'b, 'b, C>(
        self,
        db: &'a C,
    ) -> Result<
        impl futures_core::Stream<Item = Result<E::Model, sea_orm::DbErr>> + 'b + Send,
        sea_orm::DbErr,
    >
    where
        C: ConnectionTrait + sea_orm::StreamTrait + Send,
        E::Model: Send + 'b,
    {
        self.select.into_model::<E::Model>().stream(db).await
    }

    /// See [`Select::stream_partial_model`](sea_orm::Select::stream_partial_model).
    ///
    /// # Errors
    /// Those of SeaORM.
    #[cfg(feature = "stream")]
    pub async fn stream_partial_model<'a: 'b, 'b, C, M>(
        self,
        db: &'a C,
    ) -> Result<
        impl futures_core::Stream<Item = Result<M, sea_orm::DbErr>> + 'b + Send,
        sea_orm::DbErr,
    >
    where
        C: ConnectionTrait + sea_orm::StreamTrait + Send,
        M: PartialModelTrait + Send + 'b,
    {
        self.select.into_partial_model::<M>().stream(db).await
    }
}

impl<E: EntityTrait> CursorTrait for CachedSelect<E>
where
    E::Model: Send + Sync,
{
    type Selector = SelectModel<E::Model>;
}

impl<'db, C, E> PaginatorTrait<'db, C> for CachedSelect<E>
where
    C: ConnectionTrait,
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync + 'db,
{
    type Selector = SelectModel<E::Model>;

    fn paginate(self, db: &'db C, page_size: u64) -> Paginator<'db, C, Self::Selector> {
        self.select.paginate(db, page_size)
    }
}
