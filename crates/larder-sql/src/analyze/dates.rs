//! Words that mean another moment each time: PostgreSQL reads 'now', 'today' and their kin in any
//! text that becomes a date or a time.

use sqlparser::ast::{DataType, Expr, Function, Value};

use super::{names, operand::unnested, scope::Scope};
use crate::{ValueKind, plan::names_a_moment};

/// What a cast to a date or time type does to its argument.
pub(super) enum Cast {
    /// The result follows from the argument.
    Steady,
    /// It does, unless the text bound at this position holds a date word.
    Parameter(usize),
    /// A text that is not known may hold a date word.
    Varies,
}

/// Whether the type is read from text by PostgreSQL's date parser.
pub(super) fn is_dated(data_type: &DataType) -> bool {
    match data_type {
        DataType::Date
        | DataType::Date32
        | DataType::Time(..)
        | DataType::Timestamp(..)
        | DataType::TimestampNtz(_)
        | DataType::Datetime(_) => true,
        DataType::Array(_) | DataType::Custom(..) => {
            let name = data_type.to_string().to_ascii_lowercase();
            ["date", "time", "abstime"]
                .iter()
                .any(|word| name.contains(word))
        }
        _ => false,
    }
}

/// Whether the type's values are looked up by name in the system catalogs (`'post'::regclass`).
pub(super) fn names_relation(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Regclass)
        || matches!(data_type, DataType::Custom(..)
            if data_type.to_string().to_ascii_lowercase().starts_with("reg"))
}

/// Judges a cast to a date or time type.
pub(super) fn cast(argument: &Expr, scope: &Scope, block: usize) -> Cast {
    match unnested(argument) {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) => name
                .strip_prefix('$')
                .and_then(|n| n.parse::<usize>().ok()?.checked_sub(1))
                .map_or(Cast::Varies, Cast::Parameter),
            // Literals are all searched for date words, wherever they stand.
            Value::SingleQuotedString(_) | Value::Null => Cast::Steady,
            _ => Cast::Varies,
        },
        Expr::Function(function) if returns_date(function) => Cast::Steady,
        Expr::AtTimeZone { timestamp, .. } => match cast(timestamp, scope, block) {
            Cast::Steady => Cast::Steady,
            _ => Cast::Varies,
        },
        column => {
            let dated = scope.base_column(block, column).and_then(|column| {
                let instance = scope.instances.get(column.instance)?;
                let column = instance.table.columns.get(column.column)?;
                matches!(
                    column.kind,
                    ValueKind::Date | ValueKind::Timestamp { .. } | ValueKind::TimestampTz { .. }
                )
                .then_some(())
            });
            if dated.is_some() {
                Cast::Steady
            } else {
                Cast::Varies
            }
        }
    }
}

/// Whether a literal holds a date word.
pub(super) fn literal_varies(value: &Value) -> bool {
    match value {
        Value::SingleQuotedString(text)
        | Value::EscapedStringLiteral(text)
        | Value::UnicodeStringLiteral(text) => names_a_moment(text),
        Value::DollarQuotedString(text) => names_a_moment(&text.value),
        _ => false,
    }
}

fn returns_date(function: &Function) -> bool {
    let Some(name) = names::single(&function.name) else {
        return false;
    };
    let returning = [
        "date_trunc",
        "date_bin",
        "to_timestamp",
        "to_date",
        "make_date",
        "make_time",
        "make_timestamp",
        "make_timestamptz",
    ];
    returning
        .iter()
        .any(|known| known.eq_ignore_ascii_case(&name.value))
}
