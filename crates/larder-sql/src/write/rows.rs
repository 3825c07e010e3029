//! Whether a WHERE chooses rows by their own values alone (W3).

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Ident, Visit, Visitor};

use super::stored::{is_called, is_called_in};
use crate::{
    Table,
    analyze::{Analysis, fold, is_type_of},
};

/// True when the condition holds nothing but columns of the row, literals, parameters and built-in
/// operators. Every kind of expression that is not listed counts as something else.
pub(super) fn are_chosen_alone(
    condition: Option<&Expr>,
    table: &Table,
    alias: Option<&Ident>,
    cx: &Analysis<'_>,
) -> bool {
    let Some(condition) = condition else {
        return true;
    };
    if !cx.catalog.custom_operators.is_empty() {
        return false;
    }
    let alias = alias.map(|alias| fold(alias, cx.dialect));
    let mut alone = Alone {
        table,
        alias: alias.as_deref(),
        cx,
    };
    condition.visit(&mut alone).is_continue()
}

struct Alone<'s, 'a> {
    table: &'s Table,
    alias: Option<&'s str>,
    cx: &'s Analysis<'a>,
}

impl Visitor for Alone<'_, '_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let column = |name: &Ident| self.table.column(&fold(name, self.cx.dialect)).is_some();
        let own = match expr {
            Expr::Identifier(name) => column(name),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [qualifier, name] => {
                    let qualifier = fold(qualifier, self.cx.dialect);
                    is_called(&qualifier, self.table, self.alias, self.cx) && column(name)
                }
                [schema, qualifier, name] => {
                    let has_alias = self.alias.is_some();
                    is_called_in(schema, qualifier, self.table, has_alias, self.cx) && column(name)
                }
                _ => false,
            },
            Expr::Value(_)
            | Expr::Nested(_)
            | Expr::UnaryOp { .. }
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::InList { .. }
            | Expr::Between { .. }
            | Expr::Tuple(_)
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::AnyOp { .. } => true,
            // Others are the user's.
            Expr::BinaryOp { op, .. } => !matches!(
                op,
                BinaryOperator::Custom(_) | BinaryOperator::PGCustomBinaryOperator(_)
            ),
            Expr::Cast {
                expr, data_type, ..
            } => {
                let mut columns = self.table.columns.iter();
                matches!(**expr, Expr::Value(_))
                    && columns.any(|column| is_type_of(data_type, column))
            }
            _ => false,
        };
        if own {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}
