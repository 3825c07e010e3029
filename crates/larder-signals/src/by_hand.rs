//! What any write to some rows of a table may have changed: for whoever invalidates by hand from
//! outside the application, and knows of the write no more than which rows it was about.

use std::sync::Arc;

use larder_core::{Image, RowChange, Source};
use larder_sql::{
    Dialect, Table,
    catalog::TableKind,
    plan::{Columns, OldRows, Part, WriteOperation},
};

use crate::{
    ChangeLimits, Changes,
    cascade::Closure,
    event::{Event, EventKind},
    image::{Bound, cell},
};

/// What was named by hand, and what it comes to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ByHand {
    /// What may have changed.
    pub changes: Changes,
    /// The columns by which the rows are told from others; empty = any row of the table.
    pub told_by: Vec<Arc<str>>,
}

/// What an insert, an update or a delete of the rows that meet a condition may have changed, with
/// cascades, triggers and table families: the row may have come, gone, or changed otherwise than in
/// the columns of the condition. `None` = any row.
///
/// The condition is SQL of the source's dialect, and is read by the rules for the WHERE of a DELETE.
/// It tells rows apart by `column = literal`, `IN (..)` and `IS NULL`, joined by AND, and by OR where
/// each side tells something; what else it asks for is taken to be met. One that tells nothing, or that
/// is not understood, stands for any row. It is never sent to a database.
///
/// Of a view, the tables that it reads may have changed.
///
/// # Staleness
///
/// A column of the condition that the write has changed has two values: results by the other one
/// stay. Name both.
#[must_use]
pub fn changes_by_hand(
    source: &Source,
    table: &Arc<Table>,
    condition: Option<&str>,
    limits: ChangeLimits,
) -> ByHand {
    let Some(catalog) = source.catalog() else {
        return ByHand {
            changes: Changes::Everything,
            told_by: Vec::new(),
        };
    };
    let images = match condition {
        Some(condition) if table.is_base() => images(source, table, condition),
        _ => Vec::new(),
    };
    let mut closure = Closure::new(source, &catalog, limits);
    let told_by = told_by(table, &images);
    if told_by.is_empty() {
        for table in named(source, table) {
            closure.seed(Event::unknown(&table));
        }
    } else {
        for (kind, rows) in any_write(&images) {
            closure.seed(Event::rows(table, kind, Columns::All, rows));
        }
    }
    ByHand {
        changes: closure.finish(),
        told_by,
    }
}

/// Each row that meets the condition agrees with at least one of these; none = not understood.
fn images(source: &Source, table: &Table, condition: &str) -> Vec<Image> {
    let name = quoted(source.dialect(), table);
    let prepared = source.plan(&format!("DELETE FROM {name} WHERE ({condition})"));
    let [Part::Write(write)] = prepared.plan().parts.as_slice() else {
        return Vec::new();
    };
    let [target] = write.targets.as_slice() else {
        return Vec::new();
    };
    let meant = target.table.name == table.name && target.operation == WriteOperation::Delete;
    match &target.old {
        old @ OldRows::Matching(_) if meant && write.unknown_scope.is_none() => {
            let (dialect, params) = (source.dialect(), &[][..]);
            Bound { dialect, params }.pins(table, old)
        }
        _ => Vec::new(),
    }
}

/// The columns that the images know, unless one of them knows none and so is any row.
fn told_by(table: &Table, images: &[Image]) -> Vec<Arc<str>> {
    if images.iter().any(|it| it.cells.iter().all(Option::is_none)) {
        return Vec::new();
    }
    let known = |at: usize| images.iter().any(|it| cell(it, at).is_some());
    let columns = table.columns.iter().enumerate();
    columns
        .filter(|(at, _)| known(*at))
        .map(|(_, column)| column.name.clone())
        .collect()
}

fn any_write(images: &[Image]) -> [(EventKind, Vec<RowChange>); 3] {
    let rows = |old: bool, new: bool| {
        let row = |image: &Image| RowChange {
            old: old.then(|| image.clone()),
            new: new.then(|| image.clone()),
        };
        images.iter().map(row).collect()
    };
    [
        (EventKind::Insert, rows(false, true)),
        (EventKind::Update, rows(true, true)),
        (EventKind::Delete, rows(true, false)),
    ]
}

/// The table itself, or what a view reads.
fn named(source: &Source, table: &Arc<Table>) -> Vec<Arc<Table>> {
    if !is_view(table) {
        return vec![Arc::clone(table)];
    }
    let read = source.plan(&format!(
        "SELECT * FROM {}",
        quoted(source.dialect(), table)
    ));
    let mut tables = Vec::new();
    for part in &read.plan().parts {
        if let Part::Read(read) = part {
            tables.extend(read.tables.iter().filter(|it| !is_view(it)).cloned());
        }
    }
    match tables.is_empty() {
        // What it reads is not known: a write to the view may have changed everything.
        true => vec![Arc::clone(table)],
        false => tables,
    }
}

fn is_view(table: &Table) -> bool {
    matches!(table.kind, TableKind::View { .. })
}

fn quoted(dialect: Dialect, table: &Table) -> String {
    let quote = match dialect {
        Dialect::MySql => '`',
        _ => '"',
    };
    let part = |name: &str| name.replace(quote, &format!("{quote}{quote}"));
    let (schema, name) = (part(&table.name.schema), part(&table.name.name));
    format!("{quote}{schema}{quote}.{quote}{name}{quote}")
}

#[cfg(test)]
mod tests;
