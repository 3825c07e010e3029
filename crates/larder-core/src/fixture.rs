//! One small schema for the tests of this crate.

use std::sync::Arc;

use larder_sql::{
    Catalog, Column, Dialect, Plan, Table, TableName, ValueKind,
    catalog::TableKind,
    plan::{Columns, DependencyTemplate, Operation, Part, ReadPlan, Term, Test},
};

use crate::Image;

pub(crate) const INT: ValueKind = ValueKind::Integer {
    min: i32::MIN as i64,
    max: i32::MAX as u64,
};
pub(crate) const TEXT: ValueKind = ValueKind::Text { chars_max: None };

/// Columns of [`post`] by position.
pub(crate) const ID: usize = 0;
pub(crate) const AUTHOR: usize = 1;
pub(crate) const TITLE: usize = 2;
pub(crate) const DELETED: usize = 3;
pub(crate) const BODY: usize = 4;

/// `post(id int, author_id int, title text, deleted_at timestamp, body <opaque>)`.
pub(crate) fn post() -> Arc<Table> {
    table("post", post_columns())
}

pub(crate) fn post_columns() -> Vec<Column> {
    vec![
        Column::new("id", INT),
        Column::new("author_id", INT),
        Column::new("title", TEXT),
        Column::new("deleted_at", ValueKind::Timestamp { precision: 6 }),
        Column::new("body", ValueKind::Opaque),
    ]
}

pub(crate) fn table(name: &str, columns: Vec<Column>) -> Arc<Table> {
    Arc::new(Table::new(
        TableName::new("public", name),
        TableKind::Base,
        columns,
    ))
}

pub(crate) fn catalog(dialect: Dialect, tables: &[Arc<Table>]) -> Catalog {
    let mut catalog = Catalog::new(dialect);
    catalog.tables = tables
        .iter()
        .map(|table| (table.name.clone(), table.clone()))
        .collect();
    catalog
}

/// A read of one text whose conjunctions are `conjunctions`, all watching `watched`.
pub(crate) fn read_plan(
    text: &str,
    table: &Arc<Table>,
    conjunctions: Vec<Vec<Term>>,
    watched: &Columns,
) -> Plan {
    let dependencies = conjunctions
        .into_iter()
        .map(|terms| DependencyTemplate {
            table: table.clone(),
            terms,
            watched: watched.clone(),
        })
        .collect();
    let read = ReadPlan {
        operation: Operation::Fetch,
        tables: vec![table.clone()],
        dependencies,
        uncacheable: None,
        needs_scope: None,
        limit: None,
        dated_parameters: Vec::new(),
    };
    Plan {
        normalized: text.into(),
        parts: vec![Part::Read(read)],
        variable_arity: false,
    }
}

pub(crate) fn one_of(column: usize, operands: Vec<larder_sql::Operand>) -> Term {
    Term {
        column,
        test: Test::In(operands),
    }
}

pub(crate) fn is_null(column: usize) -> Term {
    Term {
        column,
        test: Test::IsNull,
    }
}

/// An image of [`post`] that knows these cells.
pub(crate) fn image(cells: &[(usize, crate::Value)]) -> Image {
    let mut image = Image {
        cells: vec![None; 5],
    };
    for (column, value) in cells {
        if let Some(cell) = image.cells.get_mut(*column) {
            *cell = Some(value.clone());
        }
    }
    image
}
