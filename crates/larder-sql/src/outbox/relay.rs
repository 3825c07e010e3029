//! The statements of a relay, and what their rows mean.

use super::{Outbox, TABLE, mysql, text::quoted};
use crate::{Catalog, Dialect};

/// One row of [`Outbox::claim`], as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claimed {
    /// By which it is trimmed.
    pub id: Box<str>,
    /// The written table's schema or database, and its name; `None` = unreadable.
    pub table: Option<(String, String)>,
    /// The word of the operation, in upper case.
    pub operation: Box<str>,
    /// The row before as a JSON object; `None` = it did not exist, or is not told.
    pub old: Option<String>,
    /// The row after, likewise.
    pub new: Option<String>,
    /// Microseconds between the recording and the claim, by the server's clock.
    pub age_micros: u64,
}

impl Outbox {
    /// Asks whether anything is recorded: one row or none.
    #[must_use]
    pub fn peek(&self) -> String {
        // By an index: what was deleted and not yet vacuumed is passed over faster there.
        let order = match self.dialect {
            Dialect::Postgres => " ORDER BY recorded_at",
            Dialect::MySql | Dialect::Sqlite => "",
        };
        format!("SELECT '1' FROM {}{order} LIMIT 1", self.table())
    }

    /// The oldest rows, at most so many, every output column of which is text. On servers with row
    /// locks they are locked, to be trimmed in the same READ COMMITTED transaction, and rows that
    /// another relay has locked are passed over where the server can do so.
    #[must_use]
    pub fn claim(&self, rows_max: usize, catalog: Option<&Catalog>) -> String {
        let table = self.table();
        match self.dialect {
            Dialect::Postgres => format!(
                "SELECT id::text, table_schema, table_name, operation, old_row::text, \
                 new_row::text, (extract(epoch FROM clock_timestamp() - recorded_at) \
                 * 1000000)::bigint::text FROM {table} ORDER BY recorded_at LIMIT {rows_max} \
                 FOR UPDATE SKIP LOCKED"
            ),
            // In hex, since a connection may have a character set that lacks some letters.
            Dialect::MySql => format!(
                "SELECT CAST(id AS CHAR), HEX(table_schema), HEX(table_name), \
                 CAST(operation AS CHAR), HEX(old_row), HEX(new_row), \
                 CAST(TIMESTAMPDIFF(MICROSECOND, recorded_at, UTC_TIMESTAMP(6)) AS CHAR) \
                 FROM {table} ORDER BY id LIMIT {rows_max} FOR UPDATE{skip}",
                skip = if catalog.is_some_and(skips_locked) {
                    " SKIP LOCKED"
                } else {
                    ""
                },
            ),
            // In hex, since text there may be no UTF-8.
            Dialect::Sqlite => format!(
                "SELECT CAST(id AS TEXT), hex(table_schema), hex(table_name), \
                 CAST(operation AS TEXT), hex(old_row), hex(new_row), CAST(CAST((julianday('now') - 2440587.5) \
                 * 86400000000.0 AS INTEGER) - recorded_at AS TEXT) \
                 FROM {table} ORDER BY id LIMIT {rows_max}"
            ),
        }
    }

    /// Whether claim and trim belong into one transaction. SQLite's relays may claim the same rows,
    /// which does no harm.
    #[must_use]
    pub fn locks_rows(&self) -> bool {
        self.dialect != Dialect::Sqlite
    }

    /// One row of [`claim`](Self::claim); `None` when it is none.
    #[must_use]
    pub fn read(&self, row: Vec<Option<String>>) -> Option<Claimed> {
        let [id, schema, name, operation, old, new, age] = <[_; 7]>::try_from(row).ok()?;
        let id = id.filter(|id| is_id(id))?;
        let hex = self.dialect != Dialect::Postgres;
        let text = |field: Option<String>| match field {
            Some(digits) if hex => from_hex(&digits),
            field => field,
        };
        let age_micros = age.and_then(|age| age.parse().ok()).unwrap_or_default();
        Some(Claimed {
            id: id.into(),
            table: text(schema).zip(text(name)),
            operation: operation.unwrap_or_default().to_ascii_uppercase().into(),
            old: text(old).filter(|image| !image.is_empty()),
            new: text(new).filter(|image| !image.is_empty()),
            age_micros,
        })
    }

    /// Deletes claimed rows; `None` when there are none.
    #[must_use]
    pub fn trim(&self, claimed: &[Claimed]) -> Option<String> {
        let ids: Vec<&str> = claimed.iter().map(|row| &*row.id).collect();
        let (table, list) = (self.table(), ids.join(","));
        (!ids.is_empty()).then(|| match self.dialect {
            // One literal, however many there are: the statement is one to those who count them.
            Dialect::Postgres => {
                format!("DELETE FROM {table} WHERE id = ANY ('{{{list}}}'::uuid[])")
            }
            // By key, one row after the other: `IN` may scan a small table, and wait for rows that
            // another relay has locked.
            Dialect::MySql => format!(
                "DELETE entry FROM (SELECT {list} AS id) AS claimed \
                 STRAIGHT_JOIN {table} AS entry FORCE INDEX (PRIMARY) ON entry.id = claimed.id",
                list = ids.join(" AS id UNION ALL SELECT ")
            ),
            Dialect::Sqlite => format!("DELETE FROM {table} WHERE id IN ({list})"),
        })
    }

    /// The characters from which on a text may have been cut; `None` = it is told in full.
    #[must_use]
    pub fn text_chars_cut(&self) -> Option<usize> {
        (self.dialect == Dialect::MySql).then_some(mysql::TEXT_CHARS)
    }

    /// The column whose bytes, not its value, a member of an image tells.
    #[must_use]
    pub fn told_in_bytes<'a>(&self, member: &'a str) -> Option<&'a str> {
        let bytes = self.dialect == Dialect::MySql;
        bytes.then(|| member.strip_suffix(mysql::BYTES)).flatten()
    }

    /// Whether such a member says that the bytes are too many.
    #[must_use]
    pub fn is_untold(&self, bytes: &str) -> bool {
        bytes == mysql::UNTOLD
    }

    fn table(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{TABLE}", quoted('"', schema)),
            None => TABLE.to_owned(),
        }
    }
}

/// A number, or a UUID: what the statement that trims may hold.
fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    (1..=36).contains(&id.len()) && id.bytes().all(is_plain)
}

fn from_hex(digits: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    let mut pairs = digits.as_bytes().chunks_exact(2);
    for pair in pairs.by_ref() {
        let pair = std::str::from_utf8(pair).ok()?;
        bytes.push(u8::from_str_radix(pair, 16).ok()?);
    }
    let complete = pairs.remainder().is_empty();
    complete.then(|| String::from_utf8(bytes).ok())?
}

/// MySQL since 8.0, MariaDB since 10.6. Without it, relays wait for each other.
fn skips_locked(catalog: &Catalog) -> bool {
    let version = catalog.session_setting("version").unwrap_or_default();
    let mut numbers = version
        .split(|letter: char| !letter.is_ascii_digit())
        .map_while(|number| number.parse::<u32>().ok());
    let version_of = (numbers.next(), numbers.next());
    let least = if version.contains("MariaDB") {
        (10, 6)
    } else {
        (8, 0)
    };
    version_of >= (Some(least.0), Some(least.1))
}
