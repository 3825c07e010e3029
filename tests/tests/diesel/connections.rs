//! What a connection is beside a reader and writer: pools, transactions of every kind, text that
//! changes what it is, scopes.

use std::time::Duration;

use diesel::{
    Connection, ConnectionError, MysqlConnection, PgConnection, QueryResult, SqliteConnection,
    connection::{DefaultLoadingMode, LoadConnection, SimpleConnection},
    pg::PgRowByRowLoadingMode,
    prelude::*,
    r2d2::{ConnectionManager, Pool},
    result::Error,
};
use diesel_migrations::MigrationHarness;
use larder::{
    Larder, Limits, Policy, ReadOptions,
    diesel::{CachedConnection, CachedConnectionManager, WrappedConnection},
};
use larder_tests::lab::builder;

use crate::{
    lab::{Backend, Base, Counter, larder},
    model::{
        Post,
        schema::{author, post},
    },
};

/// A wrapped connection that has looked at the catalog, with a count of what reaches the database.
pub struct Lab<C: WrappedConnection> {
    pub base: Base,
    pub larder: Larder,
    pub db: CachedConnection<C>,
    pub counter: Counter,
}

impl<C> Lab<C>
where
    C: WrappedConnection,
{
    pub fn start(backend: Backend) -> Self {
        Self::start_with(backend, larder())
    }

    fn start_with(backend: Backend, larder: Larder) -> Self {
        let base = Base::start(backend);
        let inner = C::establish(&base.url).unwrap();
        let mut db = CachedConnection::wrap(&larder, inner, &base.config());
        // It looks at the catalog before the first statement.
        db.batch_execute("SELECT 1").unwrap();
        let counter = Counter::default();
        db.set_instrumentation(counter.instrumentation());
        Self {
            base,
            larder,
            db,
            counter,
        }
    }

    fn another(&self) -> CachedConnection<C> {
        let inner = C::establish(&self.base.url).unwrap();
        CachedConnection::wrap(&self.larder, inner, &self.base.config())
    }
}

/// The titles of author 3, and whether they cost a statement.
macro_rules! titles {
    ($lab:expr) => {{
        let before = $lab.counter.count();
        let query = post::table
            .filter(post::author_id.eq(3))
            .order(post::id)
            .select(post::title);
        let titles: Vec<String> = query.load(&mut $lab.db).unwrap();
        (titles, $lab.counter.count() > before)
    }};
}

fn rename<C>(db: &mut C, title: &str) -> QueryResult<usize>
where
    C: Connection,
    diesel::query_builder::SqlQuery: diesel::query_dsl::methods::ExecuteDsl<C>,
{
    diesel::query_dsl::methods::ExecuteDsl::execute(
        diesel::sql_query(format!("UPDATE post SET title = '{title}' WHERE id = 1")),
        db,
    )
}

#[test]
fn connection_by_url_alone_needs_a_larder_and_says_so() {
    let base = Base::start(Backend::Sqlite);
    let Err(error) = CachedConnection::<SqliteConnection>::establish(&base.url) else {
        panic!("no larder is set");
    };
    assert!(matches!(error, ConnectionError::BadConnection(_)));
    assert!(error.to_string().contains("Larder::set_global"), "{error}");
    let larder = larder();
    Larder::set_global(larder.clone());
    let manager = ConnectionManager::<CachedConnection<SqliteConnection>>::new(&base.url);
    let pool = Pool::builder().max_size(2).build(manager).unwrap();
    let mut db = pool.get().unwrap();
    assert_eq!(post::table.count().get_result::<i64>(&mut db).unwrap(), 5);
}

#[test]
fn pools_of_wrapped_connections_and_wrapped_ones_of_pools_share_one_cache() {
    let base = Base::start(Backend::Postgres);
    let larder = larder();
    let outside = CachedConnectionManager::<PgConnection>::new(&larder, &base.url);
    let outside = Pool::builder().max_size(2).build(outside).unwrap();
    let inside = ConnectionManager::<PgConnection>::new(&base.url);
    let inside = Pool::builder().max_size(2).build(inside).unwrap();
    let title = post::table.find(1).select(post::title);
    let mut one = outside.get().unwrap();
    let mut other = larder.wrap(inside.get().unwrap());
    assert_eq!(title.first::<String>(&mut one).unwrap(), "one");
    assert_eq!(title.first::<String>(&mut other).unwrap(), "one");
    one.transaction(|it| rename(it, "changed")).unwrap();
    assert_eq!(title.first::<String>(&mut other).unwrap(), "changed");
    other.transaction(|it| rename(it, "again")).unwrap();
    assert_eq!(title.first::<String>(&mut one).unwrap(), "again");
}

#[test]
fn what_a_test_transaction_does_is_seen_inside_and_nowhere_else() {
    let mut it = Lab::<SqliteConnection>::start(Backend::Sqlite);
    titles!(it);
    it.db.test_transaction(|db| {
        rename(db, "inside")?;
        let title = post::table.find(1).select(post::title);
        assert_eq!(title.first::<String>(db)?, "inside");
        Ok::<_, Error>(())
    });
    assert_eq!(titles!(it), (vec!["one".into(), "two".into()], false));
    it.db.begin_test_transaction().unwrap();
    rename(&mut it.db, "inside").unwrap();
    assert_eq!(titles!(it).0[0], "inside");
    assert!(titles!(it).1, "nothing is cached inside");
}

#[test]
fn transactions_of_every_kind_invalidate_after_their_commit() {
    let mut it = Lab::<PgConnection>::start(Backend::Postgres);
    titles!(it);
    let serializable = it.db.build_transaction().serializable().deferrable();
    serializable.run(|db| rename(db, "a")).unwrap();
    assert_eq!(titles!(it).0[0], "a");
    let read_only = it.db.build_transaction().read_only().repeatable_read();
    let refused = read_only.run(|db| rename(db, "b")).unwrap_err();
    assert!(matches!(refused, Error::DatabaseError(..)), "{refused}");
    assert_eq!(titles!(it).0[0], "a");
    it.db
        .transaction(|db| {
            let again = db.build_transaction().run(|db| rename(db, "c"));
            assert!(matches!(again, Err(Error::AlreadyInTransaction)));
            Ok::<_, Error>(())
        })
        .unwrap();

    let mut it = Lab::<SqliteConnection>::start(Backend::Sqlite);
    titles!(it);
    it.db.immediate_transaction(|db| rename(db, "a")).unwrap();
    assert_eq!(titles!(it).0[0], "a");
    it.db.exclusive_transaction(|db| rename(db, "b")).unwrap();
    assert_eq!(titles!(it).0[0], "b");
}

#[test]
fn swallowed_error_leaves_a_transaction_that_commits_nothing() {
    let mut it = Lab::<PgConnection>::start(Backend::Postgres);
    titles!(it);
    let result = it.db.transaction(|db| {
        rename(db, "lost")?;
        assert!(db.batch_execute("SELECT no_such_column FROM post").is_err());
        Ok::<_, Error>(())
    });
    // The server turns this COMMIT into a ROLLBACK; what Diesel makes of it is Diesel's.
    println!("{result:?}");
    assert_eq!(titles!(it).0[0], "one");
    rename(&mut it.db, "kept").unwrap();
    assert_eq!(titles!(it).0[0], "kept");
    assert!(!titles!(it).1);
}

#[test]
fn commit_that_a_deferred_constraint_refuses_changes_nothing() {
    let mut it = Lab::<PgConnection>::start(Backend::Postgres);
    let deferred =
        "ALTER TABLE post ALTER CONSTRAINT post_author_id_fkey DEFERRABLE INITIALLY DEFERRED";
    it.db.batch_execute(deferred).unwrap();
    titles!(it);
    let result = it.db.transaction(|db| {
        rename(db, "lost")?;
        diesel::update(post::table.find(2))
            .set(post::author_id.eq(99))
            .execute(db)
    });
    assert!(result.is_err());
    assert_eq!(titles!(it).0, ["one", "two"]);
    it.db.transaction(|db| rename(db, "kept")).unwrap();
    assert_eq!(titles!(it).0[0], "kept");
    assert!(!titles!(it).1);
}

#[test]
fn transaction_by_text_is_not_cached_in_and_ends_with_its_text() {
    let mut it = Lab::<PgConnection>::start(Backend::Postgres);
    titles!(it);
    it.db.batch_execute("BEGIN").unwrap();
    rename(&mut it.db, "by text").unwrap();
    assert_eq!(titles!(it), (vec!["by text".into(), "two".into()], true));
    let mut other = it.another();
    let title = post::table.find(1).select(post::title);
    assert_eq!(title.first::<String>(&mut other).unwrap(), "one");
    it.db.batch_execute("COMMIT").unwrap();
    assert_eq!(title.first::<String>(&mut other).unwrap(), "by text");
    titles!(it);
    assert_eq!(titles!(it), (vec!["by text".into(), "two".into()], false));
}

#[test]
fn text_of_several_statements_with_its_own_transaction_is_over_at_its_end() {
    let mut it = Lab::<SqliteConnection>::start(Backend::Sqlite);
    titles!(it);
    let text = "BEGIN; UPDATE post SET title = 'batch' WHERE id = 1; COMMIT";
    it.db.batch_execute(text).unwrap();
    assert_eq!(titles!(it).0[0], "batch");
    assert!(!titles!(it).1);
    // The second of these fails, and the transaction stays open.
    let text = "BEGIN; UPDATE post SET title = 'open' WHERE id = 1; SELECT nonsense; COMMIT";
    assert!(it.db.batch_execute(text).is_err());
    assert_eq!(titles!(it).0[0], "open");
    assert!(titles!(it).1, "a transaction may be open");
    it.db.batch_execute("ROLLBACK").unwrap();
    assert_eq!(titles!(it).0[0], "batch");
}

/// A second schema with a table of the same name.
fn shadowed() -> Lab<PgConnection> {
    let it = Lab::<PgConnection>::start(Backend::Postgres);
    it.base.run([
        "CREATE SCHEMA shadow",
        "CREATE TABLE shadow.post AS SELECT * FROM public.post",
        "UPDATE shadow.post SET title = 'shadow'",
    ]);
    it
}

#[test]
fn setting_that_the_catalog_tells_makes_another_session_that_is_cached() {
    let mut it = shadowed();
    titles!(it);
    it.db
        .batch_execute("SET search_path = shadow, public")
        .unwrap();
    assert_eq!(titles!(it).0[0], "shadow");
    assert!(!titles!(it).1, "the session is known");
    rename(&mut it.db, "changed").unwrap();
    assert_eq!(titles!(it).0[0], "changed");
    it.db.batch_execute("SET search_path = public").unwrap();
    assert_eq!(titles!(it).0[0], "one");
    it.db
        .batch_execute("SET statement_timeout = 60000")
        .unwrap();
    assert!(!titles!(it).1, "a timeout changes no answer");
}

#[test]
fn connection_whose_session_nobody_knows_reads_from_the_database() {
    let mut it = shadowed();
    titles!(it);
    it.db
        .transaction(|db| db.batch_execute("SET LOCAL search_path = shadow"))
        .unwrap();
    assert!(!titles!(it).1);
    it.db
        .transaction(|db| db.batch_execute("SET search_path = shadow"))
        .unwrap();
    assert_eq!(titles!(it).0[0], "shadow");
    rename(&mut it.db, "changed").unwrap();
    assert_eq!(titles!(it), (vec!["changed".into(), "shadow".into()], true));
}

#[test]
fn lost_connection_leaves_nothing_stale() {
    let mut it = Lab::<PgConnection>::start(Backend::Postgres);
    let mut other = it.another();
    let title = post::table.find(1).select(post::title);
    assert_eq!(title.first::<String>(&mut other).unwrap(), "one");
    assert_eq!(title.first::<String>(&mut other).unwrap(), "one");
    // The server closes the link from inside the statement, after its row was written.
    let text = "UPDATE post SET title = 'lost' || COALESCE(pg_terminate_backend(pg_backend_pid())::text, '')
        WHERE id = 1";
    assert!(diesel::sql_query(text).execute(&mut it.db).is_err());
    assert_eq!(title.first::<String>(&mut other).unwrap(), "one");
    assert!(rename(&mut it.db, "x").is_err());
    it.base
        .run(["UPDATE post SET title = 'outside' WHERE id = 1"]);
    // What may still have been running keeps the table from being cached.
    assert_eq!(title.first::<String>(&mut other).unwrap(), "outside");
}

/// COPY has no word for a default.
#[derive(Insertable)]
#[diesel(table_name = post, treat_none_as_default_value = false)]
struct CopiedPost<'a> {
    author_id: i32,
    title: &'a str,
    body: Option<&'a str>,
}

#[test]
fn copy_from_drops_the_results_of_its_table() {
    let mut it = Lab::<PgConnection>::start(Backend::Postgres);
    let count = post::table.count();
    let authors = author::table.count();
    assert_eq!(count.get_result::<i64>(&mut it.db).unwrap(), 5);
    authors.get_result::<i64>(&mut it.db).unwrap();
    let rows = vec![CopiedPost {
        author_id: 3,
        title: "copied",
        body: Some("b"),
    }];
    let copied = diesel::copy_from(post::table)
        .from_insertable(rows)
        .execute(&mut it.db);
    assert_eq!(copied.unwrap(), 1);
    assert_eq!(count.get_result::<i64>(&mut it.db).unwrap(), 6);
    let before = it.counter.count();
    authors.get_result::<i64>(&mut it.db).unwrap();
    assert_eq!(it.counter.count(), before, "authors were not copied to");
    let refused = diesel::copy_from(post::table)
        .from_raw_data(post::table, |out: &mut dyn std::io::Write| {
            out.write_all(b"not a row\n")
                .map_err(|error| Error::SerializationError(error.into()))
        })
        .execute(&mut it.db);
    assert!(refused.is_err());
    assert_eq!(count.get_result::<i64>(&mut it.db).unwrap(), 6);
}

#[test]
fn rows_one_by_one_are_those_of_all_at_once() {
    let mut it = Lab::<PgConnection>::start(Backend::Postgres);
    let query = post::table.order(post::id);
    let all: Vec<Post> = query.load(&mut it.db).unwrap();
    let hit = query
        .load_iter::<Post, DefaultLoadingMode>(&mut it.db)
        .unwrap();
    assert_eq!(hit.collect::<QueryResult<Vec<_>>>().unwrap(), all);
    let live = query
        .load_iter::<Post, PgRowByRowLoadingMode>(&mut it.db)
        .unwrap();
    assert_eq!(live.collect::<QueryResult<Vec<_>>>().unwrap(), all);
    // A write in this mode has invalidated before its first row is seen.
    titles!(it);
    let update = diesel::update(post::table.find(1)).set(post::title.eq("row by row"));
    drop(
        update
            .load_iter::<Post, PgRowByRowLoadingMode>(&mut it.db)
            .unwrap(),
    );
    assert_eq!(titles!(it).0[0], "row by row");
}

#[test]
fn results_too_large_to_keep_arrive_whole_and_are_not_kept() {
    let mut limits = Limits::default();
    limits.entry_bytes_max = 600;
    let larder = builder()
        .default_policy(Policy::new().with_ttl(Duration::from_secs(60)))
        .limits(limits)
        .build()
        .unwrap();
    let mut it = Lab::<SqliteConnection>::start_with(Backend::Sqlite, larder);
    let text = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
        SELECT n.i AS id, p.title FROM n JOIN post p ON p.id = 1 ORDER BY n.i";
    #[derive(Debug, PartialEq, QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        id: i32,
        #[diesel(sql_type = diesel::sql_types::Text)]
        title: String,
    }
    for _ in 0..2 {
        let before = it.counter.count();
        let rows: Vec<Row> = diesel::sql_query(text).load(&mut it.db).unwrap();
        assert_eq!(it.counter.count(), before + 1);
        assert_eq!(rows.len(), 500);
        assert!(
            (1..)
                .zip(&rows)
                .all(|(at, row)| row.id == at && row.title == "one")
        );
        // Given up half way.
        let some = diesel::sql_query(text)
            .load_iter::<Row, _>(&mut it.db)
            .unwrap();
        assert_eq!(some.take(3).count(), 3);
    }
}

pub const MIGRATIONS: diesel_migrations::EmbeddedMigrations =
    diesel_migrations::embed_migrations!("tests/diesel/migrations");

#[test]
fn migrations_run_through_the_wrapper_and_drop_what_they_change() {
    let mut it = Lab::<SqliteConnection>::start(Backend::Sqlite);
    titles!(it);
    let done = it.db.run_pending_migrations(MIGRATIONS).unwrap();
    assert_eq!(done.len(), 1);
    assert_eq!(titles!(it).0, ["ONE", "TWO"]);
    titles!(it);
    // Nothing is pending, and nothing is dropped for having looked.
    assert!(it.db.run_pending_migrations(MIGRATIONS).unwrap().is_empty());
    assert_eq!(titles!(it), (vec!["ONE".into(), "TWO".into()], false));
    // What ran is read from the database: another program may have run more.
    it.base.run(["DELETE FROM __diesel_schema_migrations"]);
    assert!(it.db.has_pending_migration(MIGRATIONS).unwrap());
}

#[test]
fn scopes_say_how_reads_are_answered() {
    let mut it = Lab::<SqliteConnection>::start(Backend::Sqlite);
    titles!(it);
    let count = post::table.count();
    count.get_result::<i64>(&mut it.db).unwrap();
    it.base.run(["DELETE FROM post WHERE id = 5"]);
    let asked = |db: &mut CachedConnection<SqliteConnection>| count.get_result::<i64>(db).unwrap();
    assert_eq!(asked(&mut it.db), 5, "nobody told the cache");
    assert_eq!(it.db.uncached(asked), 4);
    assert_eq!(asked(&mut it.db), 5);
    assert_eq!(it.db.refreshed(asked), 4);
    assert_eq!(asked(&mut it.db), 4);
    let mut never = ReadOptions::default();
    never.ttl = Some(Duration::ZERO);
    it.base.run(["DELETE FROM post WHERE id = 4"]);
    assert_eq!(it.db.with_options(never, asked), 3);
    // A panic in a scope ends it.
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        it.db.uncached(|_| panic!("of the work"));
    }));
    assert!(panicked.is_err());
    assert_eq!(asked(&mut it.db), 4);
}

#[test]
fn panic_in_a_transaction_that_is_caught_and_committed_loses_no_write() {
    let mut it = Lab::<MysqlConnection>::start(Backend::MariaDb);
    titles!(it);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        it.db.transaction(|db| {
            rename(db, "before the panic")?;
            panic!("of the work");
            #[expect(unreachable_code, reason = "gives the closure its type")]
            Ok::<_, Error>(())
        })
    }));
    assert!(caught.is_err());
    // The transaction is still open, and somebody ends it.
    assert_eq!(
        titles!(it),
        (vec!["before the panic".into(), "two".into()], true)
    );
    it.db.batch_execute("COMMIT").unwrap();
    let mut other = it.another();
    let title = post::table.find(1).select(post::title);
    assert_eq!(
        title.first::<String>(&mut other).unwrap(),
        "before the panic"
    );
}

#[test]
fn implicit_commit_of_mysql_is_not_taken_back_by_a_rollback() {
    let mut it = Lab::<MysqlConnection>::start(Backend::MariaDb);
    titles!(it);
    let result = it.db.transaction(|db| {
        rename(db, "committed by ddl")?;
        db.batch_execute("CREATE TABLE aside (id int)")?;
        Err::<(), _>(Error::RollbackTransaction)
    });
    assert!(result.is_err());
    assert_eq!(titles!(it).0[0], "committed by ddl");
}

/// The pass-through mode of PostgreSQL is a second way to load; naming neither still works.
#[test]
fn default_mode_is_inferred() {
    fn load<C>(db: &mut C) -> QueryResult<Vec<i32>>
    where
        C: LoadConnection<Backend = diesel::pg::Pg>,
    {
        post::table.select(post::id).order(post::id).load(db)
    }
    let mut it = Lab::<PgConnection>::start(Backend::Postgres);
    assert_eq!(load(&mut it.db).unwrap(), [1, 2, 3, 4, 5]);
}

type Postgres = CachedConnection<PgConnection>;
type Sqlite = CachedConnection<SqliteConnection>;

/// One of several databases, as applications have it that run on either.
#[derive(diesel::MultiConnection)]
enum Either {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

#[test]
fn wrapped_connections_are_variants_of_a_multi_connection() {
    let postgres = Lab::<PgConnection>::start(Backend::Postgres);
    let sqlite = Lab::<SqliteConnection>::start(Backend::Sqlite);
    let counters = [postgres.counter.clone(), sqlite.counter.clone()];
    let mut either = [Either::Postgres(postgres.db), Either::Sqlite(sqlite.db)];
    for (db, counter) in either.iter_mut().zip(counters) {
        let query = || {
            let rows = post::table.filter(post::author_id.eq(3)).order(post::id);
            rows.select(post::title)
        };
        let titles: Vec<String> = query().load(db).unwrap();
        assert_eq!(titles, ["one", "two"]);
        let before = counter.count();
        assert_eq!(query().load::<String>(db).unwrap(), titles);
        assert_eq!(counter.count(), before);
        let changed = diesel::update(post::table.find(1)).set(post::title.eq("changed"));
        assert_eq!(changed.execute(db).unwrap(), 1);
        assert_eq!(query().load::<String>(db).unwrap(), ["changed", "two"]);
    }
}
