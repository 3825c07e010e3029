use std::collections::BTreeSet;

use larder_core::Param;
use larder_sql::Dialect;
use sea_orm::{DbBackend, Statement, Value};

use super::{Params, param};

fn statement(values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, "SELECT 1", values)
}

#[test]
fn every_width_of_integer_is_one_class() {
    let values: [Value; 8] = [
        7_i8.into(),
        7_i16.into(),
        7_i32.into(),
        7_i64.into(),
        7_u8.into(),
        7_u16.into(),
        7_u32.into(),
        7_u64.into(),
    ];
    for value in values {
        assert_eq!(
            param(&value, Dialect::Sqlite),
            Some(Param::Int(7)),
            "{value:?}"
        );
    }
    assert_eq!(
        param(&u64::MAX.into(), Dialect::MySql),
        Some(Param::Int(u64::MAX.into()))
    );
}

#[test]
fn null_of_every_type_is_null() {
    let values = [
        Value::Int(None),
        Value::String(None),
        Value::Char(None),
        Value::Bytes(None),
    ];
    for value in values {
        assert_eq!(
            param(&value, Dialect::Postgres),
            Some(Param::Null),
            "{value:?}"
        );
    }
}

#[test]
fn keys_tell_apart_what_postgres_is_sent_in_other_types() {
    let sent = [
        Value::Int(Some(-1)),
        Value::BigInt(Some(-1)),
        Value::SmallInt(Some(-1)),
        Value::Int(None),
        Value::String(None),
    ];
    let keys: BTreeSet<String> = sent
        .iter()
        .map(|value| {
            let statement = statement(vec![value.clone()]);
            format!(
                "{:?}",
                Params::of_read(&statement, &[], Dialect::Postgres).values
            )
        })
        .collect();
    assert_eq!(keys.len(), sent.len());
}

#[test]
fn sqlite_needs_no_classes() {
    let statement = statement(vec![1.into(), "a".into()]);
    let params = Params::of_read(&statement, &[], Dialect::Sqlite);
    assert_eq!(
        params.values.as_slice(),
        [Param::Int(1), Param::Text("a".into())]
    );
    assert!(params.exact);
}

#[cfg(feature = "with-uuid")]
#[test]
fn uuid_is_sent_as_bytes_but_to_postgres() {
    let id = sea_orm::prelude::Uuid::from_u128(5);
    let value = Value::from(id);
    assert_eq!(
        param(&value, Dialect::Postgres),
        Some(Param::Uuid(*id.as_bytes()))
    );
    let bytes = Param::Bytes(id.as_bytes().to_vec().into());
    assert_eq!(param(&value, Dialect::Sqlite), Some(bytes));
}

#[cfg(all(feature = "with-chrono", feature = "with-time"))]
mod temporal {
    use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
    use larder_core::Param;
    use larder_sql::Dialect;
    use sea_orm::Value;

    use crate::param::param;

    fn chrono_instant(text: &str) -> DateTime<chrono::FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    #[test]
    fn both_libraries_agree_on_the_same_moment() {
        let date = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
        let expected = Some(Param::Date(19_782));
        assert_eq!(param(&date.into(), Dialect::Postgres), expected);
        let date = time::Date::from_calendar_date(2024, time::Month::February, 29).unwrap();
        assert_eq!(param(&date.into(), Dialect::Postgres), expected);
        let early = NaiveDate::from_ymd_opt(1969, 12, 31).unwrap();
        assert_eq!(param(&early.into(), Dialect::MySql), Some(Param::Date(-1)));
    }

    #[test]
    fn instant_is_utc_for_postgres_and_keeps_its_offset_elsewhere() {
        let east: Value = chrono_instant("1970-01-01T02:00:00.000001+02:00").into();
        let utc: Value = chrono_instant("1970-01-01T00:00:00.000001Z").into();
        assert_eq!(param(&east, Dialect::Postgres), Some(Param::TimestampTz(1)));
        assert_eq!(param(&utc, Dialect::Postgres), Some(Param::TimestampTz(1)));
        assert_ne!(param(&east, Dialect::Sqlite), param(&utc, Dialect::Sqlite));
        assert_ne!(param(&east, Dialect::MySql), param(&utc, Dialect::MySql));
    }

    #[test]
    fn fraction_below_a_microsecond_never_narrows() {
        let fine = DateTime::<Utc>::from_timestamp(0, 1).unwrap();
        let fine: Value = fine.naive_utc().into();
        let param = param(&fine, Dialect::Postgres).unwrap();
        assert!(matches!(param, Param::Other("chrono", _)), "{param:?}");
    }

    #[test]
    fn leap_second_cannot_be_written_down() {
        let leap = NaiveTime::from_hms_nano_opt(23, 59, 59, 1_500_000_000).unwrap();
        assert_eq!(param(&leap.into(), Dialect::Postgres), None);
    }
}

#[cfg(feature = "postgres-array")]
#[test]
fn array_with_an_element_that_is_not_exact_is_not_exact() {
    let known: Value = vec![1_i32, 2].into();
    let expected = Param::Array("i32", vec![Param::Int(1), Param::Int(2)]);
    assert_eq!(param(&known, Dialect::Postgres), Some(expected));
}
