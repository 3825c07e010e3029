//! The check of every expression: names resolve and are watched, functions are judged, what is not
//! understood makes the query uncacheable. Subqueries become blocks of their own.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Query, TableFactor, Value, Visitor,
};

use super::{
    dates,
    functions::{self, Call},
    names,
    reader::{Around, Reader},
};
use crate::{Dialect, plan::Reason};

/// Visits the expressions of one block. What FROM lists is read elsewhere.
pub(super) struct Expressions<'r, 'a, 'c> {
    reader: &'r mut Reader<'a, 'c>,
    block: usize,
    /// Depth inside something that is not this block's.
    skipped: usize,
}

impl<'r, 'a, 'c> Expressions<'r, 'a, 'c> {
    pub(super) fn new(reader: &'r mut Reader<'a, 'c>, block: usize) -> Self {
        Self {
            reader,
            block,
            skipped: 0,
        }
    }

    fn check(&mut self, expr: &Expr) -> Result<(), Reason> {
        match expr {
            Expr::Identifier(name) => self.reader.scope.name(self.block, name),
            Expr::CompoundIdentifier(parts) => self.reader.scope.qualified_name(self.block, parts),
            Expr::Function(function) => self.function(function),
            Expr::Value(value) => self.value(&value.value),
            Expr::TypedString(typed) => self.value(&typed.value.value),
            Expr::Cast {
                expr, data_type, ..
            } => self.cast(expr, data_type),
            Expr::BinaryOp { op, .. } => self.operator(op),
            Expr::AnyOp { compare_op, .. } | Expr::AllOp { compare_op, .. } => {
                self.operator(compare_op)
            }
            Expr::Wildcard(_) => {
                self.reader.scope.whole_block(self.block);
                Ok(())
            }
            Expr::QualifiedWildcard(name, _) => match names::parts(name) {
                Some(parts) => {
                    let parts: Vec<_> = parts.into_iter().cloned().collect();
                    self.reader.scope.whole_row(self.block, &parts)
                }
                None => Err(not_understood()),
            },
            Expr::CompoundFieldAccess { access_chain, .. } => {
                let subscripts = access_chain
                    .iter()
                    .all(|access| matches!(access, AccessExpr::Subscript(_)));
                if subscripts {
                    Ok(())
                } else {
                    Err(not_understood())
                }
            }
            expr if is_plain(expr) => Ok(()),
            _ => Err(not_understood()),
        }
    }

    fn function(&mut self, function: &Function) -> Result<(), Reason> {
        let name = &function.name;
        if functions::call(name, self.reader.cx) != Call::Pure {
            return Err(Reason::new(format!(
                "the function {name} is not known to be pure"
            )));
        }
        if !matches!(function.parameters, FunctionArguments::None) {
            return Err(not_understood());
        }
        let FunctionArguments::List(list) = &function.args else {
            return Ok(());
        };
        for argument in &list.args {
            let (FunctionArg::Unnamed(argument)
            | FunctionArg::Named { arg: argument, .. }
            | FunctionArg::ExprNamed { arg: argument, .. }) = argument;
            match argument {
                FunctionArgExpr::Expr(_) => {}
                // count(*) counts rows and names no column.
                FunctionArgExpr::Wildcard if name.to_string().eq_ignore_ascii_case("count") => {}
                FunctionArgExpr::QualifiedWildcard(_) => self.reader.scope.whole_block(self.block),
                _ => return Err(not_understood()),
            }
        }
        Ok(())
    }

    fn value(&self, value: &Value) -> Result<(), Reason> {
        match value {
            Value::Placeholder(name)
                if !self.reader.cx.parameters_numbered || !is_numbered(name) =>
            {
                Err(Reason::new("a variable or a named parameter is read"))
            }
            value
                if self.reader.cx.dialect == Dialect::Postgres && dates::literal_varies(value) =>
            {
                Err(Reason::new("a literal may mean the current moment"))
            }
            _ => Ok(()),
        }
    }

    fn cast(&mut self, argument: &Expr, to: &sqlparser::ast::DataType) -> Result<(), Reason> {
        if self.reader.cx.dialect != Dialect::Postgres {
            return Ok(());
        }
        if dates::names_relation(to) {
            return Err(Reason::new("a cast looks up a name in the system catalogs"));
        }
        if !dates::is_dated(to) {
            return Ok(());
        }
        match dates::cast(argument, &self.reader.scope, self.block) {
            dates::Cast::Steady => Ok(()),
            dates::Cast::Parameter(position) => {
                self.reader.dated_parameters.insert(position);
                Ok(())
            }
            dates::Cast::Varies => Err(Reason::new("a cast may mean the current moment")),
        }
    }

    fn operator(&self, operator: &BinaryOperator) -> Result<(), Reason> {
        let custom = &self.reader.cx.catalog.custom_operators;
        match operator {
            BinaryOperator::Custom(_)
            | BinaryOperator::PGCustomBinaryOperator(_)
            | BinaryOperator::Assignment => Err(not_understood()),
            operator if !custom.is_empty() && custom.contains(&*operator.to_string()) => Err(
                Reason::new(format!("the operator {operator} is not the built-in one")),
            ),
            _ => Ok(()),
        }
    }
}

impl Visitor for Expressions<'_, '_, '_> {
    type Break = Reason;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Reason> {
        if self.skipped == 0 {
            let ctes = self
                .reader
                .scope
                .blocks
                .get(self.block)
                .and_then(|b| b.ctes);
            let around = Around::new(Some(self.block), ctes);
            if let Err(reason) = self.reader.query(query, around) {
                return ControlFlow::Break(reason);
            }
        }
        self.skipped += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Reason> {
        self.skipped = self.skipped.saturating_sub(1);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, _: &TableFactor) -> ControlFlow<Reason> {
        self.skipped += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, _: &TableFactor) -> ControlFlow<Reason> {
        self.skipped = self.skipped.saturating_sub(1);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Reason> {
        if self.skipped > 0 {
            return ControlFlow::Continue(());
        }
        match self.check(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(reason) => ControlFlow::Break(reason),
        }
    }
}

/// Expressions that follow from their parts. Kinds that are not listed are not understood.
fn is_plain(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::IsJson { .. }
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::SimilarTo { .. }
            | Expr::RLike { .. }
            | Expr::UnaryOp { .. }
            | Expr::Convert { .. }
            | Expr::AtTimeZone { .. }
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Overlay { .. }
            | Expr::Collate { .. }
            | Expr::Nested(_)
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::GroupingSets(_)
            | Expr::Cube(_)
            | Expr::Rollup(_)
            | Expr::Tuple(_)
            | Expr::Array(_)
            | Expr::Interval(_)
    )
}

fn is_numbered(placeholder: &str) -> bool {
    placeholder
        .strip_prefix('$')
        .is_some_and(|n| n.parse::<usize>().is_ok())
}

fn not_understood() -> Reason {
    Reason::new("an expression is not understood")
}
