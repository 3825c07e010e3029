//! Commands told by their leading words.
//!
//! The parser knows some transaction control, some session commands and some DDL, and no dialect's
//! in full. The first words decide for what it knows and for what it does not alike, so that a
//! COMMIT PREPARED is never missed because a clause of it is new.

use std::sync::Arc;

use sqlparser::tokenizer::{Span, Token, Tokenizer, Word};

use super::settings;
use super::{collect::opaque_write, pragma::pragma};
use crate::{
    Dialect,
    analyze::{Analysis, fold, parser_dialect},
    plan::{Part, Reason, TransactionCommand, WritePlan},
};

/// One part per statement of a text that the parser does not take. Never empty.
pub(crate) fn classify_unparsed(reason: &Reason, cx: &Analysis<'_>) -> Vec<Part> {
    let mut parts = classify_text(cx);
    for part in &mut parts {
        if let Part::Write(WritePlan {
            unknown_scope: Some(scope),
            ..
        }) = part
        {
            *scope = reason.clone();
        }
    }
    parts
}

fn classify_text(cx: &Analysis<'_>) -> Vec<Part> {
    let tokens = match words_of(cx.text, cx) {
        Ok(tokens) => tokens,
        Err(reason) => return vec![Part::Unknown(reason)],
    };
    let statements: Vec<&[Token]> = tokens
        .split(|token| *token == Token::SemiColon)
        .filter(|tokens| !tokens.is_empty())
        .take(STATEMENTS_MAX + 1)
        .collect();
    match statements.len() {
        0 => vec![Part::Neutral],
        1 => statements
            .iter()
            .map(|tokens| classify_words(&Words(tokens), cx))
            .collect(),
        // Where quotes are uncertain, so is what stands between semicolons.
        _ if cx.quirk.is_some() || statements.len() > STATEMENTS_MAX => {
            vec![Part::Unknown(Reason::new(
                "several statements that cannot be told apart",
            ))]
        }
        // The semicolons of a body (CREATE TRIGGER .. BEGIN .. END) are no ends of statements:
        // nothing that follows can be told apart, and its END is no COMMIT.
        _ if statements
            .iter()
            .any(|tokens| Words(tokens).may_open_body()) =>
        {
            vec![
                Part::Schema { temporary: true },
                Part::Unknown(Reason::new("statements around a body")),
            ]
        }
        _ => statements
            .iter()
            .map(|tokens| classify_words(&Words(tokens), cx))
            .collect(),
    }
}

/// The part that one parsed statement is, from its rendering: semicolons belong to it.
pub(super) fn classify_rendered(text: &str, cx: &Analysis<'_>) -> Part {
    match words_of(text, cx) {
        Ok(tokens) => classify_words(&Words(&tokens), cx),
        Err(reason) => Part::Unknown(reason),
    }
}

/// The tokens of a text without white space and comments.
fn words_of(text: &str, cx: &Analysis<'_>) -> Result<Vec<Token>, Reason> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Reason::new("a text too long to look at"));
    }
    if hides_code(cx) {
        return Err(Reason::new("executable comment"));
    }
    let tokens = Tokenizer::new(parser_dialect(cx.dialect).as_ref(), text)
        .tokenize()
        .map_err(|_| Reason::new("a text that cannot be split into words"))?;
    Ok(tokens
        .into_iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect())
}

/// Executable comments hide words from the tokenizer, or from the server (R12).
fn hides_code(cx: &Analysis<'_>) -> bool {
    cx.dialect == Dialect::MySql && (cx.text.contains("/*!") || cx.text.contains("/*M!"))
}

fn classify_words(words: &Words<'_>, cx: &Analysis<'_>) -> Part {
    if let Some(command) = transaction(words, cx.dialect) {
        return command;
    }
    let Some(first) = words.upper(0) else {
        // Parentheses open queries; anything else is no statement that any server knows.
        let opens = matches!(words.0.first(), Some(Token::LParen));
        return if opens {
            unparsed_write(words)
        } else {
            unparsed()
        };
    };
    match first.as_str() {
        "SET" => settings::set(words, cx.dialect),
        "USE" | "RESET" | "DISCARD" | "UNLOCK" => Part::Session,
        "LOCK" if words.is(1, "TABLES") || cx.dialect == Dialect::MySql => Part::Session,
        // Its locks end with BEGIN.
        "FLUSH" if cx.dialect == Dialect::MySql => Part::Session,
        "PRAGMA" => pragma(words),
        "ATTACH" | "DETACH" => Part::Schema { temporary: true },
        "CREATE" | "ALTER" | "DROP" | "RENAME" | "COMMENT" | "GRANT" | "REVOKE" | "IMPORT"
        | "INSTALL" | "UNINSTALL" | "SECURITY" | "REASSIGN" => Part::Schema {
            temporary: words.make_temporary(),
        },
        "REFRESH" => refresh(words, cx),
        "SHOW" | "DESCRIBE" | "DESC" | "VACUUM" | "LISTEN" | "UNLISTEN" | "NOTIFY"
        | "CHECKPOINT" | "CLUSTER" | "REINDEX" | "KILL" | "OPTIMIZE" | "FLUSH" | "CLOSE"
        | "MOVE" | "FETCH" | "LOCK" | "PREPARE" | "DEALLOCATE" | "HELP" => Part::Neutral,
        "EXPLAIN" => {
            let runs = (1..words.0.len()).any(|at| words.is_any(at, &["ANALYZE", "ANALYSE"]));
            if runs {
                unparsed_write(words)
            } else {
                Part::Neutral
            }
        }
        // MariaDB's ANALYZE of a statement runs it.
        "ANALYZE" if cx.dialect == Dialect::MySql => {
            let plain = (1..3).any(|at| words.is(at, "TABLE"));
            if plain {
                Part::Neutral
            } else {
                unparsed_write(words)
            }
        }
        "ANALYZE" | "ANALYSE" => Part::Neutral,
        // A prepared SET or COMMIT is possible there.
        "EXECUTE" if cx.dialect == Dialect::MySql => unparsed(),
        "SELECT" | "WITH" | "VALUES" | "TABLE" | "INSERT" | "UPDATE" | "DELETE" | "REPLACE"
        | "MERGE" | "TRUNCATE" | "COPY" | "CALL" | "DO" | "LOAD" | "EXECUTE" | "DECLARE" => {
            unparsed_write(words)
        }
        _ => unparsed(),
    }
}

/// Transaction control (the rows of soundness, part 3, "Transactions and topology").
fn transaction(words: &Words<'_>, dialect: Dialect) -> Option<Part> {
    let name = |at| words.name(at, dialect);
    let from_here = |word| (1..words.0.len()).any(|at| words.is(at, word));
    let chain = || (1..words.0.len()).any(|at| words.is(at, "AND") && words.is(at + 1, "CHAIN"));
    let command = match words.upper(0)?.as_str() {
        "BEGIN" if words.is(1, "NOT") => return Some(unparsed()),
        "BEGIN" => TransactionCommand::Begin,
        "START" if words.is(1, "TRANSACTION") => TransactionCommand::Begin,
        "COMMIT" | "ROLLBACK" if words.is(1, "PREPARED") => TransactionCommand::TwoPhase,
        "PREPARE" if words.is(1, "TRANSACTION") => TransactionCommand::TwoPhase,
        "XA" => TransactionCommand::TwoPhase,
        "COMMIT" | "END" => TransactionCommand::Commit { chain: chain() },
        "ROLLBACK" if from_here("TO") => {
            let to = (1..words.0.len()).find(|at| words.is(*at, "TO"))? + 1;
            // `SAVEPOINT` itself may be a savepoint's name: it is one when nothing follows.
            let named = to + usize::from(words.is(to, "SAVEPOINT") && words.0.len() > to + 1);
            match name(named) {
                Some(name) => TransactionCommand::RollbackTo(name),
                None => return Some(unparsed()),
            }
        }
        "ROLLBACK" | "ABORT" => TransactionCommand::Rollback { chain: chain() },
        "SAVEPOINT" => match name(1) {
            Some(name) => TransactionCommand::Savepoint(name),
            None => return Some(unparsed()),
        },
        "RELEASE" => {
            let at = 1 + usize::from(words.is(1, "SAVEPOINT") && words.0.len() > 2);
            match name(at) {
                Some(name) => TransactionCommand::Release(name),
                None => return Some(unparsed()),
            }
        }
        _ => return None,
    };
    Some(Part::Transaction(command))
}

/// REFRESH MATERIALIZED VIEW, which no parser of ours knows, writes that view alone.
fn refresh(words: &Words<'_>, cx: &Analysis<'_>) -> Part {
    if !(words.is(1, "MATERIALIZED") && words.is(2, "VIEW")) {
        return unparsed_write(words);
    }
    let at = 3 + usize::from(words.is(3, "CONCURRENTLY") && words.0.len() > 4);
    let names = match words.0.get(at..).unwrap_or_default() {
        [
            Token::Word(schema),
            Token::Period,
            Token::Word(name),
            rest @ ..,
        ] => Some((Some(schema), name, rest)),
        [Token::Word(name), rest @ ..] => Some((None, name, rest)),
        _ => None,
    };
    match names {
        Some((schema, name, [] | [Token::Word(_), ..])) => {
            let schema = schema.map(|word| folded(word, cx.dialect));
            opaque_write(schema.as_deref(), &folded(name, cx.dialect), cx)
        }
        _ => unparsed_write(words),
    }
}

fn unparsed() -> Part {
    Part::Unknown(Reason::new("a statement of unknown kind"))
}

/// A known verb in a form that the parser does not take: it may write any table, but leaves the
/// session alone unless it says otherwise.
fn unparsed_write(words: &Words<'_>) -> Part {
    let makes_temporary =
        |at| words.is(at, "INTO") && words.0.get(at + 1).is_some_and(names_temporary);
    if (0..words.0.len()).any(|at| words.is(at, "SET_CONFIG") || makes_temporary(at)) {
        return unparsed();
    }
    if words.is(0, "DO") && words.0.iter().any(changes_session_inside) {
        return unparsed();
    }
    Part::Write(WritePlan {
        targets: Vec::new(),
        unknown_scope: Some(Reason::new("a statement that cannot be parsed")),
        returning: Vec::new(),
        takes_returning: false,
        error_keeps_rows: true,
    })
}

/// Whether the body of a DO block may change the session.
fn changes_session_inside(token: &Token) -> bool {
    let body = match token {
        Token::DollarQuotedString(body) => &body.value,
        Token::SingleQuotedString(body) | Token::EscapedStringLiteral(body) => body,
        _ => return false,
    };
    let body = body.to_ascii_lowercase();
    let words = ["set_config", "search_path", "execute", "temp"];
    let sets = |rest: &str| {
        let word = rest.split_whitespace().next();
        matches!(word, Some("role" | "session" | "time"))
    };
    words.iter().any(|word| body.contains(word)) || body.split("set ").skip(1).any(sets)
}

fn names_temporary(token: &Token) -> bool {
    let Token::Word(word) = token else {
        return false;
    };
    let name = word.value.to_ascii_lowercase();
    name == "temp" || name == "temporary" || name.starts_with("pg_temp")
}

fn folded(word: &Word, dialect: Dialect) -> String {
    fold(&word.to_ident(Span::empty()), dialect).into_owned()
}

/// The tokens of one statement without white space.
pub(super) struct Words<'a>(pub(super) &'a [Token]);

impl Words<'_> {
    fn word(&self, at: usize) -> Option<&Word> {
        match self.0.get(at)? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    /// The unquoted word at this place in upper case.
    pub(super) fn upper(&self, at: usize) -> Option<String> {
        self.word(at)
            .filter(|word| word.quote_style.is_none())
            .map(|word| word.value.to_ascii_uppercase())
    }

    pub(super) fn is(&self, at: usize, upper: &str) -> bool {
        self.word(at).is_some_and(|word| {
            word.quote_style.is_none() && word.value.eq_ignore_ascii_case(upper)
        })
    }

    fn is_any(&self, at: usize, upper: &[&str]) -> bool {
        upper.iter().any(|word| self.is(at, word))
    }

    fn may_open_body(&self) -> bool {
        self.is_any(0, &["CREATE", "ALTER"]) || (self.is(0, "BEGIN") && self.is(1, "NOT"))
    }

    /// CREATE [OR REPLACE] [LOCAL] TEMP .., or a name in a temporary schema.
    fn make_temporary(&self) -> bool {
        let qualifies =
            |pair: &[Token]| matches!(pair, [name, Token::Period] if names_temporary(name));
        (self.is(0, "CREATE") && self.0.iter().take(5).any(names_temporary))
            || self.0.windows(2).any(qualifies)
    }

    /// A savepoint's name, compared as the server compares it.
    fn name(&self, at: usize, dialect: Dialect) -> Option<Arc<str>> {
        let name = match self.0.get(at)? {
            Token::Word(word) => folded(word, dialect),
            // SQLite takes strings for names.
            Token::SingleQuotedString(name) | Token::DoubleQuotedString(name) => name.clone(),
            _ => return None,
        };
        let ignores_case = dialect != Dialect::Postgres;
        Some(if ignores_case {
            name.to_lowercase().into()
        } else {
            name.into()
        })
    }
}

const STATEMENTS_MAX: usize = 1_000;
const TEXT_BYTES_MAX: usize = 4 << 20;
