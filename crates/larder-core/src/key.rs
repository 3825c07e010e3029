//! The names under which a store keeps things.

mod fields;
mod parts;

use std::{borrow::Cow, fmt, fmt::Write as _, sync::Arc};

use larder_sql::TableName;

use crate::ShapeName;

pub(crate) use fields::Fields;
pub use parts::TableKeyParts;

/// Version of every key and digest in this module. It changes whenever the same statement or the
/// same values would get another digest, so that old and new processes never share one.
pub const FORMAT_VERSION: u32 = 1;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take(6) {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("..")
    }
}

/// `namespace:source:schema.table` with `{ } : . %` percent-escaped in each part. One table's
/// record, stamps and entries carry it, so that they share a Redis Cluster slot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableKey(pub Arc<str>);

impl TableKey {
    /// The key of a table of the source with this id.
    pub fn new(namespace: &str, source: &str, table: &TableName) -> Self {
        Self::under(&Self::source_start(namespace, source), table)
    }

    /// The key of a table of the source whose keys start like this.
    pub(crate) fn under(source_start: &str, table: &TableName) -> Self {
        let bytes = source_start.len() + table.schema.len() + table.name.len() + 1;
        let mut key = String::with_capacity(bytes);
        key.push_str(source_start);
        escape(&mut key, &table.schema, is_reserved_in_table_key);
        key.push('.');
        escape(&mut key, &table.name, is_reserved_in_table_key);
        Self(key.into())
    }

    /// How every key of a source starts.
    pub(crate) fn source_start(namespace: &str, source: &str) -> String {
        let mut start = Self::start(namespace);
        escape(&mut start, source, is_reserved_in_table_key);
        start.push(':');
        start
    }

    /// Whether it is one of this namespace.
    pub fn is_in(&self, namespace: &str) -> bool {
        self.0.starts_with(&Self::start(namespace))
    }

    /// How every key of this namespace starts, and none of another.
    pub fn start(namespace: &str) -> String {
        let mut start = String::with_capacity(namespace.len() + 1);
        escape(&mut start, namespace, is_reserved_in_table_key);
        start.push(':');
        start
    }
}

impl fmt::Display for TableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Random 16 bytes standing for "this has not been written since" (P1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp(pub [u8; 16]);

/// Where an entry lies: under the first table of its query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryKey {
    /// The first table of the query.
    pub table: TableKey,
    /// Digest over everything that the result depends on but the data.
    pub digest: Digest,
}

impl EntryKey {
    /// On which of its tables' shards it lies, modulo their number (P12).
    pub fn spread(&self) -> u16 {
        let [first, second, ..] = self.digest.0;
        u16::from_le_bytes([first, second])
    }
}

/// One bound dependency, by name: a shape of a table and, unless the shape has no conditions, the
/// digest of (table, shape, values).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DependencyKey {
    /// The table.
    pub table: TableKey,
    /// The shape.
    pub shape: ShapeName,
    /// Digest of the values; `None` for a shape without conditions, which has the shape stamp only.
    pub value: Option<Digest>,
    /// On which of a table's shards its stamps lie, modulo their number (P12): a matter of the entry
    /// that rests on it, so that a hit asks one shard of each table.
    pub spread: u16,
}

impl DependencyKey {
    /// The dependency on any row and any column of this table.
    pub fn any_row(table: TableKey) -> Self {
        Self {
            table,
            shape: ShapeName::any_row(),
            value: None,
            spread: 0,
        }
    }

    /// What stands in for this dependency when its table already has as many shapes as it may have
    /// (P11): the one shape without conditions that watches every column.
    #[must_use]
    pub fn widened(&self) -> Self {
        Self {
            spread: self.spread,
            ..Self::any_row(self.table.clone())
        }
    }

    /// Whether this stands for every row and column of the other's table.
    pub(crate) fn is_whole(&self, other: &Self) -> bool {
        self.table == other.table && self.shape == ShapeName::any_row()
    }

    /// Whether the same writes drop both, on whichever shards they lie (P12).
    pub(crate) fn is_dropped_with(&self, other: &Self) -> bool {
        (&self.table, &self.shape, &self.value) == (&other.table, &other.shape, &other.value)
    }
}

/// Appends `text` with every reserved character and `%` as `%XX` of its UTF-8 bytes: injective,
/// and undone by [`unescape`].
pub(crate) fn escape(out: &mut String, text: &str, is_reserved: impl Fn(char) -> bool) {
    let is_escaped = |c| c == '%' || is_reserved(c);
    // Each piece ends with such a character, but for the last one.
    for piece in text.split_inclusive(is_escaped) {
        let clean = piece.strip_suffix(is_escaped).unwrap_or(piece);
        out.push_str(clean);
        for byte in piece.bytes().skip(clean.len()) {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Undoes [`escape`]; `None` when `text` is not something that it writes.
pub(crate) fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(text.into());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

pub(crate) fn is_reserved_in_table_key(c: char) -> bool {
    matches!(c, '{' | '}' | ':' | '.')
}

#[cfg(test)]
mod tests;
