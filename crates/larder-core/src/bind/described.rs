//! What a bound read rests on, as data for people: the same steps as binding, which keep what they
//! meet instead of hashing it.

use std::sync::Arc;

use larder_sql::{
    Table,
    plan::{Columns, DependencyTemplate, Reason, Term, Test},
};

use super::{Bound, Template, length, widen_until_it_fits};
use crate::{Param, Value, shape::Kind};

/// One conjunction on one table that a result rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestsOn {
    /// The table.
    pub table: Arc<Table>,
    /// Conditions that narrow. Only writes of rows that satisfy all of them, before or afterwards,
    /// can change the result.
    pub conditions: Vec<Condition>,
    /// Equalities that the statement asks for and that do not narrow. Of a result on which any row
    /// counts: also columns that it names, equality with which never narrows.
    pub widened: Vec<Widened>,
    /// The columns whose change can change the result, those of the conditions left out.
    pub watched: Columns,
}

/// `column IN (values)`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Condition {
    /// Position in the table's columns.
    pub column: usize,
    /// NULL stands for `IS NULL`. None: no row satisfies it.
    pub values: Vec<Value>,
}

/// An equality that does not narrow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Widened {
    /// Position in the table's columns.
    pub column: usize,
    /// Why.
    pub why: WidenedWhy,
}

/// Why an equality does not narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WidenedWhy {
    /// Equal values of the column's type or collation may be spelt differently.
    Column,
    /// A parameter or literal is not sent as a value of the column's type.
    Value,
    /// The list is longer than `in_values_max`.
    Long,
    /// With it there would be more dependencies than an entry may have, or more conditions than a
    /// shape.
    Room,
}

impl Template {
    /// What [`bind`](Self::bind) makes dependencies of.
    pub(crate) fn described(
        &self,
        of: &DependencyTemplate,
        params: &[Param<'_>],
        room: usize,
    ) -> Result<RestsOn, Reason> {
        let mut bound = self
            .terms
            .iter()
            .map(|term| self.bind_term(term, params))
            .collect::<Result<Vec<_>, _>>()?;
        let mut widened: Vec<Widened> = Vec::new();
        let mut widen = |column, why| {
            if widened.iter().all(|known| known.column != column) {
                widened.push(Widened { column, why });
            }
        };
        for term in &of.terms {
            if self.terms.iter().all(|ready| ready.column != term.column) {
                widen(term.column, self.why_unready(term));
            }
        }
        for (term, value) in self.terms.iter().zip(&bound) {
            if matches!(value, Bound::Widened) {
                let long = |param: &Param<'_>| matches!(param, Param::Array(_, all) if all.len() > self.in_values_max);
                let elements = term.operands.iter().filter_map(|operand| match operand {
                    super::ReadyOperand::Elements(position) => params.get(*position),
                    _ => None,
                });
                let why = match elements.into_iter().any(long) {
                    true => WidenedWhy::Long,
                    false => WidenedWhy::Value,
                };
                widen(term.column, why);
            }
        }
        let before: Vec<usize> = bound.iter().map(length).collect();
        widen_until_it_fits(&mut bound, room);
        let mut conditions = Vec::new();
        for ((term, value), had) in self.terms.iter().zip(bound).zip(before) {
            match value {
                Bound::Values(values) => conditions.push(Condition {
                    column: term.column,
                    values: values
                        .into_iter()
                        .map(crate::value::Canonical::to_value)
                        .collect(),
                }),
                Bound::Widened if had > 1 => widen(term.column, WidenedWhy::Room),
                Bound::Widened => {}
            }
        }
        if conditions.is_empty() {
            // The plan has no terms of such columns; whether the statement asks for one is not said.
            for column in &self.named {
                let kind = self.table.columns.get(*column).map(|it| &it.kind);
                if kind.and_then(Kind::of).is_none() {
                    widen(*column, WidenedWhy::Column);
                }
            }
        }
        let watched = match self.watches_all {
            true => Columns::All,
            false => {
                let is_condition = |column| conditions.iter().any(|it| it.column == column);
                let mut named = self.named.clone();
                named.sort_unstable();
                named.dedup();
                named.retain(|column| !is_condition(*column));
                Columns::Some(named)
            }
        };
        Ok(RestsOn {
            table: self.table.clone(),
            conditions,
            widened,
            watched,
        })
    }

    /// Why a term of the plan cannot narrow, whatever the parameters.
    fn why_unready(&self, term: &Term) -> WidenedWhy {
        let kind = self.table.columns.get(term.column).map(|it| &it.kind);
        match &term.test {
            _ if self.terms.len() >= crate::shape::CONDITIONS_MAX => WidenedWhy::Room,
            Test::In(operands) if operands.len() > self.in_values_max => WidenedWhy::Long,
            Test::In(_) if kind.and_then(Kind::of).is_none() => WidenedWhy::Column,
            _ => WidenedWhy::Value,
        }
    }
}
