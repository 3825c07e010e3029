//! The plan of a read, and the conditions on the rows of a single table.

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use sqlparser::ast::{Expr, ObjectName, Query, SetExpr, Visit};

use super::{
    Analysis,
    condition::Place,
    instance::project,
    names, operation,
    reader::{Around, Reader},
    scope::{Instance, Scope, Source},
};
use crate::{
    Table,
    plan::{Columns, DependencyTemplate, ReadPlan, Reason, Term},
};

/// The plan of a query that writes nothing.
pub(super) fn plan(query: &Query, cx: &Analysis<'_>) -> ReadPlan {
    let limit = operation::limit(query, cx);
    let mut plan = ReadPlan {
        operation: operation::operation(query, cx),
        tables: Vec::new(),
        dependencies: Vec::new(),
        uncacheable: None,
        needs_scope: None,
        limit,
        dated_parameters: Vec::new(),
    };
    plan.operation = plan.operation_with(operation::literal_limit(plan.limit.as_ref()));
    let mut reader = Reader::new(cx);
    reader.counts_rows = operation::counts_rows(query);
    match forbidden(cx).map_or_else(|| reader.query(query, Around::default()), Err) {
        Ok(_) => {
            plan.dependencies = dependencies(&reader.scope.instances);
            plan.dated_parameters = reader.dated_parameters.into_iter().collect();
            plan.tables = reader.tables;
            plan.needs_scope = reader.needs_scope;
            lead_with_first(&mut plan.tables, query, cx);
        }
        Err(reason) => {
            plan.uncacheable = Some(reason);
            plan.tables = named_relations(query, cx);
        }
    }
    plan
}

/// The conjunctions of a condition on the single row of one table (see `row_conditions`).
pub(super) fn single_row(
    condition: &Expr,
    table: &Arc<Table>,
    alias: Option<&str>,
    other_sources_present: bool,
    cx: &Analysis<'_>,
) -> Vec<Vec<Term>> {
    let mut scope = Scope::new(cx.dialect);
    let block = scope.open(None, None);
    scope.instances.push(Instance::new(Arc::clone(table), true));
    scope.add_source(block, Source::of_table(table, alias, 0));
    if other_sources_present {
        scope.add_source(block, Source::unknown());
    }
    let visible = BTreeSet::from([0]);
    let none = BTreeSet::new();
    let place = Place {
        scope: &scope,
        block,
        visible: &visible,
        null_extended: if other_sources_present {
            &visible
        } else {
            &none
        },
        cx,
    };
    project(&place.form(condition), 0)
}

fn forbidden(cx: &Analysis<'_>) -> Option<Reason> {
    let quirk = cx.quirk.as_ref().map(|quirk| quirk.reason().clone());
    quirk.or_else(|| cx.catalog.session_forbids_storing().map(Reason::new))
}

/// Policies go by the first table of the outermost FROM; CTEs are read before it.
fn lead_with_first(tables: &mut [Arc<Table>], query: &Query, cx: &Analysis<'_>) {
    let SetExpr::Select(select) = &*query.body else {
        return;
    };
    let Some(from) = select.from.first() else {
        return;
    };
    let Some(first) = first_relation(from, cx) else {
        return;
    };
    if let Some(at) = tables.iter().position(|table| table.name == first.name)
        && let Some(head) = tables.get_mut(..=at)
    {
        head.rotate_right(1);
    }
}

fn first_relation<N: Visit>(node: &N, cx: &Analysis<'_>) -> Option<Arc<Table>> {
    let mut first = None;
    let _ = sqlparser::ast::visit_relations(node, |name: &ObjectName| {
        first = names::relation(name, cx);
        ControlFlow::Break::<()>(())
    });
    first
}

fn named_relations(query: &Query, cx: &Analysis<'_>) -> Vec<Arc<Table>> {
    let mut tables: Vec<Arc<Table>> = Vec::new();
    let _ = sqlparser::ast::visit_relations(query, |name: &ObjectName| {
        if let Some(table) = names::relation(name, cx)
            && !tables.iter().any(|known| known.name == table.name)
        {
            tables.push(table);
        }
        ControlFlow::Continue::<()>(())
    });
    tables
}

/// One template per instance and conjunction, unless another one says as much.
fn dependencies(instances: &[Instance]) -> Vec<DependencyTemplate> {
    let mut dependencies: Vec<DependencyTemplate> = Vec::new();
    for instance in instances {
        for terms in &instance.conjunctions {
            let known = dependencies.iter().any(|known| {
                known.table.name == instance.table.name
                    && known.terms == *terms
                    && covers(&known.watched, &instance.watched)
            });
            if !known {
                dependencies.push(DependencyTemplate {
                    table: Arc::clone(&instance.table),
                    terms: terms.clone(),
                    watched: watched(instance),
                });
            }
        }
    }
    dependencies
}

/// Policies of the table ask for columns that the statement does not name.
fn watched(instance: &Instance) -> Columns {
    match instance.table.row_security {
        true => Columns::All,
        false => instance.watched.clone(),
    }
}

/// Whether one set of watched columns holds another.
fn covers(wide: &Columns, narrow: &Columns) -> bool {
    match (wide, narrow) {
        (Columns::All, _) => true,
        (Columns::Some(_), Columns::All) => false,
        (Columns::Some(wide), Columns::Some(narrow)) => narrow.iter().all(|c| wide.contains(c)),
    }
}
