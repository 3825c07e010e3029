//! What a struct declares with `#[derive(Cacheable)]`, and what it lets be invalidated by hand.

use std::time::Duration;

use diesel::{SqliteConnection, connection::SimpleConnection, prelude::*};
use larder::{Cacheable, Larder, Policy, diesel::CachedConnection};
use larder_tests::lab::builder;

use crate::lab::{Backend, Base, Counter};

mod schema {
    diesel::table! {
        declared (id) {
            id -> Integer,
            #[sql_name = "group"]
            grouped -> Integer,
            note -> Nullable<Text>,
        }
    }

    diesel::table! {
        #[sql_name = "plain pair"]
        pair (left, right) {
            left -> Integer,
            right -> Integer,
        }
    }

    diesel::table! {
        never (id) {
            id -> Integer,
        }
    }
}
use schema::{declared, never, pair};

#[derive(Cacheable, Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = declared, check_for_backend(diesel::sqlite::Sqlite))]
#[larder(ttl = "15m")]
struct Declared {
    id: i32,
    #[diesel(column_name = grouped)]
    own_name: i32,
    note: Option<String>,
}

#[derive(Cacheable, Debug, Queryable)]
#[diesel(table_name = pair, primary_key(left, right))]
#[larder(default_ttl, ops(fetch))]
struct Pair {
    left: i32,
    right: i32,
}

#[derive(Cacheable, Debug, Insertable)]
#[diesel(table_name = schema::never)]
#[larder(never)]
struct Never<'a> {
    #[diesel(serialize_as = i32)]
    id: Number<'a>,
}

#[derive(Debug)]
struct Number<'a>(&'a i32);

impl From<Number<'_>> for i32 {
    fn from(number: Number<'_>) -> Self {
        *number.0
    }
}

fn start() -> (Base, Larder, CachedConnection<SqliteConnection>, Counter) {
    let base = Base::start_empty(Backend::Sqlite);
    base.run([
        "CREATE TABLE declared (id INTEGER PRIMARY KEY, \"group\" INTEGER NOT NULL, note TEXT)",
        "INSERT INTO declared VALUES (1, 7, 'a'), (2, 8, NULL)",
        "CREATE TABLE \"plain pair\" (left INTEGER, right INTEGER, PRIMARY KEY (left, right))",
        "INSERT INTO \"plain pair\" VALUES (1, 2)",
        "CREATE TABLE never (id INTEGER PRIMARY KEY)",
        "CREATE TABLE other (id INTEGER PRIMARY KEY)",
    ]);
    let larder = builder().build().unwrap();
    let inner = SqliteConnection::establish(&base.url).unwrap();
    let mut db = CachedConnection::wrap(&larder, inner, &base.config());
    db.batch_execute("SELECT 1").unwrap();
    let counter = Counter::default();
    db.set_instrumentation(counter.instrumentation());
    (base, larder, db, counter)
}

/// Whether the second run of a query costs nothing.
macro_rules! is_cached {
    ($db:expr, $counter:expr, $query:expr) => {{
        let _ = $query.load($db).unwrap();
        let before = $counter.count();
        let _ = $query.load($db).unwrap();
        $counter.count() == before
    }};
}

#[test]
fn tables_are_cached_as_their_structs_say() {
    let (_base, _larder, mut db, counter) = start();
    let rows = || Declared::query().order(declared::id);
    assert!(is_cached!(&mut db, counter, rows()));
    // No policy gives it a time.
    let pairs = || pair::table.select((pair::left, pair::right));
    let load = |db: &mut _| pairs().load::<Pair>(db).unwrap();
    load(&mut db);
    let before = counter.count();
    load(&mut db);
    assert_eq!(counter.count(), before + 1);
    let one = 1;
    let new = Never { id: Number(&one) };
    diesel::insert_into(never::table)
        .values(new)
        .execute(&mut db)
        .unwrap();
    let before = counter.count();
    for _ in 0..2 {
        let ids = never::table.select(never::id);
        assert_eq!(ids.load::<i32>(&mut db).unwrap(), [1]);
    }
    assert_eq!(counter.count(), before + 2);
}

impl Declared {
    fn query()
    -> diesel::dsl::Select<declared::table, diesel::dsl::AsSelect<Self, diesel::sqlite::Sqlite>>
    {
        declared::table.select(Self::as_select())
    }
}

#[test]
fn rows_are_invalidated_by_hand_through_their_structs() {
    let (base, larder, mut db, _counter) = start();
    let note = |db: &mut _, group: i32| {
        let rows = declared::table.filter(declared::grouped.eq(group));
        rows.select(declared::note)
            .first::<Option<String>>(db)
            .unwrap()
    };
    note(&mut db, 7);
    note(&mut db, 8);
    base.run(["UPDATE declared SET note = 'b'"]);
    assert_eq!(
        note(&mut db, 7).as_deref(),
        Some("a"),
        "nobody told the cache"
    );
    let changed = Declared {
        id: 1,
        own_name: 7,
        note: Some("b".into()),
    };
    larder.blocking().invalidate_model(&changed);
    assert_eq!(note(&mut db, 7).as_deref(), Some("b"));
    larder.blocking().invalidate_row::<Declared>(2);
    assert_eq!(note(&mut db, 8).as_deref(), Some("b"));
    base.run(["UPDATE declared SET note = 'c'"]);
    larder.blocking().invalidate_table::<Declared>();
    assert_eq!(note(&mut db, 7).as_deref(), Some("c"));
    larder.blocking().invalidate_row::<Pair>((1, 2));
}

#[test]
fn policies_by_name_come_before_those_of_structs() {
    let base = Base::start_empty(Backend::Sqlite);
    base.run(["CREATE TABLE declared (id INTEGER PRIMARY KEY, \"group\" INTEGER, note TEXT)"]);
    let larder = builder()
        .policy("declared", Policy::never())
        .policy("other", Policy::new().with_ttl(Duration::from_secs(1)))
        .build()
        .unwrap();
    let inner = SqliteConnection::establish(&base.url).unwrap();
    let mut db = CachedConnection::wrap(&larder, inner, &base.config());
    db.batch_execute("SELECT 1").unwrap();
    let counter = Counter::default();
    db.set_instrumentation(counter.instrumentation());
    assert!(!is_cached!(&mut db, counter, Declared::query()));
}
