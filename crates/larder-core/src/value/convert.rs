//! Which parameters and literals are, as sent, exactly a value of a column.
//!
//! Everything here errs in one direction: `None` means "not known", which widens a condition and
//! leaves a cell of an image open. Each function is a table; what is not in it is not known.

use larder_sql::{
    Column, Dialect, Literal,
    ValueKind::{
        self, Bool, Bytes, Date, Decimal, Enum, Integer, Text, Timestamp, TimestampTz, Uuid,
    },
};

use super::{Canonical, Param, Value, decimal::DecimalParts, moment};

impl Value {
    /// The value that `column = parameter` asks for; `None` unless the class in which the parameter
    /// is sent is the column's own and the value converts exactly.
    pub fn from_param(column: &Column, dialect: Dialect, param: &Param<'_>) -> Option<Self> {
        of_param(&column.kind, dialect, param).map(Canonical::to_value)
    }

    /// The value that `column = literal` asks for; `None` as for [`Value::from_param`]. An untyped
    /// PostgreSQL string takes the column's type, so there it counts in its exact canonical form.
    pub fn from_literal(column: &Column, dialect: Dialect, literal: &Literal) -> Option<Self> {
        of_literal(&column.kind, dialect, literal)
    }

    /// What the column holds after `column = parameter` in VALUES or SET (W6): known only where
    /// the server stores it unchanged. The caller vouches for what a column cannot tell: no BEFORE
    /// trigger or rule, no IGNORE, a plain parameter.
    pub fn stored_from_param(column: &Column, dialect: Dialect, param: &Param<'_>) -> Option<Self> {
        let value = of_param(&column.kind, dialect, param)?;
        is_stored_unchanged(column, dialect, value).then(|| value.to_value())
    }

    /// What the column holds after `column = literal` in VALUES or SET (W6), as
    /// [`Value::stored_from_param`].
    pub fn stored_from_literal(
        column: &Column,
        dialect: Dialect,
        literal: &Literal,
    ) -> Option<Self> {
        let value = of_literal(&column.kind, dialect, literal)?;
        is_stored_unchanged(column, dialect, Canonical::of(&value)?).then_some(value)
    }

    /// What a row holds, from a cell that the server returned. Nothing but NULL and "not NULL" is
    /// known of a cell without an exact canonical form.
    pub fn received(column: &Column, dialect: Dialect, cell: &Param<'_>) -> Self {
        Self::from_param(column, dialect, cell).unwrap_or(Self::Present)
    }
}

/// [`Value::from_param`] without ownership.
pub(crate) fn of_param<'a>(
    kind: &ValueKind,
    dialect: Dialect,
    param: &'a Param<'_>,
) -> Option<Canonical<'a>> {
    let postgres = dialect == Dialect::Postgres;
    // SQLite has none of these classes: drivers send text or blobs in shapes of their own.
    let server = postgres || dialect == Dialect::MySql;
    Some(match (kind, param) {
        (_, Param::Null) => Canonical::Null,
        (Integer { min, max }, Param::Int(value)) => integer(*value, *min, *max)?,
        // MySQL and SQLite have no booleans: drivers send 0 and 1.
        (Integer { min, max }, Param::Bool(value)) if !postgres => {
            integer(i128::from(*value), *min, *max)?
        }
        (Bool, Param::Bool(value)) if postgres => Canonical::Bool(*value),
        (Text { .. }, Param::Text(value)) => text(dialect, value)?,
        (Uuid, Param::Uuid(value)) if postgres => Canonical::Uuid(*value),
        (Date, Param::Date(days)) if server => Canonical::Date(moment::days(*days)?),
        (Timestamp { precision }, Param::Timestamp(micros)) if server => {
            Canonical::Timestamp(moment::micros(*micros, *precision)?)
        }
        (TimestampTz { precision }, Param::TimestampTz(micros)) if postgres => {
            Canonical::TimestampTz(moment::micros(*micros, *precision)?)
        }
        (Decimal { .. }, Param::Decimal(value)) if server => {
            Canonical::Decimal(DecimalParts::parse(value)?)
        }
        (Bytes { bytes_max, fixed }, Param::Bytes(value)) => bytes(value, *bytes_max, *fixed)?,
        // `enum = text` does not exist on the server, so text can only have come through a cast to
        // the enum, which reads the label as it is.
        (Enum { labels }, Param::Text(value) | Param::Label(value)) if postgres => labels
            .iter()
            .any(|label| **label == **value)
            .then_some(Canonical::Enum(value))?,
        _ => return None,
    })
}

fn of_literal(kind: &ValueKind, dialect: Dialect, literal: &Literal) -> Option<Value> {
    let postgres = dialect == Dialect::Postgres;
    let server = postgres || dialect == Dialect::MySql;
    let value = match (kind, literal) {
        (_, Literal::Null) => Canonical::Null,
        (Integer { min, max }, Literal::Number(number)) => {
            integer(integer_literal(number)?, *min, *max)?
        }
        (Integer { min, max }, Literal::Bool(value)) if !postgres => {
            integer(i128::from(*value), *min, *max)?
        }
        (Bool, Literal::Bool(value)) if postgres => Canonical::Bool(*value),
        (Text { .. }, Literal::Text(value)) => text(dialect, value)?,
        // `5` is an integer, another class than numeric.
        (Decimal { .. }, Literal::Number(number)) if server && number.contains('.') => {
            Canonical::Decimal(DecimalParts::parse(number)?)
        }
        (Bytes { bytes_max, fixed }, Literal::Bytes(value)) => bytes(value, *bytes_max, *fixed)?,
        (_, Literal::Text(value)) if postgres => return of_untyped(kind, value),
        _ => return None,
    };
    Some(value.to_value())
}

/// An untyped PostgreSQL string, read by the input function of the column's type. Only spellings
/// that have one meaning under every setting count.
fn of_untyped(kind: &ValueKind, text: &str) -> Option<Value> {
    Some(match kind {
        Integer { min, max } => {
            let value: i128 = text.parse().ok()?;
            (value.to_string() == text).then_some(())?;
            integer(value, *min, *max)?.to_value()
        }
        Bool => Value::Bool(match text {
            "t" | "true" => true,
            "f" | "false" => false,
            _ => return None,
        }),
        Uuid => Value::Uuid(moment::uuid(text)?),
        Date => Value::Date(moment::parse_date(text)?),
        Timestamp { precision } => {
            Value::Timestamp(moment::micros(moment::parse_timestamp(text)?, *precision)?)
        }
        TimestampTz { precision } => {
            Value::TimestampTz(moment::micros(moment::parse_instant(text)?, *precision)?)
        }
        Decimal { .. } => Canonical::Decimal(DecimalParts::parse(text)?).to_value(),
        Bytes { bytes_max, fixed } => {
            let value = moment::hex(text.strip_prefix("\\x")?)?;
            bytes(&value, *bytes_max, *fixed)?.to_value()
        }
        Enum { labels } => Value::Enum(labels.iter().find(|label| ***label == *text)?.clone()),
        _ => return None,
    })
}

/// Whether the server stores what was sent, to the last bit.
fn is_stored_unchanged(column: &Column, dialect: Dialect, value: Canonical<'_>) -> bool {
    if column.generated {
        return false;
    }
    let mysql = dialect == Dialect::MySql;
    match (&column.kind, value) {
        (_, Canonical::Null) => !column.not_null && !column.auto_increment,
        // 0 into AUTO_INCREMENT draws a number.
        (Integer { .. }, Canonical::Int(0)) => !(mysql && column.auto_increment),
        (Text { chars_max }, Canonical::Text(text)) if mysql => {
            // MySQL may replace what the column's character set lacks, and counts some lengths in
            // bytes: only ASCII is certain.
            text.is_ascii() && chars_max.is_none_or(|most| text.len() <= most as usize)
        }
        (Text { chars_max }, Canonical::Text(text)) => {
            chars_max.is_none_or(|most| text.chars().count() <= most as usize)
        }
        (Decimal { precision, scale }, Canonical::Decimal(value)) => value.fits(*precision, *scale),
        (Bytes { bytes_max, .. }, Canonical::Bytes(value)) => {
            bytes_max.is_none_or(|most| value.len() <= most as usize)
        }
        // Range, precision and label were part of the conversion.
        _ => true,
    }
}

fn integer(value: i128, min: i64, max: u64) -> Option<Canonical<'static>> {
    (i128::from(min) <= value && value <= i128::from(max)).then_some(Canonical::Int(value))
}

/// Decimal digits with an optional sign: no point, exponent, `0x`, or separators.
fn integer_literal(number: &str) -> Option<i128> {
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| number.parse().ok()).flatten()
}

/// MySQL's CHAR loses trailing spaces, or gains them by sql_mode, whatever its collation.
fn text(dialect: Dialect, value: &str) -> Option<Canonical<'_>> {
    (dialect != Dialect::MySql || !value.ends_with(' ')).then_some(Canonical::Text(value))
}

/// A shorter value in a column that pads is not the one that comes back.
fn bytes(value: &[u8], bytes_max: Option<u32>, fixed: bool) -> Option<Canonical<'_>> {
    let has_full_length = bytes_max.is_some_and(|most| value.len() == most as usize);
    (!fixed || has_full_length).then_some(Canonical::Bytes(value))
}
