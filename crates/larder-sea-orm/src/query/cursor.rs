//! Keyset pages of a cached query.

use std::fmt;

use larder_core::ReadMode;
use larder_signals::ReadOptions;
use sea_orm::{
    ConnectionTrait, Cursor, DbErr, FromQueryResult, Identity, PartialModelTrait, QuerySelect,
    SelectModel, SelectorTrait, Value,
    sea_query::{DynIden, IntoValueTuple, SelectStatement},
};

use super::Cached;
use crate::{probe::ResultSlot, result::CachedResult};

/// SeaORM's `Cursor` whose rows are cached.
#[must_use = "a cursor does nothing until its rows are asked for"]
pub struct CachedCursor<S: SelectorTrait> {
    cursor: Cursor<S>,
    options: ReadOptions,
    direction: Direction,
}

/// Whether SeaORM turns the rows round before it returns them: `last(2)` in ascending and
/// `first(2)` in descending order are one statement and two results.
#[derive(Clone, Debug)]
enum Direction {
    AsRead,
    Reversed,
    /// The cursor was made elsewhere. It does not tell, but by its debug form.
    Unknown(String),
}

impl<S: SelectorTrait> CachedCursor<S> {
    /// A cursor that neither `first` nor `last` was called on.
    pub(super) fn new(query: Cached<Cursor<S>>) -> Self {
        Self {
            cursor: query.query,
            options: query.options,
            direction: Direction::AsRead,
        }
    }

    pub(super) fn of_unknown_direction(cursor: Cursor<S>) -> Self
    where
        Cursor<S>: fmt::Debug,
    {
        Self {
            direction: Direction::Unknown(format!("{cursor:?}")),
            cursor,
            options: ReadOptions::default(),
        }
    }

    /// See [`Cached::ttl`].
    pub fn ttl(mut self, ttl: std::time::Duration) -> Self {
        self.options.ttl = Some(ttl);
        self
    }

    /// See [`Cached::refresh`].
    pub fn refresh(mut self) -> Self {
        self.options.mode = ReadMode::Refresh;
        self
    }

    /// SeaORM's own cursor, which goes to the database and stores nothing.
    #[must_use = "a cursor does nothing until its rows are asked for"]
    pub fn uncached(self) -> Cursor<S> {
        self.cursor
    }

    /// See [`Cursor::before`].
    pub fn before<V: IntoValueTuple>(&mut self, values: V) -> &mut Self {
        self.cursor.before(values);
        self
    }

    /// See [`Cursor::after`].
    pub fn after<V: IntoValueTuple>(&mut self, values: V) -> &mut Self {
        self.cursor.after(values);
        self
    }

    /// See [`Cursor::asc`].
    pub fn asc(&mut self) -> &mut Self {
        self.cursor.asc();
        self
    }

    /// See [`Cursor::desc`].
    pub fn desc(&mut self) -> &mut Self {
        self.cursor.desc();
        self
    }

    /// See [`Cursor::first`].
    pub fn first(&mut self, rows: u64) -> &mut Self {
        self.cursor.first(rows);
        self.direction = Direction::AsRead;
        self
    }

    /// See [`Cursor::last`].
    pub fn last(&mut self, rows: u64) -> &mut Self {
        self.cursor.last(rows);
        self.direction = Direction::Reversed;
        self
    }

    /// See [`Cursor::set_secondary_order_by`].
    pub fn set_secondary_order_by(&mut self, columns: Vec<(DynIden, Identity)>) -> &mut Self {
        self.cursor.set_secondary_order_by(columns);
        self
    }

    /// The rows. Cached.
    ///
    /// # Errors
    /// Those of [`Cursor::all`]; a fault of the cache is none.
    pub async fn all<C: ConnectionTrait>(&mut self, db: &C) -> Result<Vec<S::Item>, DbErr>
    where
        S: Send + 'static,
        S::Item: CachedResult,
    {
        let direction = match &self.direction {
            Direction::AsRead => Value::Bool(Some(false)),
            Direction::Reversed => Value::Bool(Some(true)),
            Direction::Unknown(told) => Value::from(told.as_str()),
        };
        let cursor = &mut self.cursor;
        let rows = ResultSlot::new::<S>("cursor", self.options)
            .with_inputs(vec![direction])
            .run(db, |probe| async move { cursor.all(&probe).await });
        Ok(rows.await?.into_owned())
    }

    /// See [`Cursor::into_model`].
    pub fn into_model<M: FromQueryResult>(self) -> CachedCursor<SelectModel<M>> {
        self.map(Cursor::into_model)
    }

    /// See [`Cursor::into_partial_model`].
    pub fn into_partial_model<M: PartialModelTrait>(self) -> CachedCursor<SelectModel<M>> {
        self.map(Cursor::into_partial_model)
    }

    /// See [`Cursor::into_json`].
    #[cfg(feature = "with-json")]
    pub fn into_json(self) -> CachedCursor<SelectModel<sea_orm::JsonValue>> {
        self.map(Cursor::into_json)
    }

    fn map<R: SelectorTrait>(self, change: impl FnOnce(Cursor<S>) -> Cursor<R>) -> CachedCursor<R> {
        CachedCursor {
            cursor: change(self.cursor),
            options: self.options,
            direction: self.direction,
        }
    }
}

impl<S: SelectorTrait> QuerySelect for CachedCursor<S> {
    type QueryStatement = SelectStatement;

    fn query(&mut self) -> &mut SelectStatement {
        self.cursor.query()
    }
}

impl<S: SelectorTrait> Clone for CachedCursor<S>
where
    Cursor<S>: Clone,
{
    fn clone(&self) -> Self {
        Self {
            cursor: self.cursor.clone(),
            options: self.options,
            direction: self.direction.clone(),
        }
    }
}

impl<S: SelectorTrait> fmt::Debug for CachedCursor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedCursor")
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}
