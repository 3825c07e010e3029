//! From SQL text to a [`Plan`]: parsing, and the rules for reads (R1-R12, X1).
//!
//! Everything here errs in one direction. A read that is not fully understood is not cached, a
//! condition that is not fully understood narrows nothing, and a text that cannot be parsed counts
//! as a write to every table. What writes do is the `write` module's, which shares name
//! resolution, operands and conditions with reads.

mod columns;
mod condition;
mod ctes;
mod dates;
mod effects;
mod expressions;
mod from;
mod functions;
mod instance;
mod joins;
mod names;
mod normal;
mod operand;
mod operation;
mod read;
mod reader;
mod resolve;
mod scope;
mod shown;
mod sources;
mod text;

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use sqlparser::{
    ast::{Expr, Statement},
    dialect::{Dialect as ParserDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect},
    parser::Parser,
};

pub(crate) use self::{
    effects::{FunctionEffect, functions_of},
    names::fold,
    operand::{is_type_of, operand_for},
    sources::view_query,
};
pub use shown::{parameters_of, without_literals};

use crate::{
    Catalog, Dialect, Table,
    plan::{Part, Plan, Reason, Term},
};
pub(crate) use text::Quirk;
use text::Text;

/// Functions that the user vouches for, by lower-case name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionLists {
    /// The result depends on the arguments alone and no table is read: results are cached.
    pub pure: BTreeSet<String>,
    /// The result varies, but no table is written: not cached, and not counted as a write.
    pub harmless: BTreeSet<String>,
}

/// What analysis of one text knows from the start.
#[derive(Debug)]
pub(crate) struct Analysis<'a> {
    /// The schema.
    pub(crate) catalog: &'a Catalog,
    /// The user's function lists.
    pub(crate) functions: &'a FunctionLists,
    /// The dialect of the catalog.
    pub(crate) dialect: Dialect,
    /// The text as it was sent.
    pub(crate) text: &'a str,
    /// Why the text may mean something else to the server than to the parser (R12).
    pub(crate) quirk: Option<Quirk>,
    /// Whether the positions of parameters are certain; otherwise none of them is an operand.
    pub(crate) parameters_numbered: bool,
    /// Whether string literals hold exactly what the parser read.
    pub(crate) strings_exact: bool,
}

/// Analyses one SQL text against a catalog. Work is bounded for any input, and nothing panics.
pub fn analyze(sql: &str, catalog: &Catalog, functions: &FunctionLists) -> Plan {
    // The parser recurses, in debug builds with frames that a thread of 2 MiB cannot hold.
    stacker::maybe_grow(STACK_BYTES / 2, STACK_BYTES, || {
        analyze_text(sql, catalog, functions)
    })
}

/// Stack for the deepest tree that the bounds on nesting let through; pages are taken as needed.
const STACK_BYTES: usize = 64 << 20;

fn analyze_text(sql: &str, catalog: &Catalog, functions: &FunctionLists) -> Plan {
    let mut cx = Analysis {
        catalog,
        functions,
        dialect: catalog.dialect,
        text: sql,
        quirk: None,
        parameters_numbered: false,
        strings_exact: false,
    };
    let statements = match text::read(sql, catalog) {
        Ok(text) => {
            cx.quirk = text.quirk.clone();
            cx.parameters_numbered = text.parameters_numbered;
            cx.strings_exact = text.strings_exact;
            parse(&text, catalog.dialect).map(|statements| (text, statements))
        }
        Err(reason) => Err(reason),
    };
    match statements {
        Ok((text, statements)) => Plan {
            normalized: normal::render(&text, &statements, &cx),
            variable_arity: statements.iter().any(effects::arity_varies),
            parts: statements.iter().map(|s| part(s, &cx)).collect(),
        },
        Err(reason) => Plan {
            normalized: Arc::from(sql),
            variable_arity: false,
            parts: crate::write::classify_unparsed(&reason, &cx),
        },
    }
}

/// The conjunctions, each on `table` alone, one of which a row of it must satisfy for `condition`
/// to hold; a conjunction without terms is any row. `alias` is the name by which the statement
/// calls the table, when it is not its own.
pub(crate) fn row_conditions(
    condition: Option<&Expr>,
    table: &Arc<Table>,
    alias: Option<&str>,
    other_sources_present: bool,
    cx: &Analysis<'_>,
) -> Vec<Vec<Term>> {
    condition.map_or_else(
        || vec![Vec::new()],
        |condition| read::single_row(condition, table, alias, other_sources_present, cx),
    )
}

fn part(statement: &Statement, cx: &Analysis<'_>) -> Part {
    let Statement::Query(query) = statement else {
        return crate::write::classify(statement, cx);
    };
    if effects::holds_write(statement) {
        return crate::write::classify(statement, cx);
    }
    match functions_of(statement, cx) {
        FunctionEffect::Pure | FunctionEffect::Harmless => Part::Read(read::plan(query, cx)),
        FunctionEffect::Session => Part::Session,
        FunctionEffect::MayWrite => crate::write::classify(statement, cx),
    }
}

fn parse(text: &Text, dialect: Dialect) -> Result<Vec<Statement>, Reason> {
    let parser_dialect = parser_dialect(dialect);
    Parser::new(parser_dialect.as_ref())
        .with_recursion_limit(text::DEPTH_MAX)
        .with_tokens_with_locations(text.tokens.clone())
        .parse_statements()
        .map_err(|_| Reason::new("the text could not be parsed"))
        .and_then(|statements| {
            let empty = statements.is_empty();
            (!empty)
                .then_some(statements)
                .ok_or_else(|| Reason::new("the text holds no statement"))
        })
}

pub(crate) fn parser_dialect(dialect: Dialect) -> Box<dyn ParserDialect> {
    match dialect {
        Dialect::Postgres => Box::new(PostgreSqlDialect {}),
        Dialect::MySql => Box::new(MySqlDialect {}),
        Dialect::Sqlite => Box::new(SQLiteDialect {}),
    }
}
