//! Rows as they are before a write: a SELECT of them with the write's own parameters.

use diesel::{
    QueryResult,
    query_builder::{AstPass, Query, QueryBuilder as _, QueryFragment, QueryId},
    sql_types::Untyped,
};
use larder_core::{Image, Param, Value};
use larder_signals::{Planned, RowsBefore};
use larder_sql::{Column, Dialect, ValueKind};

use crate::{backend::CachedBackend, rows::Rows};

/// The SELECT of the rows that `query` is about to change.
pub(crate) struct Looking<'a, DB: CachedBackend, T: ?Sized> {
    query: &'a T,
    before: &'a RowsBefore,
    part: DB::Part,
}

impl<'a, DB: CachedBackend, T: ?Sized> Looking<'a, DB, T> {
    /// `None` = its parameters cannot be sent by themselves.
    pub(crate) fn new(query: &'a T, before: &'a RowsBefore, params: &[Param<'_>]) -> Option<Self> {
        let part = DB::part(params, &before.parameters)?;
        Some(Self {
            query,
            before,
            part,
        })
    }

    pub(crate) fn before(&self) -> &'a RowsBefore {
        self.before
    }

    /// What is loaded.
    pub(crate) fn select(&self) -> Select<'_, DB, T> {
        Select(self)
    }
}

/// The SELECT of a [`Looking`]. To be loaded by value: Diesel's references hand on nothing but the
/// walk, which has no parameters here.
pub(crate) struct Select<'l, DB: CachedBackend, T: ?Sized>(&'l Looking<'l, DB, T>);

impl<DB: CachedBackend, T: QueryFragment<DB> + ?Sized> QueryFragment<DB> for Select<'_, DB, T> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql(&self.0.before.sql);
        DB::walk_part(&self.0.part, pass)
    }

    fn to_sql(&self, out: &mut DB::QueryBuilder, _backend: &DB) -> QueryResult<()> {
        out.push_sql(&self.0.before.sql);
        Ok(())
    }

    fn collect_binds<'b>(
        &'b self,
        out: &mut DB::BindCollector<'b>,
        lookup: &mut DB::MetadataLookup,
        _backend: &'b DB,
    ) -> QueryResult<()> {
        DB::collect_part(self.0.query, &self.0.part, out, lookup)
    }

    fn is_safe_to_cache_prepared(&self, backend: &DB) -> QueryResult<bool> {
        self.0.query.is_safe_to_cache_prepared(backend)
    }
}

impl<DB: CachedBackend, T: ?Sized> QueryId for Select<'_, DB, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: CachedBackend, T: ?Sized> Query for Select<'_, DB, T> {
    type SqlType = Untyped;
}

/// The images of rows that a [`RowsBefore`] has found; `None` = they are not all.
pub(crate) fn images<DB: CachedBackend>(
    before: &RowsBefore,
    planned: &Planned,
    rows: &Rows,
) -> Option<Vec<Image>> {
    // Without a row nobody knows how many columns there are.
    let fits = rows.is_empty() || rows.width() == before.columns.len();
    fits.then(|| before.images(planned, rows.len(), cell_of::<DB>(rows)))?
}

/// The images of the rows that a write has returned.
pub(crate) fn returned<DB: CachedBackend>(planned: &Planned, rows: &Rows) -> Vec<Image> {
    let columns = planned.single_write().map(|write| write.returning.len());
    // Another number of columns is that of another schema: it says nothing.
    if columns.is_some_and(|columns| rows.width() != columns) {
        return vec![Image::default(); rows.len()];
    }
    planned.returned_images(rows.len(), cell_of::<DB>(rows))
}

/// MySQL's client says of text that is compared byte by byte that it is bytes.
fn as_text<'a>(param: Param<'a>, column: &Column, dialect: Dialect) -> Option<Param<'a>> {
    Some(match (param, &column.kind) {
        (Param::Bytes(bytes), ValueKind::Text { .. }) if dialect == Dialect::MySql => {
            Param::Text(String::from_utf8(bytes.into_owned()).ok()?.into())
        }
        (param, _) => param,
    })
}

fn cell_of<DB: CachedBackend>(rows: &Rows) -> impl Fn(usize, usize, &Column) -> Option<Value> + '_ {
    |row, at, column| match rows.cell(row, at) {
        None => Some(Value::Null),
        Some((tag, bytes)) => DB::cell_as_param(tag, bytes)
            .filter(|param| *param != Param::Null)
            .and_then(|param| {
                Value::from_param(column, DB::DIALECT, &as_text(param, column, DB::DIALECT)?)
            }),
    }
}
