//! Kept rows as genuine ones, some at a time.

use std::{fmt, sync::Arc, vec};

use diesel::{
    QueryResult,
    connection::LoadConnection as _,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    row::IntoOwnedRow as _,
    sql_types::{BigInt, Binary, Double, Nullable, Text, Untyped},
    sqlite::Sqlite,
};

use super::{BLOB, INTEGER, MALFORMED_TEXT, OwnedRow, Player, REAL, TEXT};
use crate::rows::Rows;

/// Kept rows on their way to the caller.
#[doc(hidden)]
pub struct ReplayedRows<'p> {
    player: &'p mut Player,
    rows: Arc<Rows>,
    next: usize,
    chunk: vec::IntoIter<OwnedRow>,
}

/// Rows that are asked for at a time. Each number of rows is a text of its own, which is prepared
/// once per set of columns, so there are but few.
const CHUNKS: [usize; 6] = [32, 16, 8, 4, 2, 1];

/// Parameters that one statement may have, in the smallest build of SQLite that is about.
const PARAMETERS_MAX: usize = 999;

impl<'p> ReplayedRows<'p> {
    pub(super) fn new(player: &'p mut Player, rows: Arc<Rows>) -> Self {
        Self {
            player,
            rows,
            next: 0,
            chunk: Vec::new().into_iter(),
        }
    }

    fn load(&mut self) -> QueryResult<()> {
        let left = self.rows.len() - self.next;
        let width = self.rows.width().max(1);
        let fits = |count: &&usize| **count <= left && **count * width <= PARAMETERS_MAX;
        let count = CHUNKS.iter().find(fits).copied().unwrap_or(1);
        let mut query = Chunk::new(&self.rows, self.next, count);
        query.is_common &= Player::keeps(&mut self.player.texts, &query.sql);
        let mut names = None;
        let rows = self.player.connection()?.load(query)?;
        let owned = rows
            .map(|row| Ok(row?.into_owned(&mut names)))
            .collect::<QueryResult<Vec<_>>>()?;
        self.next += count;
        self.chunk = owned.into_iter();
        Ok(())
    }
}

impl Iterator for ReplayedRows<'_> {
    type Item = QueryResult<OwnedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.chunk.next() {
            return Some(Ok(row));
        }
        if self.next >= self.rows.len() {
            return None;
        }
        if let Err(error) = self.load() {
            self.next = self.rows.len();
            return Some(Err(error));
        }
        self.chunk.next().map(Ok)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.rows.len() - self.next + self.chunk.len();
        (left, Some(left))
    }
}

impl fmt::Debug for ReplayedRows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayedRows").finish_non_exhaustive()
    }
}

/// A statement that answers with rows that are given to it.
struct Chunk<'r> {
    sql: String,
    /// Whether the text is one of few.
    is_common: bool,
    cells: Vec<Cell<'r>>,
}

enum Cell<'r> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'r str),
    Blob(&'r [u8]),
    MalformedText(&'r [u8]),
}

impl<'r> Chunk<'r> {
    fn new(rows: &'r Rows, from: usize, count: usize) -> Self {
        let width = rows.width();
        let cells: Vec<_> = (from..from + count)
            .flat_map(|row| (0..width).map(move |column| cell(rows, row, column)))
            .collect();
        Self {
            sql: text(rows, &cells),
            is_common: !cells.iter().any(Cell::is_malformed),
            cells,
        }
    }
}

impl Cell<'_> {
    fn is_malformed(&self) -> bool {
        matches!(self, Self::MalformedText(_))
    }
}

/// The columns of VALUES have names of their own; an alias may be there twice, as in the result of
/// a join.
fn text(rows: &Rows, cells: &[Cell<'_>]) -> String {
    let width = rows.width();
    let mut sql = String::from("SELECT ");
    for column in 0..width {
        if column > 0 {
            sql.push(',');
        }
        sql.push_str("column");
        sql.push_str(&(column + 1).to_string());
        sql.push_str(" AS \"");
        sql.push_str(&rows.name(column).unwrap_or_default().replace('"', "\"\""));
        sql.push('"');
    }
    sql.push_str(" FROM (VALUES");
    for (at, row) in cells.chunks(width.max(1)).enumerate() {
        sql.push_str(if at == 0 { "(" } else { ",(" });
        for (column, cell) in row.iter().enumerate() {
            if column > 0 {
                sql.push(',');
            }
            // The driver sends text that is UTF-8 only; a cast leaves the bytes as they are.
            sql.push_str(if cell.is_malformed() {
                "CAST(? AS TEXT)"
            } else {
                "?"
            });
        }
        sql.push(')');
    }
    sql.push(')');
    sql
}

fn cell(rows: &Rows, row: usize, column: usize) -> Cell<'_> {
    let known = rows.cell(row, column).and_then(|(tag, bytes)| {
        Some(match tag {
            INTEGER => Cell::Integer(i64::from_le_bytes(bytes.try_into().ok()?)),
            REAL => Cell::Real(f64::from_le_bytes(bytes.try_into().ok()?)),
            TEXT => Cell::Text(std::str::from_utf8(bytes).ok()?),
            BLOB => Cell::Blob(bytes),
            MALFORMED_TEXT => Cell::MalformedText(bytes),
            _ => return None,
        })
    });
    known.unwrap_or(Cell::Null)
}

impl QueryFragment<Sqlite> for Chunk<'_> {
    // Everything is said here: a layer in between forwards nothing else.
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        if !self.is_common {
            pass.unsafe_to_cache_prepared();
        }
        pass.push_sql(&self.sql);
        for cell in &self.cells {
            match cell {
                Cell::Null => {
                    pass.push_bind_param_value_only::<Nullable<BigInt>, _>(&None::<i64>)?
                }
                Cell::Integer(value) => pass.push_bind_param_value_only::<BigInt, _>(value)?,
                Cell::Real(value) => pass.push_bind_param_value_only::<Double, _>(value)?,
                Cell::Text(value) => pass.push_bind_param_value_only::<Text, _>(*value)?,
                Cell::Blob(value) | Cell::MalformedText(value) => {
                    pass.push_bind_param_value_only::<Binary, _>(*value)?
                }
            }
        }
        Ok(())
    }
}

impl QueryId for Chunk<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Chunk<'_> {
    type SqlType = Untyped;
}
