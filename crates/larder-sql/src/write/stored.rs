//! What a column holds after it was assigned an expression (W6), and which columns an assignment
//! changes (W7).

use std::sync::Arc;

use sqlparser::ast::{Expr, Ident, ObjectName};

use super::names;
use crate::{
    Column, Dialect, Literal, Operand, Table,
    analyze::{Analysis, fold, operand_for},
    catalog::Trigger,
    plan::Columns,
};

/// The operand that the column stores, when it is a plain literal or parameter, or one that ORMs
/// cast to the column's own type (`CAST($1 AS kind)`). Whether its class, range and precision fit
/// is for the binding of values to say.
pub(super) fn stored(expr: &Expr, column: &Column, cx: &Analysis<'_>) -> Option<Operand> {
    if column.generated {
        return None;
    }
    match operand_for(expr, column, cx)? {
        // NULL draws a number, or becomes the type's zero where MySQL is not strict.
        Operand::Literal(Literal::Null) if column.not_null || column.auto_increment => None,
        Operand::ParameterElements(_) => None,
        operand => Some(operand),
    }
}

/// Columns that hold NULL in a new row that does not name them. PostgreSQL's domains may have
/// defaults that the catalog does not show, so there it is none.
pub(super) fn null_by_default(
    table: &Table,
    is_unnamed: impl Fn(usize) -> bool,
    cx: &Analysis<'_>,
) -> Vec<usize> {
    if cx.dialect == Dialect::Postgres {
        return Vec::new();
    }
    let unset = |column: &Column| {
        !(column.not_null || column.auto_increment || column.generated || column.has_default)
    };
    (0..)
        .zip(&table.columns)
        .filter(|(at, column)| unset(column) && is_unnamed(*at))
        .map(|(at, _)| at)
        .collect()
}

/// The columns that an UPDATE of `assigned` may change (W7), sorted.
pub(super) fn changed(assigned: &[usize], table: &Arc<Table>, cx: &Analysis<'_>) -> Columns {
    let computed = |column: &Column| column.generated || column.on_update;
    let family = cx.catalog.family(&table.name);
    // A relative may compute columns that this table does not; names would have to be matched.
    let relatives_compute = family
        .iter()
        .any(|other| other.name != table.name && other.columns.iter().any(computed));
    if relatives_compute || rows_are_rewritten(table, cx, |trigger| trigger.on_update) {
        return Columns::All;
    }
    let computed = (0..)
        .zip(&table.columns)
        .filter(|(_, column)| computed(column))
        .map(|(at, _)| at);
    let mut changed: Vec<usize> = assigned.iter().copied().chain(computed).collect();
    changed.sort_unstable();
    changed.dedup();
    Columns::Some(changed)
}

/// Whether a BEFORE trigger may change rows on their way into the table or a partition of it. A row
/// that moves between partitions is inserted there, so an UPDATE meets INSERT triggers too.
pub(super) fn rows_are_rewritten(
    table: &Arc<Table>,
    cx: &Analysis<'_>,
    fires: impl Fn(&Trigger) -> bool,
) -> bool {
    let rewrites = |trigger: &Trigger, own: bool| {
        trigger.before && (fires(trigger) || (!own && trigger.on_insert))
    };
    table.triggers.iter().any(|trigger| rewrites(trigger, true))
        || cx.catalog.family(&table.name).iter().any(|member| {
            let own = member.name == table.name;
            member.triggers.iter().any(|trigger| rewrites(trigger, own))
        })
}

/// The column that a written name assigns. PostgreSQL reads `a.b` as field `b` of column `a`, and
/// the second part of the answer is whether a whole column is assigned.
pub(super) fn assigned_column(
    name: &ObjectName,
    table: &Table,
    cx: &Analysis<'_>,
) -> Option<(usize, bool)> {
    let idents: Option<Vec<_>> = name.0.iter().map(|part| part.as_ident()).collect();
    let idents = idents?;
    let (ident, whole) = match (cx.dialect, idents.as_slice()) {
        (_, [ident]) => (*ident, true),
        (Dialect::Postgres, [ident, ..]) => (*ident, false),
        (_, [.., ident]) => (*ident, true),
        _ => return None,
    };
    table.column(&fold(ident, cx.dialect)).map(|at| (at, whole))
}

/// Whether a qualifier means the table: its alias if it has one, else its name.
pub(super) fn is_called(
    qualifier: &str,
    table: &Table,
    alias: Option<&str>,
    cx: &Analysis<'_>,
) -> bool {
    let own = alias.unwrap_or(&table.name.name);
    if cx.dialect == Dialect::Postgres {
        // RETURNING old.x and new.x mean images, whatever a table is called.
        qualifier == own && !names::IMAGES.contains(&qualifier)
    } else {
        qualifier.eq_ignore_ascii_case(own)
    }
}

/// Whether a qualifier with a schema means the table, which then has no alias.
pub(super) fn is_called_in(
    schema: &Ident,
    name: &Ident,
    table: &Table,
    has_alias: bool,
    cx: &Analysis<'_>,
) -> bool {
    let (schema, name) = (fold(schema, cx.dialect), fold(name, cx.dialect));
    let same = |a: &str, b: &str| match cx.dialect {
        Dialect::Postgres => a == b,
        _ => a.eq_ignore_ascii_case(b),
    };
    !has_alias && same(&schema, &table.name.schema) && same(&name, &table.name.name)
}
