//! Which expressions are plain values.

use std::sync::Arc;

use sqlparser::ast::{CastKind, DataType, Expr, UnaryOperator, Value};

use super::Analysis;
use crate::{
    Column, Dialect, ValueKind,
    plan::{Literal, Operand},
};

/// The value that an expression is, when it is a literal or a parameter and nothing else.
pub(crate) fn operand(expr: &Expr, cx: &Analysis<'_>) -> Option<Operand> {
    match unnested(expr) {
        Expr::Value(value) => value_operand(&value.value, cx),
        Expr::UnaryOp { op, expr } => signed_number(*op, expr),
        _ => None,
    }
}

/// As [`operand`], for comparison with `column`: a parameter may be cast to the column's own type
/// without modifiers (`CAST($1 AS kind)`).
pub(crate) fn operand_for(expr: &Expr, column: &Column, cx: &Analysis<'_>) -> Option<Operand> {
    match unnested(expr) {
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr,
            data_type,
            format: None,
        } if cx.dialect == Dialect::Postgres && is_type_of(data_type, column) => {
            let parameter = operand(expr, cx)?;
            matches!(parameter, Operand::Parameter(_)).then_some(parameter)
        }
        expr => operand(expr, cx),
    }
}

/// The elements of the array parameter that `= ANY(..)` compares `column` with.
pub(super) fn elements_for(expr: &Expr, column: &Column, cx: &Analysis<'_>) -> Option<Operand> {
    let parameter = match unnested(expr) {
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr,
            data_type: DataType::Array(element),
            format: None,
        } => {
            let element = array_element(element)?;
            is_type_of(element, column).then(|| operand(expr, cx))?
        }
        expr => operand(expr, cx),
    };
    match parameter? {
        Operand::Parameter(n) => Some(Operand::ParameterElements(n)),
        _ => None,
    }
}

/// The expression inside any parentheses.
pub(super) fn unnested(mut expr: &Expr) -> &Expr {
    while let Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

fn array_element(element: &sqlparser::ast::ArrayElemTypeDef) -> Option<&DataType> {
    match element {
        sqlparser::ast::ArrayElemTypeDef::SquareBracket(element, None) => Some(element),
        _ => None,
    }
}

fn value_operand(value: &Value, cx: &Analysis<'_>) -> Option<Operand> {
    let literal = match value {
        Value::Placeholder(name) => return parameter(name, cx),
        Value::Null => Literal::Null,
        // Only PostgreSQL has booleans; elsewhere TRUE is the number 1 (R5).
        Value::Boolean(truth) if cx.dialect == Dialect::Postgres => Literal::Bool(*truth),
        Value::Boolean(truth) => Literal::Number(Arc::from(if *truth { "1" } else { "0" })),
        Value::Number(digits, false) => Literal::Number(Arc::from(digits.as_str())),
        Value::SingleQuotedString(text) if cx.strings_exact => {
            Literal::Text(Arc::from(text.as_str()))
        }
        // X'41' is a bit string in PostgreSQL.
        Value::HexStringLiteral(digits) if cx.dialect != Dialect::Postgres => {
            Literal::Bytes(hex_bytes(digits)?)
        }
        _ => return None,
    };
    Some(Operand::Literal(literal))
}

fn parameter(name: &str, cx: &Analysis<'_>) -> Option<Operand> {
    let number: usize = name.strip_prefix('$')?.parse().ok()?;
    let position = number.checked_sub(1)?;
    cx.parameters_numbered
        .then_some(Operand::Parameter(position))
}

fn signed_number(op: UnaryOperator, expr: &Expr) -> Option<Operand> {
    let Expr::Value(value) = unnested(expr) else {
        return None;
    };
    let Value::Number(digits, false) = &value.value else {
        return None;
    };
    let text = match op {
        UnaryOperator::Minus => format!("-{digits}"),
        UnaryOperator::Plus => digits.clone(),
        _ => return None,
    };
    Some(Operand::Literal(Literal::Number(Arc::from(text))))
}

fn hex_bytes(digits: &str) -> Option<Arc<[u8]>> {
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect();
    bytes.map(Arc::from)
}

/// Whether a cast to this type leaves a value of the column's type as it is. Integers of any width
/// and text without a length hold each other's values exactly or fail.
pub(crate) fn is_type_of(data_type: &DataType, column: &Column) -> bool {
    match (data_type, &column.kind) {
        (
            DataType::SmallInt(None)
            | DataType::Int2(None)
            | DataType::Int(None)
            | DataType::Integer(None)
            | DataType::Int4(None)
            | DataType::BigInt(None)
            | DataType::Int8(None),
            ValueKind::Integer { .. },
        )
        | (
            DataType::Text | DataType::Varchar(None) | DataType::CharacterVarying(None),
            ValueKind::Text { .. },
        )
        | (DataType::Boolean | DataType::Bool, ValueKind::Bool)
        | (DataType::Uuid, ValueKind::Uuid)
        | (DataType::Date, ValueKind::Date)
        | (DataType::Bytea, ValueKind::Bytes { .. }) => true,
        (
            DataType::Numeric(sqlparser::ast::ExactNumberInfo::None)
            | DataType::Decimal(sqlparser::ast::ExactNumberInfo::None),
            ValueKind::Decimal { .. },
        ) => true,
        (DataType::Custom(name, modifiers), ValueKind::Enum { .. }) if modifiers.is_empty() => {
            is_declared(name, &column.declared)
        }
        _ => false,
    }
}

/// Whether a type name in the statement is the declared one. `declared` is printed by the server:
/// quoted where needed, with its schema where the search path does not lead to it.
fn is_declared(name: &sqlparser::ast::ObjectName, declared: &str) -> bool {
    let Some(ident) = super::names::single(name) else {
        return false;
    };
    let name = super::fold(ident, Dialect::Postgres);
    let unquoted = declared
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match unquoted {
        Some(unquoted) => unquoted.replace("\"\"", "\"") == *name,
        None => declared == name,
    }
}
