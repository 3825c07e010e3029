//! A condition as a bounded disjunction of conjunctions of terms that can narrow (design §4).
//!
//! What is not understood is left out of its conjunction, which then admits more rows; it is never
//! left out of a disjunction. So the form is always implied by the condition.

use std::{collections::BTreeSet, sync::Arc};

use sqlparser::ast::{BinaryOperator, Expr};

use super::{
    Analysis,
    operand::{elements_for, operand_for, unnested},
    scope::{ColumnRef, Scope},
};
use crate::{
    Column, Dialect, ValueKind,
    plan::{Literal, Operand},
};

/// Longer disjunctions widen.
pub(super) const DISJUNCTS_MAX: usize = 64;

/// Longer IN lists widen, whatever the configured limit.
const IN_VALUES_MAX: usize = 256;

/// One term that narrows, or that links columns.
#[derive(Clone, Debug)]
pub(super) enum Atom {
    In(ColumnRef, Arc<[Operand]>),
    IsNull(ColumnRef),
    Same(ColumnRef, ColumnRef),
}

/// Disjuncts of conjunctions.
pub(super) type Form = Vec<Vec<Atom>>;

/// Where a condition stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'s> {
    pub(super) scope: &'s Scope,
    pub(super) block: usize,
    /// The instances that the condition can see: the operands of its join.
    pub(super) visible: &'s BTreeSet<usize>,
    /// Those which a join below may have null-extended when the condition is evaluated (R2).
    pub(super) null_extended: &'s BTreeSet<usize>,
    pub(super) cx: &'s Analysis<'s>,
}

/// The form of "any row".
pub(super) fn any() -> Form {
    vec![Vec::new()]
}

/// Conjoins forms. A factor that would make too many disjuncts is left out.
pub(super) fn conjoin(mut factors: Vec<Form>) -> Form {
    factors.sort_by_key(Vec::len);
    let mut product = any();
    for factor in factors {
        if product.len() * factor.len() > DISJUNCTS_MAX {
            continue;
        }
        product = product
            .iter()
            .flat_map(|left| {
                factor
                    .iter()
                    .map(move |right| left.iter().chain(right).cloned().collect())
            })
            .collect();
    }
    product
}

impl Place<'_> {
    /// The form of a condition.
    pub(super) fn form(&self, expr: &Expr) -> Form {
        // `=` may be anybody's operator then.
        if !self.cx.catalog.custom_operators.is_empty() || self.cx.quirk.is_some() {
            return any();
        }
        self.junction(expr)
    }

    fn junction(&self, expr: &Expr) -> Form {
        match unnested(expr) {
            Expr::BinaryOp {
                op: BinaryOperator::And,
                ..
            } => {
                let parts = operands_of(expr, &BinaryOperator::And);
                conjoin(parts.into_iter().map(|part| self.junction(part)).collect())
            }
            Expr::BinaryOp {
                op: BinaryOperator::Or,
                ..
            } => {
                let mut form = Form::new();
                for part in operands_of(expr, &BinaryOperator::Or) {
                    for disjunct in self.junction(part) {
                        add_disjunct(&mut form, disjunct);
                    }
                    if form.len() > DISJUNCTS_MAX {
                        return any();
                    }
                }
                form
            }
            term => self.term(term),
        }
    }

    fn term(&self, expr: &Expr) -> Form {
        match expr {
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            } => vec![self.equality(left, right)],
            Expr::InList {
                expr,
                list,
                negated: false,
            } => self.in_list(expr, list),
            Expr::AnyOp {
                left,
                compare_op: BinaryOperator::Eq,
                right,
                ..
            } if self.cx.dialect == Dialect::Postgres => vec![self.any_element(left, right)],
            Expr::IsNull(expr) => vec![self.is_null(expr)],
            // R5: only PostgreSQL has a type whose truth is equality with TRUE.
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => vec![self.truth(expr, true)],
            Expr::IsTrue(expr) => vec![self.truth(expr, true)],
            Expr::IsFalse(expr) => vec![self.truth(expr, false)],
            _ => any(),
        }
    }

    fn equality(&self, left: &Expr, right: &Expr) -> Vec<Atom> {
        if let (Expr::Tuple(left), Expr::Tuple(right)) = (unnested(left), unnested(right)) {
            return self.row_equality(left, right);
        }
        let (a, b) = (self.column(left), self.column(right));
        match (a, b) {
            (Some(a), Some(b)) if a != b && self.is_same_type(a, b) => vec![Atom::Same(a, b)],
            (Some(column), None) => self.constant(column, right),
            (None, Some(column)) => self.constant(column, left),
            _ => Vec::new(),
        }
    }

    fn row_equality(&self, left: &[Expr], right: &[Expr]) -> Vec<Atom> {
        if left.len() != right.len() {
            return Vec::new();
        }
        let pairs = left.iter().zip(right);
        pairs
            .flat_map(|(left, right)| self.equality(left, right))
            .collect()
    }

    fn constant(&self, column: ColumnRef, value: &Expr) -> Vec<Atom> {
        let operand = self
            .describe(column)
            .and_then(|described| operand_for(value, described, self.cx));
        operand
            .map(|operand| Atom::In(column, Arc::from([operand])))
            .into_iter()
            .collect()
    }

    fn in_list(&self, expr: &Expr, list: &[Expr]) -> Form {
        if list.is_empty() {
            return any();
        }
        if let Expr::Tuple(columns) = unnested(expr) {
            return self.row_in_list(columns, list);
        }
        vec![self.one_of(expr, list)]
    }

    fn one_of(&self, expr: &Expr, list: &[Expr]) -> Vec<Atom> {
        let Some(column) = self.column(expr) else {
            return Vec::new();
        };
        if list.is_empty() || list.len() > IN_VALUES_MAX {
            return Vec::new();
        }
        let Some(described) = self.describe(column) else {
            return Vec::new();
        };
        // One element that is no plain value widens the whole list.
        let operands: Option<Arc<[Operand]>> = list
            .iter()
            .map(|element| operand_for(element, described, self.cx))
            .collect();
        operands
            .map(|operands| Atom::In(column, operands))
            .into_iter()
            .collect()
    }

    fn row_in_list(&self, columns: &[Expr], rows: &[Expr]) -> Form {
        let rows: Option<Vec<&[Expr]>> = rows
            .iter()
            .map(|row| match unnested(row) {
                Expr::Tuple(values) if values.len() == columns.len() => Some(values.as_slice()),
                _ => None,
            })
            .collect();
        match rows {
            Some(rows) if rows.len() <= DISJUNCTS_MAX => rows
                .iter()
                .map(|values| self.row_equality(columns, values))
                .collect(),
            _ => any(),
        }
    }

    fn any_element(&self, left: &Expr, right: &Expr) -> Vec<Atom> {
        if let Expr::Array(array) = unnested(right) {
            return self.one_of(left, &array.elem);
        }
        let Some(column) = self.column(left) else {
            return Vec::new();
        };
        let elements = self
            .describe(column)
            .and_then(|described| elements_for(right, described, self.cx));
        elements
            .map(|elements| Atom::In(column, Arc::from([elements])))
            .into_iter()
            .collect()
    }

    fn is_null(&self, expr: &Expr) -> Vec<Atom> {
        let Some(column) = self.column(expr) else {
            return Vec::new();
        };
        // R2, and MySQL's zero dates: `d IS NULL` holds for '0000-00-00' in a NOT NULL column.
        let zero_dates = self.cx.dialect == Dialect::MySql
            && self.describe(column).is_none_or(|column| {
                let dated = matches!(
                    column.kind,
                    ValueKind::Date | ValueKind::Timestamp { .. } | ValueKind::TimestampTz { .. }
                );
                column.not_null && dated
            });
        if zero_dates || self.null_extended.contains(&column.instance) {
            return Vec::new();
        }
        vec![Atom::IsNull(column)]
    }

    fn truth(&self, expr: &Expr, truth: bool) -> Vec<Atom> {
        let Some(column) = self.column(expr) else {
            return Vec::new();
        };
        let boolean = self
            .describe(column)
            .is_some_and(|column| column.kind == ValueKind::Bool);
        if self.cx.dialect != Dialect::Postgres || !boolean {
            return Vec::new();
        }
        let operand = Operand::Literal(Literal::Bool(truth));
        vec![Atom::In(column, Arc::from([operand]))]
    }

    fn column(&self, expr: &Expr) -> Option<ColumnRef> {
        self.scope
            .base_column(self.block, expr)
            .filter(|column| self.visible.contains(&column.instance))
    }

    fn describe(&self, column: ColumnRef) -> Option<&Column> {
        let instance = self.scope.instances.get(column.instance)?;
        instance.table.columns.get(column.column)
    }

    /// R6: equality is transitive only inside one canonical type.
    fn is_same_type(&self, a: ColumnRef, b: ColumnRef) -> bool {
        let (Some(a), Some(b)) = (self.describe(a), self.describe(b)) else {
            return false;
        };
        match (&a.kind, &b.kind) {
            (ValueKind::Integer { .. }, ValueKind::Integer { .. })
            | (ValueKind::Bool, ValueKind::Bool)
            | (ValueKind::Text { .. }, ValueKind::Text { .. })
            | (ValueKind::Uuid, ValueKind::Uuid)
            | (ValueKind::Date, ValueKind::Date)
            | (ValueKind::Timestamp { .. }, ValueKind::Timestamp { .. })
            | (ValueKind::TimestampTz { .. }, ValueKind::TimestampTz { .. })
            | (ValueKind::Decimal { .. }, ValueKind::Decimal { .. }) => true,
            (ValueKind::Bytes { fixed: a, .. }, ValueKind::Bytes { fixed: b, .. }) => a == b,
            (ValueKind::Enum { labels: a }, ValueKind::Enum { labels: b }) => a == b,
            _ => false,
        }
    }
}

/// The operands of a chain of one operator, in order, without recursion.
fn operands_of<'e>(expr: &'e Expr, chain: &BinaryOperator) -> Vec<&'e Expr> {
    let mut stack = vec![expr];
    let mut operands = Vec::new();
    while let Some(expr) = stack.pop() {
        match unnested(expr) {
            Expr::BinaryOp { left, op, right } if op == chain => {
                stack.push(right);
                stack.push(left);
            }
            operand => operands.push(operand),
        }
    }
    operands
}

/// Adds a disjunct; `a = 1 OR a = 2` becomes one list, as an IN list would be.
fn add_disjunct(form: &mut Form, disjunct: Vec<Atom>) {
    if let (Some([Atom::In(last, values)]), [Atom::In(column, more)]) =
        (form.last_mut().map(Vec::as_mut_slice), disjunct.as_slice())
        && last == column
        && values.len() + more.len() <= IN_VALUES_MAX
    {
        *values = values.iter().chain(more.iter()).cloned().collect();
        return;
    }
    form.push(disjunct);
}
