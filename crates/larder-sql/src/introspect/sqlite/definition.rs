//! What only the stored CREATE texts tell: collations, conflict clauses, trigger events.

use std::collections::BTreeSet;

use sqlparser::{
    dialect::SQLiteDialect,
    tokenizer::{Token, Tokenizer},
};

/// What a CREATE TABLE text says beyond the pragmas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableText {
    /// Lower-case names of the columns whose collation is not BINARY; `None` = any column's may be.
    pub(super) collated: Option<BTreeSet<String>>,
    /// Whether some constraint is ON CONFLICT REPLACE.
    pub(super) conflict_replaces: bool,
    /// Whether some constraint is ON CONFLICT FAIL or ROLLBACK.
    pub(super) conflict_keeps_rows: bool,
}

/// What a CREATE TRIGGER text says before its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TriggerEvent {
    pub(super) before: bool,
    pub(super) on_insert: bool,
    pub(super) on_update: bool,
    pub(super) on_delete: bool,
}

impl TableText {
    /// Nothing is known: the safe side of all.
    fn unreadable() -> Self {
        Self {
            collated: None,
            conflict_replaces: true,
            conflict_keeps_rows: true,
        }
    }

    pub(super) fn read(sql: Option<&str>) -> Self {
        let Some(tokens) = sql.and_then(tokens) else {
            return Self::unreadable();
        };
        let on_conflict = |word| {
            tokens.windows(2).any(
                |pair| matches!(pair, [first, second] if is(first, "CONFLICT") && is(second, word)),
            )
        };
        Self {
            collated: collated(&tokens),
            conflict_replaces: on_conflict("REPLACE"),
            conflict_keeps_rows: on_conflict("FAIL") || on_conflict("ROLLBACK"),
        }
    }
}

/// Walks the items between the outermost parentheses. The first token of an item is a column's
/// name or a constraint's keyword, which no column without a COLLATE clause is confused with.
fn collated(tokens: &[Token]) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut depth = 0_usize;
    let mut item = None;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.checked_sub(1)?,
            _ => {}
        }
        let starts = matches!(token, Token::LParen | Token::Comma) && depth == 1;
        if starts && !(*token == Token::LParen && item.is_some()) {
            item = tokens.get(at + 1).and_then(identifier);
        }
        if is(token, "COLLATE") {
            let collation = tokens.get(at + 1).and_then(identifier)?;
            if !collation.eq_ignore_ascii_case("binary") {
                found.insert(item.clone()?.to_lowercase());
            }
        }
    }
    Some(found)
}

impl TriggerEvent {
    /// Any event, for a text that could not be read.
    const ANY: Self = Self {
        before: true,
        on_insert: true,
        on_update: true,
        on_delete: true,
    };

    pub(super) fn read(sql: Option<&str>) -> Self {
        let Some(tokens) = sql.and_then(tokens) else {
            return Self::ANY;
        };
        let mut after_name = tokens
            .iter()
            .position(|token| is(token, "TRIGGER"))
            .map_or(&[] as &[Token], |at| {
                tokens.get(at + 1..).unwrap_or_default()
            });
        if let [first, second, third, rest @ ..] = after_name
            && is(first, "IF")
            && is(second, "NOT")
            && is(third, "EXISTS")
        {
            after_name = rest;
        }
        after_name = match after_name {
            [_, Token::Period, _, rest @ ..] | [_, rest @ ..] => rest,
            [] => return Self::ANY,
        };
        let before = after_name
            .first()
            .is_some_and(|t| is(t, "BEFORE") || is(t, "INSTEAD"));
        let event = after_name.iter().take(3).find_map(|token| match token {
            token if is(token, "INSERT") => Some((true, false, false)),
            token if is(token, "UPDATE") => Some((false, true, false)),
            token if is(token, "DELETE") => Some((false, false, true)),
            _ => None,
        });
        event.map_or(Self::ANY, |(on_insert, on_update, on_delete)| Self {
            before,
            on_insert,
            on_update,
            on_delete,
        })
    }
}

/// The SELECT of a CREATE VIEW text: what follows its first AS. `None` when the view renames its
/// columns, which the SELECT alone would not show.
pub(super) fn view_select(sql: &str) -> Option<String> {
    let tokens = Tokenizer::new(&SQLiteDialect {}, sql).tokenize().ok()?;
    let at = tokens.iter().position(|token| is(token, "AS"))?;
    let (header, body) = tokens.split_at_checked(at)?;
    if header.contains(&Token::LParen) {
        return None;
    }
    Some(
        body.iter()
            .skip(1)
            .map(ToString::to_string)
            .collect::<String>()
            .trim()
            .to_owned(),
    )
}

fn tokens(sql: &str) -> Option<Vec<Token>> {
    let mut tokens = Tokenizer::new(&SQLiteDialect {}, sql).tokenize().ok()?;
    tokens.retain(|token| !matches!(token, Token::Whitespace(_)));
    Some(tokens)
}

fn is(token: &Token, keyword: &str) -> bool {
    matches!(token, Token::Word(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword))
}

/// SQLite takes a string where a name is due.
fn identifier(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) => Some(word.value.clone()),
        Token::SingleQuotedString(name) | Token::DoubleQuotedString(name) => Some(name.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collated_in(sql: &str) -> Option<Vec<String>> {
        TableText::read(Some(sql))
            .collated
            .map(|names| names.into_iter().collect())
    }

    #[test]
    fn columns_with_a_collation_are_found() {
        let sql = "CREATE TABLE \"t\" (id INTEGER PRIMARY KEY, -- a, b COLLATE NOCASE
            a varchar(3) NOT NULL DEFAULT ('x, y') COLLATE NOCASE, [B b] TEXT COLLATE RTRIM,
            c TEXT COLLATE binary, d TEXT DEFAULT 'COLLATE NOCASE', UNIQUE (c, d))";
        assert_eq!(
            collated_in(sql),
            Some(vec!["a".to_owned(), "b b".to_owned()])
        );
        assert_eq!(collated_in("CREATE TABLE t (a TEXT COLLATE"), None);
        assert_eq!(TableText::read(None), TableText::unreadable());
    }

    #[test]
    fn conflict_clause_that_replaces_is_found() {
        let replaces = |sql| TableText::read(Some(sql)).conflict_replaces;
        assert!(replaces("CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE)"));
        assert!(replaces(
            "CREATE TABLE t (a, UNIQUE (a) on conflict/**/replace)"
        ));
        assert!(!replaces(
            "CREATE TABLE t (a UNIQUE ON CONFLICT IGNORE, b DEFAULT 'CONFLICT REPLACE')"
        ));
    }

    #[test]
    fn conflict_clause_that_keeps_rows_is_found() {
        let keeps = |sql| TableText::read(Some(sql)).conflict_keeps_rows;
        assert!(keeps("CREATE TABLE t (a UNIQUE ON CONFLICT FAIL)"));
        assert!(keeps("CREATE TABLE t (a NOT NULL ON CONFLICT ROLLBACK)"));
        assert!(!keeps("CREATE TABLE t (a UNIQUE ON CONFLICT ABORT)"));
        assert!(TableText::read(None).conflict_keeps_rows);
    }

    #[test]
    fn trigger_event_is_read_from_the_header() {
        let event = |sql| TriggerEvent::read(Some(sql));
        assert_eq!(
            event(
                "CREATE TEMP TRIGGER IF NOT EXISTS main.\"update\" AFTER DELETE ON t BEGIN SELECT 1; END"
            ),
            TriggerEvent {
                before: false,
                on_insert: false,
                on_update: false,
                on_delete: true
            }
        );
        assert_eq!(
            event("CREATE TRIGGER x INSTEAD OF UPDATE OF a ON v BEGIN SELECT 1; END"),
            TriggerEvent {
                before: true,
                on_insert: false,
                on_update: true,
                on_delete: false
            }
        );
        assert_eq!(event("CREATE TRIGGER"), TriggerEvent::ANY);
    }

    #[test]
    fn view_text_is_cut_to_its_select() {
        assert_eq!(
            view_select("CREATE VIEW v AS SELECT a AS b FROM t"),
            Some("SELECT a AS b FROM t".to_owned())
        );
        assert_eq!(view_select("CREATE VIEW v (x) AS SELECT a FROM t"), None);
    }
}
