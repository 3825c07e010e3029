//! Which kind of result a query asks for.

use sqlparser::ast::{
    Expr, Function, GroupByExpr, LimitClause, Query, Select, SelectItem, SetExpr,
};

use super::{
    Analysis, functions,
    operand::{operand, unnested},
};
use crate::plan::{Literal, Operand, Operation};

/// The kind of a query, before its limit is known.
pub(super) fn operation(query: &Query, cx: &Analysis<'_>) -> Operation {
    let SetExpr::Select(select) = &*query.body else {
        return Operation::Fetch;
    };
    if let [only] = select.projection.as_slice() {
        match expression(only).map(unnested) {
            Some(Expr::Exists { .. }) => return Operation::Exists,
            Some(Expr::Function(function)) if is_count(function) && !is_grouped(select) => {
                return Operation::Count;
            }
            _ => {}
        }
    }
    let aggregates = select
        .projection
        .iter()
        .filter_map(expression)
        .any(|expr| is_aggregate(unnested(expr), cx));
    if aggregates {
        Operation::Aggregate
    } else {
        Operation::Fetch
    }
}

/// Whether it selects nothing but a literal.
pub(super) fn selects_constant(query: &Query, cx: &Analysis<'_>) -> bool {
    let SetExpr::Select(select) = &*query.body else {
        return false;
    };
    match select.projection.as_slice() {
        [only] => expression(only)
            .and_then(|expr| operand(expr, cx))
            .is_some_and(|operand| matches!(operand, Operand::Literal(_))),
        _ => false,
    }
}

/// The LIMIT of a query, where it is a plain value.
pub(super) fn limit(query: &Query, cx: &Analysis<'_>) -> Option<Operand> {
    if let Some(fetch) = &query.fetch {
        let quantity = fetch.quantity.as_ref();
        return (!fetch.with_ties && !fetch.percent)
            .then(|| quantity.and_then(|quantity| operand(quantity, cx)))?;
    }
    let limit = match query.limit_clause.as_ref()? {
        LimitClause::LimitOffset {
            limit, limit_by, ..
        } if limit_by.is_empty() => limit.as_ref()?,
        LimitClause::OffsetCommaLimit { limit, .. } => limit,
        LimitClause::LimitOffset { .. } => return None,
    };
    operand(limit, cx)
}

/// The number that a literal limit is.
pub(super) fn literal_limit(limit: Option<&Operand>) -> Option<u64> {
    match limit? {
        Operand::Literal(Literal::Number(digits)) => digits.parse().ok(),
        _ => None,
    }
}

fn expression(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

fn is_grouped(select: &Select) -> bool {
    !matches!(
        &select.group_by,
        GroupByExpr::Expressions(columns, modifiers) if columns.is_empty() && modifiers.is_empty()
    )
}

fn is_count(function: &Function) -> bool {
    function.over.is_none() && function.name.to_string().eq_ignore_ascii_case("count")
}

/// Whether an expression of the SELECT list is an aggregate, perhaps within a cast or a call.
fn is_aggregate(expr: &Expr, cx: &Analysis<'_>) -> bool {
    match expr {
        Expr::Function(function) => {
            function.over.is_none() && functions::is_aggregate(&function.name, cx)
                || arguments(function).any(|argument| is_aggregate(unnested(argument), cx))
        }
        Expr::Cast { expr, .. } => is_aggregate(unnested(expr), cx),
        _ => false,
    }
}

fn arguments(function: &Function) -> impl Iterator<Item = &Expr> {
    use sqlparser::ast::{FunctionArg, FunctionArgExpr, FunctionArguments};
    let list = match &function.args {
        FunctionArguments::List(list) => list.args.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    })
}
