//! Everything that is not a plain query: what a statement writes, and what kind of command it is.
//!
//! Reads are analysed to narrow; writes are analysed not to miss anything. Where a target, a row
//! or a value is not certain, the answer here is the larger one: unknown value, opaque table,
//! unknown scope, unknown statement, in this order.

mod chosen;
mod collect;
mod delete;
mod insert;
mod names;
mod pragma;
mod returning;
mod rows;
mod settings;
mod stored;
mod update;
mod words;

#[cfg(test)]
mod tests;

use sqlparser::ast::{Expr, Statement, UtilityOption};

pub(crate) use self::words::classify_unparsed;
use self::{collect::Writes, names::is_temporary_name};
use crate::{
    Dialect,
    analyze::Analysis,
    plan::{Part, Reason},
};

/// The part that a parsed statement is, unless it is a query that only reads.
pub(crate) fn classify(statement: &Statement, cx: &Analysis<'_>) -> Part {
    let part = kind_of(statement, cx);
    let changes_session = || collect::changes_session(statement, cx);
    match part {
        Part::Neutral if changes_session() => Part::Session,
        Part::Write(_) if changes_session() => {
            Part::Unknown(Reason::new("a write that changes the session"))
        }
        part => part,
    }
}

fn kind_of(statement: &Statement, cx: &Analysis<'_>) -> Part {
    match statement {
        Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_)
        | Statement::Truncate(_)
        | Statement::Call(_) => Part::Write(Writes::of(statement, cx)),
        Statement::Query(_) => write_or_neutral(statement, cx),
        // What follows the data of a COPY in the same text has been swallowed by the parser.
        Statement::Copy { values, .. } if !values.is_empty() => {
            Part::Unknown(Reason::new("copy with data in its text"))
        }
        Statement::Copy { to: false, .. } => Part::Write(Writes::of(statement, cx)),
        Statement::Copy { .. } | Statement::Declare { .. } => write_or_neutral(statement, cx),
        Statement::Explain {
            analyze, options, ..
        } => {
            let runs = *analyze || options.iter().flatten().any(is_analyze);
            if runs {
                write_or_neutral(statement, cx)
            } else {
                explained(statement, cx)
            }
        }
        // Only EXECUTE runs what is prepared, and that counts as unknown.
        Statement::Prepare { .. } => Part::Neutral,
        Statement::CreateTable(create) => Part::Schema {
            temporary: create.temporary || is_temporary_name(&create.name),
        },
        Statement::CreateView(create) => Part::Schema {
            temporary: create.temporary || is_temporary_name(&create.name),
        },
        Statement::StartTransaction {
            statements,
            exception,
            has_end_keyword,
            ..
        } if !statements.is_empty() || exception.is_some() || *has_end_keyword => {
            Part::Unknown(Reason::new("a block of statements"))
        }
        _ => by_words(statement, cx),
    }
}

/// Commands are told by their first words, the same for those that the parser knows and for those
/// that it does not.
fn by_words(statement: &Statement, cx: &Analysis<'_>) -> Part {
    let part = words::classify_rendered(&statement.to_string(), cx);
    match collect::may_write(statement, cx) {
        Some(reason) if !matches!(part, Part::Schema { .. }) => Part::Unknown(reason),
        _ => part,
    }
}

/// A statement that runs a query: a write when something in it writes, else nothing of interest.
fn write_or_neutral(statement: &Statement, cx: &Analysis<'_>) -> Part {
    if let Some(temporary) = collect::made_table(statement, cx) {
        return Part::Schema { temporary };
    }
    let writes = Writes::of(statement, cx);
    if writes.targets.is_empty() && writes.unknown_scope.is_none() {
        Part::Neutral
    } else {
        Part::Write(writes)
    }
}

/// EXPLAIN plans and does not run, but MySQL may materialize derived tables while planning.
fn explained(statement: &Statement, cx: &Analysis<'_>) -> Part {
    match collect::may_write(statement, cx) {
        Some(_) if cx.dialect == Dialect::MySql => Part::Write(Writes::of(statement, cx)),
        _ => Part::Neutral,
    }
}

fn is_analyze(option: &UtilityOption) -> bool {
    let off = option.arg.as_ref().is_some_and(|arg| {
        matches!(arg, Expr::Identifier(_) | Expr::Value(_))
            && ["false", "off", "0"].contains(&arg.to_string().to_ascii_lowercase().as_str())
    });
    let name = option.name.value.to_ascii_lowercase();
    (name == "analyze" || name == "analyse") && !off
}
