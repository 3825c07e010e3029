//! Which result column of a RETURNING holds which column of the written table.

use sqlparser::ast::{
    CastKind, DataType, Expr, Ident, ObjectName, SelectItem, SelectItemQualifiedWildcardKind,
    Statement, WildcardAdditionalOptions,
};

use super::stored::{is_called, is_called_in};
use crate::{
    Dialect, Table, ValueKind,
    analyze::{Analysis, fold},
    catalog::TableKind,
    plan::{WriteOperation, WritePlan},
};

/// The column behind each result column, or nothing at all where their number is not certain.
pub(super) fn columns(
    items: Option<&[SelectItem]>,
    table: &Table,
    alias: Option<&Ident>,
    alone: bool,
    cx: &Analysis<'_>,
) -> Vec<Option<usize>> {
    let alias = alias.map(|alias| fold(alias, cx.dialect));
    let scope = Scope {
        table,
        alias: alias.as_deref(),
        cx,
    };
    let mut columns = Vec::new();
    for item in items.unwrap_or_default() {
        match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                columns.push(scope.column(expr));
            }
            SelectItem::Wildcard(options) if alone && is_plain(options) => {
                columns.extend(scope.visible());
            }
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) if is_plain(options) && scope.is_own(name) => columns.extend(scope.visible()),
            _ => return Vec::new(),
        }
    }
    columns
}

/// Whether `RETURNING` with columns of the one target may follow the text as it is.
pub(super) fn may_be_appended(statement: &Statement, plan: &WritePlan, cx: &Analysis<'_>) -> bool {
    let plain = match statement {
        Statement::Insert(insert) => insert.returning.is_none(),
        Statement::Update(update) => {
            update.returning.is_none()
                && update.from.is_none()
                && update.limit.is_none()
                && update.order_by.is_empty()
        }
        Statement::Delete(delete) => {
            delete.returning.is_none()
                && delete.using.is_none()
                && delete.limit.is_none()
                && delete.order_by.is_empty()
        }
        _ => false,
    };
    let [target] = plan.targets.as_slice() else {
        return false;
    };
    let understood = matches!(
        target.operation,
        WriteOperation::Insert | WriteOperation::Update | WriteOperation::Delete
    );
    let table = &target.table;
    // MySQL has none for UPDATE, and its clients know of none.
    plain
        && understood
        && cx.dialect != Dialect::MySql
        && plan.unknown_scope.is_none()
        && table.kind == TableKind::Base
        && table.readable
        && !table.has_rules
        && !table.row_security
        // A comment or the end of a statement would hide what follows.
        && !["--", "/*", ";"].iter().any(|end| cx.text.contains(end))
}

struct Scope<'s, 'a> {
    table: &'s Table,
    alias: Option<&'s str>,
    cx: &'s Analysis<'a>,
}

impl Scope<'_, '_> {
    fn visible(&self) -> impl Iterator<Item = Option<usize>> {
        (0..)
            .zip(&self.table.columns)
            .filter(|(_, column)| !column.hidden)
            .map(|(at, _)| Some(at))
    }

    fn is_own(&self, name: &ObjectName) -> bool {
        match name.0.as_slice() {
            [part] => part.as_ident().is_some_and(|ident| self.is_called(ident)),
            [schema, part] => {
                let parts = schema.as_ident().zip(part.as_ident());
                parts.is_some_and(|(schema, ident)| self.is_called_in(schema, ident))
            }
            _ => false,
        }
    }

    /// With its schema, a table goes by its own name only.
    fn is_called_in(&self, schema: &Ident, name: &Ident) -> bool {
        is_called_in(schema, name, self.table, self.alias.is_some(), self.cx)
    }

    fn is_called(&self, qualifier: &Ident) -> bool {
        let qualifier = fold(qualifier, self.cx.dialect);
        is_called(&qualifier, self.table, self.alias, self.cx)
    }

    fn column(&self, expr: &Expr) -> Option<usize> {
        match expr {
            Expr::Identifier(name) => self.table.column(&fold(name, self.cx.dialect)),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [qualifier, name] if self.is_called(qualifier) => {
                    self.table.column(&fold(name, self.cx.dialect))
                }
                [schema, qualifier, name] if self.is_called_in(schema, qualifier) => {
                    self.table.column(&fold(name, self.cx.dialect))
                }
                _ => None,
            },
            // An enum as text is its label, and that is how ORMs ask for it.
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr,
                data_type,
                ..
            } if self.cx.dialect == Dialect::Postgres && is_text(data_type) => {
                let at = self.column(expr)?;
                let kind = &self.table.columns.get(at)?.kind;
                matches!(kind, ValueKind::Enum { .. }).then_some(at)
            }
            _ => None,
        }
    }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Text => true,
        DataType::Custom(name, modifiers) => name.to_string() == "\"text\"" && modifiers.is_empty(),
        _ => false,
    }
}

fn is_plain(options: &WildcardAdditionalOptions) -> bool {
    let plain = WildcardAdditionalOptions::default();
    options.to_string() == plain.to_string()
}
