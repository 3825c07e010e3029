//! All that a statement writes, in whatever corner of it the write stands.

use std::{ops::ControlFlow, sync::Arc};

use sqlparser::ast::{CopySource, ObjectName, Select, Statement, Visit, Visitor};

use super::{
    names::{self, Target},
    returning,
};
use crate::{
    Dialect, Table,
    analyze::{Analysis, FunctionEffect, Quirk, functions_of},
    plan::{Columns, NewRows, OldRows, Part, Reason, WriteOperation, WritePlan, WriteTarget},
};

/// Gathers the writes of one statement.
pub(super) struct Writes<'c, 'a> {
    pub(super) cx: &'c Analysis<'a>,
    plan: WritePlan,
    statements: usize,
}

impl<'c, 'a> Writes<'c, 'a> {
    fn new(cx: &'c Analysis<'a>) -> Self {
        let plan = WritePlan {
            targets: Vec::new(),
            unknown_scope: None,
            returning: Vec::new(),
            takes_returning: false,
            error_keeps_rows: false,
        };
        Self {
            cx,
            plan,
            statements: 0,
        }
    }
}

impl Writes<'_, '_> {
    /// The statement itself, the statements in its CTEs, and the functions that it calls (W5).
    pub(super) fn of(statement: &Statement, cx: &Analysis<'_>) -> WritePlan {
        let mut writes = Writes::new(cx);
        let _: ControlFlow<()> = statement.visit(&mut writes);
        if let Some(Quirk::Lexing(reason)) = &cx.quirk {
            writes.unknown(reason.clone());
        }
        if let Some(reason) = may_write(statement, cx) {
            writes.unknown(reason);
        }
        let mut plan = writes.plan;
        plan.takes_returning = returning::may_be_appended(statement, &plan, cx);
        // Result columns tell of one table's rows only where one table is written.
        if plan.targets.len() != 1 {
            plan.returning.clear();
        }
        // What is of unknown scope may commit by itself before it fails.
        plan.error_keeps_rows |= plan.unknown_scope.is_some();
        plan
    }

    /// Adds a write that was understood.
    pub(super) fn target(&mut self, target: WriteTarget) {
        self.plan.targets.push(target);
    }

    /// Adds a table of which any row may have changed in any way.
    pub(super) fn opaque(&mut self, table: Arc<Table>) {
        self.plan.targets.push(opaque(table));
    }

    /// Counts as a write to everything.
    pub(super) fn unknown(&mut self, reason: Reason) {
        self.plan.unknown_scope.get_or_insert(reason);
    }

    /// The single base table that a name means, where its rows can be told; everything else has
    /// been added when this returns `None`.
    pub(super) fn base(&mut self, name: &ObjectName) -> Option<Arc<Table>> {
        match names::target(name, self.cx) {
            // The server may read the operators otherwise (R12).
            Target::Base(table) if self.cx.quirk.is_none() => return Some(table),
            Target::Base(table) => self.opaque(table),
            Target::Opaque(tables) => tables.into_iter().for_each(|table| self.opaque(table)),
            Target::Unknown(reason) => self.unknown(reason),
        }
        None
    }

    /// As [`Self::base`], but nothing is told of the rows.
    pub(super) fn opaque_name(&mut self, name: &ObjectName) {
        if let Some(table) = self.base(name) {
            self.opaque(table);
        }
    }

    /// Keeps the RETURNING of the outermost statement, the only one whose rows are sent.
    pub(super) fn returning(&mut self, returning: Vec<Option<usize>>) {
        if self.statements == 1 {
            self.plan.returning = returning;
        }
    }

    pub(super) fn error_keeps_rows(&mut self) {
        self.plan.error_keeps_rows = true;
    }
}

impl Visitor for Writes<'_, '_> {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        self.statements += 1;
        match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge(merge),
            Statement::Truncate(truncate) => self.truncate(truncate),
            Statement::Copy { to: true, .. }
            | Statement::Query(_)
            | Statement::Explain { .. }
            | Statement::Declare { .. } => {}
            Statement::Copy {
                source: CopySource::Table { table_name, .. },
                ..
            } => {
                self.opaque_name(table_name);
            }
            Statement::Call(_) => self.unknown(Reason::new("a procedure may write")),
            _ => self.unknown(Reason::new("a statement inside another is not understood")),
        }
        ControlFlow::Continue(())
    }
}

/// Why a statement may write tables that it does not name (W5).
pub(super) fn may_write(statement: &Statement, cx: &Analysis<'_>) -> Option<Reason> {
    (functions_of(statement, cx) == FunctionEffect::MayWrite)
        .then(|| Reason::new("a function may write"))
}

/// Whether a function changes the session (`set_config`).
pub(super) fn changes_session(statement: &Statement, cx: &Analysis<'_>) -> bool {
    functions_of(statement, cx) == FunctionEffect::Session
}

/// SELECT .. INTO makes a table in PostgreSQL; the answer is whether a temporary one. In MySQL it
/// fills variables or a file, and SQLite has none.
pub(super) fn made_table(statement: &Statement, cx: &Analysis<'_>) -> Option<bool> {
    struct Into(Option<bool>);
    impl Visitor for Into {
        type Break = ();
        fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
            if let Some(into) = &select.into {
                let named = |target: &sqlparser::ast::Expr| {
                    target.to_string().to_ascii_lowercase().contains("pg_temp")
                };
                self.0 = Some(into.temporary || into.targets.iter().any(named));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
    }
    if cx.dialect == Dialect::MySql {
        return None;
    }
    let mut into = Into(None);
    let _ = statement.visit(&mut into);
    into.0
}

/// The part for a write of unknown rows to one named relation.
pub(super) fn opaque_write(schema: Option<&str>, name: &str, cx: &Analysis<'_>) -> Part {
    let mut writes = Writes::new(cx);
    match names::target_of(schema, name, cx) {
        Target::Base(table) => writes.opaque(table),
        Target::Opaque(tables) => tables.into_iter().for_each(|table| writes.opaque(table)),
        Target::Unknown(reason) => writes.unknown(reason),
    }
    Part::Write(writes.plan)
}

fn opaque(table: Arc<Table>) -> WriteTarget {
    WriteTarget {
        table,
        operation: WriteOperation::Opaque,
        changed: Columns::All,
        old: OldRows::Matching(vec![Vec::new()]),
        new: NewRows::Unknown,
        set: Vec::new(),
        chosen: None,
    }
}
