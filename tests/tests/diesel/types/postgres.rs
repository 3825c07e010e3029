//! PostgreSQL.

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use diesel::{
    PgConnection,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue, data_types::PgInterval},
    prelude::*,
    serialize::{self, IsNull, Output, ToSql},
    sql_types as st,
};
use ipnetwork::IpNetwork;
use larder::diesel::CachedConnection;
use std::io::Write as _;
use uuid::Uuid;

use super::same;
use crate::lab::{Backend, Base, Counter, larder};

mod schema {
    pub mod kinds {
        #[derive(Clone, Copy, diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
        #[diesel(postgres_type(name = "mood"))]
        pub struct Mood;

        #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
        #[diesel(postgres_type(name = "place"))]
        pub struct Place;
    }

    diesel::table! {
        use diesel::sql_types::*;
        use super::kinds::*;
        kitchen (id) {
            id -> Integer,
            small -> Nullable<SmallInt>,
            big -> Nullable<BigInt>,
            single -> Nullable<Float>,
            double -> Nullable<Double>,
            exact -> Nullable<Numeric>,
            words -> Nullable<Text>,
            padded -> Nullable<Bpchar>,
            bytes -> Nullable<Binary>,
            truth -> Nullable<Bool>,
            day -> Nullable<Date>,
            clock -> Nullable<Time>,
            moment -> Nullable<Timestamp>,
            instant -> Nullable<Timestamptz>,
            span -> Nullable<Interval>,
            key -> Nullable<Uuid>,
            json -> Nullable<Json>,
            jsonb -> Nullable<Jsonb>,
            net -> Nullable<Inet>,
            ints -> Nullable<Array<Nullable<Integer>>>,
            texts -> Nullable<Array<Nullable<Text>>>,
            range -> Nullable<Range<Integer>>,
            mood -> Nullable<Mood>,
            moods -> Nullable<Array<Mood>>,
            place -> Nullable<Place>,
        }
    }
}
use schema::{kinds, kitchen};

const TABLE: &[&str] = &[
    "CREATE TYPE mood AS ENUM ('fine', 'so so')",
    "CREATE TYPE place AS (street text, number integer)",
    "CREATE TABLE kitchen (id integer PRIMARY KEY, small smallint, big bigint, single real,
        double double precision, exact numeric(12, 3), words text, padded char(5), bytes bytea,
        truth boolean, day date, clock time, moment timestamp, instant timestamptz, span interval,
        key uuid, json json, jsonb jsonb, net inet, ints integer[], texts text[], range int4range,
        mood mood, moods mood[], place place)",
    "INSERT INTO kitchen VALUES (1, -3, 9007199254740993, 1.5, '-0'::float8, 12.300, 'é ''x', 'ab',
        '\\x00ff', true, '2024-02-29', '23:59:59.000001', '2024-02-29 12:00:00.5',
        '2024-02-29 12:00:00+02', '1 month 2 days 3 seconds', '00000000-0000-0000-0000-000000000007',
        '{\"a\" : 1}', '{\"a\": [1, null]}', '10.0.0.0/8', '{1,NULL,3}', '{a,NULL,\"b c\"}', '[1,5)',
        'so so', '{fine,\"so so\"}', '(\"Main St\",5)')",
    "INSERT INTO kitchen (id) VALUES (2)",
    "INSERT INTO kitchen (id, single, double, exact, words, bytes, ints, day, moment) VALUES
        (3, 'NaN', 'infinity', 0.001, '', '', '{}', '-infinity', 'infinity')",
];

#[derive(AsExpression, Clone, Copy, Debug, FromSqlRow, PartialEq)]
#[diesel(sql_type = kinds::Mood)]
enum Mood {
    Fine,
    SoSo,
}

impl ToSql<kinds::Mood, Pg> for Mood {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(match self {
            Self::Fine => b"fine",
            Self::SoSo => b"so so",
        })?;
        Ok(IsNull::No)
    }
}

impl FromSql<kinds::Mood, Pg> for Mood {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes() {
            b"fine" => Ok(Self::Fine),
            b"so so" => Ok(Self::SoSo),
            _ => Err("no mood".into()),
        }
    }
}

#[derive(AsExpression, Clone, Debug, FromSqlRow, PartialEq)]
#[diesel(sql_type = kinds::Place)]
struct Place(String, i32);

impl ToSql<kinds::Place, Pg> for Place {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        serialize::WriteTuple::<(st::Text, st::Integer)>::write_tuple(
            &(self.0.as_str(), self.1),
            &mut out.reborrow(),
        )
    }
}

impl FromSql<kinds::Place, Pg> for Place {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let (street, number) = FromSql::<st::Record<(st::Text, st::Integer)>, Pg>::from_sql(value)?;
        Ok(Self(street, number))
    }
}

struct Kitchen {
    cached: CachedConnection<PgConnection>,
    plain: PgConnection,
    counter: Counter,
    base: Base,
}

impl Kitchen {
    fn start() -> Self {
        let base = Base::start_empty(Backend::Postgres);
        base.run(TABLE.iter().copied());
        let inner = PgConnection::establish(&base.url).unwrap();
        let mut cached = CachedConnection::wrap(&larder(), inner, &base.config());
        let counter = Counter::default();
        // The first read looks at the catalog.
        kitchen::table
            .count()
            .get_result::<i64>(&mut cached)
            .unwrap();
        cached.set_instrumentation(counter.instrumentation());
        Self {
            cached,
            plain: PgConnection::establish(&base.url).unwrap(),
            counter,
            base,
        }
    }
}

macro_rules! columns {
    ($it:ident: $($column:ident as $type:ty),* $(,)?) => {
        $({
            let query = kitchen::table.order(kitchen::id).select(kitchen::$column);
            same!($it.cached, $it.plain, $it.counter, query, Vec<Option<$type>>);
        })*
    };
}

#[test]
fn every_type_of_a_column_comes_back_as_it_is() {
    let mut it = Kitchen::start();
    columns!(it:
        small as i16, big as i64, single as f32, double as f64, exact as BigDecimal,
        words as String, padded as String, bytes as Vec<u8>, truth as bool, clock as NaiveTime,
        instant as DateTime<Utc>, span as PgInterval, key as Uuid, json as serde_json::Value,
        jsonb as serde_json::Value, net as IpNetwork, ints as Vec<Option<i32>>,
        texts as Vec<Option<String>>, range as (std::ops::Bound<i32>, std::ops::Bound<i32>),
        mood as Mood, moods as Vec<Mood>, place as Place,
    );
    // These have no infinities.
    let dates = kitchen::table
        .filter(kitchen::id.lt(3))
        .order(kitchen::id)
        .select((kitchen::day, kitchen::moment));
    same!(
        it.cached,
        it.plain,
        it.counter,
        dates,
        Vec<(Option<NaiveDate>, Option<NaiveDateTime>)>
    );
}

#[test]
fn rows_that_end_in_an_error_of_decoding_do_so_from_a_hit() {
    let mut it = Kitchen::start();
    let query = kitchen::table.order(kitchen::id).select(kitchen::day);
    let error = |result: QueryResult<Vec<Option<NaiveDate>>>| result.unwrap_err().to_string();
    let truth = error(query.load(&mut it.plain));
    assert_eq!(error(query.load(&mut it.cached)), truth);
    assert_eq!(error(query.load(&mut it.cached)), truth);
}

macro_rules! equal {
    ($it:ident: $($column:ident = $value:expr),* $(,)?) => {
        $({
            let value = $value;
            let query = || {
                let rows = kitchen::table.filter(kitchen::$column.eq(value.clone()));
                rows.order(kitchen::id).select(kitchen::id)
            };
            let ids = same!($it.cached, $it.plain, $it.counter, query(), Vec<i32>);
            assert_eq!(ids, [1], stringify!($column));
            // A write of that very row is seen through the condition.
            diesel::delete(kitchen::table.find(1)).execute(&mut $it.cached).unwrap();
            assert!(query().load::<i32>(&mut $it.cached).unwrap().is_empty());
            $it.base.run(TABLE[3..4].iter().copied());
            $it.cached.refresh_catalog();
            kitchen::table.count().get_result::<i64>(&mut $it.cached).unwrap();
        })*
    };
}

#[test]
fn parameters_of_every_type_find_what_the_database_finds() {
    let mut it = Kitchen::start();
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let instant: DateTime<Utc> = "2024-02-29T10:00:00Z".parse().unwrap();
    equal!(it:
        small = -3_i16, big = 9_007_199_254_740_993_i64, single = 1.5_f32, double = 0.0_f64,
        exact = "12.3".parse::<BigDecimal>().unwrap(), words = "é 'x", padded = "ab",
        bytes = &[0_u8, 255][..], truth = true, day = day,
        clock = NaiveTime::from_hms_micro_opt(23, 59, 59, 1).unwrap(),
        moment = day.and_hms_milli_opt(12, 0, 0, 500).unwrap(), instant = instant,
        key = Uuid::from_u128(7), jsonb = serde_json::json!({"a": [1, null]}),
        net = "10.0.0.0/8".parse::<IpNetwork>().unwrap(), ints = vec![Some(1), None, Some(3)],
        mood = Mood::SoSo, moods = vec![Mood::Fine, Mood::SoSo],
        place = Place("Main St".into(), 5),
    );
}

#[test]
fn lists_of_parameters_narrow_by_each_of_them() {
    let mut it = Kitchen::start();
    let query = || {
        let moods = vec![Mood::SoSo, Mood::Fine];
        kitchen::table
            .filter(kitchen::mood.eq_any(moods))
            .select(kitchen::id)
    };
    assert_eq!(
        same!(it.cached, it.plain, it.counter, query(), Vec<i32>),
        [1]
    );
    let none = || {
        let ids = Vec::<i32>::new();
        kitchen::table
            .filter(kitchen::id.eq_any(ids))
            .select(kitchen::id)
    };
    assert!(same!(it.cached, it.plain, it.counter, none(), Vec<i32>).is_empty());
    diesel::update(kitchen::table.find(2))
        .set(kitchen::mood.eq(Mood::Fine))
        .execute(&mut it.cached)
        .unwrap();
    let mut ids = query().load::<i32>(&mut it.cached).unwrap();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
}

/// One text, two types of its parameter: two results.
#[test]
fn one_text_with_parameters_of_other_types_is_another_query() {
    #[derive(Debug, QueryableByName)]
    struct Wide {
        #[diesel(sql_type = st::BigInt)]
        given: i64,
    }
    #[derive(Debug, QueryableByName)]
    struct Narrow {
        #[diesel(sql_type = st::Integer)]
        given: i32,
    }
    let mut it = Kitchen::start();
    let text = "SELECT id, $1 AS given FROM kitchen WHERE id = 1";
    for _ in 0..2 {
        let narrow = diesel::sql_query(text).bind::<st::Integer, _>(7);
        let narrow: Vec<Narrow> = narrow.load(&mut it.cached).unwrap();
        let wide = diesel::sql_query(text).bind::<st::BigInt, _>(7);
        let wide: Vec<Wide> = wide.load(&mut it.cached).unwrap();
        assert_eq!((narrow[0].given, wide[0].given), (7, 7));
    }
}
