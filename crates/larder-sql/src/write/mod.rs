//! Everything that is not a plain query.

use sqlparser::ast::Statement;

use crate::{
    analyze::Analysis,
    plan::{Part, Reason},
};

/// Classifies a parsed statement.
pub(crate) fn classify(_statement: &Statement, _cx: &Analysis<'_>) -> Part {
    Part::Unknown(Reason::new("the statement is not understood"))
}

/// Classifies a text that could not be parsed, by its leading words.
pub(crate) fn classify_unparsed(reason: Reason, _cx: &Analysis<'_>) -> Part {
    Part::Unknown(reason)
}
