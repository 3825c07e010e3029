//! A statement of the caller's own.

use std::{fmt, marker::PhantomData};

use sea_orm::{
    ConnectionTrait, FromQueryResult, Paginator, PaginatorTrait, SelectExt, SelectModel,
    SelectorRaw, Statement, sea_query::SelectStatement,
};

use super::Cached;

/// A statement of the caller's own, decoded row by row as `M`: what `find_by_statement` and
/// `from_raw_sql` give, in a form that can be repeated.
pub struct RawRows<M> {
    statement: Statement,
    model: PhantomData<fn() -> M>,
}

impl<M: FromQueryResult> RawRows<M> {
    pub(crate) fn new(statement: Statement) -> Self {
        Self {
            statement,
            model: PhantomData,
        }
    }

    pub(crate) fn selector(self) -> SelectorRaw<SelectModel<M>> {
        SelectorRaw::<SelectModel<M>>::from_statement(self.statement)
    }
}

impl<M: FromQueryResult> Cached<RawRows<M>> {
    /// See [`SelectorRaw::into_model`].
    pub fn into_model<N: FromQueryResult>(self) -> Cached<RawRows<N>> {
        self.map(|raw| RawRows::new(raw.statement))
    }

    /// See [`SelectorRaw::into_json`].
    #[cfg(feature = "with-json")]
    pub fn into_json(self) -> Cached<RawRows<sea_orm::JsonValue>> {
        self.into_model()
    }

    /// See [`SelectorRaw::into_statement`].
    pub fn into_statement(self) -> Statement {
        self.query.statement
    }
}

impl<M: FromQueryResult> SelectExt for RawRows<M> {
    fn exists_query(self) -> SelectStatement {
        self.selector().exists_query()
    }
}

impl<'db, C, M> PaginatorTrait<'db, C> for RawRows<M>
where
    C: ConnectionTrait,
    M: FromQueryResult + Send + Sync + 'db,
{
    type Selector = SelectModel<M>;

    fn paginate(self, db: &'db C, page_size: u64) -> Paginator<'db, C, SelectModel<M>> {
        self.selector().paginate(db, page_size)
    }
}

impl<M> Clone for RawRows<M> {
    fn clone(&self) -> Self {
        Self {
            statement: self.statement.clone(),
            model: PhantomData,
        }
    }
}

impl<M> fmt::Debug for RawRows<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRows")
            .field("sql", &self.statement.sql)
            .finish_non_exhaustive()
    }
}
