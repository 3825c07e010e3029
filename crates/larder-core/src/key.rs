//! The names under which a store keeps things.

use std::{fmt, sync::Arc};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0[..6] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("..")
    }
}

/// `source:schema.table` with `{ } : . %` percent-escaped in each part. One table's record, stamps
/// and entries carry it, so that they share a Redis Cluster slot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableKey(pub Arc<str>);

/// The name of a shape: condition columns with canonical kinds, and watched columns (P11). It is
/// the field of the table record and can be read back by any writer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShapeName(pub Arc<str>);

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

/// One bound dependency, by name: a shape of a table and, unless the shape has no conditions, the
/// digest of (table, shape, values).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DependencyKey {
    /// The table.
    pub table: TableKey,
    /// The shape.
    pub shape: ShapeName,
    /// Digest of the values; `None` for the empty shape, which has the shape stamp only.
    pub value: Option<Digest>,
}
