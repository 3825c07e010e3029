//! Canonical values without ownership, and how they enter a digest.

use super::{Value, decimal::DecimalParts};
use crate::key::Fields;

/// A [`Value`] that borrows from the parameter or literal it was made of, so that binding a read
/// allocates nothing for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Canonical<'a> {
    Null,
    Bool(bool),
    Int(i128),
    Text(&'a str),
    Uuid([u8; 16]),
    Date(i64),
    Timestamp(i64),
    TimestampTz(i64),
    Decimal(DecimalParts<'a>),
    Bytes(&'a [u8]),
    Enum(&'a str),
}

impl<'a> Canonical<'a> {
    /// The canonical form of a value; `None` where it has none that a condition could name.
    pub(crate) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Text(value) => Self::Text(value),
            Value::Uuid(value) => Self::Uuid(*value),
            Value::Date(value) => Self::Date(*value),
            Value::Timestamp(value) => Self::Timestamp(*value),
            Value::TimestampTz(value) => Self::TimestampTz(*value),
            // Anybody can build the variant, so its form is not trusted.
            Value::Decimal(value) => Self::Decimal(DecimalParts::parse(value)?),
            Value::Bytes(value) => Self::Bytes(value),
            Value::Enum(value) => Self::Enum(value),
            Value::Present => return None,
        })
    }

    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Text(value) => Value::Text(value.into()),
            Self::Uuid(value) => Value::Uuid(value),
            Self::Date(value) => Value::Date(value),
            Self::Timestamp(value) => Value::Timestamp(value),
            Self::TimestampTz(value) => Value::TimestampTz(value),
            Self::Decimal(value) => Value::Decimal(value.to_string().into()),
            Self::Bytes(value) => Value::Bytes(value.into()),
            Self::Enum(value) => Value::Enum(value.into()),
        }
    }

    /// Writes tag and content; two different values never write the same bytes.
    pub(crate) fn feed(self, fields: &mut Fields) {
        match self {
            Self::Null => fields.tag(0),
            Self::Bool(value) => {
                fields.tag(1);
                fields.tag(u8::from(value));
            }
            Self::Int(value) => {
                fields.tag(2);
                fields.raw(&value.to_le_bytes());
            }
            Self::Text(value) => {
                fields.tag(3);
                fields.text(value);
            }
            Self::Uuid(value) => {
                fields.tag(4);
                fields.raw(&value);
            }
            Self::Date(value) => {
                fields.tag(5);
                fields.raw(&value.to_le_bytes());
            }
            Self::Timestamp(value) => {
                fields.tag(6);
                fields.raw(&value.to_le_bytes());
            }
            Self::TimestampTz(value) => {
                fields.tag(7);
                fields.raw(&value.to_le_bytes());
            }
            Self::Decimal(value) => {
                fields.tag(8);
                value.feed(fields);
            }
            Self::Bytes(value) => {
                fields.tag(9);
                fields.bytes(value);
            }
            Self::Enum(value) => {
                fields.tag(10);
                fields.text(value);
            }
        }
    }

    /// Stands where a conjunction can have no value (`= NULL`): no row's image ever writes this.
    pub(crate) fn feed_impossible(fields: &mut Fields) {
        fields.tag(u8::MAX);
    }
}
