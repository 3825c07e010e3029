//! What the terminals need of a query of SeaORM's.

use std::future::Future;
#[cfg(feature = "stream")]
use std::pin::Pin;

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, FromQueryResult, PaginatorTrait, Select, SelectExt,
    SelectFive, SelectFiveModel, SelectFour, SelectFourModel, SelectModel, SelectSix,
    SelectSixModel, SelectThree, SelectThreeModel, SelectTwo, SelectTwoModel, SelectTwoRequired,
    SelectTwoRequiredModel, Selector, SelectorRaw, SelectorTrait, Topology,
};

#[cfg(feature = "stream")]
use sea_orm::StreamTrait;

use super::{RawRows, Shaped};

/// A query of SeaORM's that gives rows. Implemented for all of them; sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no query of SeaORM's that larder knows",
    note = "cached are Select, SelectTwo to SelectSix, their `_many` forms, Selector and SelectorRaw, where the models are `Send + Sync`"
)]
pub trait Rows: sealed::Sealed + Send + Sized {
    /// One of `all`'s rows.
    type Row: Send;
    /// What makes rows of what the database returns.
    type Decoder: 'static;
    /// SeaORM's own query.
    type Plain;

    /// SeaORM's own query.
    fn plain(self) -> Self::Plain;

    /// SeaORM's terminal.
    #[doc(hidden)]
    fn all<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> impl Future<Output = Result<Vec<Self::Row>, DbErr>> + Send;
}

/// A query whose rows are those of the database, each for itself.
pub trait SingleRow: Rows {
    /// SeaORM's terminal.
    #[doc(hidden)]
    fn one<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> impl Future<Output = Result<Option<Self::Row>, DbErr>> + Send;

    /// SeaORM's terminal.
    #[doc(hidden)]
    fn count<C: ConnectionTrait>(self, db: &C) -> impl Future<Output = Result<u64, DbErr>> + Send;

    /// SeaORM's terminal.
    #[doc(hidden)]
    fn exists<C: ConnectionTrait>(self, db: &C)
    -> impl Future<Output = Result<bool, DbErr>> + Send;

    /// A page of SeaORM's paginator, counted from zero.
    #[doc(hidden)]
    fn page<C: ConnectionTrait>(
        self,
        db: &C,
        page_size: u64,
        page: u64,
    ) -> impl Future<Output = Result<Vec<Self::Row>, DbErr>> + Send;

    /// The number of rows on all pages.
    #[doc(hidden)]
    fn items<C: ConnectionTrait>(
        self,
        db: &C,
        page_size: u64,
    ) -> impl Future<Output = Result<u64, DbErr>> + Send;

    /// SeaORM's terminal.
    #[cfg(feature = "stream")]
    #[doc(hidden)]
    fn stream<'db: 'b, 'b, C>(
        self,
        db: &'db C,
    ) -> impl Future<Output = Result<RowStream<'b, Self::Row>, DbErr>> + Send
    where
        C: ConnectionTrait + StreamTrait + Send,
        Self: 'b;
}

/// Rows one by one.
#[cfg(feature = "stream")]
pub type RowStream<'b, R> = Pin<Box<dyn futures_core::Stream<Item = Result<R, DbErr>> + Send + 'b>>;

/// A query that can be run more than once.
#[diagnostic::on_unimplemented(
    message = "pages of `{Self}` cannot be cached",
    note = "call `.cached()` before `into_model`, `into_tuple` and the like, not after it"
)]
pub trait Repeat: SingleRow + Clone {}

#[diagnostic::do_not_recommend]
impl<Q: SingleRow + Clone> Repeat for Q {}

pub(super) mod sealed {
    /// Closes [`Rows`](super::Rows).
    pub trait Sealed {}
}

/// Everything runs on the selector that a query becomes.
macro_rules! rows {
    (
        [$($generics:tt)*] $query:ty => $decoder:ty,
        |$this:ident| $selector:expr, plain: $plain:ty = $into_plain:expr
    ) => {
        impl<$($generics)*> sealed::Sealed for $query {}

        impl<$($generics)*> Rows for $query {
            type Row = <$decoder as SelectorTrait>::Item;
            type Decoder = $decoder;
            type Plain = $plain;

            fn plain(self) -> Self::Plain {
                let $this = self;
                $into_plain
            }

            fn all<C: ConnectionTrait>(
                self,
                db: &C,
            ) -> impl Future<Output = Result<Vec<Self::Row>, DbErr>> + Send {
                let $this = self;
                $selector.all(db)
            }
        }

        impl<$($generics)*> SingleRow for $query {
            fn one<C: ConnectionTrait>(
                self,
                db: &C,
            ) -> impl Future<Output = Result<Option<Self::Row>, DbErr>> + Send {
                let $this = self;
                $selector.one(db)
            }

            fn count<C: ConnectionTrait>(
                self,
                db: &C,
            ) -> impl Future<Output = Result<u64, DbErr>> + Send {
                let $this = self;
                PaginatorTrait::count($selector, db)
            }

            async fn exists<C: ConnectionTrait>(self, db: &C) -> Result<bool, DbErr> {
                let $this = self;
                SelectExt::exists($selector, db).await
            }

            async fn page<C: ConnectionTrait>(
                self,
                db: &C,
                page_size: u64,
                page: u64,
            ) -> Result<Vec<Self::Row>, DbErr> {
                let $this = self;
                $selector.paginate(db, page_size).fetch_page(page).await
            }

            async fn items<C: ConnectionTrait>(
                self,
                db: &C,
                page_size: u64,
            ) -> Result<u64, DbErr> {
                let $this = self;
                $selector.paginate(db, page_size).num_items().await
            }

            #[cfg(feature = "stream")]
            async fn stream<'db: 'b, 'b, C>(
                self,
                db: &'db C,
            ) -> Result<RowStream<'b, Self::Row>, DbErr>
            where
                C: ConnectionTrait + StreamTrait + Send,
                Self: 'b,
            {
                let $this = self;
                $selector.stream(db).await
            }
        }
    };
}

pub(super) use sealed::Sealed;

rows! {
    [E: EntityTrait<Model: Send + Sync>] Select<E> => SelectModel<E::Model>,
    |select| select.into_model::<E::Model>(), plain: Self = select
}

rows! {
    [E: EntityTrait<Model: Send + Sync>, F: EntityTrait<Model: Send + Sync>]
    SelectTwo<E, F> => SelectTwoModel<E::Model, F::Model>,
    |select| select.into_model::<E::Model, F::Model>(), plain: Self = select
}

rows! {
    [E: EntityTrait<Model: Send + Sync>, F: EntityTrait<Model: Send + Sync>]
    SelectTwoRequired<E, F> => SelectTwoRequiredModel<E::Model, F::Model>,
    |select| select.into_model::<E::Model, F::Model>(), plain: Self = select
}

rows! {
    [
        E: EntityTrait<Model: Send + Sync>, F: EntityTrait<Model: Send + Sync>,
        G: EntityTrait<Model: Send + Sync>, T: Topology + Send + 'static
    ]
    SelectThree<E, F, G, T> => SelectThreeModel<E::Model, F::Model, G::Model>,
    |select| select.into_model::<E::Model, F::Model, G::Model>(), plain: Self = select
}

rows! {
    [
        E: EntityTrait<Model: Send + Sync>, F: EntityTrait<Model: Send + Sync>,
        G: EntityTrait<Model: Send + Sync>, H: EntityTrait<Model: Send + Sync>,
        T: Topology + Send + 'static
    ]
    SelectFour<E, F, G, H, T> => SelectFourModel<E::Model, F::Model, G::Model, H::Model>,
    |select| select.into_model::<E::Model, F::Model, G::Model, H::Model>(), plain: Self = select
}

rows! {
    [
        E: EntityTrait<Model: Send + Sync>, F: EntityTrait<Model: Send + Sync>,
        G: EntityTrait<Model: Send + Sync>, H: EntityTrait<Model: Send + Sync>,
        I: EntityTrait<Model: Send + Sync>, T: Topology + Send + 'static
    ]
    SelectFive<E, F, G, H, I, T>
        => SelectFiveModel<E::Model, F::Model, G::Model, H::Model, I::Model>,
    |select| select.into_model::<E::Model, F::Model, G::Model, H::Model, I::Model>(),
    plain: Self = select
}

rows! {
    [
        E: EntityTrait<Model: Send + Sync>, F: EntityTrait<Model: Send + Sync>,
        G: EntityTrait<Model: Send + Sync>, H: EntityTrait<Model: Send + Sync>,
        I: EntityTrait<Model: Send + Sync>, J: EntityTrait<Model: Send + Sync>,
        T: Topology + Send + 'static
    ]
    SelectSix<E, F, G, H, I, J, T>
        => SelectSixModel<E::Model, F::Model, G::Model, H::Model, I::Model, J::Model>,
    |select| select.into_model::<E::Model, F::Model, G::Model, H::Model, I::Model, J::Model>(),
    plain: Self = select
}

rows! {
    [S: SelectorTrait<Item: Send> + Send + Sync + 'static] Selector<S> => S,
    |selector| selector, plain: Self = selector
}

rows! {
    [Q: Send, S: SelectorTrait<Item: Send> + Send + Sync + 'static] Shaped<Q, S> => S,
    |shaped| shaped.shape(), plain: Selector<S> = shaped.shape()
}

rows! {
    [M: FromQueryResult + Send + Sync + 'static] RawRows<M> => SelectModel<M>,
    |raw| raw.selector(), plain: SelectorRaw<SelectModel<M>> = raw.selector()
}
