//! The parts of a template that do not depend on parameters.

use larder_sql::{
    Dialect, Operand, Table,
    plan::{Columns, Term, Test},
};

use crate::{
    ShapeName, TableKey, Value,
    key::Fields,
    shape::{Asked, Kind, Shape},
};

#[derive(Debug)]
pub(super) struct ReadyTerm {
    pub(super) column: usize,
    pub(super) asked: Asked,
    pub(super) operands: Vec<ReadyOperand>,
}

#[derive(Debug)]
pub(super) enum ReadyOperand {
    Parameter(usize),
    Elements(usize),
    Known(Value),
}

/// A shape with the digest state before its values.
#[derive(Debug)]
pub(super) struct ReadyShape {
    pub(super) name: ShapeName,
    pub(super) fields: Fields,
    pub(super) has_conditions: bool,
}

impl ReadyTerm {
    /// `None` when it cannot narrow, whatever the parameters.
    pub(super) fn new(
        term: &Term,
        table: &Table,
        dialect: Dialect,
        in_values_max: usize,
    ) -> Option<Self> {
        let column = table.columns.get(term.column)?;
        let (asked, operands) = match &term.test {
            Test::IsNull => (Asked::Null, Vec::new()),
            Test::In(operands) if operands.len() <= in_values_max => {
                let ready = |operand: &Operand| {
                    Some(match operand {
                        Operand::Parameter(position) => ReadyOperand::Parameter(*position),
                        Operand::ParameterElements(position) => ReadyOperand::Elements(*position),
                        Operand::Literal(literal) => {
                            ReadyOperand::Known(Value::from_literal(column, dialect, literal)?)
                        }
                        _ => return None,
                    })
                };
                let operands = operands.iter().map(ready).collect::<Option<_>>()?;
                (Asked::Equal(Kind::of(&column.kind)?), operands)
            }
            _ => return None,
        };
        Some(Self {
            column: term.column,
            asked,
            operands,
        })
    }
}

impl ReadyShape {
    pub(super) fn new<'a>(
        table: &Table,
        key: &TableKey,
        terms: impl Iterator<Item = &'a ReadyTerm>,
        named: &[usize],
        watches_all: bool,
    ) -> Self {
        let conditions: Vec<_> = terms.map(|term| (term.column, term.asked)).collect();
        let watched = if watches_all {
            Columns::All
        } else {
            Columns::Some(named.to_vec())
        };
        let (shape, name) = Shape::new(table, &conditions, &watched).into_named();
        let fields = Shape::fields(key, &name);
        Self {
            name,
            fields,
            has_conditions: !shape.conditions.is_empty(),
        }
    }
}
