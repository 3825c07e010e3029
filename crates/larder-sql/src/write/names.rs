//! Which table a written name means.

use std::{ops::ControlFlow, sync::Arc};

use sqlparser::ast::{ObjectName, ObjectNamePart, visit_relations};

use crate::{
    Dialect, Table,
    analyze::{Analysis, fold, view_query},
    catalog::{Resolution, TableKind},
    plan::Reason,
};

/// Where a write to a name lands.
pub(super) enum Target {
    /// In this base table.
    Base(Arc<Table>),
    /// In some rows of some of these.
    Opaque(Vec<Arc<Table>>),
    /// Nobody knows.
    Unknown(Reason),
}

/// Resolves a written name by the catalog. A view stands for its base tables.
pub(super) fn target(name: &ObjectName, cx: &Analysis<'_>) -> Target {
    match schema_and_name(name, cx.dialect) {
        Some((schema, name)) => target_of(schema.as_deref(), &name, cx),
        None => Target::Unknown(Reason::new("a table name of unknown form")),
    }
}

/// As [`target`], for a name in parts, already folded.
pub(super) fn target_of(schema: Option<&str>, name: &str, cx: &Analysis<'_>) -> Target {
    if MODIFIERS
        .iter()
        .any(|modifier| name.eq_ignore_ascii_case(modifier))
    {
        // `UPDATE ONLY t`, `UPDATE IGNORE t`: the parser takes the modifier for the table.
        return Target::Unknown(Reason::new("a modifier before the table name"));
    }
    let Resolution::Known(table) = cx.catalog.resolve(schema, name) else {
        return Target::Unknown(Reason::new(format!("table {name} is not in the catalog")));
    };
    if table.has_rules {
        return Target::Unknown(Reason::new(format!("rewrite rules stand on {name}")));
    }
    match &table.kind {
        TableKind::Base => Target::Base(table),
        TableKind::MaterializedView => Target::Opaque(vec![table]),
        TableKind::View { .. } => {
            let mut bases = Vec::new();
            match base_tables(&table, VIEW_DEPTH_MAX, &mut bases, cx) {
                Some(()) => Target::Opaque(bases),
                None => Target::Unknown(Reason::new(format!("view {name} may write other tables"))),
            }
        }
        TableKind::Other(kind) if kind.starts_with("temporary") => Target::Opaque(vec![table]),
        TableKind::Other(kind) => Target::Unknown(Reason::new(format!("{name} is a {kind}"))),
    }
}

/// Every table that a view's definition names, through other views. `None` when something stands
/// on the view, or in it, that may write elsewhere.
fn base_tables(
    view: &Arc<Table>,
    depth_left: usize,
    bases: &mut Vec<Arc<Table>>,
    cx: &Analysis<'_>,
) -> Option<()> {
    let TableKind::View { definition } = &view.kind else {
        if !bases.iter().any(|known| known.name == view.name) {
            bases.push(Arc::clone(view));
        }
        return matches!(view.kind, TableKind::Base | TableKind::MaterializedView).then_some(());
    };
    if view.has_rules
        || !view.triggers.is_empty()
        || depth_left == 0
        || bases.len() > VIEW_BASES_MAX
    {
        return None;
    }
    let query = view_query(definition, cx)?;
    let flow = visit_relations(&query, |name| {
        let known = schema_and_name(name, cx.dialect)
            .map(|(schema, name)| cx.catalog.resolve(schema.as_deref(), &name));
        match known {
            Some(Resolution::Known(table)) => {
                match base_tables(&table, depth_left - 1, bases, cx) {
                    Some(()) => ControlFlow::Continue(()),
                    None => ControlFlow::Break(()),
                }
            }
            // A CTE, most likely; not worth being certain.
            _ => ControlFlow::Break(()),
        }
    });
    flow.is_continue().then_some(())
}

/// The folded parts of a name of one or two parts.
pub(super) fn schema_and_name(
    name: &ObjectName,
    dialect: Dialect,
) -> Option<(Option<String>, String)> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] => Some((None, fold(name, dialect).into_owned())),
        [
            ObjectNamePart::Identifier(schema),
            ObjectNamePart::Identifier(name),
        ] => Some((
            Some(fold(schema, dialect).into_owned()),
            fold(name, dialect).into_owned(),
        )),
        _ => None,
    }
}

/// Whether the name alone makes what is created under it temporary.
pub(super) fn is_temporary_name(name: &ObjectName) -> bool {
    let first = name.0.first().and_then(ObjectNamePart::as_ident);
    first.is_some_and(|schema| {
        let schema = schema.value.to_ascii_lowercase();
        name.0.len() > 1 && (schema == "temp" || schema.starts_with("pg_temp"))
    })
}

/// Modifiers that the parser takes for table names; a real table of such a name is only written
/// with more invalidation than needed.
const MODIFIERS: &[&str] = &["only", "ignore", "low_priority", "quick"];
const VIEW_DEPTH_MAX: usize = 16;
const VIEW_BASES_MAX: usize = 256;
/// What RETURNING calls the row before and after a write (PostgreSQL 18).
pub(super) const IMAGES: &[&str] = &["old", "new"];
