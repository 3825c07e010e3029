//! An update of one row by its key on PostgreSQL, beside the bare one: with a store in memory and
//! with Redis, among more and more that is cached, and among more and more shapes.
//!
//! But for the last group the server does not sync, which makes the bare update as fast as it can be
//! and the ratios the worst case.

use std::time::Duration;

use diesel::{
    Connection as _, ExpressionMethods as _, OptionalExtension as _, PgConnection, QueryDsl as _,
    QueryableByName, RunQueryDsl as _, sql_query, sql_types::Integer,
};
use larder::{Larder, Policy, diesel::CachedConnection};
use larder_benches::{Group, commands_of_an_invalidation};
use larder_core::Stores;
use larder_redis::{RedisConfig, RedisStore};
use larder_testkit::server::{PostgresServer, RedisServer};

use crate::{
    ROUNDS, larder,
    model::{Product, by_key, cycle, list, post, product},
    postgres,
};

type Db = CachedConnection<PgConnection>;

const CALLS: u32 = 50;
const SHAPES: [u32; 3] = [1, 10, 50];
const ROWS: i32 = 2_000;

macro_rules! restock {
    ($id:expr, $db:expr) => {{
        let id = $id;
        let update = diesel::update(product::table.find(id));
        update
            .set(product::stock.eq(product::stock + 1))
            .execute($db)
            .unwrap()
    }};
}

pub(crate) fn report(url: &str) {
    let server = RedisServer::start().unwrap();
    let redis = |name: &str| {
        let config = RedisConfig::from_url(&server.url()).unwrap();
        on(name, RedisStore::connect_blocking(config).unwrap())
    };
    let connect = |larder: &Larder| larder.wrap(PgConnection::establish(url).unwrap());
    let mut plain = PgConnection::establish(url).unwrap();
    let mut memory = connect(&larder());
    let mut remote = connect(&redis("empty"));
    let client = redis::Client::open(server.url()).unwrap();
    let mut bare = client.get_connection().unwrap();
    let title = "PostgreSQL, an update of a row by its key";
    let alone = by_key_alone(title, &mut plain, &mut bare, &mut memory, &mut remote);
    println!("{}", alone.report());
    println!(
        "{}",
        that_tell_less(&mut plain, &mut connect(&redis("less"))).report()
    );
    let mut filled: Vec<(i32, Db)> = [100, 10_000, 100_000]
        .into_iter()
        .map(|count| {
            let mut db = connect(&redis(&format!("filled-{count}")));
            for id in 1..=count {
                by_key(id)
                    .get_result::<Product>(&mut db)
                    .optional()
                    .unwrap();
            }
            (count, db)
        })
        .collect();
    println!("{}", among_cached(&mut remote, &mut filled).report());
    let mut shaped: Vec<(u32, Db)> = SHAPES
        .into_iter()
        .map(|count| (count, connect(&redis(&format!("shapes-{count}")))))
        .collect();
    println!("{}", among_shapes(&mut shaped).report());
    println!("{}", on_disk(&server, &mut bare).report());
}

/// On a server that acknowledges what is on disk, as an installed one does.
fn on_disk(redis: &RedisServer, bare: &mut redis::Connection) -> Group {
    let server = PostgresServer::start_durable().unwrap();
    let url = server.url();
    postgres::create(&url);
    let connect = |larder: &Larder| larder.wrap(PgConnection::establish(&url).unwrap());
    let config = RedisConfig::from_url(&redis.url()).unwrap();
    let store = RedisStore::connect_blocking(config).unwrap();
    let mut plain = PgConnection::establish(&url).unwrap();
    let mut memory = connect(&larder());
    let mut remote = connect(&on("durable", store));
    let title = "PostgreSQL that syncs, an update of a row by its key";
    by_key_alone(title, &mut plain, bare, &mut memory, &mut remote)
}

fn on(namespace: &str, store: impl Into<Stores>) -> Larder {
    Larder::builder()
        .namespace(namespace)
        .store(store)
        .default_policy(Policy::new().with_ttl(Duration::from_secs(900)))
        .build()
        .unwrap()
}

/// Without a cache, the update and what any invalidation in Redis takes: one round trip.
fn by_key_alone(
    title: &str,
    plain: &mut PgConnection,
    bare: &mut redis::Connection,
    memory: &mut Db,
    remote: &mut Db,
) -> Group {
    let mut group = Group::new(title, CALLS);
    let mut next = cycle(ROWS);
    for db in [&mut *memory, &mut *remote] {
        by_key(1).get_result::<Product>(db).unwrap();
    }
    for _ in 0..ROUNDS {
        group.round("direct", || restock!(next(), plain));
        group.round("direct, then bare commands to Redis", || {
            let updated = restock!(next(), plain);
            commands_of_an_invalidation().exec(bare).unwrap();
            updated
        });
        group.round("memory store", || restock!(next(), memory));
        group.round("Redis", || restock!(next(), remote));
    }
    group
}

/// Lists by author are cached, and the statement does not name him.
fn that_tell_less(plain: &mut PgConnection, db: &mut Db) -> Group {
    let mut group = Group::new(
        "PostgreSQL with Redis, where lists are cached by another column",
        CALLS,
    );
    list(7).load::<crate::model::Post>(db).unwrap();
    let mut next = cycle(ROWS);
    macro_rules! retitle {
        ($db:expr) => {
            diesel::update(post::table.find(next()))
                .set(post::title.eq("another"))
                .execute($db)
                .unwrap()
        };
    }
    macro_rules! hand_over {
        ($db:expr) => {{
            let id = next();
            diesel::update(post::table.find(id))
                .set(post::author_id.eq(id % 100 + 1))
                .execute($db)
                .unwrap()
        }};
    }
    for _ in 0..ROUNDS {
        group.round("direct", || retitle!(plain));
        group.round("the author comes back by RETURNING", || retitle!(db));
        group.round("the author changes: read first, own transaction", || {
            hand_over!(db)
        });
    }
    group
}

fn among_cached(empty: &mut Db, filled: &mut [(i32, Db)]) -> Group {
    let mut group = Group::new(
        "the same with Redis, by the number of cached queries",
        CALLS,
    );
    let mut next = cycle(ROWS);
    for _ in 0..ROUNDS {
        group.round("1", || restock!(next(), empty));
        for (count, db) in &mut *filled {
            group.round(&count.to_string(), || restock!(next(), db));
        }
    }
    group
}

#[derive(Debug, QueryableByName)]
struct Shaped {
    #[diesel(sql_type = Integer)]
    #[expect(dead_code, reason = "what is measured is that it is made")]
    id: i32,
}

/// Queries that name other columns are of other shapes, each with stamps of its own to drop.
fn among_shapes(shaped: &mut [(u32, Db)]) -> Group {
    let named = [", sku", ", name", ", price", ", discontinued"];
    let asked = [" AND sku = 'sku1'", " AND name = 'product 1'"];
    for (count, db) in &mut *shaped {
        for shape in 0..*count {
            let chosen = |parts: &[&str], from: usize| -> String {
                let bits = parts.iter().enumerate();
                bits.filter(|(bit, _)| shape >> (from + bit) & 1 == 1)
                    .map(|(_, part)| *part)
                    .collect()
            };
            let (columns, conditions) = (chosen(&named, 0), chosen(&asked, 4));
            let text = format!("SELECT id, stock{columns} FROM product WHERE id = $1{conditions}");
            sql_query(text)
                .bind::<Integer, _>(1)
                .load::<Shaped>(db)
                .unwrap();
        }
    }
    let mut group = Group::new("the same with Redis, by the number of shapes", CALLS);
    let mut next = cycle(ROWS);
    for _ in 0..ROUNDS {
        for (count, db) in &mut *shaped {
            group.round(&count.to_string(), || restock!(next(), db));
        }
    }
    group
}
