//! Function calls in a trigger's body: any function beyond these may write.

use sqlparser::tokenizer::Token;

use super::tokens::Tokens;
use crate::{Catalog, catalog::Volatility};

/// Whether every call in the statement is of a function that writes no table. `target` is the
/// written table's place, counted from the end; a column list may follow it.
pub(super) fn all_harmless(
    statement: Tokens<'_>,
    target: Option<usize>,
    catalog: &Catalog,
) -> bool {
    let target = target.and_then(|rest| statement.len().checked_sub(rest));
    (1..statement.len()).all(|at| {
        statement.token(at) != Some(&Token::LParen)
            || Some(at) == target
            || may_stand_before_parenthesis(statement, at - 1, catalog)
    })
}

fn may_stand_before_parenthesis(statement: Tokens<'_>, at: usize, catalog: &Catalog) -> bool {
    if !matches!(statement.token(at), Some(Token::Word(_))) {
        return true;
    }
    // A quoted or qualified name may be anyone's function.
    let Some(word) = statement.word(at) else {
        return false;
    };
    if at > 0 && statement.token(at - 1) == Some(&Token::Period) {
        return false;
    }
    if KEYWORDS.contains(&word.as_str()) {
        return true;
    }
    // A user's function of the same name may be chosen for other argument types.
    let name = word.to_lowercase();
    HARMLESS.contains(&name.as_str())
        && catalog
            .functions
            .get(name.as_str())
            .is_none_or(|known| *known < Volatility::Volatile)
}

/// Words of the grammar and types with modifiers.
const KEYWORDS: &[&str] = &[
    "ALL",
    "AND",
    "ANY",
    "AS",
    "BETWEEN",
    "BIT",
    "BY",
    "CASE",
    "CHAR",
    "CHARACTER",
    "CONFLICT",
    "DATETIME",
    "DECIMAL",
    "DISTINCT",
    "ELSE",
    "ELSEIF",
    "ELSIF",
    "EXISTS",
    "FROM",
    "HAVING",
    "IF",
    "IN",
    "INT",
    "INTEGER",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "LIKE",
    "LIMIT",
    "NOT",
    "NUMERIC",
    "ON",
    "OR",
    "OVER",
    "RAISE",
    "RETURN",
    "ROW",
    "SELECT",
    "SET",
    "SOME",
    "THEN",
    "TIME",
    "TIMESTAMP",
    "UNION",
    "USING",
    "VALUES",
    "VARCHAR",
    "WHEN",
    "WHERE",
];

/// Built-in functions of the three databases that an everyday trigger calls. `pg_notify` and the
/// sequence functions have effects, but write no table.
const HARMLESS: &[&str] = &[
    "abs",
    "array_length",
    "array_to_string",
    "cast",
    "ceil",
    "char_length",
    "clock_timestamp",
    "coalesce",
    "concat",
    "concat_ws",
    "convert",
    "count",
    "current_setting",
    "current_timestamp",
    "curdate",
    "curtime",
    "database",
    "date",
    "date_add",
    "date_sub",
    "date_trunc",
    "datetime",
    "exists",
    "extract",
    "floor",
    "format",
    "gen_random_uuid",
    "greatest",
    "hex",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_build_object",
    "json_object",
    "jsonb_build_object",
    "jsonb_each",
    "jsonb_object_agg",
    "julianday",
    "last_insert_id",
    "least",
    "left",
    "length",
    "localtimestamp",
    "lower",
    "ltrim",
    "max",
    "md5",
    "min",
    "mod",
    "nextval",
    "currval",
    "now",
    "nullif",
    "pg_column_size",
    "pg_notify",
    "position",
    "quote",
    "random",
    "rand",
    "regexp_replace",
    "replace",
    "right",
    "round",
    "row_to_json",
    "rtrim",
    "setweight",
    "sha1",
    "sha2",
    "split_part",
    "statement_timestamp",
    "strftime",
    "substr",
    "substring",
    "sum",
    "sysdate",
    "time",
    "to_char",
    "to_json",
    "to_jsonb",
    "to_tsvector",
    "transaction_timestamp",
    "trim",
    "typeof",
    "unix_timestamp",
    "unixepoch",
    "upper",
    "utc_timestamp",
    "uuid",
    "uuid_short",
];
