//! SeaORM's values as larder's parameters.
//!
//! SeaORM's `Value` grows and shrinks with its features. Every match here ends in an arm that says
//! "cannot be written down exactly": such a read is not cached, such a write counts as unknown.

use std::borrow::Cow;

use larder_core::Param;
use larder_sql::Dialect;
use sea_orm::{Statement, Value, sea_query::OptionEnum};
use smallvec::SmallVec;

#[cfg(any(feature = "with-chrono", feature = "with-time"))]
mod temporal;
/// Without a library for dates and times there are none.
#[cfg(not(any(feature = "with-chrono", feature = "with-time")))]
mod temporal {
    use larder_core::Param;
    use larder_sql::Dialect;
    use sea_orm::Value;

    pub(super) const fn param(_: &Value, _: Dialect) -> Option<Param<'_>> {
        None
    }

    pub(super) const fn class(_: &Value) -> u8 {
        0
    }
}
#[cfg(test)]
mod tests;

/// The parameters of one statement.
#[derive(Debug)]
pub(crate) struct Params<'a> {
    /// In the order in which the driver sends them.
    pub(crate) values: SmallVec<[Param<'a>; 4]>,
    /// Whether every one of them was written down exactly.
    pub(crate) exact: bool,
}

impl<'a> Params<'a> {
    /// The parameters of a write: what is not known exactly is known not to be known.
    pub(crate) fn of_write(statement: &'a Statement, dialect: Dialect) -> Self {
        Self::new(statement, dialect, 0)
    }

    /// The parameters of a read, followed by the classes in which they are sent: PostgreSQL and
    /// MySQL choose operators by them, so `$1` as int4 and as int8 may give different results.
    ///
    /// What else the result depends on comes last.
    pub(crate) fn of_read(statement: &'a Statement, inputs: &'a [Value], dialect: Dialect) -> Self {
        let mut params = Self::new(statement, dialect, 1);
        if dialect != Dialect::Sqlite
            && let Some(classes) = classes(statement)
        {
            params.values.push(classes);
        }
        if !inputs.is_empty() {
            let written: Option<Vec<_>> = inputs.iter().map(|it| param(it, dialect)).collect();
            params.exact &= written.is_some();
            let written = written.unwrap_or_default();
            params.values.push(Param::Array("inputs", written));
            let classes = inputs.iter().map(class).collect();
            params.values.push(Param::Other("classes", classes));
        }
        params
    }

    /// The result depends on texts beyond this one, and on what this catalog says of their tables.
    pub(crate) fn rest_on_catalog(&mut self, fingerprint: [u8; 16]) {
        let fingerprint = Cow::Owned(fingerprint.to_vec());
        self.values.push(Param::Other("catalog", fingerprint));
    }

    fn new(statement: &'a Statement, dialect: Dialect, extra: usize) -> Self {
        let Some(sent) = &statement.values else {
            return Self {
                values: SmallVec::new(),
                exact: true,
            };
        };
        let mut params = Self {
            values: SmallVec::with_capacity(sent.0.len() + extra),
            exact: true,
        };
        for value in &sent.0 {
            let param = param(value, dialect);
            params.exact &= param.is_some();
            // No column has this class, so it neither narrows nor counts as a known value.
            params
                .values
                .push(param.unwrap_or(Param::Other("unknown", Cow::Borrowed(&[]))));
        }
        params
    }
}

/// One value as it is sent; `None` = it cannot be written down exactly.
pub(crate) fn param(value: &Value, dialect: Dialect) -> Option<Param<'_>> {
    Some(match value {
        Value::Bool(Some(value)) => Param::Bool(*value),
        Value::TinyInt(Some(value)) => Param::Int((*value).into()),
        Value::SmallInt(Some(value)) => Param::Int((*value).into()),
        Value::Int(Some(value)) => Param::Int((*value).into()),
        Value::BigInt(Some(value)) => Param::Int((*value).into()),
        Value::TinyUnsigned(Some(value)) => Param::Int((*value).into()),
        Value::SmallUnsigned(Some(value)) => Param::Int((*value).into()),
        Value::Unsigned(Some(value)) => Param::Int((*value).into()),
        Value::BigUnsigned(Some(value)) => Param::Int((*value).into()),
        Value::Float(Some(value)) => Param::Float32(*value),
        Value::Double(Some(value)) => Param::Float(*value),
        Value::String(Some(value)) => Param::Text(Cow::Borrowed(value)),
        Value::Bool(None)
        | Value::TinyInt(None)
        | Value::SmallInt(None)
        | Value::Int(None)
        | Value::BigInt(None)
        | Value::TinyUnsigned(None)
        | Value::SmallUnsigned(None)
        | Value::Unsigned(None)
        | Value::BigUnsigned(None)
        | Value::Float(None)
        | Value::Double(None)
        | Value::String(None) => Param::Null,
        _ => return other(value, dialect),
    })
}

/// What is left: in a function of its own, so that the last arm of each match is reachable with
/// any set of features.
fn other(value: &Value, dialect: Dialect) -> Option<Param<'_>> {
    Some(match value {
        Value::Bytes(Some(value)) => Param::Bytes(Cow::Borrowed(value)),
        Value::Bytes(None) | Value::Char(None) | Value::Enum(OptionEnum::None(_)) => Param::Null,
        Value::Char(Some(value)) => Param::Text(Cow::Owned(value.to_string())),
        Value::Enum(OptionEnum::Some(value)) => Param::Text(Cow::Borrowed(&value.value)),
        #[cfg(feature = "with-json")]
        Value::Json(value) => value.as_ref().map_or(Param::Null, |json| {
            Param::Json(Cow::Owned(json.to_string()))
        }),
        #[cfg(feature = "with-rust_decimal")]
        Value::Decimal(value) => value.map_or(Param::Null, |value| {
            Param::Decimal(Cow::Owned(value.to_string()))
        }),
        #[cfg(feature = "with-uuid")]
        Value::Uuid(value) => value.map_or(Param::Null, |value| match dialect {
            Dialect::Postgres => Param::Uuid(*value.as_bytes()),
            // The drivers send 16 bytes.
            _ => Param::Bytes(Cow::Owned(value.as_bytes().to_vec())),
        }),
        #[cfg(feature = "postgres-array")]
        Value::Array(kind, values) => return array(kind, values.as_deref(), dialect),
        _ => return temporal::param(value, dialect),
    })
}

#[cfg(feature = "postgres-array")]
fn array<'a>(
    kind: &sea_orm::sea_query::ArrayType,
    values: Option<&'a Vec<Value>>,
    dialect: Dialect,
) -> Option<Param<'a>> {
    use sea_orm::sea_query::ArrayType;
    let tag = match kind {
        ArrayType::Bool => "bool",
        ArrayType::TinyInt => "i8",
        ArrayType::SmallInt => "i16",
        ArrayType::Int => "i32",
        ArrayType::BigInt => "i64",
        ArrayType::Float => "f32",
        ArrayType::Double => "f64",
        ArrayType::String => "text",
        ArrayType::Bytes => "bytes",
        #[cfg(feature = "with-uuid")]
        ArrayType::Uuid => "uuid",
        // Unsigned integers among them: the driver widens them before sending.
        _ => return None,
    };
    let Some(values) = values else {
        return Some(Param::Null);
    };
    let elements = values
        .iter()
        .map(|value| param(value, dialect))
        .collect::<Option<_>>()?;
    Some(Param::Array(tag, elements))
}

/// One byte per parameter: the variant, which fixes the type that the driver announces. Up to 15
/// of them are packed into a number: most statements have few, and this is on the way to every hit.
fn classes(statement: &Statement) -> Option<Param<'static>> {
    let values = statement.values.as_ref()?.0.as_slice();
    match values {
        [] => None,
        few if few.len() <= PACKED_MAX => {
            let pack = |packed, value| packed << 8 | i128::from(class(value));
            Some(Param::Int(few.iter().fold(0, pack)))
        }
        many => Some(Param::Other("classes", many.iter().map(class).collect())),
    }
}

/// Bytes of a number whose sign is left alone.
const PACKED_MAX: usize = 15;

/// Variants whose [`Param`] has a class of its own need no byte of their own, but for NULL.
fn class(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => 1,
        Value::TinyInt(_) => 2,
        Value::SmallInt(_) => 3,
        Value::Int(_) => 4,
        Value::BigInt(_) => 5,
        Value::TinyUnsigned(_) => 6,
        Value::SmallUnsigned(_) => 7,
        Value::Unsigned(_) => 8,
        Value::BigUnsigned(_) => 9,
        Value::Float(_) => 10,
        Value::Double(_) => 11,
        Value::String(_) => 12,
        _ => other_class(value),
    }
}

fn other_class(value: &Value) -> u8 {
    match value {
        Value::Bytes(_) => 13,
        Value::Char(_) | Value::Enum(_) => 12,
        #[cfg(feature = "with-json")]
        Value::Json(_) => 14,
        #[cfg(feature = "with-rust_decimal")]
        Value::Decimal(_) => 15,
        #[cfg(feature = "with-uuid")]
        Value::Uuid(_) => 16,
        _ => temporal::class(value),
    }
}
