use std::sync::Arc;

use crate::Dialect;

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name as stored.
    pub name: Arc<str>,
    /// The canonical kind of its values; decides whether equality on it can narrow.
    pub kind: ValueKind,
    /// Declared type as the server prints it, with modifiers (for fingerprints and messages).
    pub declared: Arc<str>,
    /// Declared NOT NULL (or part of a primary key that implies it).
    pub not_null: bool,
    /// Computed by the server from other columns.
    pub generated: bool,
    /// AUTO_INCREMENT, serial, identity, or INTEGER PRIMARY KEY: NULL or nothing stores a number.
    pub auto_increment: bool,
    /// Has a DEFAULT other than NULL.
    pub has_default: bool,
    /// `ON UPDATE CURRENT_TIMESTAMP`.
    pub on_update: bool,
    /// Skipped by `*` and by an INSERT without a column list (INVISIBLE columns). In SQLite such
    /// an INSERT skips generated columns too.
    pub hidden: bool,
}

impl Column {
    /// A nullable column without default.
    pub fn new(name: impl Into<Arc<str>>, kind: ValueKind) -> Self {
        Self {
            name: name.into(),
            kind,
            declared: Arc::from(""),
            not_null: false,
            generated: false,
            auto_increment: false,
            has_default: false,
            on_update: false,
            hidden: false,
        }
    }
}

/// The canonical kind of a column's values. Equality narrows only inside one kind, and a value
/// counts as known only when it converts exactly (design: "Values").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueKind {
    /// An integer in `min..=max`, any width.
    Integer {
        /// Smallest value the column stores.
        min: i64,
        /// Largest value the column stores (`u64` for MySQL BIGINT UNSIGNED).
        max: u64,
    },
    /// A real boolean (PostgreSQL only).
    Bool,
    /// Text under a byte-wise, deterministic, NO PAD collation.
    Text {
        /// Longest value in characters; `None` = unbounded.
        chars_max: Option<u32>,
    },
    /// A native 16-byte UUID.
    Uuid,
    /// A calendar date.
    Date,
    /// A timestamp without time zone; `precision` = fractional digits kept (0..=6).
    Timestamp {
        /// Fractional digits stored.
        precision: u8,
    },
    /// A timestamp with time zone (an instant).
    TimestampTz {
        /// Fractional digits stored.
        precision: u8,
    },
    /// Exact decimal; `None` = unbounded. A bounded one rounds what does not fit.
    Decimal {
        /// Total digits.
        precision: Option<u32>,
        /// Fractional digits.
        scale: Option<u32>,
    },
    /// Bytes compared byte by byte without padding.
    Bytes {
        /// Longest value in bytes; `None` = unbounded.
        bytes_max: Option<u32>,
        /// Whether shorter values are padded to `bytes_max` when stored.
        fixed: bool,
    },
    /// A PostgreSQL enum, compared by label.
    Enum {
        /// The labels.
        labels: Arc<[Arc<str>]>,
    },
    /// Everything else: never narrows, and an image never knows it.
    Opaque,
}

impl ValueKind {
    /// Whether a client receives the same bytes for one canonical value, whatever was sent. An
    /// unbounded decimal keeps its zeros (R11).
    #[must_use]
    pub fn is_told_by_its_value(&self, dialect: Dialect) -> bool {
        match self {
            Self::Opaque => false,
            Self::Decimal { scale, .. } => scale.is_some() && dialect != Dialect::Sqlite,
            _ => true,
        }
    }
}
