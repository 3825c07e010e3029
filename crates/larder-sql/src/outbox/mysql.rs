//! MySQL and MariaDB: a trigger per operation. Text is cut, so a value of full length is not told.

use super::{
    Operation, TABLE,
    text::{mysql_literal, quoted, trigger_name},
    told,
};
use crate::{Column, Table, ValueKind};

pub(super) fn install(table: &Table) -> Vec<String> {
    let statement = |operation: Operation| {
        format!(
            "CREATE TRIGGER {trigger} AFTER {word} ON {on} FOR EACH ROW \
             INSERT INTO {TABLE} (table_schema, table_name, operation, old_row, new_row, \
             recorded_at) VALUES (DATABASE(), {name}, '{word}', {old}, {new}, UTC_TIMESTAMP(6))",
            trigger = quoted('`', &trigger_name(&table.name.name, operation.word())),
            word = operation.word(),
            on = quoted('`', &table.name.name),
            name = mysql_literal(&table.name.name),
            old = image("OLD", table, operation.has_old()),
            new = image("NEW", table, operation.has_new()),
        )
    };
    Operation::ALL.into_iter().map(statement).collect()
}

pub(super) fn remove(table: &Table) -> Vec<String> {
    let statement = |operation: Operation| {
        let name = trigger_name(&table.name.name, operation.word());
        format!("DROP TRIGGER IF EXISTS {}", quoted('`', &name))
    };
    Operation::ALL.into_iter().map(statement).collect()
}

fn image(row: &str, table: &Table, exists: bool) -> String {
    let pairs: Vec<String> = told(table)
        .iter()
        .map(|column| format!("{}, {}", mysql_literal(&column.name), cell(row, column)))
        .collect();
    match exists && !pairs.is_empty() {
        true => format!("JSON_OBJECT({})", pairs.join(", ")),
        false => "NULL".to_owned(),
    }
}

fn cell(row: &str, column: &Column) -> String {
    let value = format!("{row}.{}", quoted('`', &column.name));
    match column.kind {
        ValueKind::Text { .. } => format!("LEFT({value}, {TEXT_CHARS})"),
        // Digits and signs, whatever the character set of the connection that made the trigger.
        _ => format!("CAST({value} AS CHAR)"),
    }
}

/// A text of this length may have been cut.
pub(super) const TEXT_CHARS: usize = 256;
