//! MySQL and MariaDB: a trigger per operation. Text is cut, so a value of full length is not told.
//!
//! Most text there compares by case and padding, so its values tell nothing; but its bytes tell
//! whether an UPDATE has changed it.

use super::{
    Operation, TABLE, has_value,
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
            old = image("OLD", table, operation, operation.has_old()),
            new = image("NEW", table, operation, operation.has_new()),
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

fn image(row: &str, table: &Table, operation: Operation, exists: bool) -> String {
    let changes = operation == Operation::Update;
    let is_told = |column: &Column| has_value(column) || changes && tells_bytes(column);
    let pairs: Vec<String> = told(table, is_told)
        .iter()
        .map(|column| member(row, column))
        .collect();
    match exists && !pairs.is_empty() {
        true => format!("JSON_OBJECT({})", pairs.join(", ")),
        false => "NULL".to_owned(),
    }
}

/// One member of an image. Its form follows from its name alone, since the column may have another
/// type by the time that the image is read.
fn member(row: &str, column: &Column) -> String {
    let value = format!("{row}.{}", quoted('`', &column.name));
    if has_value(column) {
        // In one collation, or those of two columns might not mix.
        let text = format!("CONVERT(LEFT({value}, {TEXT_CHARS}) USING utf8mb4)");
        let name = mysql_literal(&column.name);
        return format!("{name}, {text} COLLATE utf8mb4_bin");
    }
    let name = mysql_literal(&format!("{}{BYTES}", column.name));
    format!(
        "{name}, CASE WHEN {value} IS NULL THEN NULL WHEN LENGTH({value}) <= {TEXT_CHARS} \
         THEN HEX({value}) ELSE '{UNTOLD}' END"
    )
}

/// Whether the bytes of a column are told, for its values are not.
fn tells_bytes(column: &Column) -> bool {
    let types = [
        "char",
        "varchar",
        "tinytext",
        "text",
        "mediumtext",
        "longtext",
    ];
    let name = column.declared.split(['(', ' ']).next().unwrap_or_default();
    column.kind == ValueKind::Opaque && types.contains(&name)
}

/// Ends the name of a member that tells bytes; no column's name may end so.
pub(super) const BYTES: char = ' ';
/// Says that a value is too long to be told in bytes.
pub(super) const UNTOLD: &str = "?";
/// A text of this length may have been cut.
pub(super) const TEXT_CHARS: usize = 256;
