//! A row of any columns.

use larder::{CacheQuery, Cached, RawRows};
use sea_orm::{
    DbErr, FromQueryResult, QueryResult, Statement, TryGetable,
    prelude::{ChronoDate, ChronoDateTime, ChronoDateTimeUtc, Decimal, Uuid},
};

/// A cached run of a statement, decoded row by row as `R`.
pub fn cached<R: FromQueryResult>(statement: Statement) -> Cached<RawRows<R>> {
    R::find_by_statement(statement).cached()
}

/// The cells of a row, by position.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub Vec<Cell>);

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// An integer of any width, or NULL.
    Int(Option<i64>),
    /// A boolean.
    Bool(bool),
    /// Text.
    Text(String),
    /// Any other value, as its debug form.
    Other(String),
}

impl FromQueryResult for Row {
    fn from_query_result(row: &QueryResult, _prefix: &str) -> Result<Self, DbErr> {
        let columns = row.column_names().len();
        (0..columns)
            .map(|position| cell(row, position))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn cell(row: &QueryResult, position: usize) -> Result<Cell, DbErr> {
    if let Ok(value) = row.try_get_by_index::<Option<i64>>(position) {
        return Ok(Cell::Int(value));
    }
    if let Ok(value) = row.try_get_by_index::<Option<i32>>(position) {
        return Ok(Cell::Int(value.map(i64::from)));
    }
    if let Ok(Some(value)) = row.try_get_by_index::<Option<bool>>(position) {
        return Ok(Cell::Bool(value));
    }
    if let Ok(Some(value)) = row.try_get_by_index::<Option<String>>(position) {
        return Ok(Cell::Text(value));
    }
    other::<i16>(row, position)
        .or_else(|_| other::<u64>(row, position))
        .or_else(|_| other::<Decimal>(row, position))
        .or_else(|_| other::<f64>(row, position))
        .or_else(|_| other::<f32>(row, position))
        .or_else(|_| other::<Uuid>(row, position))
        .or_else(|_| other::<ChronoDate>(row, position))
        .or_else(|_| other::<ChronoDateTime>(row, position))
        .or_else(|_| other::<ChronoDateTimeUtc>(row, position))
        .or_else(|_| other::<Vec<u8>>(row, position))
}

fn other<T: TryGetable + std::fmt::Debug>(
    row: &QueryResult,
    position: usize,
) -> Result<Cell, DbErr> {
    row.try_get_by_index::<Option<T>>(position)
        .map(|value| Cell::Other(format!("{value:?}")))
}

impl larder::CachedResult for Row {
    const SCHEMA_FINGERPRINT: u64 = 1;

    fn result_bytes(&self) -> usize {
        64 * (1 + self.0.len())
    }
}
