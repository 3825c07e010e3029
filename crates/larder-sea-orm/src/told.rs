//! What a statement and its result tell of a write.

use larder_core::{Image, Param, Value};
use larder_signals::{Matched, Planned, Returned};
use larder_sql::{Column, Dialect};
use sea_orm::{QueryResult, Statement};

use crate::{job::Done, param::Params, row};

/// Hands on the parameters of the statement and what the server told of its rows: by its result, and
/// by those that it was about to change, all of them. Rows that are not exact tell how many they are.
pub(crate) fn tell<T>(
    planned: &Planned,
    exact_rows: bool,
    statement: &Statement,
    done: Option<(&Done, Option<&[Image]>)>,
    then: impl FnOnce(&[Param<'_>], Returned<'_>) -> T,
) -> T {
    let (done, old) = done.map_or((None, None), |(done, old)| (Some(done), old));
    let dialect = planned.source.dialect();
    let params = Params::of_write(statement, dialect).values;
    let images = |rows: &[QueryResult]| images(planned, exact_rows, rows);
    let rows = match done {
        Some(Done::All(rows)) if planned.returns() => Some(rows.as_slice()),
        Some(Done::One(row)) if planned.returns() => Some(row.as_slice()),
        // Without RETURNING, no rows say nothing of how many were written.
        _ => None,
    };
    let new = rows.map(images).unwrap_or_default();
    let matched = match done {
        Some(Done::Executed(result)) => {
            let matched = usize::try_from(result.rows_affected());
            matched.ok().map(Matched::Exactly)
        }
        Some(Done::One(_)) => rows.map(|rows| Matched::AtLeast(rows.len())),
        _ => rows.map(|rows| Matched::Exactly(rows.len())),
    };
    let returned = match (old, matched, done) {
        (Some(old), Some(matched), _) => Returned::Before {
            old,
            matched,
            new: &new,
        },
        (.., Some(Done::One(_))) if rows.is_some() => Returned::Some(&new),
        _ if rows.is_some() => Returned::All(&new),
        (.., Some(Done::Executed(result))) if dialect == Dialect::MySql && exact_rows => {
            Returned::InsertId(result.last_insert_id())
        }
        _ => Returned::Nothing,
    };
    then(&params, returned)
}

fn images(planned: &Planned, exact_rows: bool, rows: &[QueryResult]) -> Vec<Image> {
    if !exact_rows {
        return vec![Image::default(); rows.len()];
    }
    planned.returned_images(rows.len(), cell_of(planned, rows))
}

/// Reads the cells of these rows.
pub(crate) fn cell_of(
    planned: &Planned,
    rows: &[QueryResult],
) -> impl Fn(usize, usize, &Column) -> Option<Value> {
    let dialect = planned.source.dialect();
    move |row, at, column| row::read(rows.get(row)?, at, column, dialect)
}
