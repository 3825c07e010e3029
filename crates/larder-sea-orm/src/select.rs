//! [`CachedSelect`]: SeaORM's `Select` with terminals that ask the cache.

use std::{fmt, time::Duration};

use larder_core::ReadMode;
use larder_signals::ReadOptions;
use sea_orm::{
    EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::SelectStatement,
};

mod pass;
mod terminal;

pub(crate) use terminal::shared_rows;

/// A select whose `one`, `all`, `count` and `exists` are answered from the cache when they run on
/// a wrapped connection. On any other connection, and inside a transaction, it is a plain select.
///
/// Filters, joins, orders and limits are those of SeaORM's own traits and methods. Whatever turns
/// it into something else (`into_tuple`, `find_also_related`, `paginate`, `stream` ..) gives
/// SeaORM's own type, which runs uncached.
#[must_use = "a select does nothing until one of its terminals is awaited"]
pub struct CachedSelect<E: EntityTrait> {
    select: Select<E>,
    options: ReadOptions,
    uncached: bool,
}

impl<E: EntityTrait> CachedSelect<E> {
    /// Makes a select cache-aware. The derive does this in `find` and `find_by_id`.
    pub fn new(select: Select<E>) -> Self {
        Self {
            select,
            options: ReadOptions::default(),
            uncached: false,
        }
    }

    /// Goes to the database and stores nothing.
    pub fn uncached(mut self) -> Self {
        self.uncached = true;
        self
    }

    /// How long this result may be served, in place of the policy's time. Zero caches nothing.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.uncached |= ttl.is_zero();
        self.options.ttl = Some(ttl);
        self
    }

    /// Goes to the database and stores what it says, whatever is stored now.
    pub fn refresh(mut self) -> Self {
        self.options.mode = ReadMode::Refresh;
        self
    }

    /// SeaORM's own select.
    #[must_use]
    pub fn into_select(self) -> Select<E> {
        self.select
    }

    fn map(mut self, change: impl FnOnce(Select<E>) -> Select<E>) -> Self {
        self.select = change(self.select);
        self
    }
}

impl<E: EntityTrait> Clone for CachedSelect<E> {
    fn clone(&self) -> Self {
        Self {
            select: self.select.clone(),
            options: self.options,
            uncached: self.uncached,
        }
    }
}

impl<E: EntityTrait> fmt::Debug for CachedSelect<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedSelect")
            .field("select", &self.select)
            .field("uncached", &self.uncached)
            .finish_non_exhaustive()
    }
}

impl<E: EntityTrait> From<CachedSelect<E>> for Select<E> {
    fn from(select: CachedSelect<E>) -> Self {
        select.into_select()
    }
}

impl<E: EntityTrait> QueryTrait for CachedSelect<E> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        QueryTrait::query(&mut self.select)
    }

    fn as_query(&self) -> &SelectStatement {
        self.select.as_query()
    }

    fn into_query(self) -> SelectStatement {
        self.select.into_query()
    }
}

impl<E: EntityTrait> QuerySelect for CachedSelect<E> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        QueryTrait::query(&mut self.select)
    }
}

impl<E: EntityTrait> QueryFilter for CachedSelect<E> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        QueryTrait::query(&mut self.select)
    }
}

impl<E: EntityTrait> QueryOrder for CachedSelect<E> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        QueryTrait::query(&mut self.select)
    }
}
