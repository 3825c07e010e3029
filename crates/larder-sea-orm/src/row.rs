//! Cells of rows that a write has returned, or that were read before it.
//!
//! A cell is read in the class of its column and nothing else. What does not decode exactly is
//! unknown, which only makes the invalidation wider.

use std::borrow::Cow;

use larder_core::{Param, Value};
use larder_sql::{Column, Dialect, ValueKind};
use sea_orm::{QueryResult, TryGetError, TryGetable};

/// One cell, for the column of the table behind it.
pub(crate) fn read(
    row: &QueryResult,
    index: usize,
    column: &Column,
    dialect: Dialect,
) -> Option<Value> {
    let cell = Cell {
        row,
        index,
        column,
        dialect,
    };
    match &column.kind {
        ValueKind::Integer { .. } => cell.integer(),
        ValueKind::Bool => cell.decode::<bool>(|value| Some(Param::Bool(*value))),
        ValueKind::Text { .. } | ValueKind::Enum { .. } => {
            cell.decode::<String>(|value| Some(Param::Text(Cow::Borrowed(value))))
        }
        ValueKind::Bytes { .. } if dialect == Dialect::Sqlite => cell.blob(),
        ValueKind::Bytes { .. } => {
            cell.decode::<Vec<u8>>(|value| Some(Param::Bytes(Cow::Borrowed(value))))
        }
        #[cfg(feature = "with-uuid")]
        ValueKind::Uuid => cell.sea::<sea_orm::prelude::Uuid>(),
        #[cfg(feature = "with-rust_decimal")]
        // SeaORM reads SQLite decimals through a double.
        ValueKind::Decimal { .. } if dialect != Dialect::Sqlite => cell.decimal(),
        // Of a moment that no calendar has (`infinity`), the driver's decoder panics.
        _ => std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cell.temporal()))
            .unwrap_or_default(),
    }
}

/// One cell of a returned row.
#[derive(Clone, Copy)]
struct Cell<'a> {
    row: &'a QueryResult,
    index: usize,
    column: &'a Column,
    dialect: Dialect,
}

impl Cell<'_> {
    /// Drivers decode an integer only in its own width.
    fn integer(self) -> Option<Value> {
        self.decode::<i64>(|value| Some(Param::Int((*value).into())))
            .or_else(|| self.decode::<i32>(|value| Some(Param::Int((*value).into()))))
            .or_else(|| self.decode::<i16>(|value| Some(Param::Int((*value).into()))))
            .or_else(|| match self.dialect {
                Dialect::MySql => self.decode::<u64>(|value| Some(Param::Int((*value).into()))),
                _ => None,
            })
            .or_else(|| self.decode::<bool>(|value| Some(Param::Int((*value).into()))))
    }

    /// A BLOB column may hold text, which no blob equals, and the driver reads both as bytes. It
    /// names the class of a value only where it refuses to read it.
    fn blob(self) -> Option<Value> {
        let is_blob = || match self.row.try_get_by_index_nullable::<String>(self.index) {
            Err(TryGetError::DbErr(error)) => error.to_string().contains("SQL type `BLOB`"),
            _ => false,
        };
        self.decode::<Vec<u8>>(|value| is_blob().then_some(Param::Bytes(Cow::Borrowed(value))))
    }

    /// A number that is too long for the library reaches it rounded, without an error.
    #[cfg(feature = "with-rust_decimal")]
    fn decimal(self) -> Option<Value> {
        self.known::<sea_orm::prelude::Decimal>(|value| {
            let text = value.to_string();
            let param = Param::Decimal(Cow::Borrowed(&text));
            is_unrounded(&text)
                .then(|| Value::from_param(self.column, self.dialect, &param))
                .flatten()
        })
    }

    fn temporal(self) -> Option<Value> {
        // SQLite keeps text; its condition values are not dates.
        if self.dialect == Dialect::Sqlite {
            return None;
        }
        match &self.column.kind {
            #[cfg(feature = "with-chrono")]
            ValueKind::Date => self.sea::<sea_orm::prelude::ChronoDate>(),
            #[cfg(feature = "with-chrono")]
            ValueKind::Timestamp { .. } => self.sea::<sea_orm::prelude::ChronoDateTime>(),
            #[cfg(feature = "with-chrono")]
            ValueKind::TimestampTz { .. } => self.sea::<sea_orm::prelude::ChronoDateTimeUtc>(),
            #[cfg(all(feature = "with-time", not(feature = "with-chrono")))]
            ValueKind::Date => self.sea::<sea_orm::prelude::TimeDate>(),
            #[cfg(all(feature = "with-time", not(feature = "with-chrono")))]
            ValueKind::Timestamp { .. } => self.sea::<sea_orm::prelude::TimeDateTime>(),
            #[cfg(all(feature = "with-time", not(feature = "with-chrono")))]
            ValueKind::TimestampTz { .. } => {
                self.sea::<sea_orm::prelude::TimeDateTimeWithTimeZone>()
            }
            _ => None,
        }
    }

    /// Decodes as `T` and writes it down as the same value would be sent.
    #[cfg(any(feature = "with-chrono", feature = "with-time", feature = "with-uuid"))]
    fn sea<T: TryGetable + Clone + Into<sea_orm::Value>>(self) -> Option<Value> {
        self.known::<T>(|value| {
            let sent: sea_orm::Value = value.clone().into();
            Value::from_param(
                self.column,
                self.dialect,
                &crate::param::param(&sent, self.dialect)?,
            )
        })
    }

    fn decode<T: TryGetable>(self, param: impl Fn(&T) -> Option<Param<'_>>) -> Option<Value> {
        self.known::<T>(|value| Value::from_param(self.column, self.dialect, &param(value)?))
    }

    fn known<T: TryGetable>(self, value: impl Fn(&T) -> Option<Value>) -> Option<Value> {
        match self.row.try_get_by_index_nullable::<T>(self.index) {
            Ok(decoded) => value(&decoded),
            // The row says NULL; a declared NOT NULL says that it was misread.
            Err(TryGetError::Null(_)) if !self.column.not_null => Some(Value::Null),
            Err(_) => None,
        }
    }
}

/// Any 28 digits fit, so that what was rounded has as many at least.
#[cfg(feature = "with-rust_decimal")]
fn is_unrounded(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() < 28
}

#[cfg(all(test, feature = "with-rust_decimal"))]
mod tests {
    use sea_orm::prelude::Decimal;

    use super::is_unrounded;

    #[test]
    fn decimals_that_may_have_been_rounded_are_unknown() {
        let read = |text: &str| is_unrounded(&text.parse::<Decimal>().unwrap().to_string());
        for exact in [
            "0",
            "-1.50",
            "123456789012345678901234567",
            "0.00000000000000000001",
        ] {
            assert!(read(exact), "{exact}");
        }
        for rounded in [
            "12345.1234567890123456789012345678",
            "0.30000000000000000000000000000000001",
            "7.00000000000000000000000000000000001",
            "9.00000000000000000000000000000000001",
            "-99999999999.00000000000000000000000001",
            "0.00000000000000000000000000000000001",
        ] {
            assert!(!read(rounded), "{rounded}");
        }
    }
}
