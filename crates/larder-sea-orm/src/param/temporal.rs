//! Dates and times of chrono and time.
//!
//! Where the driver sends a class that larder knows, the parameter has it. SQLite gets text that
//! differs by library, offset and fraction; there, and where a fraction is finer than a
//! microsecond, the value keeps its exact parts under a tag of its own, which never narrows.

use std::borrow::Cow;

use larder_core::Param;
use larder_sql::Dialect;
use sea_orm::Value;

pub(super) fn param(value: &Value, dialect: Dialect) -> Option<Param<'_>> {
    #[cfg(feature = "with-chrono")]
    if let Some(found) = chrono_types::param(value, dialect) {
        return found;
    }
    #[cfg(feature = "with-time")]
    if let Some(found) = time_types::param(value, dialect) {
        return found;
    }
    None
}

pub(super) fn class(value: &Value) -> u8 {
    #[cfg(feature = "with-chrono")]
    if let Some(class) = chrono_types::class(value) {
        return class;
    }
    #[cfg(feature = "with-time")]
    if let Some(class) = time_types::class(value) {
        return class;
    }
    let _ = value;
    0
}

/// What a library tells of one value.
enum Moment {
    /// Days since 1970-01-01.
    Date(i64),
    /// Nanoseconds since midnight.
    Time(i64),
    /// Seconds and nanoseconds since 1970-01-01 00:00, no zone.
    Local(i64, u32),
    /// Seconds and nanoseconds since the epoch, and the offset from UTC in seconds.
    Instant(i64, u32, i32),
}

impl Moment {
    fn param(self, tag: &'static str, dialect: Dialect) -> Param<'static> {
        if dialect != Dialect::Sqlite {
            match self {
                Self::Date(days) => return Param::Date(days),
                Self::Time(nanos) if nanos % 1_000 == 0 => return Param::Time(nanos / 1_000),
                Self::Local(seconds, nanos) => {
                    if let Some(micros) = micros(seconds, nanos) {
                        return Param::Timestamp(micros);
                    }
                }
                // MySQL may get a text that holds the offset.
                Self::Instant(seconds, nanos, _) if dialect == Dialect::Postgres => {
                    if let Some(micros) = micros(seconds, nanos) {
                        return Param::TimestampTz(micros);
                    }
                }
                _ => {}
            }
        }
        Param::Other(tag, Cow::Owned(self.parts()))
    }

    fn parts(&self) -> Vec<u8> {
        let (kind, first, second, third) = match *self {
            Self::Date(days) => (b'd', days, 0, 0),
            Self::Time(nanos) => (b't', nanos, 0, 0),
            Self::Local(seconds, nanos) => (b'l', seconds, nanos, 0),
            Self::Instant(seconds, nanos, offset) => (b'i', seconds, nanos, offset),
        };
        let mut parts = vec![kind];
        parts.extend_from_slice(&first.to_be_bytes());
        parts.extend_from_slice(&second.to_be_bytes());
        parts.extend_from_slice(&third.to_be_bytes());
        parts
    }
}

fn micros(seconds: i64, nanos: u32) -> Option<i64> {
    if !nanos.is_multiple_of(1_000) {
        return None;
    }
    seconds
        .checked_mul(1_000_000)?
        .checked_add(i64::from(nanos / 1_000))
}

#[cfg(feature = "with-chrono")]
mod chrono_types {
    use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike};
    use larder_core::Param;
    use larder_sql::Dialect;
    use sea_orm::Value;

    use super::Moment;

    /// The outer `None` = another library's value; the inner one = not exact.
    pub(super) fn param(value: &Value, dialect: Dialect) -> Option<Option<Param<'static>>> {
        let moment = match value {
            Value::ChronoDate(value) => value.map(|value| Some(date(value))),
            Value::ChronoTime(value) => value.map(time),
            Value::ChronoDateTime(value) => value.map(local),
            Value::ChronoDateTimeUtc(value) => value.map(|value| instant(&value)),
            Value::ChronoDateTimeLocal(value) => value.map(|value| instant(&value)),
            Value::ChronoDateTimeWithTimeZone(value) => value.map(|value| instant(&value)),
            _ => return None,
        };
        Some(match moment {
            None => Some(Param::Null),
            Some(moment) => moment.map(|moment| moment.param("chrono", dialect)),
        })
    }

    pub(super) const fn class(value: &Value) -> Option<u8> {
        Some(match value {
            Value::ChronoDate(_) => 17,
            Value::ChronoTime(_) => 18,
            Value::ChronoDateTime(_) => 19,
            Value::ChronoDateTimeUtc(_) | Value::ChronoDateTimeLocal(_) => 20,
            Value::ChronoDateTimeWithTimeZone(_) => 21,
            _ => return None,
        })
    }

    fn date(value: NaiveDate) -> Moment {
        Moment::Date(value.signed_duration_since(NaiveDate::default()).num_days())
    }

    fn time(value: NaiveTime) -> Option<Moment> {
        let nanos = value.nanosecond();
        (nanos < LEAP).then(|| {
            Moment::Time(
                i64::from(value.num_seconds_from_midnight()) * i64::from(LEAP) + i64::from(nanos),
            )
        })
    }

    fn local(value: NaiveDateTime) -> Option<Moment> {
        let utc = value.and_utc();
        let nanos = utc.timestamp_subsec_nanos();
        (nanos < LEAP).then(|| Moment::Local(utc.timestamp(), nanos))
    }

    fn instant<Z: TimeZone>(value: &DateTime<Z>) -> Option<Moment> {
        let nanos = value.timestamp_subsec_nanos();
        let offset = value.offset().fix().local_minus_utc();
        (nanos < LEAP).then(|| Moment::Instant(value.timestamp(), nanos, offset))
    }

    /// chrono writes a leap second as a fraction of one second or more; drivers differ on it.
    const LEAP: u32 = 1_000_000_000;
}

#[cfg(feature = "with-time")]
mod time_types {
    use larder_core::Param;
    use larder_sql::Dialect;
    use sea_orm::Value;
    use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

    use super::Moment;

    /// The outer `None` = another library's value; the inner one = not exact.
    pub(super) fn param(value: &Value, dialect: Dialect) -> Option<Option<Param<'static>>> {
        let moment = match value {
            Value::TimeDate(value) => value.map(date),
            Value::TimeTime(value) => value.map(time),
            Value::TimeDateTime(value) => value.map(local),
            Value::TimeDateTimeWithTimeZone(value) => value.map(instant),
            _ => return None,
        };
        Some(Some(
            moment.map_or(Param::Null, |moment| moment.param("time", dialect)),
        ))
    }

    pub(super) const fn class(value: &Value) -> Option<u8> {
        Some(match value {
            Value::TimeDate(_) => 22,
            Value::TimeTime(_) => 23,
            Value::TimeDateTime(_) => 24,
            Value::TimeDateTimeWithTimeZone(_) => 25,
            _ => return None,
        })
    }

    fn date(value: Date) -> Moment {
        Moment::Date(i64::from(value.to_julian_day()) - EPOCH_JULIAN_DAY)
    }

    fn time(value: Time) -> Moment {
        let (hour, minute, second, nanos) = value.as_hms_nano();
        let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
        Moment::Time(seconds * 1_000_000_000 + i64::from(nanos))
    }

    fn local(value: PrimitiveDateTime) -> Moment {
        let utc = value.assume_utc();
        Moment::Local(utc.unix_timestamp(), utc.nanosecond())
    }

    fn instant(value: OffsetDateTime) -> Moment {
        Moment::Instant(
            value.unix_timestamp(),
            value.nanosecond(),
            value.offset().whole_seconds(),
        )
    }

    /// The Julian day of 1970-01-01.
    const EPOCH_JULIAN_DAY: i64 = 2_440_588;
}
