//! A row of any columns.

use sea_orm::{DbErr, FromQueryResult, QueryResult};

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
    row.try_get_by_index::<String>(position).map(Cell::Text)
}

impl larder::CachedResult for Row {
    const SCHEMA_FINGERPRINT: u64 = 1;

    fn result_bytes(&self) -> usize {
        64 * (1 + self.0.len())
    }
}
