//! What `invalidate` is told to drop.

use std::sync::Arc;

use larder_sql::{Catalog, Dialect, Table, ValueKind};

use crate::{database::named, exit::Failure};

/// Which rows of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Any,
    /// The one with this primary key, as it was written.
    Key(String),
}

/// `TABLE`, `SCHEMA.TABLE`, `TABLE.KEY` or `SCHEMA.TABLE.KEY`: the longest name that is no table
/// with a key behind it wins. No tables = there is none of that name.
pub(super) fn resolve(catalog: &Catalog, what: &str) -> (Vec<Arc<Table>>, Row) {
    let whole = named(catalog, what);
    if !whole.is_empty() {
        return (whole, Row::Any);
    }
    for (at, _) in what.char_indices().rev().filter(|(_, c)| *c == '.') {
        let (name, key) = what.split_at(at);
        let tables = named(catalog, name);
        if !tables.is_empty() {
            return (tables, Row::Key(key.trim_start_matches('.').to_owned()));
        }
    }
    (Vec::new(), Row::Any)
}

/// The condition that stands for a primary key.
pub(super) fn condition(dialect: Dialect, table: &Table, key: &str) -> Result<String, Failure> {
    let columns: Vec<_> = table
        .primary_key
        .iter()
        .filter_map(|at| table.columns.get(*at))
        .collect();
    let values: Vec<&str> = match columns.len() {
        0 => {
            return Err(Failure::usage(format!(
                "{} has no primary key: say which rows with --where",
                table.name
            )));
        }
        1 => vec![key],
        _ => key.split(',').collect(),
    };
    if values.len() != columns.len() {
        let names: Vec<&str> = columns.iter().map(|it| &*it.name).collect();
        return Err(Failure::usage(format!(
            "the primary key of {} is ({}): write as many values with commas",
            table.name,
            names.join(", ")
        )));
    }
    let mut terms = Vec::new();
    for (column, value) in columns.into_iter().zip(values) {
        let literal = match &column.kind {
            ValueKind::Integer { .. } => value.parse::<i128>().ok().map(|it| it.to_string()),
            _ => Some(quoted_text(dialect, value)),
        };
        let literal = literal.ok_or_else(|| {
            Failure::usage(format!("`{}` of {} is an integer", column.name, table.name))
        })?;
        terms.push(format!(
            "{} = {literal}",
            quoted_name(dialect, &column.name)
        ));
    }
    Ok(terms.join(" AND "))
}

fn quoted_name(dialect: Dialect, name: &str) -> String {
    let quote = match dialect {
        Dialect::MySql => '`',
        _ => '"',
    };
    let doubled = name.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}

fn quoted_text(dialect: Dialect, text: &str) -> String {
    let text = text.replace('\'', "''");
    match dialect {
        Dialect::MySql => format!("'{}'", text.replace('\\', "\\\\")),
        _ => format!("'{text}'"),
    }
}

#[cfg(test)]
mod tests {
    use larder_sql::{Column, TableName, catalog::TableKind};

    use super::*;

    fn table(schema: &str, name: &str, key: &[ValueKind]) -> Table {
        let column = |(at, kind): (usize, &ValueKind)| Column::new(format!("k{at}"), kind.clone());
        let columns = key.iter().enumerate().map(column).collect();
        let mut table = Table::new(TableName::new(schema, name), TableKind::Base, columns);
        table.primary_key = (0..key.len()).collect();
        table
    }

    fn catalog() -> Catalog {
        let mut catalog = Catalog::new(Dialect::Postgres);
        let names = [
            ("public", "post"),
            ("old", "post"),
            ("public", "tag"),
            ("audit", "audit"),
        ];
        for (schema, name) in names {
            let table = table(schema, name, &[ValueKind::Uuid]);
            catalog.tables.insert(table.name.clone(), Arc::new(table));
        }
        catalog
    }

    #[test]
    fn a_name_is_a_table_a_schema_and_table_or_a_row() {
        let found = |what: &str| {
            let (tables, row) = resolve(&catalog(), what);
            let names: Vec<_> = tables.iter().map(|it| it.name.to_string()).collect();
            (names.join(" "), row)
        };
        let row = |key: &str| Row::Key(key.to_owned());
        assert_eq!(found("tag"), ("public.tag".into(), Row::Any));
        assert_eq!(found("old.post"), ("old.post".into(), Row::Any));
        assert_eq!(found("post"), ("old.post public.post".into(), Row::Any));
        assert_eq!(found("public.post.7"), ("public.post".into(), row("7")));
        assert_eq!(found("tag.a.b"), ("public.tag".into(), row("a.b")));
        assert_eq!(found("audit.audit.7"), ("audit.audit".into(), row("7")));
        assert_eq!(found("author.1"), (String::new(), Row::Any));
    }

    #[test]
    fn a_key_becomes_a_condition_that_it_cannot_leave() {
        let integer = ValueKind::Integer { min: 0, max: 9 };
        let text = ValueKind::Text { chars_max: None };
        let of = |dialect, kinds: &[ValueKind], key: &str| {
            condition(dialect, &table("s", "t", kinds), key).map_err(|it| it.to_string())
        };
        let (postgres, mysql) = (Dialect::Postgres, Dialect::MySql);
        let one = std::slice::from_ref(&integer);
        assert_eq!(of(postgres, one, "7").as_deref(), Ok("\"k0\" = 7"));
        assert_eq!(
            of(postgres, one, "7 OR 1=1"),
            Err("`k0` of s.t is an integer".to_owned())
        );
        let one = std::slice::from_ref(&text);
        assert_eq!(
            of(postgres, one, "a'b,c").as_deref(),
            Ok("\"k0\" = 'a''b,c'")
        );
        assert_eq!(of(mysql, one, "a\\'b").as_deref(), Ok("`k0` = 'a\\\\''b'"));
        let two = [integer, text];
        assert_eq!(
            of(postgres, &two, "7,x").as_deref(),
            Ok("\"k0\" = 7 AND \"k1\" = 'x'")
        );
        assert_eq!(
            of(postgres, &two, "7"),
            Err("the primary key of s.t is (k0, k1): write as many values with commas".to_owned())
        );
    }
}
