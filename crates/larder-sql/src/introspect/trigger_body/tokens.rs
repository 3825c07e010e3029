//! A trigger's body as the words and signs of its statements.

use sqlparser::{
    dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect},
    tokenizer::{Token, Tokenizer},
};

use super::Language;

/// The tokens of a body, or a stretch of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens<'a> {
    tokens: &'a [Token],
}

/// The tokens of a whole body.
pub(super) struct Body {
    tokens: Vec<Token>,
}

impl Body {
    pub(super) fn statements(&self) -> impl Iterator<Item = Tokens<'_>> {
        self.tokens
            .split(|token| *token == Token::SemiColon)
            .map(|tokens| Tokens { tokens })
    }
}

impl<'a> Tokens<'a> {
    /// The tokens of a body, without white space and comments; for SQLite, whose body is the text
    /// of CREATE TRIGGER, from BEGIN on. `None` for what cannot be told apart or is too long.
    pub(super) fn read(language: Language, body: &str) -> Option<Body> {
        if body.len() > BODY_BYTES_MAX {
            return None;
        }
        // Executable comments (R12).
        if language == Language::MySql && (body.contains("/*!") || body.contains("/*M!")) {
            return None;
        }
        let dialect: &dyn Dialect = match language {
            Language::PlPgSql => &PostgreSqlDialect {},
            Language::MySql => &MySqlDialect {},
            Language::Sqlite => &SQLiteDialect {},
        };
        let mut tokens = Tokenizer::new(dialect, body).tokenize().ok()?;
        tokens.retain(|token| !matches!(token, Token::Whitespace(_)));
        if language == Language::Sqlite {
            let begin = tokens
                .iter()
                .position(|token| word_of(token) == Some("BEGIN".into()))?;
            tokens.drain(..begin);
        }
        Some(Body { tokens })
    }

    pub(super) fn len(self) -> usize {
        self.tokens.len()
    }

    pub(super) fn token(self, at: usize) -> Option<&'a Token> {
        self.tokens.get(at)
    }

    pub(super) fn skip(self, count: usize) -> Self {
        Self {
            tokens: self.tokens.get(count..).unwrap_or_default(),
        }
    }

    /// The unquoted word at a position, in upper case.
    pub(super) fn word(self, at: usize) -> Option<String> {
        word_of(self.tokens.get(at)?)
    }

    pub(super) fn is(self, at: usize, word: &str) -> bool {
        self.word(at).is_some_and(|found| found == word)
    }

    pub(super) fn contains(self, word: &str) -> bool {
        (0..self.len()).any(|at| self.is(at, word))
    }

    /// What follows the THEN that belongs to the IF at the start; CASE has THENs of its own.
    pub(super) fn after_then(self) -> Option<Self> {
        let mut cases = 0_usize;
        for at in 1..self.len() {
            match self.word(at).as_deref() {
                Some("CASE") => cases += 1,
                Some("END") => cases = cases.checked_sub(1)?,
                Some("THEN") if cases == 0 => return Some(self.skip(at + 1)),
                _ => {}
            }
        }
        None
    }

    /// `name = ..`, `name := ..`, `name.field := ..`
    pub(super) fn is_assignment(self) -> bool {
        let assigns = |at| matches!(self.token(at), Some(Token::Assignment | Token::Eq));
        let is_word = |at| matches!(self.token(at), Some(Token::Word(_)));
        is_word(0)
            && (assigns(1) || self.token(1) == Some(&Token::Period) && is_word(2) && assigns(3))
            && self.writes_nothing_below(1)
    }

    /// Where the target's name of an INSERT, REPLACE, UPDATE or DELETE begins.
    pub(super) fn target(self) -> Option<usize> {
        let modifiers: &[&str] = match self.word(0)?.as_str() {
            "UPDATE" => &["ONLY", "LOW_PRIORITY", "IGNORE"],
            "DELETE" => &["LOW_PRIORITY", "QUICK", "IGNORE", "FROM", "ONLY"],
            _ => &["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"],
        };
        let mut at = 1;
        loop {
            if self.is(at, "OR") {
                at += 2;
            } else if self
                .word(at)
                .is_some_and(|word| modifiers.contains(&word.as_str()))
            {
                at += 1;
            } else {
                break;
            }
        }
        // MySQL's `DELETE a FROM ..` writes several tables.
        let plain = !self.is(0, "DELETE") || self.skip(1).contains_before("FROM", at - 1);
        plain.then_some(at)
    }

    /// The name at a position, with its schema; unquoted ones folded to lower case if asked for.
    pub(super) fn name(self, at: usize, fold: bool) -> Option<(Option<String>, String)> {
        let part = |at| match self.token(at) {
            Some(Token::Word(word)) if fold && word.quote_style.is_none() => {
                Some(word.value.to_lowercase())
            }
            Some(Token::Word(word)) => Some(word.value.clone()),
            _ => None,
        };
        let first = part(at)?;
        if self.token(at + 1) == Some(&Token::Period) {
            return Some((Some(first), part(at + 2)?));
        }
        Some((None, first))
    }

    /// SET, perhaps after an alias: an UPDATE of one table.
    pub(super) fn sets_at(self, at: usize) -> bool {
        let at = if self.is(at, "AS") { at + 1 } else { at };
        self.is(at, "SET") || self.word(at).is_some() && self.is(at + 1, "SET")
    }

    /// Whether no further write hides after a position (a data-modifying WITH).
    pub(super) fn writes_nothing_below(self, from: usize) -> bool {
        (from..self.len()).all(|at| match self.word(at).as_deref() {
            Some("INSERT" | "DELETE" | "MERGE") => false,
            Some("UPDATE") => {
                at > 0
                    && ["DO", "KEY", "FOR"]
                        .iter()
                        .any(|before| self.is(at - 1, before))
            }
            _ => true,
        })
    }

    fn contains_before(self, word: &str, end: usize) -> bool {
        (0..end).any(|at| self.is(at, word))
    }
}

fn word_of(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_uppercase()),
        _ => None,
    }
}

/// Longer bodies are not read.
const BODY_BYTES_MAX: usize = 64 * 1024;
