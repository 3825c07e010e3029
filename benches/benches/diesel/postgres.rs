//! PostgreSQL by `PgConnection`.

use diesel::{
    Connection as _, PgConnection, RunQueryDsl as _,
    connection::SimpleConnection as _,
    pg::{Pg, PgMetadataLookup, PgQueryBuilder, PgTypeMetadata},
    query_builder::{QueryBuilder as _, QueryFragment, bind_collector::RawBytesBindCollector},
};
use larder::diesel::CachedConnection;
use larder_benches::Group;
use larder_sql::Dialect;
use larder_testkit::schema;

use crate::{
    ROUNDS, larder,
    model::{Post, Product, by_key, cycle, list},
};

type Db = CachedConnection<PgConnection>;

/// The tables and their rows.
pub(crate) fn create(url: &str) {
    let mut plain = PgConnection::establish(url).unwrap();
    for sql in schema::statements(Dialect::Postgres).into_iter().chain([
        "INSERT INTO author (id, name) SELECT n, 'author ' || n FROM generate_series(1, 100) n",
        "INSERT INTO post (id, author_id, title, body, status) SELECT n, n % 100 + 1,
             'title ' || n, repeat('x', 200), 'published' FROM generate_series(1, 2000) n",
        "INSERT INTO product (id, sku, name, price) SELECT n, 'sku' || n, 'product ' || n, 9.99
             FROM generate_series(1, 2000) n",
        "ANALYZE",
    ]) {
        plain.batch_execute(sql).unwrap();
    }
}

pub(crate) fn report(url: &str) {
    let mut db = larder().wrap(PgConnection::establish(url).unwrap());
    println!("{}", hits_by_key(&mut db).report());
    println!("{}", hits_of_a_list(&mut db).report());
    println!("{}", queries_by_key(&mut db).report());
    println!("{}", queries_of_a_list(&mut db).report());
    println!("{}", misses_by_key(&mut db).report());
    println!("{}", misses_of_a_list(&mut db).report());
}

/// What Diesel does before it asks the database: the text, and the parameters in bytes.
fn build<T: QueryFragment<Pg>>(query: T) -> (String, RawBytesBindCollector<Pg>) {
    let mut text = PgQueryBuilder::default();
    query.to_sql(&mut text, &Pg).unwrap();
    let mut binds = RawBytesBindCollector::new();
    query.collect_binds(&mut binds, &mut BuiltIn, &Pg).unwrap();
    (text.finish(), binds)
}

/// The queries here have no types of the server's own.
struct BuiltIn;

impl PgMetadataLookup for BuiltIn {
    fn lookup_type(&mut self, name: &str, _schema: Option<&str>) -> PgTypeMetadata {
        unreachable!("a type {name}")
    }
}

fn hits_by_key(db: &mut Db) -> Group {
    let mut group = Group::new("PostgreSQL, a row by its key, a hit", 2_000);
    by_key(1).get_result::<Product>(db).unwrap();
    for _ in 0..ROUNDS {
        group.round("construct and build the query", || build(by_key(1)));
        group.round("hit", || by_key(1).get_result::<Product>(db).unwrap());
    }
    group
}

fn hits_of_a_list(db: &mut Db) -> Group {
    let mut group = Group::new("PostgreSQL, a list of 20 rows, a hit", 2_000);
    assert_eq!(list(7).load::<Post>(db).unwrap().len(), 20);
    for _ in 0..ROUNDS {
        group.round("construct and build the query", || build(list(7)));
        group.round("hit", || list(7).load::<Post>(db).unwrap());
    }
    group
}

/// The direct contender runs on the connection inside the wrapper: the same server process.
fn queries_by_key(db: &mut Db) -> Group {
    let mut group = Group::new("PostgreSQL, a row by its key, the query against a hit", 200);
    for _ in 0..ROUNDS {
        group.round("hit", || by_key(1).get_result::<Product>(db).unwrap());
        let plain = db.inner_mut_uncached();
        group.round("direct", || by_key(1).get_result::<Product>(plain).unwrap());
    }
    group
}

fn queries_of_a_list(db: &mut Db) -> Group {
    let mut group = Group::new(
        "PostgreSQL, a list of 20 rows, the query against a hit",
        200,
    );
    for _ in 0..ROUNDS {
        group.round("hit", || list(7).load::<Post>(db).unwrap());
        let plain = db.inner_mut_uncached();
        group.round("direct", || list(7).load::<Post>(plain).unwrap());
    }
    group
}

/// Every call asks for a row that is not stored: its stamps are registered, its result is put.
fn misses_by_key(db: &mut Db) -> Group {
    let mut group = Group::new(
        "PostgreSQL, a row by its key, a miss against the query",
        200,
    );
    let mut next = cycle(2_000);
    for _ in 0..ROUNDS {
        let plain = db.inner_mut_uncached();
        group.round("direct", || {
            by_key(next()).get_result::<Product>(plain).unwrap()
        });
        db.larder().blocking().invalidate_all();
        group.round("miss", || by_key(next()).get_result::<Product>(db).unwrap());
        group.round("refreshed", || {
            db.refreshed(|db| by_key(next()).get_result::<Product>(db).unwrap())
        });
        group.round("uncached", || {
            db.uncached(|db| by_key(next()).get_result::<Product>(db).unwrap())
        });
    }
    group
}

fn misses_of_a_list(db: &mut Db) -> Group {
    let mut group = Group::new(
        "PostgreSQL, a list of 20 rows, a miss against the query",
        100,
    );
    let mut next = cycle(100);
    for _ in 0..ROUNDS {
        let plain = db.inner_mut_uncached();
        group.round("direct", || list(next()).load::<Post>(plain).unwrap());
        db.larder().blocking().invalidate_all();
        group.round("miss", || list(next()).load::<Post>(db).unwrap());
    }
    group
}
