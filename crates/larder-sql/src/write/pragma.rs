//! Which of SQLite's PRAGMAs leave the session as it is.

use sqlparser::tokenizer::Token;

use super::words::Words;
use crate::plan::Part;

/// Neutral when it changes neither what a query answers nor what a write does.
pub(super) fn pragma(words: &Words<'_>) -> Part {
    let qualified = usize::from(matches!(words.0.get(2), Some(Token::Period))) * 2;
    let name = words
        .upper(1 + qualified)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let asks_only = words.0.len() <= 2 + qualified;
    let harmless = PRAGMAS_THAT_TUNE.contains(&name.as_str())
        || PRAGMAS_THAT_READ.contains(&name.as_str())
        || (asks_only && PRAGMAS_TO_ASK.contains(&name.as_str()))
        // Without a journal ROLLBACK is undefined.
        || (name == "journal_mode" && !(0..words.0.len()).any(|at| words.is(at, "OFF")));
    if harmless {
        Part::Neutral
    } else {
        Part::Session
    }
}

/// Read whatever their argument.
const PRAGMAS_THAT_READ: &[&str] = &[
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "module_list",
    "page_count",
    "pragma_list",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Change how fast or how durable, never what. `foreign_keys` is here because cascades are always
/// taken to run.
const PRAGMAS_THAT_TUNE: &[&str] = &[
    "analysis_limit",
    "application_id",
    "auto_vacuum",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "checkpoint_fullfsync",
    "foreign_keys",
    "fullfsync",
    "hard_heap_limit",
    "incremental_vacuum",
    "journal_size_limit",
    "locking_mode",
    "max_page_count",
    "mmap_size",
    "optimize",
    "page_size",
    "secure_delete",
    "shrink_memory",
    "soft_heap_limit",
    "synchronous",
    "temp_store",
    "threads",
    "user_version",
    "wal_autocheckpoint",
    "wal_checkpoint",
];

/// Only tell when they stand without a value.
const PRAGMAS_TO_ASK: &[&str] = &[
    "case_sensitive_like",
    "defer_foreign_keys",
    "encoding",
    "ignore_check_constraints",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "schema_version",
    "trusted_schema",
];
