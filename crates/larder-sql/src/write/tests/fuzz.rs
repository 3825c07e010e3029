//! No input panics, and no write is taken for nothing.

use proptest::prelude::*;

use super::{LITE, MY, PG, catalog};
use crate::{Dialect, FunctionLists, analyze, plan::Part};

fn dialects() -> impl Strategy<Value = Dialect> {
    prop_oneof![Just(PG), Just(MY), Just(LITE)]
}

fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(TOKENS).prop_map(str::to_owned),
        1 => "[a-z]{1,3}",
        1 => any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn arbitrary_text_never_panics(dialect in dialects(), text in any::<String>()) {
        let plan = analyze(&text, &catalog(dialect), &FunctionLists::default());
        prop_assert!(text.is_empty() || !plan.parts.is_empty());
    }

    #[test]
    fn sql_like_text_never_panics(
        dialect in dialects(),
        tokens in prop::collection::vec(token(), 0..24),
    ) {
        let text = tokens.join(" ");
        let plan = analyze(&text, &catalog(dialect), &FunctionLists::default());
        prop_assert!(text.is_empty() || !plan.parts.is_empty());
    }

    /// Whatever follows a verb that writes, the text is a write or unknown.
    #[test]
    fn a_verb_that_writes_is_never_neutral(
        dialect in dialects(),
        verb in prop::sample::select(VERBS),
        tokens in prop::collection::vec(token(), 0..16),
    ) {
        let text = format!("{verb} {}", tokens.join(" "));
        let plan = analyze(&text, &catalog(dialect), &FunctionLists::default());
        let heard = plan.parts.iter().any(|part| match part {
            Part::Write(write) => !write.targets.is_empty() || write.unknown_scope.is_some(),
            Part::Unknown(_) | Part::Schema { .. } => true,
            _ => false,
        });
        prop_assert!(heard, "{}: {:?}", text, plan.parts);
    }
}

const VERBS: &[&str] = &[
    "INSERT INTO post",
    "UPDATE post SET",
    "DELETE FROM post",
    "TRUNCATE post",
    "REPLACE INTO post",
    "MERGE INTO post",
    "CALL f",
    "EXECUTE p",
    "DO",
    "COPY post FROM",
];

const TOKENS: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "INTO",
    "FROM",
    "WHERE",
    "SET",
    "VALUES",
    "WITH",
    "AS",
    "RETURNING",
    "*",
    "(",
    ")",
    ",",
    ";",
    "=",
    "post",
    "author",
    "post_view",
    "id",
    "title",
    "1",
    "'x'",
    "$1",
    "?",
    "NULL",
    "DEFAULT",
    "ON",
    "CONFLICT",
    "DO",
    "NOTHING",
    "DUPLICATE",
    "KEY",
    "JOIN",
    "USING",
    "AND",
    "OR",
    "COMMIT",
    "ROLLBACK",
    "TO",
    "SAVEPOINT",
    "BEGIN",
    "END",
    "EXPLAIN",
    "ANALYZE",
    "CREATE",
    "TABLE",
    "TEMP",
    "TRUNCATE",
    "CASCADE",
    "MERGE",
    "COPY",
    "REFRESH",
    "MATERIALIZED",
    "VIEW",
    ".",
    "\"",
    "'",
    "`",
    "/*",
    "*/",
    "--",
    "$$",
    "transfer(1)",
];
