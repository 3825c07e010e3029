//! What a statement and its result tell of a write.

use larder_core::{Image, Param, Value};
use larder_signals::{Planned, Returned};
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
    let returned = match done {
        Some(Done::All(rows)) if planned.returns() => Some(images(rows)),
        _ => None,
    };
    let matched = match (done, &returned) {
        (Some(Done::Executed(result)), _) => usize::try_from(result.rows_affected()).ok(),
        (_, Some(rows)) => Some(rows.len()),
        _ => None,
    };
    if let (Some(old), Some(matched)) = (old, matched) {
        let new = returned.as_deref().unwrap_or_default();
        return then(&params, Returned::Before { old, matched, new });
    }
    match (done, returned) {
        (_, Some(rows)) => then(&params, Returned::All(&rows)),
        (Some(Done::One(row)), _) if planned.returns() => {
            then(&params, Returned::Some(&images(row.as_slice())))
        }
        (Some(Done::Executed(result)), _) if dialect == Dialect::MySql && exact_rows => {
            then(&params, Returned::InsertId(result.last_insert_id()))
        }
        // Without RETURNING, no rows say nothing of how many were written.
        _ => then(&params, Returned::Nothing),
    }
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
