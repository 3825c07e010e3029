//! What a statement and its result tell of a write.

use larder_core::{Image, Param};
use larder_signals::{Planned, Returned};
use larder_sql::{Dialect, plan::WritePlan};
use sea_orm::{QueryResult, Statement};

use crate::{job::Done, param::Params, row};

/// Hands on the parameters of the statement and what the server told of its rows. Rows that are not
/// exact tell how many they are.
pub(crate) fn tell<T>(
    planned: &Planned,
    exact_rows: bool,
    statement: &Statement,
    done: Option<&Done>,
    then: impl FnOnce(&[Param<'_>], Returned<'_>) -> T,
) -> T {
    let dialect = planned.source.dialect();
    let params = Params::of_write(statement, dialect).values;
    let images = |rows: &[QueryResult]| images(planned, exact_rows, rows);
    match done {
        Some(Done::One(row)) if planned.returns() => {
            then(&params, Returned::Some(&images(row.as_slice())))
        }
        Some(Done::All(rows)) if planned.returns() => then(&params, Returned::All(&images(rows))),
        Some(Done::Executed(result)) if dialect == Dialect::MySql && exact_rows => {
            then(&params, Returned::InsertId(result.last_insert_id()))
        }
        // Without RETURNING, no rows say nothing of how many were written.
        _ => then(&params, Returned::Nothing),
    }
}

fn images(planned: &Planned, exact_rows: bool, rows: &[QueryResult]) -> Vec<Image> {
    let Some(WritePlan {
        targets, returning, ..
    }) = planned.single_write()
    else {
        return Vec::new();
    };
    let [target] = targets.as_slice() else {
        return Vec::new();
    };
    if !exact_rows {
        return vec![Image::default(); rows.len()];
    }
    let dialect = planned.source.dialect();
    rows.iter()
        .map(|row| row::image(row, &target.table, returning, dialect))
        .collect()
}
