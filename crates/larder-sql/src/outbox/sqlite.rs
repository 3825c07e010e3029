//! SQLite: a trigger per operation. Only a DELETE has an image: INSERT and UPDATE may have
//! replaced other rows (`OR REPLACE`, `ON CONFLICT REPLACE`) without any trigger to tell.
//!
//! A column holds values of any class. One that is not of the column's own is told as "not NULL",
//! by a value of the wrong class; a blob would make `json_object` fail, and the write with it.

use super::{
    Operation, TABLE, has_value,
    text::{literal, quoted, trigger_name},
    told,
};
use crate::{Column, Table, ValueKind};

pub(super) fn install(table: &Table) -> Vec<String> {
    let statement = |operation: Operation| {
        format!(
            "CREATE TRIGGER {trigger} AFTER {word} ON {on} BEGIN \
             INSERT INTO {TABLE} (table_schema, table_name, operation, old_row) \
             VALUES ('main', {name}, '{word}', {old}); END",
            trigger = quoted('"', &trigger_name(&table.name.name, operation.word())),
            word = operation.word(),
            on = quoted('"', &table.name.name),
            name = literal(&table.name.name),
            old = match operation {
                Operation::Delete => image(table),
                Operation::Insert | Operation::Update => "NULL".to_owned(),
            },
        )
    };
    Operation::ALL.into_iter().map(statement).collect()
}

pub(super) fn remove(table: &Table) -> Vec<String> {
    let statement = |operation: Operation| {
        let name = trigger_name(&table.name.name, operation.word());
        format!("DROP TRIGGER IF EXISTS {}", quoted('"', &name))
    };
    Operation::ALL.into_iter().map(statement).collect()
}

fn image(table: &Table) -> String {
    let pairs: Vec<String> = told(table, has_value)
        .iter()
        .take(COLUMNS_MAX)
        .filter_map(|column| Some(format!("{}, {}", literal(&column.name), cell(column)?)))
        .collect();
    match pairs.is_empty() {
        true => "NULL".to_owned(),
        false => format!("json_object({})", pairs.join(", ")),
    }
}

fn cell(column: &Column) -> Option<String> {
    let value = format!("OLD.{}", quoted('"', &column.name));
    Some(match column.kind {
        ValueKind::Integer { .. } => format!(
            "CASE typeof({value}) WHEN 'integer' THEN {value} WHEN 'null' THEN NULL ELSE {UNTOLD} END"
        ),
        // Bytes are counted: the functions for text stop at a zero.
        ValueKind::Text { .. } => format!(
            "CASE WHEN typeof({value}) = 'null' THEN NULL WHEN typeof({value}) = 'text' \
             AND length(CAST({value} AS BLOB)) <= {TEXT_BYTES_MAX} THEN {value} ELSE {UNTOLD} END"
        ),
        _ => return None,
    })
}

/// SQLite's functions take at most 127 arguments before 3.48.
const COLUMNS_MAX: usize = 60;
/// A longer text is not told.
const TEXT_BYTES_MAX: usize = 1_024;
/// A value of neither kind.
const UNTOLD: &str = "0.5";
