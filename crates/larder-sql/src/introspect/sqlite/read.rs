//! From the answers of SQLite to a catalog.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    definition::{TableText, TriggerEvent, view_select},
    kinds::kind,
};
use crate::{
    Catalog, Column, Dialect, Table, TableName,
    catalog::{ForeignKey, ForeignKeyAction, TableKind, Trigger},
    introspect::{
        answers::{Answers, CatalogError, Row},
        trigger_body::{self, Language},
    },
};

/// Tables of `main` under construction, by lower-case name; SQLite folds names so.
type Tables = BTreeMap<String, Table>;

pub(in crate::introspect) fn read(answers: &Answers) -> Result<Catalog, CatalogError> {
    let mut catalog = Catalog::new(Dialect::Sqlite);
    for row in answers.rows("session")? {
        catalog.session.push((
            row.text(0)?.into(),
            row.optional(1).unwrap_or_default().into(),
        ));
    }
    for row in answers.rows("databases")? {
        catalog.search_path.push(row.text(0)?.into());
    }
    let definitions = definitions(answers)?;
    let mut tables = Tables::new();
    for row in answers.rows("tables")? {
        let (schema, name) = (row.text(0)?, row.text(1)?);
        // Listed, but never resolved: what reads them is not cacheable.
        if name.to_ascii_lowercase().starts_with("sqlite_") {
            continue;
        }
        let kind = table_kind(schema, name, row.text(2)?, &definitions);
        let mut table = Table::new(TableName::new(schema, name), kind, Vec::new());
        table.columns_ignore_case = true;
        if schema == "main" {
            tables.insert(name.to_lowercase(), table);
        } else {
            catalog.tables.insert(table.name.clone(), Arc::new(table));
        }
    }
    columns(answers, &definitions, &mut tables)?;
    foreign_keys(answers, &mut tables)?;
    for table in tables.into_values() {
        catalog.tables.insert(table.name.clone(), Arc::new(table));
    }
    triggers(answers, &mut catalog)?;
    Ok(catalog)
}

/// The stored CREATE texts of `main` by type and lower-case name.
type Definitions<'a> = BTreeMap<(&'a str, String), &'a str>;

fn definitions(answers: &Answers) -> Result<Definitions<'_>, CatalogError> {
    let mut definitions = Definitions::new();
    for row in answers.rows("definitions")? {
        if let (Some("main"), Some(sql)) = (row.optional(0), row.optional(4)) {
            definitions.insert((row.text(1)?, row.text(2)?.to_lowercase()), sql);
        }
    }
    Ok(definitions)
}

fn table_kind(
    schema: &str,
    name: &str,
    table_type: &str,
    definitions: &Definitions<'_>,
) -> TableKind {
    match (schema, table_type) {
        ("temp", _) => TableKind::Other("temporary table"),
        ("main", "table") => TableKind::Base,
        ("main", "view") => {
            let sql = definitions.get(&("view", name.to_lowercase()));
            // An empty definition is one that no analysis reads.
            let select = sql.and_then(|sql| view_select(sql)).unwrap_or_default();
            TableKind::View {
                definition: select.into(),
            }
        }
        ("main", _) => TableKind::Other("virtual table"),
        _ => TableKind::Other("table of an attached database"),
    }
}

fn columns(
    answers: &Answers,
    definitions: &Definitions<'_>,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let mut texts = BTreeMap::new();
    let rows = answers
        .rows("columns")?
        .chain(answers.optional_rows("view_columns"));
    for row in rows {
        let key = row.text(1)?.to_lowercase();
        let Some(table) = tables.get_mut(&key) else {
            continue;
        };
        let text = texts.entry(key).or_insert_with_key(|name| {
            TableText::read(definitions.get(&("table", name.clone())).copied())
        });
        table.conflict_replaces = table.is_base() && text.conflict_replaces;
        table.conflict_keeps_rows = table.is_base() && text.conflict_keeps_rows;
        let primary: Option<usize> = row
            .number(6)
            .filter(|place| (1..=KEY_COLUMNS_MAX).contains(place));
        if let Some(place) = primary {
            table
                .primary_key
                .resize(table.primary_key.len().max(place), table.columns.len());
            if let Some(slot) = table.primary_key.get_mut(place - 1) {
                *slot = table.columns.len();
            }
        }
        let column = column(row, text, primary.is_some())?;
        table.columns.push(column);
    }
    Ok(())
}

fn column(row: Row<'_>, text: &TableText, primary: bool) -> Result<Column, CatalogError> {
    let name = row.text(2)?;
    let declared = row.optional(3).unwrap_or_default();
    let binary = text
        .collated
        .as_ref()
        .is_some_and(|names| !names.contains(&name.to_lowercase()));
    let hidden = row.text(7)?;
    Ok(Column {
        declared: declared.into(),
        not_null: row.flag(4)?,
        generated: matches!(hidden, "2" | "3"),
        // An alias of the rowid, or nearly one (part of a key, DESC): a number all the same.
        auto_increment: primary && declared.eq_ignore_ascii_case("integer"),
        has_default: row
            .optional(5)
            .is_some_and(|value| !value.eq_ignore_ascii_case("null")),
        hidden: hidden == "1",
        ..Column::new(name, kind(declared, binary))
    })
}

/// One row per column; the rows of one key follow each other. Keys act only while PRAGMA
/// foreign_keys is on; that is assumed.
fn foreign_keys(answers: &Answers, tables: &mut Tables) -> Result<(), CatalogError> {
    let mut last = None;
    for row in answers.rows("foreign_keys")? {
        let key = Some((row.text(0)?, row.text(1)?));
        let parent = row.text(3)?;
        let known = tables.get(&parent.to_lowercase());
        let parent_name = known.map_or_else(
            || TableName::new("main", parent),
            |table| table.name.clone(),
        );
        let parent_key: Vec<Arc<str>> = known.map(primary_key_names).unwrap_or_default();
        let Some(child) = tables.get_mut(&row.text(0)?.to_lowercase()) else {
            continue;
        };
        let Some(position) = child.column(row.text(2)?) else {
            continue;
        };
        if last != key {
            last = key;
            child.foreign_keys.push(ForeignKey {
                columns: Vec::new(),
                parent: parent_name,
                parent_columns: Vec::new(),
                on_delete: action(row.text(5)?),
                on_update: action(row.text(6)?),
            });
        }
        if let Some(key) = child.foreign_keys.last_mut() {
            let implied = || parent_key.get(key.columns.len()).cloned();
            let referenced = row.optional(4).map(Arc::from).or_else(implied);
            key.columns.push(position);
            key.parent_columns.extend(referenced);
        }
    }
    Ok(())
}

fn primary_key_names(table: &Table) -> Vec<Arc<str>> {
    let columns = table
        .primary_key
        .iter()
        .filter_map(|position| table.columns.get(*position));
    columns.map(|column| Arc::clone(&column.name)).collect()
}

fn action(action: &str) -> ForeignKeyAction {
    match action {
        "CASCADE" => ForeignKeyAction::Cascade,
        "SET NULL" => ForeignKeyAction::SetNull,
        "SET DEFAULT" => ForeignKeyAction::SetDefault,
        _ => ForeignKeyAction::Nothing,
    }
}

/// A temporary trigger may stand on a table of `main`; where its names lead depends on the
/// connection, so its body is not read.
fn triggers(answers: &Answers, catalog: &mut Catalog) -> Result<(), CatalogError> {
    let mut found: Vec<(TableName, Trigger)> = Vec::new();
    for row in answers.rows("definitions")? {
        if row.text(1)? != "trigger" {
            continue;
        }
        let event = TriggerEvent::read(row.optional(4));
        let main = row.text(0)? == "main";
        let body = row.optional(4).filter(|_| main);
        let trigger = Trigger {
            name: row.text(2)?.into(),
            before: event.before,
            on_insert: event.on_insert,
            on_update: event.on_update,
            on_delete: event.on_delete,
            writes: body.and_then(|body| {
                trigger_body::writes(Language::Sqlite, body, Some("main"), catalog)
            }),
        };
        found.push((TableName::new("main", row.text(3)?), trigger));
    }
    for (name, trigger) in found {
        let table = catalog.tables.values_mut().find(|table| {
            *table.name.schema == *name.schema && table.name.name.eq_ignore_ascii_case(&name.name)
        });
        if let Some(table) = table {
            Arc::make_mut(table).triggers.push(trigger);
        }
    }
    Ok(())
}

/// SQLite's own limit of columns; a greater place is no place.
const KEY_COLUMNS_MAX: usize = 32_767;
