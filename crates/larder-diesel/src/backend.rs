//! What differs from backend to backend: how cells are kept and shown again, and what parameters
//! mean.

use diesel::{
    QueryResult,
    backend::{Backend, DieselReserveSpecialization},
    expression::QueryMetadata,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    row::{Field, Row},
    sql_types::Untyped,
};
#[cfg(any(feature = "_mysql", feature = "_postgres"))]
use diesel::{query_builder::bind_collector::RawBytesBindCollector, result::Error};
use larder_core::{Param, ResultCodec};
use larder_sql::Dialect;

use crate::rows::Rows;

/// A backend of Diesel whose results can be kept. Implemented for `Pg`, `Mysql` and `Sqlite`, by
/// the features `postgres`, `mysql` and `sqlite`; not for implementing elsewhere.
#[diagnostic::on_unimplemented(
    message = "results of the backend `{Self}` cannot be kept",
    note = "switch on larder's feature for this backend: `diesel-postgres`, `diesel-mysql` or \
            `diesel-sqlite`"
)]
pub trait CachedBackend:
    Backend<QueryBuilder: Default> + DieselReserveSpecialization + Default + Sealed + 'static
{
    /// Whose SQL it is.
    #[doc(hidden)]
    const DIALECT: Dialect;

    /// Keeps the results of backends apart.
    #[doc(hidden)]
    const ADAPTER: &'static str;

    /// How its rows are written down for a store outside the process.
    #[doc(hidden)]
    const CODEC: &'static ResultCodec;

    /// A row that is kept.
    type StoredRow: for<'a> Row<'a, Self> + Send + 'static;

    /// Names of columns that rows share.
    #[doc(hidden)]
    type Names: Default;

    /// What it takes to show kept rows again.
    #[doc(hidden)]
    type Player: Default + Send + 'static;

    /// Kept rows on their way to the caller.
    #[doc(hidden)]
    type StoredRows<'p>: Iterator<Item = QueryResult<Self::StoredRow>> + Send;

    /// Shows kept rows; an error = this cannot be done, and nothing was shown.
    #[doc(hidden)]
    fn play<'p>(
        player: &'p mut Self::Player,
        rows: std::sync::Arc<Rows>,
    ) -> QueryResult<Self::StoredRows<'p>>;

    /// Appends the bytes of a value and returns its tag; `None` = such a value cannot be kept.
    #[doc(hidden)]
    fn write_cell(value: Self::RawValue<'_>, out: &mut Vec<u8>) -> Option<u32>;

    /// What a kept cell would be as a parameter; `None` = nothing that could be told exactly.
    #[doc(hidden)]
    fn cell_as_param(tag: u32, bytes: &[u8]) -> Option<Param<'_>>;

    /// The parameters of a query in the order in which they are sent, without asking the database.
    /// What else tells two calls of one text apart comes behind them.
    #[doc(hidden)]
    fn params<T: QueryFragment<Self>>(
        query: &T,
        player: &mut Self::Player,
    ) -> QueryResult<Vec<Param<'static>>>;

    /// Some of the parameters of a query, to be sent by themselves.
    #[doc(hidden)]
    type Part;

    /// The parameters at these positions; `None` = they cannot be sent by themselves.
    #[doc(hidden)]
    fn part(params: &[Param<'_>], positions: &[usize]) -> Option<Self::Part>;

    /// Hands these parameters of the query to the driver.
    #[doc(hidden)]
    fn collect_part<'b, T: QueryFragment<Self> + ?Sized>(
        query: &'b T,
        part: &'b Self::Part,
        out: &mut Self::BindCollector<'b>,
        lookup: &mut Self::MetadataLookup,
    ) -> QueryResult<()>;

    /// The same where the driver does nothing but walk; nothing where it does more.
    #[doc(hidden)]
    fn walk_part<'b>(_part: &'b Self::Part, _pass: AstPass<'_, 'b, Self>) -> QueryResult<()> {
        Ok(())
    }

    /// What the server is told of the types that the caller expects, where it answers by that.
    #[doc(hidden)]
    fn expected<T>() -> Option<Param<'static>>
    where
        Self: QueryMetadata<T>,
    {
        None
    }
}

/// Leaves the parameters at these positions, in this order.
#[cfg(any(feature = "_mysql", feature = "_postgres"))]
pub(crate) fn keep<DB: Backend>(
    collected: &mut RawBytesBindCollector<DB>,
    positions: &[usize],
) -> QueryResult<()>
where
    DB::TypeMetadata: Clone,
{
    let metadata = picked(&collected.metadata, positions)?;
    collected.binds = picked(&collected.binds, positions)?;
    collected.metadata = metadata;
    Ok(())
}

/// The elements at these positions, in this order.
#[cfg(any(feature = "_mysql", feature = "_postgres"))]
pub(crate) fn picked<T: Clone>(all: &[T], positions: &[usize]) -> QueryResult<Vec<T>> {
    let pick = |at: &usize| all.get(*at).cloned();
    let picked: Option<Vec<T>> = positions.iter().map(pick).collect();
    picked.ok_or_else(|| Error::SerializationError(MISSING.into()))
}

#[cfg(any(feature = "_mysql", feature = "_postgres"))]
const MISSING: &str = "a statement has fewer parameters than its text names";

/// Keeps [`CachedBackend`] ours.
#[doc(hidden)]
pub trait Sealed {}

/// How a query calls a type of the server's own (PostgreSQL).
#[cfg(any(feature = "_postgres", feature = "_async"))]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[doc(hidden)]
pub struct TypeName {
    pub(crate) schema: Option<Box<str>>,
    pub(crate) name: Box<str>,
}

/// Takes a row in; `None` = it cannot be kept, and nothing was taken.
pub(crate) fn capture<'a, DB: CachedBackend, R: Row<'a, DB>>(
    row: &R,
    rows: &mut Rows,
) -> Option<()> {
    if !rows.has_names() {
        for column in 0..row.field_count() {
            let field = Row::get(row, column);
            rows.push_name(field.as_ref().and_then(|field| field.field_name()));
        }
    }
    let cells = (0..row.field_count()).try_for_each(|column| {
        let field = Row::get(row, column);
        match field.as_ref().and_then(|field| field.value()) {
            Some(value) => rows.push_cell(|out| DB::write_cell(value, out))?,
            None => rows.push_null(),
        }
        Some(())
    });
    match cells {
        Some(()) => rows.end_row(),
        None => rows.take_back_row(),
    }
    cells
}

/// The SQL of a query.
pub(crate) fn text_of<DB: CachedBackend, T: QueryFragment<DB>>(query: &T) -> QueryResult<String> {
    use diesel::query_builder::QueryBuilder as _;
    let mut builder = DB::QueryBuilder::default();
    query.to_sql(&mut builder, &DB::default())?;
    Ok(builder.finish())
}

/// A statement with more at its end.
pub(crate) struct Extended<'a, T: ?Sized> {
    query: &'a T,
    end: &'a str,
}

impl<'a, T: ?Sized> Extended<'a, T> {
    pub(crate) fn new(query: &'a T, end: &'a str) -> Self {
        Self { query, end }
    }
}

// Everything is said here: a layer in between forwards nothing else.
impl<DB: CachedBackend, T: QueryFragment<DB> + ?Sized> QueryFragment<DB> for Extended<'_, T> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.query.walk_ast(pass.reborrow())?;
        pass.push_sql(self.end);
        Ok(())
    }
}

impl<T: ?Sized> QueryId for Extended<'_, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T: ?Sized> Query for Extended<'_, T> {
    type SqlType = Untyped;
}
