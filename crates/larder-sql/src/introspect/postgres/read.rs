//! From the answers of a PostgreSQL server to a catalog.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    kinds::{BaseType, EnumLabels, kind},
    policies,
};
use crate::{
    Catalog, Column, Dialect, Table, TableName,
    catalog::{ForeignKey, ForeignKeyAction, TableKind, Trigger, Volatility},
    introspect::{
        answers::{Answers, CatalogError, Row},
        trigger_body::{self, Language},
    },
};

/// Tables under construction, by the oid of the relation.
type Relations<'a> = BTreeMap<&'a str, Table>;

pub(in crate::introspect) fn read(answers: &Answers) -> Result<Catalog, CatalogError> {
    let mut catalog = Catalog::new(Dialect::Postgres);
    for row in answers.rows("session")? {
        catalog.session.push((
            row.text(0)?.into(),
            row.optional(1).unwrap_or_default().into(),
        ));
    }
    for row in answers.rows("search_path")? {
        catalog.search_path.push(row.text(0)?.into());
    }
    for row in answers.rows("functions")? {
        let volatility = volatility(row.text(1)?);
        catalog
            .functions
            .entry(row.text(0)?.into())
            .and_modify(|known| *known = volatility.max(*known))
            .or_insert(volatility);
    }
    for row in answers.rows("operators")? {
        catalog.custom_operators.insert(row.text(0)?.into());
    }
    if catalog.session_setting("transform_null_equals") == Some("on") {
        // `= NULL` then means IS NULL.
        catalog.custom_operators.insert("=".into());
    }
    let mut relations = relations(answers)?;
    let operators_are_the_servers = catalog.custom_operators.is_empty();
    for (oid, conditions) in policies::read(answers)? {
        if let Some(table) = relations.get_mut(oid) {
            table.row_policies = conditions.filter(|_| operators_are_the_servers);
        }
    }
    columns(answers, &mut relations)?;
    keys(answers, &mut relations)?;
    foreign_keys(answers, &mut relations)?;
    inheritance(answers, &mut relations)?;
    // Trigger bodies name tables, so these must be in place before the bodies are read.
    let names: BTreeMap<&str, TableName> = relations
        .iter()
        .map(|(oid, table)| (*oid, table.name.clone()))
        .collect();
    for table in relations.into_values() {
        catalog.tables.insert(table.name.clone(), Arc::new(table));
    }
    let triggers = triggers(answers, &catalog, &names)?;
    for (name, triggers) in triggers {
        if let Some(table) = catalog.tables.get_mut(&name) {
            Arc::make_mut(table).triggers = triggers;
        }
    }
    taint_ancestors(&mut catalog);
    Ok(catalog)
}

fn volatility(code: &str) -> Volatility {
    match code {
        "i" => Volatility::Immutable,
        "s" => Volatility::Stable,
        _ => Volatility::Volatile,
    }
}

fn relations(answers: &Answers) -> Result<Relations<'_>, CatalogError> {
    let mut relations = Relations::new();
    for row in answers.rows("relations")? {
        let name = TableName::new(row.text(1)?, row.text(2)?);
        let mut table = Table::new(name, table_kind(row)?, Vec::new());
        table.row_security = row.flag(5)?;
        // Dropped meanwhile, it has no answer.
        table.readable = row.optional(8).is_some() && row.flag(8)?;
        table.lockable = row.optional(9).is_some() && row.flag(9)?;
        table.has_rules = row.flag(6)?;
        relations.insert(row.text(0)?, table);
    }
    Ok(relations)
}

fn table_kind(row: Row<'_>) -> Result<TableKind, CatalogError> {
    if row.text(4)? == "t" {
        return Ok(TableKind::Other("temporary table"));
    }
    Ok(match row.text(3)? {
        "r" | "p" => TableKind::Base,
        "v" => TableKind::View {
            definition: row.text(7)?.into(),
        },
        "m" => TableKind::MaterializedView,
        "S" => TableKind::Other("sequence"),
        _ => TableKind::Other("foreign table"),
    })
}

fn columns<'a>(answers: &'a Answers, relations: &mut Relations<'a>) -> Result<(), CatalogError> {
    let mut labels = EnumLabels::new();
    for row in answers.rows("enum_labels")? {
        labels
            .entry(row.text(0)?)
            .or_default()
            .push(row.text(1)?.into());
    }
    for row in answers.rows("columns")? {
        let Some(table) = relations.get_mut(row.text(0)?) else {
            continue;
        };
        let base = BaseType {
            oid: row.text(7)?,
            built_in: row.optional(8),
            class: row.text(9)?,
            modifier: row.number(10).unwrap_or(-1),
            deterministic: row.optional(11) == Some("true"),
        };
        table.columns.push(Column {
            declared: row.text(2)?.into(),
            not_null: row.flag(3)?,
            generated: row.flag(4)?,
            auto_increment: row.flag(5)?,
            has_default: row.flag(6)?,
            ..Column::new(row.text(1)?, kind(base, &labels))
        });
    }
    Ok(())
}

fn keys<'a>(answers: &'a Answers, relations: &mut Relations<'a>) -> Result<(), CatalogError> {
    for row in answers.rows("primary_keys")? {
        let Some(table) = relations.get_mut(row.text(0)?) else {
            continue;
        };
        let position = table.column(row.text(1)?);
        table.primary_key.extend(position);
    }
    Ok(())
}

/// One row per pair of columns; the rows of one constraint follow each other.
fn foreign_keys<'a>(
    answers: &'a Answers,
    relations: &mut Relations<'a>,
) -> Result<(), CatalogError> {
    let mut last = None;
    for row in answers.rows("foreign_keys")? {
        let Some(parent) = relations.get(row.text(2)?).map(|table| table.name.clone()) else {
            continue;
        };
        let Some(child) = relations.get_mut(row.text(1)?) else {
            continue;
        };
        let Some(position) = child.column(row.text(3)?) else {
            continue;
        };
        if last != row.optional(0) {
            last = row.optional(0);
            child.foreign_keys.push(ForeignKey {
                columns: Vec::new(),
                parent,
                parent_columns: Vec::new(),
                on_delete: on_delete(row)?,
                on_update: action(row.text(6)?),
            });
        }
        if let Some(key) = child.foreign_keys.last_mut() {
            key.columns.push(position);
            key.parent_columns.push(row.text(4)?.into());
        }
    }
    Ok(())
}

/// An action that sets some of the columns only leaves the others as they are; that the new
/// values are unknown covers both.
fn on_delete(row: Row<'_>) -> Result<ForeignKeyAction, CatalogError> {
    Ok(if row.flag(7)? {
        ForeignKeyAction::SetDefault
    } else {
        action(row.text(5)?)
    })
}

fn action(code: &str) -> ForeignKeyAction {
    match code {
        "c" => ForeignKeyAction::Cascade,
        "n" => ForeignKeyAction::SetNull,
        "d" => ForeignKeyAction::SetDefault,
        _ => ForeignKeyAction::Nothing,
    }
}

/// Indexes inherit as well; they are no relations here.
fn inheritance<'a>(
    answers: &'a Answers,
    relations: &mut Relations<'a>,
) -> Result<(), CatalogError> {
    for row in answers.rows("inheritance")? {
        let Some(parent) = relations.get(row.text(1)?).map(|table| table.name.clone()) else {
            continue;
        };
        if let Some(child) = relations.get_mut(row.text(0)?) {
            child.parents.push(parent);
        }
    }
    Ok(())
}

fn triggers(
    answers: &Answers,
    catalog: &Catalog,
    names: &BTreeMap<&str, TableName>,
) -> Result<BTreeMap<TableName, Vec<Trigger>>, CatalogError> {
    let mut triggers: BTreeMap<TableName, Vec<Trigger>> = BTreeMap::new();
    for row in answers.rows("triggers")? {
        let Some(table) = names.get(row.text(0)?) else {
            continue;
        };
        // An unreadable set of bits has all of them.
        let bits: u16 = row.number(2).unwrap_or(u16::MAX);
        let fires = |mask: u16| bits & mask != 0;
        triggers.entry(table.clone()).or_default().push(Trigger {
            name: row.text(1)?.into(),
            before: fires(ROW) && fires(BEFORE) || fires(INSTEAD),
            on_insert: fires(INSERT),
            on_update: fires(UPDATE),
            on_delete: fires(DELETE | TRUNCATE),
            writes: trigger_writes(row, catalog)?,
        });
    }
    Ok(triggers)
}

fn trigger_writes(row: Row<'_>, catalog: &Catalog) -> Result<Option<Vec<TableName>>, CatalogError> {
    let changes_the_row_only = [
        "suppress_redundant_updates_trigger",
        "tsvector_update_trigger",
    ];
    if row
        .optional(5)
        .is_some_and(|built_in| changes_the_row_only.contains(&built_in))
    {
        return Ok(Some(Vec::new()));
    }
    // Function settings may change the search path, and with it what the names mean.
    let pinned = row.text(4)? == "pinned";
    if row.text(3)? != "plpgsql" || !pinned && row.flag(4)? {
        return Ok(None);
    }
    let schema = pinned.then_some("pg_catalog");
    let body = row.text(6)?;
    Ok(trigger_body::writes(
        Language::PlPgSql,
        body,
        schema,
        catalog,
    ))
}

/// A read of a parent reads its descendants: one that is foreign or temporary makes the parent
/// uncacheable too.
fn taint_ancestors(catalog: &mut Catalog) {
    let mut tainted: Vec<TableName> = catalog
        .tables
        .values()
        .filter(|table| matches!(table.kind, TableKind::Other(_)))
        .flat_map(|table| table.parents.iter().cloned())
        .collect();
    while let Some(name) = tainted.pop() {
        let Some(table) = catalog.tables.get_mut(&name) else {
            continue;
        };
        if table.kind == TableKind::Base {
            let table = Arc::make_mut(table);
            table.kind = TableKind::Other("parent of a foreign or temporary table");
            tainted.extend(table.parents.iter().cloned());
        }
    }
}

const ROW: u16 = 1;
const BEFORE: u16 = 1 << 1;
const INSERT: u16 = 1 << 2;
const DELETE: u16 = 1 << 3;
const UPDATE: u16 = 1 << 4;
const TRUNCATE: u16 = 1 << 5;
const INSTEAD: u16 = 1 << 6;
