//! What a statement is called where its text would say too much or take too much room.

use std::{fmt, str::FromStr, sync::Arc};

use larder_sql::{Dialect, without_literals};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

use crate::{TableKey, counters::ReadCounters};

/// Bytes of a statement's text that are kept to be shown.
const SHOWN_BYTES_MAX: usize = 2_000;

/// Names a normalized text: the first 8 bytes of its SHA-256, written as 16 hex digits. Calls with
/// other parameters have the same; it says nothing of them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatementId(pub [u8; 8]);

/// Names a call: the first 8 bytes of a digest of normalized text and parameters. It tells neither,
/// and lies with the entry, so that whoever knows both finds it. Zero: not known.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallDigest(pub [u8; 8]);

/// A statement that is read, as it is counted and shown. All plans of one text on one table share
/// it.
#[derive(Debug)]
pub struct Statement {
    id: StatementId,
    sql: Box<str>,
    table: Option<TableKey>,
    pub(crate) counters: ReadCounters,
}

/// Which statement a read runs, and with which parameters.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "built by whoever reads")]
pub struct NamedCall<'a> {
    /// The statement.
    pub statement: &'a Arc<Statement>,
    /// The statement with its parameters.
    pub digest: CallDigest,
}

impl StatementId {
    /// The name of a normalized text.
    #[must_use]
    pub fn of(normalized: &str) -> Self {
        Self(first(&Sha256::digest(normalized.as_bytes())))
    }
}

/// The first bytes of a longer digest.
pub(crate) fn first(digest: &[u8]) -> [u8; 8] {
    digest.first_chunk().copied().unwrap_or_default()
}

impl Statement {
    pub(crate) fn new(
        id: StatementId,
        normalized: &str,
        dialect: Dialect,
        table: Option<TableKey>,
    ) -> Self {
        let mut sql = without_literals(normalized, dialect);
        let fits = |at: &usize| sql.is_char_boundary(*at);
        let end = (0..=SHOWN_BYTES_MAX).rev().find(fits).unwrap_or(0);
        sql.truncate(end);
        Self {
            id,
            sql: sql.into(),
            table,
            counters: ReadCounters::default(),
        }
    }

    /// One for all that are not told apart.
    pub(crate) fn unnamed() -> Self {
        Self {
            id: StatementId::default(),
            sql: Box::default(),
            table: None,
            counters: ReadCounters::default(),
        }
    }

    /// Its name; zero for those that are not told apart any more.
    pub fn id(&self) -> StatementId {
        self.id
    }

    /// Its normalized text, at most 2,000 bytes of it, with `?` for every literal: it holds no value.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The first table that it reads.
    pub fn table(&self) -> Option<&TableKey> {
        self.table.as_ref()
    }
}

impl fmt::Display for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for CallDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&StatementId(self.0), f)
    }
}

/// A text is no name of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotAStatementId;

impl fmt::Display for NotAStatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a statement id is 16 hex digits")
    }
}

impl std::error::Error for NotAStatementId {}

impl FromStr for StatementId {
    type Err = NotAStatementId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u64::from_str_radix(text, 16)
            .ok()
            .filter(|_| digits)
            .map(|id| Self(id.to_be_bytes()))
            .ok_or(NotAStatementId)
    }
}

impl Serialize for StatementId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StatementId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_id_is_what_sha256sum_says_and_is_read_back() {
        // printf 'SELECT 1' | sha256sum
        let id = StatementId::of("SELECT 1");
        assert_eq!(id.to_string(), "e004ebd5b5532a4b");
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "e004", "+004ebd5b5532a4b", "g004ebd5b5532a4b"] {
            assert_eq!(wrong.parse::<StatementId>(), Err(NotAStatementId));
        }
    }

    #[test]
    fn the_shown_text_holds_no_value_and_is_cut_at_a_character() {
        let sql = format!(
            "SELECT * FROM t WHERE a = 'secret' AND b = 7 AND {}",
            "ü".repeat(2_000)
        );
        let statement = Statement::new(StatementId::of(&sql), &sql, Dialect::Postgres, None);
        assert!(
            statement
                .sql()
                .starts_with("SELECT * FROM t WHERE a = ? AND b = ? AND ü")
        );
        assert!(statement.sql().len() <= SHOWN_BYTES_MAX);
    }
}
