//! PostgreSQL: one function for all tables, whose arguments are the columns that an image tells.
//!
//! It takes them by name from the row as JSON, so that a column that is gone is only missing; a
//! trigger that named it in its text would refuse every write.

use super::{
    has_value,
    text::{literal, quoted, trigger_name},
    told,
};
use crate::{Table, ValueKind};

pub(super) fn install(schema: &str, table: &Table) -> Vec<String> {
    let (on, schema) = (target(table), quoted('"', schema));
    // A row that may fail to become JSON would fail the write: it has no image.
    let columns: Vec<String> = match table
        .columns
        .iter()
        .all(|c| becomes_json(&c.kind, &c.declared))
    {
        true => told(table, has_value)
            .iter()
            .map(|c| literal(&c.name))
            .collect(),
        false => Vec::new(),
    };
    let columns = columns.join(", ");
    let [rows, truncate] = names(table);
    let mut statements = vec![
        format!(
            "CREATE TRIGGER {rows} AFTER INSERT OR UPDATE OR DELETE ON {on} FOR EACH ROW \
             EXECUTE FUNCTION {schema}.larder_outbox_record({columns})"
        ),
        format!(
            "CREATE TRIGGER {truncate} AFTER TRUNCATE ON {on} FOR EACH STATEMENT \
             EXECUTE FUNCTION {schema}.larder_outbox_record()"
        ),
    ];
    // Logical replication and loaders write as `session_replication_role = replica`.
    let always = |name| format!("ALTER TABLE {on} ENABLE ALWAYS TRIGGER {name}");
    statements.extend([&rows, &truncate].map(always));
    statements
}

pub(super) fn remove(table: &Table) -> Vec<String> {
    let on = target(table);
    names(table)
        .iter()
        .map(|name| format!("DROP TRIGGER IF EXISTS {name} ON {on}"))
        .collect()
}

/// Named by their table: a partition has those of its parent beside its own.
fn names(table: &Table) -> [String; 2] {
    ["rows", "truncate"].map(|word| quoted('"', &trigger_name(&table.name.name, word)))
}

fn target(table: &Table) -> String {
    format!(
        "{}.{}",
        quoted('"', &table.name.schema),
        quoted('"', &table.name.name)
    )
}

/// Whether every value of the column becomes JSON: not so for `json` itself, which may hold
/// `\u0000`, and for types whose cast to JSON is a function of someone's.
fn becomes_json(kind: &ValueKind, declared: &str) -> bool {
    let element = declared.trim_end_matches("[]");
    let name = match element.split_once('(') {
        Some((name, rest)) => format!("{name}{}", rest.split_once(')').map_or("", |(_, end)| end)),
        None => element.to_owned(),
    };
    *kind != ValueKind::Opaque || HARMLESS_TYPES.contains(&name.as_str())
}

/// As `format_type` prints them, without modifiers. citext has no cast to JSON.
const HARMLESS_TYPES: &[&str] = &[
    "bigint",
    "bit",
    "bit varying",
    "boolean",
    "bytea",
    "character",
    "character varying",
    "cidr",
    "citext",
    "date",
    "double precision",
    "inet",
    "integer",
    "interval",
    "jsonb",
    "macaddr",
    "money",
    "name",
    "numeric",
    "real",
    "smallint",
    "text",
    "time with time zone",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
    "tsvector",
    "uuid",
];
