//! Rows of another shape than the query's entities.

use std::fmt;

use sea_orm::{
    ConnectionTrait, DbBackend, Paginator, PaginatorTrait, SelectExt, Selector, SelectorTrait,
    Statement, sea_query::SelectStatement,
};

use super::Cached;

/// A query together with what it becomes: `into_model`, `into_tuple`, `into_json` and the like.
/// SeaORM's `Selector` cannot be repeated, so pages keep the query.
pub struct Shaped<Q, S: SelectorTrait> {
    query: Q,
    shape: fn(Q) -> Selector<S>,
}

impl<Q, S: SelectorTrait> Shaped<Q, S> {
    pub(crate) fn new(query: Q, shape: fn(Q) -> Selector<S>) -> Self {
        Self { query, shape }
    }

    pub(crate) fn shape(self) -> Selector<S> {
        (self.shape)(self.query)
    }
}

impl<Q, S: SelectorTrait> Cached<Shaped<Q, S>> {
    /// See [`Selector::into_statement`].
    pub fn into_statement(self, backend: DbBackend) -> Statement {
        self.query.shape().into_statement(backend)
    }
}

impl<S: SelectorTrait> Cached<Selector<S>> {
    /// See [`Selector::into_statement`].
    pub fn into_statement(self, backend: DbBackend) -> Statement {
        self.query.into_statement(backend)
    }
}

impl<Q, S: SelectorTrait> SelectExt for Shaped<Q, S> {
    fn exists_query(self) -> SelectStatement {
        self.shape().exists_query()
    }
}

impl<'db, C, Q, S> PaginatorTrait<'db, C> for Shaped<Q, S>
where
    C: ConnectionTrait,
    S: SelectorTrait + Send + Sync + 'db,
{
    type Selector = S;

    fn paginate(self, db: &'db C, page_size: u64) -> Paginator<'db, C, S> {
        self.shape().paginate(db, page_size)
    }
}

impl<Q: Clone, S: SelectorTrait> Clone for Shaped<Q, S> {
    fn clone(&self) -> Self {
        Self {
            query: self.query.clone(),
            shape: self.shape,
        }
    }
}

impl<Q: fmt::Debug, S: SelectorTrait> fmt::Debug for Shaped<Q, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shaped")
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}
