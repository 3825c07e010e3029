//! What a statement may do besides what it says: nested writes, functions that write (W5), views
//! whose definitions call such functions.

use std::{collections::BTreeSet, ops::ControlFlow};

use sqlparser::ast::{
    Expr, Function, ObjectName, Select, SetExpr, Statement, TableFactor, Value, Visit, Visitor,
};

use super::{
    Analysis,
    functions::{self, Call},
    names, sources,
};
use crate::{TableName, catalog::TableKind};

/// The worst that the functions of a statement may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FunctionEffect {
    /// They depend on their arguments alone.
    Pure,
    /// They vary, but write no table.
    Harmless,
    /// They change the session.
    Session,
    /// They may write any table (W5).
    MayWrite,
}

/// The worst that the functions called by a statement, and by the views it names, may do.
pub(crate) fn functions_of(statement: &Statement, cx: &Analysis<'_>) -> FunctionEffect {
    let mut walk = Walk {
        cx,
        worst: Call::Pure,
        views: BTreeSet::new(),
    };
    let _ = statement.visit(&mut walk);
    match walk.worst {
        Call::Pure => FunctionEffect::Pure,
        Call::Harmless => FunctionEffect::Harmless,
        Call::Session => FunctionEffect::Session,
        Call::MayWrite => FunctionEffect::MayWrite,
    }
}

/// Whether a query holds a statement that writes: a data-modifying CTE, SELECT INTO.
pub(super) fn holds_write(statement: &Statement) -> bool {
    let mut walk = NestedWrites { depth: 0 };
    statement.visit(&mut walk).is_break()
}

/// Whether the number of placeholders follows the number of values: IN lists and VALUES rows.
pub(super) fn arity_varies(statement: &Statement) -> bool {
    statement.visit(&mut VaryingLists).is_break()
}

/// Views within views deeper or more than this may do anything.
const VIEWS_MAX: usize = 32;

struct Walk<'a, 'c> {
    cx: &'a Analysis<'c>,
    worst: Call,
    views: BTreeSet<TableName>,
}

impl Walk<'_, '_> {
    fn call(&mut self, name: &ObjectName) -> ControlFlow<()> {
        self.raise(functions::call(name, self.cx))
    }

    fn raise(&mut self, call: Call) -> ControlFlow<()> {
        self.worst = self.worst.max(call);
        if self.worst == Call::MayWrite {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Visitor for Walk<'_, '_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(Function { name, .. }) => self.call(name),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Function { name, .. }
            | TableFactor::Table {
                name,
                args: Some(_),
                ..
            } => self.call(name),
            _ => ControlFlow::Continue(()),
        }
    }

    // A CTE of the same name may be meant; then the view only makes the answer worse.
    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        let Some(table) = names::relation(name, self.cx) else {
            return ControlFlow::Continue(());
        };
        let TableKind::View { definition } = &table.kind else {
            return ControlFlow::Continue(());
        };
        if !self.views.insert(table.name.clone()) {
            return ControlFlow::Continue(());
        }
        if self.views.len() > VIEWS_MAX {
            return self.raise(Call::MayWrite);
        }
        match sources::view_query(definition, self.cx) {
            Some(query) => query.visit(self),
            None => self.raise(Call::MayWrite),
        }
    }
}

struct NestedWrites {
    depth: usize,
}

impl Visitor for NestedWrites {
    type Break = ();

    fn pre_visit_statement(&mut self, _: &Statement) -> ControlFlow<()> {
        self.depth += 1;
        if self.depth > 1 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if select.into.is_some() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

struct VaryingLists;

impl Visitor for VaryingLists {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::InList { list, .. } if list.iter().any(holds_placeholder) => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_query(&mut self, query: &sqlparser::ast::Query) -> ControlFlow<()> {
        match &*query.body {
            SetExpr::Values(values) if values.rows.len() > 1 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn holds_placeholder(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Placeholder(_)),
        Expr::Tuple(parts) => parts.iter().any(holds_placeholder),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => holds_placeholder(inner),
        _ => false,
    }
}
