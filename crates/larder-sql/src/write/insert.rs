//! INSERT and what looks like one.

use std::sync::Arc;

use sqlparser::ast::{
    AssignmentTarget, Expr, Insert, OnConflictAction, OnInsert, Parens, Query, SetExpr,
    SqliteOnConflict, TableObject,
};

use super::{collect::Writes, returning, stored};
use crate::{
    Dialect, Literal, Operand, Table,
    analyze::Analysis,
    plan::{Assignment, Columns, NewRows, OldRows, Reason, WriteOperation, WriteTarget},
};

impl Writes<'_, '_> {
    pub(super) fn insert(&mut self, insert: &Insert) {
        // FAIL and ROLLBACK leave what was written, or end a transaction, and then report an error.
        if matches!(
            insert.or,
            Some(SqliteOnConflict::Fail | SqliteOnConflict::Rollback)
        ) {
            self.error_keeps_rows();
        }
        let TableObject::TableName(name) = &insert.table else {
            return self.unknown(Reason::new("an insert into something that is no table"));
        };
        if !insert.multi_table_into_clauses.is_empty()
            || !insert.multi_table_when_clauses.is_empty()
        {
            return self.unknown(Reason::new("an insert into several tables"));
        }
        let Some(table) = self.base(name) else { return };
        if replaces(insert) || table.conflict_replaces {
            return self.opaque(table);
        }
        let alias = insert.table_alias.as_ref().map(|alias| &alias.alias);
        let items = insert.returning.as_deref();
        self.returning(returning::columns(items, &table, alias, true, self.cx));
        let new = if stored::rows_are_rewritten(&table, self.cx, |trigger| trigger.on_insert) {
            Some(NewRows::Unknown)
        } else {
            self.new_rows(insert, &table)
        };
        match new {
            Some(new) => self.target(WriteTarget {
                table,
                operation: WriteOperation::Insert,
                changed: Columns::All,
                old: OldRows::None,
                new,
                set: Vec::new(),
                chosen: None,
            }),
            // A column that the catalog does not have: the catalog is old.
            None => self.opaque(table),
        }
    }

    /// `None` when a column is not the catalog's.
    fn new_rows(&self, insert: &Insert, table: &Arc<Table>) -> Option<NewRows> {
        // IGNORE stores the nearest value instead of failing (MySQL).
        if insert.ignore || insert.overwrite || insert.output.is_some() {
            return Some(NewRows::Unknown);
        }
        if !insert.assignments.is_empty() {
            return self.set_row(insert, table);
        }
        let Some(source) = &insert.source else {
            // DEFAULT VALUES.
            return Some(NewRows::Assigned(vec![
                ColumnList::new(Vec::new(), table, self.cx).row([]),
            ]));
        };
        let Some(rows) = literal_rows(source) else {
            return Some(NewRows::Unknown);
        };
        let mut columns = Vec::new();
        for name in &insert.columns {
            columns.push(stored::assigned_column(name, table, self.cx)?);
        }
        if columns.is_empty() {
            columns.extend(positional(table, self.cx.dialect).map(|column| (column, true)));
            // PostgreSQL fills the rest with defaults.
            if self.cx.dialect == Dialect::Postgres {
                columns.truncate(rows.iter().map(|row| row.content.len()).max().unwrap_or(0));
            }
        }
        if rows.len() > ROWS_MAX || rows.iter().any(|row| row.content.len() != columns.len()) {
            return Some(NewRows::Unknown);
        }
        let list = ColumnList::new(columns, table, self.cx);
        Some(NewRows::Assigned(
            rows.iter().map(|row| list.row(&row.content)).collect(),
        ))
    }

    /// MySQL's INSERT .. SET.
    fn set_row(&self, insert: &Insert, table: &Arc<Table>) -> Option<NewRows> {
        let mut columns = Vec::new();
        for assignment in &insert.assignments {
            let AssignmentTarget::ColumnName(name) = &assignment.target else {
                return None;
            };
            columns.push(stored::assigned_column(name, table, self.cx)?);
        }
        let list = ColumnList::new(columns, table, self.cx);
        let values = insert
            .assignments
            .iter()
            .map(|assignment| &assignment.value);
        Some(NewRows::Assigned(vec![list.row(values)]))
    }
}

/// The columns that an INSERT names, and what that makes of the others.
struct ColumnList<'l, 'a> {
    table: &'l Table,
    cx: &'l Analysis<'a>,
    /// Position, and whether exactly one value fills the whole of it.
    named: Vec<(usize, bool)>,
    null: Vec<usize>,
}

impl<'l, 'a> ColumnList<'l, 'a> {
    fn new(mut named: Vec<(usize, bool)>, table: &'l Table, cx: &'l Analysis<'a>) -> Self {
        let mut times = vec![0_usize; table.columns.len()];
        for (column, _) in &named {
            if let Some(times) = times.get_mut(*column) {
                *times += 1;
            }
        }
        for (column, whole) in &mut named {
            *whole &= times.get(*column) == Some(&1);
        }
        let null = stored::null_by_default(table, |column| times.get(column) == Some(&0), cx);
        Self {
            table,
            cx,
            named,
            null,
        }
    }

    fn row<'e>(&self, values: impl IntoIterator<Item = &'e Expr>) -> Vec<Assignment> {
        let named = self
            .named
            .iter()
            .zip(values)
            .filter_map(|(&(column, whole), value)| {
                let known = self.table.columns.get(column)?;
                let value = stored::stored(value, known, self.cx).filter(|_| whole);
                Some(Assignment { column, value })
            });
        let null = self.null.iter().map(|&column| Assignment {
            column,
            value: Some(Operand::Literal(Literal::Null)),
        });
        let mut row: Vec<_> = named.chain(null).collect();
        row.sort_by_key(|assignment| assignment.column);
        row.dedup_by_key(|assignment| assignment.column);
        row
    }
}

/// Whether a conflict changes or removes rows that are there already. DO NOTHING and OR IGNORE
/// only insert fewer.
fn replaces(insert: &Insert) -> bool {
    let updates = match &insert.on {
        None => false,
        Some(OnInsert::OnConflict(conflict)) => conflict.action != OnConflictAction::DoNothing,
        Some(_) => true,
    };
    updates || insert.replace_into || insert.or == Some(SqliteOnConflict::Replace)
}

/// The rows of a plain VALUES list.
fn literal_rows(source: &Query) -> Option<&Vec<Parens<Vec<Expr>>>> {
    let plain = source.with.is_none()
        && source.order_by.is_none()
        && source.limit_clause.is_none()
        && source.fetch.is_none();
    match &*source.body {
        SetExpr::Values(values) if plain => Some(&values.rows),
        _ => None,
    }
}

/// The columns that an INSERT without a list fills, in order.
fn positional(table: &Table, dialect: Dialect) -> impl Iterator<Item = usize> {
    let skips_generated = dialect == Dialect::Sqlite;
    (0..)
        .zip(&table.columns)
        .filter(move |(_, column)| !(column.hidden || skips_generated && column.generated))
        .map(|(at, _)| at)
}

/// More rows are unknown rows.
const ROWS_MAX: usize = 1_000;
