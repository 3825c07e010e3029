//! Values as the client library lays them out, as parameters.

use std::borrow::Cow;

use diesel::{
    mysql::{Mysql, MysqlType, MysqlValue, data_types::MysqlTime},
    sql_types::Datetime,
};
use larder_core::Param;

/// `None` = nothing exact can be said of it.
pub(super) fn param(kind: MysqlType, bytes: &[u8]) -> Option<Param<'_>> {
    Some(match kind {
        MysqlType::Tiny | MysqlType::Short | MysqlType::Long | MysqlType::LongLong => {
            Param::Int(signed(bytes)?.into())
        }
        MysqlType::UnsignedTiny
        | MysqlType::UnsignedShort
        | MysqlType::UnsignedLong
        | MysqlType::UnsignedLongLong => Param::Int(unsigned(bytes)?.into()),
        MysqlType::Float => Param::Float32(f32::from_ne_bytes(bytes.try_into().ok()?)),
        MysqlType::Double => Param::Float(f64::from_ne_bytes(bytes.try_into().ok()?)),
        MysqlType::Numeric => Param::Decimal(text(bytes)?),
        MysqlType::String => Param::Text(text(bytes)?),
        MysqlType::Blob => Param::Bytes(Cow::Borrowed(bytes)),
        MysqlType::Date => Param::Date(days(&time(kind, bytes)?)?),
        MysqlType::DateTime | MysqlType::Timestamp => {
            let time = time(kind, bytes)?;
            Param::Timestamp(days(&time)?.checked_mul(DAY)?.checked_add(of_day(&time)?)?)
        }
        MysqlType::Time => Param::Time(of_day(&time(kind, bytes)?)?),
        _ => return None,
    })
}

/// The same with ownership, where everything can be written down.
pub(super) fn owned(kind: MysqlType, bytes: &[u8]) -> Param<'static> {
    match param(kind, bytes) {
        Some(Param::Int(value)) => Param::Int(value),
        Some(Param::Float(value)) => Param::Float(value),
        Some(Param::Float32(value)) => Param::Float32(value),
        Some(Param::Date(value)) => Param::Date(value),
        Some(Param::Time(value)) => Param::Time(value),
        Some(Param::Timestamp(value)) => Param::Timestamp(value),
        Some(Param::Decimal(value)) => Param::Decimal(value.into_owned().into()),
        Some(Param::Text(value)) => Param::Text(value.into_owned().into()),
        Some(Param::Bytes(value)) => Param::Bytes(value.into_owned().into()),
        _ => Param::Other("bytes", bytes.to_vec().into()),
    }
}

/// The library lays an integer out in the width of its type, diesel-async's client in eight bytes.
fn signed(bytes: &[u8]) -> Option<i64> {
    Some(match bytes.len() {
        1 => i8::from_ne_bytes(bytes.try_into().ok()?).into(),
        2 => i16::from_ne_bytes(bytes.try_into().ok()?).into(),
        4 => i32::from_ne_bytes(bytes.try_into().ok()?).into(),
        _ => i64::from_ne_bytes(bytes.try_into().ok()?),
    })
}

fn unsigned(bytes: &[u8]) -> Option<u64> {
    Some(match bytes.len() {
        1 => u8::from_ne_bytes(bytes.try_into().ok()?).into(),
        2 => u16::from_ne_bytes(bytes.try_into().ok()?).into(),
        4 => u32::from_ne_bytes(bytes.try_into().ok()?).into(),
        _ => u64::from_ne_bytes(bytes.try_into().ok()?),
    })
}

fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

fn time(kind: MysqlType, bytes: &[u8]) -> Option<MysqlTime> {
    let value = MysqlValue::new(bytes, kind);
    let time =
        <MysqlTime as diesel::deserialize::FromSql<Datetime, Mysql>>::from_sql(value).ok()?;
    (time.time_zone_displacement == 0).then_some(time)
}

/// Days since 1970-01-01. Zero dates have none, and neither have those of ALLOW_INVALID_DATES:
/// February 31 is not March 2. The algorithm is Howard Hinnant's
/// `days_from_civil`.
fn days(time: &MysqlTime) -> Option<i64> {
    let (year, month, day) = (
        i64::from(time.year),
        i64::from(time.month),
        i64::from(time.day),
    );
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(is_leap),
        _ => return None,
    };
    (1..=last).contains(&day).then_some(())?;
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Microseconds since midnight.
fn of_day(time: &MysqlTime) -> Option<i64> {
    let seconds = i64::from(time.hour) * 3600 + i64::from(time.minute) * 60;
    let seconds = seconds + i64::from(time.second);
    let micros = i64::try_from(time.second_part).ok()?;
    (!time.neg && micros < SECOND).then_some(seconds * SECOND + micros)
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

#[cfg(test)]
mod tests {
    use diesel::mysql::data_types::MysqlTimestampType;

    use super::*;

    fn at(year: u32, month: u32, day: u32) -> MysqlTime {
        let kind = MysqlTimestampType::MYSQL_TIMESTAMP_DATETIME;
        MysqlTime::new(year, month, day, 1, 2, 3, 4, false, kind, 0)
    }

    #[test]
    fn days_count_from_1970() {
        assert_eq!(days(&at(1970, 1, 1)), Some(0));
        assert_eq!(days(&at(2000, 3, 1)), Some(11_017));
        assert_eq!(days(&at(1969, 12, 31)), Some(-1));
        assert_eq!(days(&at(2024, 2, 29)), Some(19_782));
        assert_eq!(days(&at(0, 0, 0)), None);
    }

    #[test]
    fn days_that_no_calendar_has_are_unknown() {
        for (year, month, day) in [
            (2024, 2, 30),
            (2023, 2, 29),
            (1900, 2, 29),
            (2024, 4, 31),
            (2024, 0, 1),
            (2024, 1, 0),
            (2024, 13, 1),
        ] {
            assert_eq!(days(&at(year, month, day)), None, "{year}-{month}-{day}");
        }
        assert_eq!(days(&at(2000, 2, 29)), Some(11_016));
    }

    #[test]
    fn time_of_day_is_in_microseconds() {
        assert_eq!(of_day(&at(1970, 1, 1)), Some(3_723_000_004));
    }

    #[test]
    fn numbers_read_in_their_own_width() {
        assert_eq!(param(MysqlType::Tiny, &[0xff]), Some(Param::Int(-1)));
        assert_eq!(
            param(MysqlType::UnsignedTiny, &[0xff]),
            Some(Param::Int(255))
        );
        assert_eq!(param(MysqlType::Long, &[1, 2, 3]), None);
        assert_eq!(param(MysqlType::Enum, b"a"), None);
    }
}
