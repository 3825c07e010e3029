//! The catalog that introspection reads from real servers.

mod equality;
mod mariadb;
mod postgres;
mod schema;
mod sqlite;

use larder_sql::{
    Catalog, Column, Table, TableName, ValueKind,
    catalog::{ForeignKey, Trigger},
};

/// The rows of a query as text, the way an adapter feeds them to the reader.
macro_rules! texts {
    ($rows:expr) => {
        $rows
            .iter()
            .map(|row| {
                (0..sqlx::Row::len(row))
                    .map(|field| sqlx::Row::try_get::<Option<String>, _>(row, field).unwrap())
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
}

/// Runs the introspection over a connection the way an adapter does.
macro_rules! read_catalog {
    ($connection:expr, $dialect:expr) => {{
        let mut reader = larder_sql::introspect::CatalogReader::new($dialect);
        for query in larder_sql::introspect::queries($dialect) {
            match sqlx::query(query.sql).fetch_all(&mut $connection).await {
                Ok(rows) => reader.feed(query.name, $crate::texts!(rows)),
                Err(error) => assert!(query.optional, "{}: {error}", query.name),
            }
        }
        reader.finish().unwrap()
    }};
}

/// The source id of the database behind a connection.
macro_rules! read_identity {
    ($connection:expr, $dialect:expr) => {{
        let query = larder_sql::introspect::identity_query($dialect);
        let rows = sqlx::query(query.sql)
            .fetch_all(&mut $connection)
            .await
            .unwrap();
        larder_sql::introspect::identity($dialect, &$crate::texts!(rows))
    }};
}

pub(crate) use {read_catalog, read_identity, texts};

fn table<'a>(catalog: &'a Catalog, schema: &str, name: &str) -> &'a Table {
    catalog
        .table(&TableName::new(schema, name))
        .unwrap_or_else(|| panic!("no table {name}"))
}

fn column<'a>(table: &'a Table, name: &str) -> &'a Column {
    &table.columns[table
        .column(name)
        .unwrap_or_else(|| panic!("no column {name}"))]
}

fn kind<'a>(table: &'a Table, name: &str) -> &'a ValueKind {
    &column(table, name).kind
}

fn trigger<'a>(table: &'a Table, name: &str) -> &'a Trigger {
    let found = table.triggers.iter().find(|trigger| &*trigger.name == name);
    found.unwrap_or_else(|| panic!("no trigger {name}"))
}

/// The tables a trigger writes: "a,b", "" for none, "?" for unknown.
fn writes(trigger: &Trigger) -> String {
    match &trigger.writes {
        None => "?".to_owned(),
        Some(tables) => tables
            .iter()
            .map(|table| &*table.name)
            .collect::<Vec<_>>()
            .join(","),
    }
}

/// A foreign key as "child columns -> parent(columns) on delete/on update".
fn describe(table: &Table, key: &ForeignKey) -> String {
    let columns: Vec<&str> = key
        .columns
        .iter()
        .map(|at| &*table.columns[*at].name)
        .collect();
    let parents: Vec<&str> = key.parent_columns.iter().map(|name| &**name).collect();
    format!(
        "{} -> {}({}) {:?}/{:?}",
        columns.join(","),
        key.parent.name,
        parents.join(","),
        key.on_delete,
        key.on_update
    )
}

fn foreign_keys(table: &Table) -> Vec<String> {
    let mut keys: Vec<String> = table
        .foreign_keys
        .iter()
        .map(|key| describe(table, key))
        .collect();
    keys.sort();
    keys
}

fn names(tables: &[std::sync::Arc<Table>]) -> Vec<&str> {
    tables.iter().map(|table| &*table.name.name).collect()
}
