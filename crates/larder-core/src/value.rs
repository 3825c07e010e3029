//! Parameters as they are sent, and values in canonical form.

mod canonical;
mod convert;
mod decimal;
mod encode;
mod moment;
mod words;

use std::{borrow::Cow, sync::Arc};

pub(crate) use canonical::Canonical;
pub(crate) use convert::of_param;
pub(crate) use encode::feed_params;

/// A bound parameter, by the class in which the driver sends it. Adapters map their ORM's values
/// to this; what does not fit exactly makes the query uncacheable.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Param<'a> {
    /// NULL of any type.
    Null,
    /// A boolean sent as a boolean (PostgreSQL).
    Bool(bool),
    /// A signed or unsigned integer of any width.
    Int(i128),
    /// A double; keyed by its bits.
    Float(f64),
    /// A single; keyed by its bits, apart from `Float`.
    Float32(f32),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// A UUID sent as a UUID (PostgreSQL).
    Uuid([u8; 16]),
    /// Days since 1970-01-01, sent as a date.
    Date(i64),
    /// Microseconds since midnight, sent as a time.
    Time(i64),
    /// Microseconds since 1970-01-01 00:00, sent as a timestamp without zone.
    Timestamp(i64),
    /// Microseconds since the epoch UTC, sent as an instant (PostgreSQL timestamptz).
    TimestampTz(i64),
    /// An exact decimal in plain notation, e.g. `-12.50`.
    Decimal(Cow<'a, str>),
    /// JSON text.
    Json(Cow<'a, str>),
    /// Text sent as a type that the server knows by a name of its own (PostgreSQL): the label, when
    /// it is an enum.
    Label(Cow<'a, str>),
    /// An array; the tag names the element type as sent.
    Array(&'static str, Vec<Self>),
    /// Anything else that can be written down exactly: a type tag and an injective encoding. Part
    /// of the key, never narrows.
    Other(&'static str, Cow<'a, [u8]>),
}

/// A value in the canonical form of its [`larder_sql::ValueKind`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Value {
    /// NULL.
    Null,
    /// PostgreSQL boolean.
    Bool(bool),
    /// Any integer.
    Int(i128),
    /// Text under a byte-wise NO PAD deterministic collation.
    Text(Arc<str>),
    /// UUID.
    Uuid([u8; 16]),
    /// Days since 1970-01-01.
    Date(i64),
    /// Microseconds since 1970-01-01 00:00 without zone.
    Timestamp(i64),
    /// Microseconds since the epoch, UTC.
    TimestampTz(i64),
    /// A decimal without trailing zeros, `-0` as `0`, plain notation.
    Decimal(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// Enum label.
    Enum(Arc<str>),
    /// Not NULL, and nothing more is known: all that an image can say of a column without a
    /// canonical kind. It answers `IS NULL` and leaves every equality open.
    Present,
}

#[cfg(test)]
mod tests;
