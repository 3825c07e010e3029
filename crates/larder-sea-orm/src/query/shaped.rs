//! Rows of another shape than the query's entities.

use std::fmt;

use sea_orm::{Selector, SelectorTrait};

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
