//! Which relation a name means.

use std::sync::Arc;

use super::{Catalog, Resolution, Table, TableKind, TableName};
use crate::Dialect;

impl Catalog {
    /// The relation that a name in a statement means. The caller has folded the name as the
    /// dialect folds identifiers; an unqualified one is looked up along the search path.
    pub fn resolve(&self, schema: Option<&str>, name: &str) -> Resolution {
        let found = match schema {
            Some(schema) => self.find(schema, name),
            None => self.find_on_path(name),
        };
        found.map_or(Resolution::Unknown, |table| {
            Resolution::Known(Arc::clone(table))
        })
    }

    /// The relation with exactly this identity.
    pub fn table(&self, name: &TableName) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }

    fn find_on_path(&self, name: &str) -> Option<&Arc<Table>> {
        // pg_catalog is searched first and its relations are not listed here.
        if self.dialect == Dialect::Postgres && name.starts_with("pg_") {
            return None;
        }
        for schema in &self.search_path {
            // A schema that is not listed may hold the name and would shadow the rest.
            if &**schema == "information_schema" {
                return None;
            }
            if let Some(table) = self.find(schema, name) {
                return Some(table);
            }
        }
        None
    }

    fn find(&self, schema: &str, name: &str) -> Option<&Arc<Table>> {
        if !self.table_names_ignore_case {
            return self.tables.get(&TableName::new(schema, name));
        }
        self.tables.values().find(|table| {
            table.name.schema.eq_ignore_ascii_case(schema)
                && table.name.name.eq_ignore_ascii_case(name)
        })
    }
}

impl Table {
    /// Whether rows of it can be written by a statement that names it and cached under its name.
    pub fn is_base(&self) -> bool {
        self.kind == TableKind::Base
    }
}
