//! Rows that are read before a write: when, when not, and what others may do in between (W3).

use diesel::{
    BoolExpressionMethods, Connection, ExpressionMethods, MysqlConnection, PgConnection, QueryDsl,
    QueryResult, RunQueryDsl, SqliteConnection,
    connection::{InstrumentationEvent, SimpleConnection},
};
use larder::{ChangeLimits, Larder, Policy, diesel::CachedConnection};

use crate::{
    lab::{Backend, Base, Counter, larder},
    model::schema::{author, post},
};

fn limited(old_rows_max: usize) -> Larder {
    let mut limits = ChangeLimits::default();
    limits.old_rows_max = old_rows_max;
    larder_tests::lab::builder()
        .default_policy(Policy::new().with_ttl(std::time::Duration::from_secs(600)))
        .change_limits(limits)
        .build()
        .unwrap()
}

macro_rules! looks {
    ($name:ident, $connection:ty, $backend:ident) => {
        mod $name {
            use super::*;

            type Db = CachedConnection<$connection>;

            pub fn wrapped(base: &Base, larder: &Larder) -> Db {
                let inner = <$connection>::establish(&base.url).unwrap();
                CachedConnection::wrap(larder, inner, &base.config())
            }

            pub fn of_author(
                db: &mut impl diesel::connection::LoadConnection<
                    Backend = <$connection as Connection>::Backend,
                >,
                id: i32,
            ) -> Vec<String> {
                let query = post::table.filter(post::author_id.eq(id));
                let query = query.order(post::id).select(post::title);
                query.load::<String>(db).unwrap()
            }

            /// A connection that has read posts by their key and by their author, with a count of
            /// what reaches the database from here on.
            pub fn warm(base: &Base, larder: &Larder) -> (Db, Counter) {
                let mut db = wrapped(base, larder);
                for id in [3, 4, 5] {
                    of_author(&mut db, id);
                }
                let title = post::table.find(1).select(post::title);
                title.first::<String>(&mut db).unwrap();
                let counter = Counter::default();
                db.set_instrumentation(counter.instrumentation());
                (db, counter)
            }

            fn kept(db: &mut Db, counter: &Counter, author: i32) -> bool {
                let before = counter.count();
                of_author(db, author);
                counter.count() == before
            }

            fn start() -> (Base, Db, Counter) {
                let base = Base::start(Backend::$backend);
                let (db, counter) = warm(&base, &larder());
                (base, db, counter)
            }

            #[test]
            fn what_nobody_reads_is_written_by_one_statement() {
                let (_base, mut db, counter) = start();
                let update = diesel::update(post::table.find(1)).set(post::views.eq(9));
                update.execute(&mut db).unwrap();
                let many = post::table.filter(post::published.eq(true));
                diesel::update(many)
                    .set(post::views.eq(8))
                    .execute(&mut db)
                    .unwrap();
                assert_eq!(counter.count(), 2);
                assert!([3, 4, 5].into_iter().all(|id| kept(&mut db, &counter, id)));
            }

            #[test]
            fn where_that_tells_enough_is_one_statement() {
                let (_base, mut db, counter) = start();
                let row = post::id.eq(1).and(post::author_id.eq(3));
                let update = diesel::update(post::table.filter(row)).set(post::title.eq("new"));
                update.execute(&mut db).unwrap();
                diesel::delete(post::table.filter(post::id.eq(5).and(post::author_id.eq(5))))
                    .execute(&mut db)
                    .unwrap();
                assert_eq!(counter.count(), 2);
                assert!(kept(&mut db, &counter, 4));
                assert!(!kept(&mut db, &counter, 3));
                assert!(!kept(&mut db, &counter, 5));
            }

            #[test]
            fn row_that_moves_is_read_first_in_a_transaction_of_its_own() {
                let (base, mut db, counter) = start();
                let update = diesel::update(post::table.find(5)).set(post::author_id.eq(4));
                assert_eq!(update.execute(&mut db).unwrap(), 1);
                // BEGIN, SELECT, UPDATE, COMMIT.
                assert_eq!(counter.count(), 4);
                assert!(kept(&mut db, &counter, 3));
                assert!(!kept(&mut db, &counter, 4));
                assert!(!kept(&mut db, &counter, 5));
                let mut plain = <$connection>::establish(&base.url).unwrap();
                assert_eq!(of_author(&mut plain, 4), ["three", "four", "five"]);
                assert_eq!(of_author(&mut db, 4), ["three", "four", "five"]);
            }

            #[test]
            fn rows_are_read_first_in_the_transaction_that_is_open() {
                let (_base, mut db, counter) = start();
                let statements = db
                    .transaction(|db| {
                        let other = diesel::update(post::table.find(1)).set(post::views.eq(9));
                        other.execute(db)?;
                        let before = counter.count();
                        let many = post::table.filter(post::views.lt(1));
                        diesel::update(many)
                            .set(post::author_id.eq(4))
                            .execute(db)?;
                        QueryResult::Ok(counter.count() - before)
                    })
                    .unwrap();
                assert_eq!(statements, 2);
                // Posts 2 and 5 were of 3 and of 5.
                assert!([3, 4, 5].into_iter().all(|id| !kept(&mut db, &counter, id)));
            }

            #[test]
            fn row_that_becomes_what_it_was_drops_nothing() {
                let (_base, mut db, counter) = start();
                let same = (post::author_id.eq(5), post::title.eq("five"));
                let update = diesel::update(post::table.find(5)).set(same);
                assert_eq!(update.execute(&mut db).unwrap(), 1);
                assert!([3, 4, 5].into_iter().all(|id| kept(&mut db, &counter, id)));
                // One of two.
                let mixed = (post::author_id.eq(4), post::title.eq("four"));
                let many = post::table.filter(post::id.eq_any([4, 5]));
                diesel::update(many).set(mixed).execute(&mut db).unwrap();
                assert!(kept(&mut db, &counter, 3));
                assert!(!kept(&mut db, &counter, 4));
                assert!(!kept(&mut db, &counter, 5));
            }

            #[test]
            fn write_of_no_row_drops_nothing() {
                let (_base, mut db, counter) = start();
                let none = post::table.filter(post::views.gt(1_000));
                let update = diesel::update(none).set(post::author_id.eq(4));
                assert_eq!(update.execute(&mut db).unwrap(), 0);
                let delete = diesel::delete(post::table.filter(post::views.gt(1_000)));
                assert_eq!(delete.execute(&mut db).unwrap(), 0);
                assert!([3, 4, 5].into_iter().all(|id| kept(&mut db, &counter, id)));
            }

            #[test]
            fn more_rows_than_may_be_read_drop_more() {
                let base = Base::start(Backend::$backend);
                let (mut db, counter) = warm(&base, &limited(1));
                let many = post::table.filter(post::id.eq_any([4, 5]));
                diesel::update(many)
                    .set(post::author_id.eq(4))
                    .execute(&mut db)
                    .unwrap();
                assert!(!kept(&mut db, &counter, 3));
                let (mut db, counter) = warm(&base, &limited(0));
                let update = diesel::update(post::table.find(5)).set(post::author_id.eq(3));
                update.execute(&mut db).unwrap();
                assert!(counter.count() <= 1);
                assert_eq!(of_author(&mut db, 3), ["one", "two", "five"]);
            }

            #[test]
            fn error_is_that_of_the_statement_and_leaves_no_transaction() {
                let base = Base::start(Backend::$backend);
                let mut db = wrapped(&base, &larder());
                let mut plain = <$connection>::establish(&base.url).unwrap();
                author::table
                    .filter(author::name.eq("Ada"))
                    .select(author::id)
                    .load::<i32>(&mut db)
                    .unwrap();
                let taken = || {
                    let rows = author::table.filter(author::active.eq(true));
                    diesel::update(rows)
                        .set((author::name.eq("Ada"), author::email.eq("ada@example.org")))
                };
                let error = taken().execute(&mut db).unwrap_err();
                let expected = taken().execute(&mut plain).unwrap_err();
                assert_eq!(format!("{error:?}"), format!("{expected:?}"));
                let update = diesel::update(author::table.find(4)).set(author::name.eq("Ada"));
                update.execute(&mut db).unwrap();
                let names = author::table.order(author::id).select(author::name);
                let names: Vec<String> = names.load(&mut plain).unwrap();
                assert_eq!(names, ["Ada", "Ada", "Edsger"]);
            }
        }
    };
}

looks!(sqlite, SqliteConnection, Sqlite);
looks!(postgres, PgConnection, Postgres);
looks!(mariadb, MysqlConnection, MariaDb);

macro_rules! phantom {
    ($name:ident, $backend:ident, $module:ident, $connection:ty, $isolation:literal) => {
        /// Between the look and the UPDATE, another session lets a row come that the look has not
        /// seen.
        #[test]
        fn $name() {
            let base = Base::start(Backend::$backend);
            let (mut db, _) = $module::warm(&base, &larder());
            db.inner_mut_uncached().batch_execute($isolation).unwrap();
            let mut other = <$connection>::establish(&base.url).unwrap();
            db.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                let InstrumentationEvent::StartQuery { query, .. } = event else {
                    return;
                };
                if query.to_string().starts_with("UPDATE") {
                    let comes = "UPDATE post SET views = 0 WHERE id = 3";
                    other.batch_execute(comes).unwrap();
                }
            });
            let many = post::table.filter(post::views.eq(0));
            let update = diesel::update(many).set(post::author_id.eq(5));
            assert_eq!(update.execute(&mut db).unwrap(), 3, "there was no phantom");
            let mut plain = <$connection>::establish(&base.url).unwrap();
            for id in [3, 4, 5] {
                assert_eq!(
                    $module::of_author(&mut db, id),
                    $module::of_author(&mut plain, id)
                );
            }
        }
    };
}

phantom!(
    w3_phantom_drops_more_on_postgres,
    Postgres,
    postgres,
    PgConnection,
    "SELECT 1"
);
phantom!(
    w3_phantom_drops_more_on_mariadb,
    MariaDb,
    mariadb,
    MysqlConnection,
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
);

#[test]
fn look_that_waits_too_long_is_the_statements_error_on_postgres() {
    let base = Base::start(Backend::Postgres);
    base.run([
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = ''50ms''', \
         current_database()); END $$",
    ]);
    let (mut db, _) = postgres::warm(&base, &larder());
    let mut plain = PgConnection::establish(&base.url).unwrap();
    let mut other = PgConnection::establish(&base.url).unwrap();
    let update = || diesel::update(post::table.find(5)).set(post::author_id.eq(4));
    other
        .transaction(|other| {
            update().execute(other)?;
            let error = db.transaction(|db| update().execute(db)).unwrap_err();
            let expected = plain
                .transaction(|plain| update().execute(plain))
                .unwrap_err();
            assert_eq!(format!("{error:?}"), format!("{expected:?}"));
            // Outside a transaction, the statement runs by itself and fails by itself.
            let error = update().execute(&mut db).unwrap_err();
            assert_eq!(format!("{error:?}"), format!("{expected:?}"));
            QueryResult::Ok(())
        })
        .unwrap();
    assert_eq!(postgres::of_author(&mut db, 4), ["three", "four", "five"]);
}

#[test]
fn transaction_of_sqlite_is_not_read_in_before_it_writes() {
    let base = Base::start(Backend::Sqlite);
    let (mut db, counter) = sqlite::warm(&base, &larder());
    let update = |id: i32| diesel::update(post::table.find(id)).set(post::author_id.eq(4));
    db.transaction(|db| {
        let before = counter.count();
        update(5).execute(db)?;
        assert_eq!(counter.count() - before, 1);
        update(1).execute(db)?;
        assert_eq!(counter.count() - before, 3);
        QueryResult::Ok(())
    })
    .unwrap();
    for (id, titles) in [(3, vec!["two"]), (4, vec!["one", "three", "four", "five"])] {
        assert_eq!(sqlite::of_author(&mut db, id), titles);
    }
}
