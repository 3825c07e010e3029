//! What a SET leaves behind.

use sqlparser::tokenizer::Token;

use super::words::Words;
use crate::{Dialect, plan::Part};

/// Neutral when it changes neither what a query answers nor what a write does; a setting when what
/// it changes is read with the catalog; else a session that nobody knows.
pub(super) fn set(words: &Words<'_>, dialect: Dialect) -> Part {
    let (told, harmless) = match dialect {
        Dialect::Postgres => (TOLD_BY_POSTGRES, HARMLESS_IN_POSTGRES),
        Dialect::MySql => (TOLD_BY_MYSQL, HARMLESS_IN_MYSQL),
        Dialect::Sqlite => return Part::Session,
    };
    // SET LOCAL ends with its transaction, SET GLOBAL does not begin here.
    let at = 1 + usize::from(words.is(1, "SESSION"));
    if dialect == Dialect::MySql && words.0.contains(&Token::Comma) {
        return Part::Session;
    }
    let name = words.upper(at).unwrap_or_default().to_ascii_lowercase();
    let assigns = matches!(words.0.get(at + 1), Some(Token::Eq | Token::Assignment))
        || words.is(at + 1, "TO");
    let two_words = match dialect {
        Dialect::Postgres => {
            words.is(at, "TIME") && words.is(at + 1, "ZONE") || name == "role" && at == 1
        }
        _ => name == "names" && at == 1,
    };
    if two_words || assigns && told.contains(&name.as_str()) {
        Part::Setting
    } else if assigns && harmless.contains(&name.as_str()) {
        Part::Neutral
    } else {
        Part::Session
    }
}

/// As the queries of `introspect` ask.
const TOLD_BY_POSTGRES: &[&str] = &[
    "search_path",
    "timezone",
    "datestyle",
    "intervalstyle",
    "bytea_output",
    "extra_float_digits",
    "role",
];

const TOLD_BY_MYSQL: &[&str] = &[
    "time_zone",
    "sql_mode",
    "sql_select_limit",
    "lc_time_names",
    "collation_connection",
    "default_week_format",
    "div_precision_increment",
    "group_concat_max_len",
];

/// Change how long or how fast, never what.
const HARMLESS_IN_POSTGRES: &[&str] = &[
    "application_name",
    "client_min_messages",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "lock_timeout",
    "maintenance_work_mem",
    "statement_timeout",
    "synchronous_commit",
    "work_mem",
];

const HARMLESS_IN_MYSQL: &[&str] = &[
    "innodb_lock_wait_timeout",
    "interactive_timeout",
    "lock_wait_timeout",
    "max_execution_time",
    "max_statement_time",
    "net_read_timeout",
    "net_write_timeout",
    "wait_timeout",
];
