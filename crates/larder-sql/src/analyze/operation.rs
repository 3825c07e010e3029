//! Which kind of result a query asks for.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, LimitClause,
    Query, Select, SelectItem, SetExpr, TableFactor,
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
            // Rows that say nothing: SeaORM's `exists` asks so, without a LIMIT.
            Some(expr) if is_literal(expr, cx) => return Operation::Exists,
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

/// Whether a query is `SELECT count(*) FROM (SELECT columns ..) AS x` and nothing else, which is
/// how SeaORM counts: then the columns listed inside do not matter.
pub(super) fn counts_rows(query: &Query) -> bool {
    let (SetExpr::Select(outer), None, None) = (&*query.body, &query.with, &query.order_by) else {
        return false;
    };
    let ([only], [from]) = (outer.projection.as_slice(), outer.from.as_slice()) else {
        return false;
    };
    let TableFactor::Derived {
        lateral: false,
        subquery,
        ..
    } = &from.relation
    else {
        return false;
    };
    let SetExpr::Select(inner) = &*subquery.body else {
        return false;
    };
    let counts = matches!(expression(only), Some(Expr::Function(f)) if is_count_of_rows(f));
    counts
        && is_bare(outer)
        && outer.selection.is_none()
        && from.joins.is_empty()
        && is_bare(inner)
        && inner.projection.iter().all(lists_a_column)
}

/// No clause that makes rows of other rows, or fewer.
fn is_bare(select: &Select) -> bool {
    select.distinct.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && !is_grouped(select)
}

/// `count(*)`, as opposed to `count(column)`.
fn is_count_of_rows(function: &Function) -> bool {
    let rows = matches!(
        &function.args,
        FunctionArguments::List(list)
            if list.clauses.is_empty()
                && list.duplicate_treatment.is_none()
                && matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)])
    );
    is_count(function) && rows && function.filter.is_none() && function.within_group.is_empty()
}

/// A column, or one as text (SeaORM's enums): neither fails nor makes several rows.
fn lists_a_column(item: &SelectItem) -> bool {
    let column = |expr: &Expr| matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
    match expression(item) {
        Some(Expr::Cast {
            expr, data_type, ..
        }) => {
            column(expr)
                && data_type
                    .to_string()
                    .trim_matches('"')
                    .eq_ignore_ascii_case("text")
        }
        Some(expr) => column(expr),
        None => false,
    }
}

fn is_literal(expr: &Expr, cx: &Analysis<'_>) -> bool {
    operand(expr, cx).is_some_and(|operand| matches!(operand, Operand::Literal(_)))
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
    let list = match &function.args {
        FunctionArguments::List(list) => list.args.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    })
}
