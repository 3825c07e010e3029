//! Values in PostgreSQL's binary format, as parameters.

use std::borrow::Cow;

use larder_core::Param;

use super::{arrays, numeric, types};

/// The value of a type that comes with the server, or a label of one that does not; `None` = of a
/// kind that nothing exact can be said of.
pub(super) fn param(oid: u32, bytes: &[u8]) -> Option<Param<'_>> {
    Some(match oid {
        BOOL => Param::Bool(match bytes {
            [0] => false,
            [1] => true,
            _ => return None,
        }),
        INT2 => Param::Int(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        INT4 => Param::Int(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        INT8 => Param::Int(i64::from_be_bytes(bytes.try_into().ok()?).into()),
        FLOAT4 => Param::Float32(f32::from_be_bytes(bytes.try_into().ok()?)),
        FLOAT8 => Param::Float(f64::from_be_bytes(bytes.try_into().ok()?)),
        // Not bpchar, which ignores spaces at the end.
        TEXT | VARCHAR => Param::Text(text(bytes)?),
        BYTEA => Param::Bytes(Cow::Borrowed(bytes)),
        UUID => Param::Uuid(bytes.try_into().ok()?),
        DATE => match i32::from_be_bytes(bytes.try_into().ok()?) {
            i32::MIN | i32::MAX => return None,
            days => Param::Date(i64::from(days) + DAYS_BEFORE_2000),
        },
        TIME => Param::Time(i64::from_be_bytes(bytes.try_into().ok()?)),
        TIMESTAMP => Param::Timestamp(since_the_epoch(bytes)?),
        TIMESTAMPTZ => Param::TimestampTz(since_the_epoch(bytes)?),
        NUMERIC => Param::Decimal(Cow::Owned(numeric::text(bytes)?)),
        JSON => Param::Json(text(bytes)?),
        JSONB => match bytes.split_first()? {
            (1, json) => Param::Json(text(json)?),
            _ => return None,
        },
        _ => match arrays::element_name(oid) {
            Some(name) => arrays::param(name, bytes)?,
            None if types::is_array(oid) => arrays::param("label", bytes)?,
            None if oid >= FIRST_OF_ITS_OWN => Param::Label(text(bytes)?),
            None => return None,
        },
    })
}

/// The same with ownership, where everything can be written down.
pub(super) fn owned(oid: u32, bytes: &[u8]) -> Param<'static> {
    match param(oid, bytes) {
        Some(param) => into_owned(param),
        None => Param::Other("bytes", bytes.to_vec().into()),
    }
}

pub(super) fn into_owned(param: Param<'_>) -> Param<'static> {
    match param {
        Param::Null => Param::Null,
        Param::Bool(value) => Param::Bool(value),
        Param::Int(value) => Param::Int(value),
        Param::Float(value) => Param::Float(value),
        Param::Float32(value) => Param::Float32(value),
        Param::Text(value) => Param::Text(value.into_owned().into()),
        Param::Bytes(value) => Param::Bytes(value.into_owned().into()),
        Param::Uuid(value) => Param::Uuid(value),
        Param::Date(value) => Param::Date(value),
        Param::Time(value) => Param::Time(value),
        Param::Timestamp(value) => Param::Timestamp(value),
        Param::TimestampTz(value) => Param::TimestampTz(value),
        Param::Decimal(value) => Param::Decimal(value.into_owned().into()),
        Param::Json(value) => Param::Json(value.into_owned().into()),
        Param::Label(value) => Param::Label(value.into_owned().into()),
        Param::Array(name, elements) => {
            Param::Array(name, elements.into_iter().map(into_owned).collect())
        }
        Param::Other(name, value) => Param::Other(name, value.into_owned().into()),
        // `Param` may grow; what is not known here is never made here either.
        _ => Param::Other("unknown", Cow::Borrowed(&[])),
    }
}

fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

/// Microseconds; the infinities are none.
fn since_the_epoch(bytes: &[u8]) -> Option<i64> {
    match i64::from_be_bytes(bytes.try_into().ok()?) {
        i64::MIN | i64::MAX => None,
        micros => micros.checked_add(MICROS_BEFORE_2000),
    }
}

pub(super) const BOOL: u32 = 16;
pub(super) const BYTEA: u32 = 17;
pub(super) const INT8: u32 = 20;
pub(super) const INT2: u32 = 21;
pub(super) const INT4: u32 = 23;
pub(super) const TEXT: u32 = 25;
pub(super) const JSON: u32 = 114;
pub(super) const FLOAT4: u32 = 700;
pub(super) const FLOAT8: u32 = 701;
pub(super) const VARCHAR: u32 = 1043;
pub(super) const DATE: u32 = 1082;
pub(super) const TIME: u32 = 1083;
pub(super) const TIMESTAMP: u32 = 1114;
pub(super) const TIMESTAMPTZ: u32 = 1184;
pub(super) const NUMERIC: u32 = 1700;
pub(super) const UUID: u32 = 2950;
pub(super) const JSONB: u32 = 3802;

/// Types that users create have numbers from here on.
pub(super) const FIRST_OF_ITS_OWN: u32 = 16384;

/// The server counts from 2000-01-01.
const DAYS_BEFORE_2000: i64 = 10_957;
const MICROS_BEFORE_2000: i64 = 946_684_800_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_what_they_are() {
        let cases: [(u32, &[u8], Param<'_>); 12] = [
            (BOOL, &[1], Param::Bool(true)),
            (INT2, &[0xff, 0xfe], Param::Int(-2)),
            (INT4, &[0, 0, 0, 7], Param::Int(7)),
            (INT8, &[0, 0, 0, 0, 0, 0, 0, 9], Param::Int(9)),
            (TEXT, b"a", Param::Text("a".into())),
            (UUID, &[7; 16], Param::Uuid([7; 16])),
            // 2000-01-02.
            (DATE, &[0, 0, 0, 1], Param::Date(10_958)),
            (TIMESTAMP, &[0; 8], Param::Timestamp(946_684_800_000_000)),
            (
                TIMESTAMPTZ,
                &[0, 0, 0, 0, 0, 0, 0, 1],
                Param::TimestampTz(946_684_800_000_001),
            ),
            (JSONB, b"\x01{}", Param::Json("{}".into())),
            (FLOAT8, &1.5_f64.to_be_bytes(), Param::Float(1.5)),
            (70_000, b"red", Param::Label("red".into())),
        ];
        for (oid, bytes, expected) in cases {
            assert_eq!(param(oid, bytes), Some(expected), "type {oid}");
        }
    }

    #[test]
    fn what_is_not_exact_is_nothing() {
        for (oid, bytes) in [
            (DATE, &i32::MAX.to_be_bytes()[..]),
            (TIMESTAMP, &i64::MIN.to_be_bytes()[..]),
            (BOOL, &[2]),
            (INT4, &[0]),
            (TEXT, &[0xff]),
            (JSONB, b"\x02{}"),
            // bpchar, interval.
            (1042, b"a "),
            (1186, &[0; 16]),
        ] {
            assert_eq!(param(oid, bytes), None, "type {oid}");
        }
    }

    #[test]
    fn owned_values_say_the_same() {
        assert_eq!(owned(TEXT, b"a"), Param::Text("a".into()));
        assert_eq!(
            owned(1042, b"a "),
            Param::Other("bytes", Cow::Borrowed(b"a "))
        );
    }
}
