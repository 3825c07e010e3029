//! The names of columns that sources and select lists give.

use sqlparser::ast::{Expr, Function, Ident, TableAlias};

use super::{names, operand::unnested, scope::Names};
use crate::{Dialect, Table, plan::Reason};

/// The column names of an alias list, folded.
pub(super) fn alias_columns(
    alias: Option<&TableAlias>,
    dialect: Dialect,
) -> Result<Vec<Box<str>>, Reason> {
    let Some(alias) = alias else {
        return Ok(Vec::new());
    };
    if alias.at.is_some() {
        return Err(Reason::new("an alias is not understood"));
    }
    let columns = alias.columns.iter();
    Ok(columns
        .map(|column| Box::from(&*names::fold(&column.name, dialect)))
        .collect())
}

/// Renames columns by position; a list longer than the columns is not understood.
pub(super) fn rename(columns: Names, aliases: Vec<Box<str>>) -> Result<Names, Reason> {
    match columns {
        Names::Known(mut columns) => {
            if aliases.len() > columns.len() {
                return Err(Reason::new("an alias list names too many columns"));
            }
            for (column, alias) in columns.iter_mut().zip(aliases) {
                *column = alias;
            }
            Ok(Names::Known(columns))
        }
        Names::Unknown if aliases.is_empty() => Ok(Names::Unknown),
        Names::Unknown => Ok(Names::Known(aliases)),
    }
}

/// The name that an expression of the SELECT list gives to its column. Each has one, so that
/// positions stay right; an empty one cannot be referred to.
pub(super) fn output_name(expr: &Expr, dialect: Dialect) -> Option<Box<str>> {
    let ident = match unnested(expr) {
        Expr::Identifier(ident) => Some(ident),
        Expr::CompoundIdentifier(parts) => parts.last(),
        Expr::Cast { expr, .. } => return output_name(expr, dialect),
        Expr::Function(Function { name, .. }) => {
            return Some(
                names::parts(name)
                    .and_then(|parts| parts.last().map(|last| names::fold(last, dialect)))
                    .map_or_else(Box::default, |name| Box::from(&*name)),
            );
        }
        _ => None,
    };
    Some(ident.map_or_else(Box::default, |ident| {
        Box::from(&*names::fold(ident, dialect))
    }))
}

/// The name by which an alias, or else the source itself, is called.
pub(super) fn called(
    alias: Option<&TableAlias>,
    own: Option<&Ident>,
    dialect: Dialect,
) -> Option<Box<str>> {
    let ident = alias.map(|alias| &alias.name).or(own)?;
    Some(Box::from(&*names::fold(ident, dialect)))
}

/// The columns of a table, in its order.
pub(super) fn column_names(table: &Table) -> Vec<Box<str>> {
    let columns = table.columns.iter();
    columns.map(|column| Box::from(&*column.name)).collect()
}

/// The columns of built-in functions that return rows.
pub(super) fn function_columns(name: Option<&str>) -> Vec<Box<str>> {
    let columns: &[&str] = match name {
        Some("json_each" | "json_tree") => &[
            "key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root",
        ],
        Some("jsonb_each" | "json_each_text" | "jsonb_each_text") => &["key", "value"],
        Some(
            "json_array_elements"
            | "jsonb_array_elements"
            | "json_array_elements_text"
            | "jsonb_array_elements_text",
        ) => &["value"],
        _ => &[],
    };
    columns.iter().map(|name| Box::from(*name)).collect()
}
