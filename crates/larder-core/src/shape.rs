//! Shapes: the part of a dependency that is known without its values, and what a change does to it.
//!
//! A shape lives in the table record under its *name*, which any process may have written, with
//! another catalog or another version of this crate. The name says all that is needed to compute
//! digests; whoever cannot read it, or disagrees with it, drops the record (P11).

mod affected;
mod met;
mod name;
mod words;

use std::sync::{Arc, LazyLock};

use larder_sql::{Table, ValueKind, plan::Columns};

use crate::{
    TableKey,
    key::{Digest, Fields},
    value::Canonical,
};

pub use affected::Affected;
pub(crate) use affected::ReadyShape;
pub use met::MetShapes;
pub(crate) use met::ready;
pub use words::{ShapeCondition, ShapeWords};

/// A shape has at most so many condition columns; the rest of a conjunction widens.
pub(crate) const CONDITIONS_MAX: usize = 16;

/// The name of a shape: condition columns with canonical kinds, and watched columns (P11). It is
/// the field of the table record and can be read back by any writer.
///
/// `1|author_id:int,deleted_at:null|title` is version 1, `author_id = ? AND deleted_at IS NULL`,
/// watching `title` besides; `*` watches every column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShapeName(pub Arc<str>);

impl ShapeName {
    /// The shape without conditions that watches every column.
    pub fn any_row() -> Self {
        static ANY_ROW: LazyLock<ShapeName> =
            LazyLock::new(|| ShapeName(Shape::any_row().encode().into()));
        ANY_ROW.clone()
    }
}

/// What is asked of one condition column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Equality, with values of this kind.
    Equal(Kind),
    /// `IS NULL`.
    Null,
}

/// A canonical kind by name: two columns of one kind write equal values as equal digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    /// Byte-wise, deterministic, NO PAD: the only collation that has a canonical form.
    Text,
    Uuid,
    Date,
    Timestamp,
    TimestampTz,
    Decimal,
    Bytes,
    /// Padded by the server to a fixed length.
    FixedBytes,
    Enum,
}

impl Kind {
    /// The kind of a column; `None` when equality on it cannot narrow.
    pub(crate) fn of(kind: &ValueKind) -> Option<Self> {
        Some(match kind {
            ValueKind::Integer { .. } => Self::Int,
            ValueKind::Bool => Self::Bool,
            ValueKind::Text { .. } => Self::Text,
            ValueKind::Uuid => Self::Uuid,
            ValueKind::Date => Self::Date,
            ValueKind::Timestamp { .. } => Self::Timestamp,
            ValueKind::TimestampTz { .. } => Self::TimestampTz,
            ValueKind::Decimal { .. } => Self::Decimal,
            ValueKind::Bytes { fixed: false, .. } => Self::Bytes,
            ValueKind::Bytes { fixed: true, .. } => Self::FixedBytes,
            ValueKind::Enum { .. } => Self::Enum,
            _ => return None,
        })
    }

    /// Whether a canonical value is one of this kind.
    pub(crate) fn holds(self, value: Canonical<'_>) -> bool {
        self == match value {
            Canonical::Null => return false,
            Canonical::Bool(_) => Self::Bool,
            Canonical::Int(_) => Self::Int,
            Canonical::Text(_) => Self::Text,
            Canonical::Uuid(_) => Self::Uuid,
            Canonical::Date(_) => Self::Date,
            Canonical::Timestamp(_) => Self::Timestamp,
            Canonical::TimestampTz(_) => Self::TimestampTz,
            Canonical::Decimal(_) => Self::Decimal,
            Canonical::Bytes(_) => return matches!(self, Self::Bytes | Self::FixedBytes),
            Canonical::Enum(_) => Self::Enum,
        }
    }
}

/// A shape, read from its name or made from a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// By column name, sorted and without repetition, so that the order of columns in a catalog
    /// does not matter.
    pub(crate) conditions: Vec<(Arc<str>, Asked)>,
    /// Watched besides the condition columns, sorted; `None` = every column.
    pub(crate) watched: Option<Vec<Arc<str>>>,
}

impl Shape {
    pub(crate) const fn any_row() -> Self {
        Self {
            conditions: Vec::new(),
            watched: None,
        }
    }

    /// The shape of these conditions (columns by position). `named` are the columns that the
    /// statement names; a condition column counts as watched in any case.
    pub(crate) fn new(table: &Table, asked: &[(usize, Asked)], named: &Columns) -> Self {
        let name_of = |position: &usize| table.columns.get(*position).map(|c| c.name.clone());
        let mut conditions: Vec<_> = asked
            .iter()
            .filter_map(|(position, asked)| Some((name_of(position)?, *asked)))
            .collect();
        conditions.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut watched = match named {
            Columns::Some(positions) => positions.iter().map(name_of).collect::<Option<Vec<_>>>(),
            _ => None,
        };
        if let Some(names) = &mut watched {
            names.retain(|name| conditions.iter().all(|(condition, _)| condition != name));
            names.sort();
            names.dedup();
            // All columns and `*` are one shape instead of two. An empty name (SQLite allows it)
            // could not be told from an empty list.
            let is_all = names.len() + conditions.len() >= table.columns.len();
            if is_all || names.iter().any(|name| name.is_empty()) {
                watched = None;
            }
        }
        Self {
            conditions,
            watched,
        }
    }

    /// The state of a digest of this shape's values before the values.
    pub(crate) fn fields(table: &TableKey, name: &ShapeName) -> Fields {
        let mut fields = Fields::new("larder dependency");
        fields.text(&table.0);
        fields.text(&name.0);
        fields.align();
        fields
    }
}

/// The digest of one value per condition, in the order of the shape.
pub(crate) fn digest_of<'a>(
    fields: &Fields,
    values: impl IntoIterator<Item = Canonical<'a>>,
) -> Digest {
    let mut fields = fields.clone();
    for value in values {
        value.feed(&mut fields);
    }
    fields.digest()
}

#[cfg(test)]
mod tests;
