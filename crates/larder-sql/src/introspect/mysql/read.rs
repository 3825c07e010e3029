//! From the answers of a MySQL or MariaDB server to a catalog.

use std::{collections::BTreeMap, sync::Arc};

use super::kinds::{Description, kind};
use crate::{
    Catalog, Column, Dialect, Table, TableName,
    catalog::{ForeignKey, ForeignKeyAction, TableKind, Trigger, Volatility},
    introspect::{
        answers::{Answers, CatalogError, Row},
        trigger_body::{self, Language},
    },
};

/// Tables under construction by name; all are of the current database.
type Tables<'a> = BTreeMap<&'a str, Table>;

pub(in crate::introspect) fn read(answers: &Answers) -> Result<Catalog, CatalogError> {
    let mut catalog = Catalog::new(Dialect::MySql);
    for query in ["session", "variables"] {
        for row in answers.rows(query)? {
            let value = row.optional(1).unwrap_or_default();
            catalog.session.push((row.text(0)?.into(), value.into()));
        }
    }
    catalog.table_names_ignore_case = catalog
        .session_setting("lower_case_table_names")
        .is_none_or(|setting| setting != "0");
    let database: Option<Arc<str>> = catalog
        .session_setting("database")
        .filter(|name| !name.is_empty())
        .map(Arc::from);
    catalog.search_path.extend(database);
    for row in answers.optional_rows("routines") {
        let volatility = volatility(row)?;
        catalog
            .functions
            .entry(row.text(0)?.into())
            .and_modify(|known| *known = volatility.max(*known))
            .or_insert(volatility);
    }
    let mut tables = tables(answers)?;
    columns(answers, &mut tables)?;
    keys(answers, &mut tables)?;
    for table in tables.into_values() {
        catalog.tables.insert(table.name.clone(), Arc::new(table));
    }
    let triggers = triggers(answers, &catalog)?;
    for table in catalog.tables.values_mut() {
        if let Some(triggers) = triggers.get(&*table.name.name) {
            Arc::make_mut(table).triggers.clone_from(triggers);
        }
    }
    if !sees_triggers(answers, &catalog) {
        for table in catalog.tables.values_mut() {
            Arc::make_mut(table).triggers.push(unseen_trigger());
        }
    }
    Ok(catalog)
}

/// DETERMINISTIC alone is a promise about results; only the data access says whether it writes.
fn volatility(row: Row<'_>) -> Result<Volatility, CatalogError> {
    let reads_only = matches!(row.text(3)?, "NO SQL" | "READS SQL DATA");
    Ok(
        if row.text(1)? == "FUNCTION" && row.flag(2)? && reads_only {
            Volatility::Stable
        } else {
            Volatility::Volatile
        },
    )
}

fn tables(answers: &Answers) -> Result<Tables<'_>, CatalogError> {
    let mut definitions = BTreeMap::new();
    for row in answers.rows("views")? {
        definitions.insert(row.text(0)?, row.optional(1).unwrap_or_default());
    }
    let mut tables = Tables::new();
    for row in answers.rows("tables")? {
        let name = row.text(1)?;
        let definition = definitions.get(name).copied().unwrap_or_default();
        let kind = table_kind(row.text(2)?, row.optional(3), definition);
        let mut table = Table::new(TableName::new(row.text(0)?, name), kind, Vec::new());
        table.transactional = row.optional(4) == Some("YES");
        // Others may lock rows and no gaps.
        table.lockable = row.optional(3) == Some("InnoDB");
        table.columns_ignore_case = true;
        tables.insert(name, table);
    }
    Ok(tables)
}

/// A view whose definition this account may not see keeps an empty one, which no analysis reads.
fn table_kind(table_type: &str, engine: Option<&str>, definition: &str) -> TableKind {
    match table_type {
        "VIEW" => TableKind::View {
            definition: definition.into(),
        },
        "BASE TABLE" | "SYSTEM VERSIONED" if engine.is_some_and(is_local) => TableKind::Base,
        "BASE TABLE" | "SYSTEM VERSIONED" => TableKind::Other("table of a foreign storage engine"),
        "SEQUENCE" => TableKind::Other("sequence"),
        "TEMPORARY" => TableKind::Other("temporary table"),
        _ => TableKind::Other("system table"),
    }
}

/// Engines whose rows change through their own table alone (FEDERATED, SPIDER, MERGE, CONNECT and
/// the like are windows on other tables).
fn is_local(engine: &str) -> bool {
    let local = [
        "InnoDB",
        "MyISAM",
        "Aria",
        "MEMORY",
        "ROCKSDB",
        "TokuDB",
        "ARCHIVE",
        "ndbcluster",
    ];
    local.iter().any(|name| name.eq_ignore_ascii_case(engine))
}

fn columns<'a>(answers: &'a Answers, tables: &mut Tables<'a>) -> Result<(), CatalogError> {
    for row in answers.rows("columns")? {
        let Some(table) = tables.get_mut(row.text(0)?) else {
            continue;
        };
        let description = Description {
            declared: row.text(2)?,
            data_type: row.text(3)?,
            characters: row.number(4),
            precision: row.number(5),
            scale: row.number(6),
            fraction: row.number(7),
            collation: row.optional(8),
        };
        let rights = row.optional(13).unwrap_or_default().to_ascii_lowercase();
        table.readable &= rights.contains("select");
        let extra = row.optional(11).unwrap_or_default().to_ascii_uppercase();
        let computed = ["VIRTUAL GENERATED", "STORED GENERATED", "PERSISTENT"];
        table.columns.push(Column {
            declared: description.declared.into(),
            not_null: !row.flag(9)?,
            has_default: row.flag(10)? || extra.contains("DEFAULT_GENERATED"),
            generated: row.flag(12)? || computed.iter().any(|word| extra.contains(word)),
            auto_increment: extra.contains("AUTO_INCREMENT"),
            on_update: extra.contains("ON UPDATE"),
            hidden: extra.contains("INVISIBLE"),
            ..Column::new(row.text(1)?, kind(description))
        });
    }
    Ok(())
}

/// Primary and foreign keys: one row per column, the rows of one constraint follow each other.
fn keys<'a>(answers: &'a Answers, tables: &mut Tables<'a>) -> Result<(), CatalogError> {
    let mut last = None;
    for row in answers.rows("keys")? {
        let Some(table) = tables.get_mut(row.text(0)?) else {
            continue;
        };
        let Some(position) = table.column(row.text(2)?) else {
            continue;
        };
        let Some(parent) = row.optional(4) else {
            table.primary_key.push(position);
            continue;
        };
        let constraint = Some((row.text(0)?, row.text(1)?));
        if last != constraint {
            last = constraint;
            table.foreign_keys.push(ForeignKey {
                columns: Vec::new(),
                parent: TableName::new(row.text(3)?, parent),
                parent_columns: Vec::new(),
                on_delete: action(row.optional(6)),
                on_update: action(row.optional(7)),
            });
        }
        if let Some(key) = table.foreign_keys.last_mut() {
            key.columns.push(position);
            key.parent_columns.push(row.text(5)?.into());
        }
    }
    Ok(())
}

/// A rule that could not be read may do anything a rule can.
fn action(rule: Option<&str>) -> ForeignKeyAction {
    match rule {
        Some("NO ACTION" | "RESTRICT") => ForeignKeyAction::Nothing,
        Some("CASCADE") => ForeignKeyAction::Cascade,
        Some("SET NULL") => ForeignKeyAction::SetNull,
        _ => ForeignKeyAction::SetDefault,
    }
}

fn triggers(
    answers: &Answers,
    catalog: &Catalog,
) -> Result<BTreeMap<String, Vec<Trigger>>, CatalogError> {
    let database = catalog.session_setting("database");
    let mut triggers: BTreeMap<String, Vec<Trigger>> = BTreeMap::new();
    for row in answers.optional_rows("triggers") {
        let event = row.text(3)?;
        let body = row.optional(4).unwrap_or("?");
        triggers
            .entry(row.text(0)?.to_owned())
            .or_default()
            .push(Trigger {
                name: row.text(1)?.into(),
                before: row.text(2)? == "BEFORE",
                on_insert: event == "INSERT",
                on_update: event == "UPDATE",
                on_delete: event == "DELETE",
                writes: trigger_body::writes(Language::MySql, body, database, catalog),
            });
    }
    Ok(triggers)
}

/// MySQL hides triggers from an account without the TRIGGER privilege. MariaDB hides their bodies
/// alone from one that may write the table (seen on 10.11).
fn sees_triggers(answers: &Answers, catalog: &Catalog) -> bool {
    let version = catalog.session_setting("version").unwrap_or_default();
    let shows_all = version.contains("MariaDB") && leading_numbers(version) >= Some((10, 11));
    let has_rights = || answers.optional_rows("trigger_rights").next().is_some();
    answers.has("triggers") && (shows_all || has_rights())
}

fn leading_numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Stands for the triggers that the server hides.
fn unseen_trigger() -> Trigger {
    Trigger {
        name: "triggers that this account may not see".into(),
        before: true,
        on_insert: true,
        on_update: true,
        on_delete: true,
        writes: None,
    }
}
