//! MariaDB.

use bigdecimal::BigDecimal;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use diesel::{MysqlConnection, prelude::*, sql_types as st};
use larder::diesel::CachedConnection;

use super::same;
use crate::lab::{Backend, Base, Counter, larder};

mod schema {
    diesel::table! {
        shelf (id) {
            id -> Integer,
            tiny -> Nullable<TinyInt>,
            utiny -> Nullable<Unsigned<TinyInt>>,
            small -> Nullable<SmallInt>,
            big -> Nullable<BigInt>,
            ubig -> Nullable<Unsigned<BigInt>>,
            single -> Nullable<Float>,
            double -> Nullable<Double>,
            exact -> Nullable<Numeric>,
            words -> Nullable<Text>,
            bytes -> Nullable<Binary>,
            truth -> Nullable<Bool>,
            day -> Nullable<Date>,
            clock -> Nullable<Time>,
            moment -> Nullable<Datetime>,
            stamp -> Nullable<Timestamp>,
            choice -> Nullable<Text>,
            json -> Nullable<Json>,
        }
    }
}
use schema::shelf;

const TABLE: &[&str] = &[
    "CREATE TABLE shelf (id int PRIMARY KEY, tiny tinyint, utiny tinyint unsigned, small smallint,
        big bigint, ubig bigint unsigned, single float, `double` double, exact decimal(12, 3),
        words text, bytes blob, truth boolean, day date, clock time(6), moment datetime(6),
        stamp timestamp(6) NULL, choice enum('a', 'b'), json longtext) ENGINE = InnoDB
        DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin",
    "INSERT INTO shelf VALUES (1, -3, 255, -300, 9007199254740993, 18446744073709551615, 1.5, -0.5,
        12.300, 'é ''x', x'00ff', true, '2024-02-29', '23:59:59.000001', '2024-02-29 12:00:00.5',
        '2024-02-29 12:00:00', 'b', '{\"a\": [1, null]}')",
    "INSERT INTO shelf (id) VALUES (2)",
    "INSERT INTO shelf (id, words, bytes, exact) VALUES (3, '', '', 0.001)",
];

struct Shelf {
    cached: CachedConnection<MysqlConnection>,
    plain: MysqlConnection,
    counter: Counter,
    base: Base,
}

impl Shelf {
    fn start() -> Self {
        let base = Base::start_empty(Backend::MariaDb);
        base.run(TABLE.iter().copied());
        let inner = MysqlConnection::establish(&base.url).unwrap();
        let mut cached = CachedConnection::wrap(&larder(), inner, &base.config());
        let counter = Counter::default();
        shelf::table.count().get_result::<i64>(&mut cached).unwrap();
        cached.set_instrumentation(counter.instrumentation());
        Self {
            cached,
            plain: MysqlConnection::establish(&base.url).unwrap(),
            counter,
            base,
        }
    }
}

macro_rules! columns {
    ($it:ident: $($column:ident as $type:ty),* $(,)?) => {
        $({
            let query = shelf::table.order(shelf::id).select(shelf::$column);
            same!($it.cached, $it.plain, $it.counter, query, Vec<Option<$type>>);
        })*
    };
}

#[test]
fn every_type_of_a_column_comes_back_as_it_is() {
    let mut it = Shelf::start();
    columns!(it:
        tiny as i8, utiny as u8, small as i16, big as i64, ubig as u64, single as f32,
        double as f64, exact as BigDecimal, words as String, bytes as Vec<u8>, truth as bool,
        day as NaiveDate, clock as NaiveTime, moment as NaiveDateTime, stamp as NaiveDateTime,
        choice as String, json as serde_json::Value,
    );
}

macro_rules! equal {
    ($it:ident: $($column:ident = $value:expr),* $(,)?) => {
        $({
            let value = $value;
            let query = || {
                let rows = shelf::table.filter(shelf::$column.eq(value.clone()));
                rows.order(shelf::id).select(shelf::id)
            };
            let ids = same!($it.cached, $it.plain, $it.counter, query(), Vec<i32>);
            assert_eq!(ids, [1], stringify!($column));
            // A write of that very row is seen through the condition.
            diesel::delete(shelf::table.find(1)).execute(&mut $it.cached).unwrap();
            assert!(query().load::<i32>(&mut $it.cached).unwrap().is_empty());
            $it.base.run(TABLE[1..2].iter().copied());
            $it.cached.refresh_catalog();
            shelf::table.count().get_result::<i64>(&mut $it.cached).unwrap();
        })*
    };
}

#[test]
fn parameters_of_every_type_find_what_the_database_finds() {
    let mut it = Shelf::start();
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    equal!(it:
        tiny = -3_i8, utiny = 255_u8, small = -300_i16, big = 9_007_199_254_740_993_i64,
        ubig = u64::MAX, single = 1.5_f32, double = -0.5_f64,
        exact = "12.3".parse::<BigDecimal>().unwrap(), words = "é 'x", bytes = &[0_u8, 255][..],
        truth = true, day = day, clock = NaiveTime::from_hms_micro_opt(23, 59, 59, 1).unwrap(),
        moment = day.and_hms_milli_opt(12, 0, 0, 500).unwrap(),
        stamp = day.and_hms_opt(12, 0, 0).unwrap(), choice = "b",
    );
}

/// The server's value is turned into the type that the caller names, so one text gives two results.
#[test]
fn one_text_read_as_other_types_is_another_query() {
    let mut it = Shelf::start();
    let row = || shelf::table.filter(shelf::id.eq(1));
    let number = || row().select(diesel::dsl::sql::<st::BigInt>("big"));
    let words = || row().select(diesel::dsl::sql::<st::Text>("big"));
    assert_eq!(
        diesel::debug_query::<diesel::mysql::Mysql, _>(&number()).to_string(),
        diesel::debug_query::<diesel::mysql::Mysql, _>(&words()).to_string(),
    );
    let numbers = same!(it.cached, it.plain, it.counter, number(), Vec<i64>);
    assert_eq!(numbers, [9_007_199_254_740_993]);
    let texts = same!(it.cached, it.plain, it.counter, words(), Vec<String>);
    assert_eq!(texts, ["9007199254740993"]);
}
