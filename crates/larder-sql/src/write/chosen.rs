//! The rows that an UPDATE or DELETE chooses, as a text of their own: what is read, and locked,
//! before they are written.

use std::{ops::ControlFlow, sync::Arc};

use sqlparser::{
    ast::{
        Expr, Ident, Query, Select, SetExpr, Statement, TableFactor, Value, ValueWithSpan,
        VisitMut, VisitorMut,
    },
    parser::Parser,
};

use super::rows;
use crate::{
    Dialect, Table,
    analyze::{Analysis, parser_dialect},
    catalog::TableKind,
    plan::ChosenRows,
};

/// `None` where something else than the row itself chooses (W3), or where a text that is certain to
/// choose the same rows cannot be written.
pub(super) fn chosen(
    relation: &TableFactor,
    alias: Option<&Ident>,
    condition: Option<&Expr>,
    table: &Table,
    cx: &Analysis<'_>,
) -> Option<ChosenRows> {
    let plain = table.kind == TableKind::Base
        && table.readable
        && table.lockable
        && table.transactional
        && !table.has_rules
        && !table.row_security
        && !table.conflict_replaces;
    let exact = cx.quirk.is_none() && cx.strings_exact && cx.parameters_numbered;
    if !plain || !exact || !rows::are_chosen_alone(condition, table, alias, cx) {
        return None;
    }
    let mut condition = condition.cloned();
    let mut numbered = Numbered {
        dialect: cx.dialect,
        parameters: Vec::new(),
    };
    if let Some(condition) = &mut condition
        && condition.visit(&mut numbered).is_break()
    {
        return None;
    }
    let text = match &condition {
        Some(condition) => format!("{relation} WHERE {condition}"),
        None => relation.to_string(),
    };
    reads_back(&text, relation, condition.as_ref(), cx).then(|| ChosenRows {
        text: Arc::from(text),
        parameters: numbered.parameters,
    })
}

/// Whether the parser understands the text as what it was made from.
fn reads_back(
    text: &str,
    relation: &TableFactor,
    condition: Option<&Expr>,
    cx: &Analysis<'_>,
) -> bool {
    let dialect = parser_dialect(cx.dialect);
    let parsed = Parser::parse_sql(dialect.as_ref(), &format!("SELECT 1 FROM {text}"));
    let Ok([Statement::Query(query)]) = parsed.as_deref() else {
        return false;
    };
    match select_of(query) {
        Some(Select {
            from, selection, ..
        }) => {
            matches!(from.as_slice(), [source] if source.joins.is_empty() && source.relation == *relation)
                && selection.as_ref() == condition
        }
        None => false,
    }
}

fn select_of(query: &Query) -> Option<&Select> {
    match &*query.body {
        SetExpr::Select(select) => Some(select),
        _ => None,
    }
}

/// Renumbers parameters in the order in which they appear.
struct Numbered {
    dialect: Dialect,
    parameters: Vec<usize>,
}

impl VisitorMut for Numbered {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        let Value::Placeholder(name) = &mut value.value else {
            return ControlFlow::Continue(());
        };
        let number: Option<usize> = name.strip_prefix('$').and_then(|n| n.parse().ok());
        let Some(position) = number.and_then(|n| n.checked_sub(1)) else {
            return ControlFlow::Break(());
        };
        let known = self.parameters.iter().position(|it| *it == position);
        let at = match known {
            // MySQL has no numbers: each place has a value of its own.
            Some(at) if self.dialect != Dialect::MySql => at,
            _ => {
                self.parameters.push(position);
                self.parameters.len() - 1
            }
        };
        *name = match self.dialect {
            Dialect::Postgres => format!("${}", at + 1),
            Dialect::MySql => "?".to_owned(),
            Dialect::Sqlite => format!("?{}", at + 1),
        };
        ControlFlow::Continue(())
    }
}
