//! SQLite, where a column holds what it was given.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use diesel::{SqliteConnection, prelude::*, sql_types as st};
use larder::diesel::CachedConnection;

use super::same;
use crate::lab::{Backend, Base, Counter, larder};

mod schema {
    diesel::table! {
        drawer (id) {
            id -> Integer,
            thing -> Nullable<Text>,
            number -> Nullable<BigInt>,
            double -> Nullable<Double>,
            bytes -> Nullable<Binary>,
            truth -> Nullable<Bool>,
            day -> Nullable<Date>,
            clock -> Nullable<Time>,
            moment -> Nullable<Timestamp>,
        }
    }
}
use schema::drawer;

const TABLE: &[&str] = &[
    "CREATE TABLE drawer (id INTEGER PRIMARY KEY, thing, number INTEGER, double REAL, bytes BLOB,
        truth BOOLEAN, day DATE, clock TIME, moment TIMESTAMP)",
    "INSERT INTO drawer VALUES (1, 'text', 9223372036854775807, -0.0, x'00ff', 1, '2024-02-29',
        '23:59:59.000001', '2024-02-29 12:00:00.5'), (2, 7, -1, 1e300, x'', 0, NULL, NULL, NULL),
        (3, 1.5, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (4, NULL, 0, 0, NULL, NULL, NULL, NULL,
        NULL), (5, x'61ff62', 1, 2, x'61', 1, NULL, NULL, NULL),
        (6, CAST(x'61ff62' AS TEXT), 1, 2, CAST(x'61ff62' AS TEXT), 1, NULL, NULL, NULL),
        (7, 'with \u{0} inside and � too', 1, 2, '', 1, NULL, NULL, NULL)",
];

struct Drawer {
    cached: CachedConnection<SqliteConnection>,
    plain: SqliteConnection,
    counter: Counter,
    _base: Base,
}

impl Drawer {
    fn start() -> Self {
        let base = Base::start_empty(Backend::Sqlite);
        let table = TABLE.iter().map(|it| it.replace("with \u{0}", "with"));
        for statement in table {
            base.run([statement.as_str()]);
        }
        let inner = SqliteConnection::establish(&base.url).unwrap();
        let mut cached = CachedConnection::wrap(&larder(), inner, &base.config());
        let counter = Counter::default();
        drawer::table
            .count()
            .get_result::<i64>(&mut cached)
            .unwrap();
        cached.set_instrumentation(counter.instrumentation());
        Self {
            cached,
            plain: SqliteConnection::establish(&base.url).unwrap(),
            counter,
            _base: base,
        }
    }
}

macro_rules! columns {
    ($it:ident: $($column:ident as $type:ty),* $(,)?) => {
        $({
            let query = || {
                let legible = drawer::table.filter(drawer::id.ne_all([5, 6]));
                legible.order(drawer::id).select(drawer::$column)
            };
            same!($it.cached, $it.plain, $it.counter, query(), Vec<Option<$type>>);
        })*
    };
}

#[test]
fn every_type_of_a_column_comes_back_as_it_is() {
    let mut it = Drawer::start();
    columns!(it:
        thing as String, number as i64, double as f64, bytes as Vec<u8>, truth as bool,
        day as NaiveDate, clock as NaiveTime, moment as NaiveDateTime,
    );
}

/// What is stored is shown in whatever type is asked for, and by no other key: the text is one.
#[test]
fn one_value_reads_as_any_type_from_one_entry() {
    #[derive(Debug, PartialEq, QueryableByName)]
    struct AsText {
        #[diesel(sql_type = st::Nullable<st::Text>)]
        thing: Option<String>,
    }
    #[derive(Debug, PartialEq, QueryableByName)]
    struct AsBytes {
        #[diesel(sql_type = st::Nullable<st::Binary>)]
        thing: Option<Vec<u8>>,
    }
    #[derive(Debug, PartialEq, QueryableByName)]
    struct AsDouble {
        #[diesel(sql_type = st::Nullable<st::Double>)]
        thing: Option<f64>,
    }
    let mut it = Drawer::start();
    let query = || diesel::sql_query("SELECT thing, id FROM drawer ORDER BY id");
    // Some of it is no text.
    let texts = |it: &mut SqliteConnection| query().load::<AsText>(it).unwrap_err().to_string();
    let cached = query().load::<AsText>(&mut it.cached).unwrap_err();
    assert_eq!(cached.to_string(), texts(&mut it.plain));
    let before = it.counter.count();
    let cached = query().load::<AsText>(&mut it.cached).unwrap_err();
    assert_eq!(cached.to_string(), texts(&mut it.plain));
    let bytes: Vec<AsBytes> = query().load(&mut it.cached).unwrap();
    let doubles: Vec<AsDouble> = query().load(&mut it.cached).unwrap();
    assert_eq!(it.counter.count(), before);
    assert_eq!(bytes, query().load(&mut it.plain).unwrap());
    assert_eq!(doubles, query().load(&mut it.plain).unwrap());
    assert_eq!(bytes[5].thing.as_deref(), Some(&b"a\xffb"[..]));
}

#[test]
fn columns_of_one_name_stay_apart() {
    let mut it = Drawer::start();
    let query = || {
        diesel::sql_query(
            "SELECT a.id, b.id FROM drawer a JOIN drawer b ON b.id = a.id + 1 ORDER BY 1",
        )
    };
    #[derive(Debug, PartialEq, QueryableByName)]
    struct First {
        #[diesel(sql_type = st::Integer)]
        id: i32,
    }
    let ids = same!(it.cached, it.plain, it.counter, query(), Vec<First>);
    assert_eq!(ids[0].id, 1);
}

#[test]
fn results_of_any_size_come_back_in_order() {
    let mut it = Drawer::start();
    for size in [0, 1, 7, 8, 9, 31, 32, 33, 41, 100, 1000] {
        let text = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {size})
             SELECT n.i AS id FROM n WHERE {size} > 0 AND (SELECT count(*) FROM drawer) > 0 ORDER BY 1"
        );
        #[derive(Debug, PartialEq, QueryableByName)]
        struct Numbered {
            #[diesel(sql_type = st::Integer)]
            id: i32,
        }
        let query = || diesel::sql_query(text.as_str());
        let rows = same!(it.cached, it.plain, it.counter, query(), Vec<Numbered>);
        assert_eq!(rows.len(), size as usize);
    }
}
