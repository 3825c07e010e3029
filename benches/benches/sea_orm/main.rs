//! What a hit and a miss cost with SeaORM, plan and catalog warm.
//!
//! Models the two reads of a web page, a row by its key and a list of 20 rows by a condition, on
//! embedded SQLite and on a private PostgreSQL server on the same host. Run by `scripts/bench`; the
//! updates alone by adding `-- writes`.

use std::sync::Arc;

use larder::{
    CachedConnection, Larder, LarderBuilder, MemoryStore, MetricsObserver, Policy, TracingObserver,
};
use larder_benches::Group;
use larder_examples::entity::{post, product};
use larder_sql::Dialect;
use larder_testkit::{schema, server};
use sea_orm::{
    ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend,
    EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Statement,
};

mod paths;
mod writes;

const ROUNDS: usize = 60;

#[tokio::main]
async fn main() {
    let postgres = server::PostgresServer::start().unwrap();
    let plain = Database::connect(options(&postgres.url())).await.unwrap();
    for statement in schema::statements(Dialect::Postgres) {
        plain.execute_unprepared(statement).await.unwrap();
    }
    seed(&plain).await;
    let connect = async |larder: Larder| {
        let connection = Database::connect(options(&postgres.url())).await.unwrap();
        larder.wrap(connection)
    };
    let db = connect(builder().build().unwrap()).await;
    // Nobody has installed a recorder or a subscriber.
    let told = builder()
        .observer(Arc::new(MetricsObserver::new()))
        .observer(Arc::new(TracingObserver::new()));
    let told = connect(told.build().unwrap()).await;

    if std::env::args().any(|argument| argument == "writes") {
        return writes::report(&plain, connect).await;
    }
    println!("{}", hits_that_are_told(&db, &told).await.report());
    println!("{}", hits_by_key(&db).await.report());
    println!("{}", hits_of_a_list(&db).await.report());
    println!("{}", paths::pages(&db).await.report());
    println!("{}", paths::two_tables(&db).await.report());
    println!("{}", paths::loaders(&db).await.report());
    println!("{}", hit_against_query(&db).await.report());
    println!("{}", miss_against_query(&db).await.report());
    println!("{}", miss_of_a_list_against_query(&db).await.report());
    writes::report(&plain, connect).await;
}

fn builder() -> LarderBuilder {
    Larder::builder()
        .namespace("bench")
        .store(MemoryStore::with_capacity_bytes(256 << 20))
        .default_policy(Policy::new().with_ttl(std::time::Duration::from_secs(900)))
}

fn options(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(2).sqlx_logging(false);
    options
}

async fn seed(db: &DatabaseConnection) {
    for sql in [
        "INSERT INTO author (id, name) SELECT n, 'author ' || n FROM generate_series(1, 100) n",
        "INSERT INTO post (id, author_id, title, body, status) SELECT n, n % 100 + 1,
             'title ' || n, repeat('x', 200), 'published' FROM generate_series(1, 2000) n",
        "INSERT INTO comment (id, post_id, body, approved) SELECT n, n % 500 + 1, 'body ' || n, true
             FROM generate_series(1, 1500) n",
        "INSERT INTO product (id, sku, name, price) SELECT n, 'sku' || n, 'product ' || n, 9.99
             FROM generate_series(1, 2000) n",
        "ANALYZE",
    ] {
        db.execute_unprepared(sql).await.unwrap();
    }
}

fn list(author: i32) -> sea_orm::Select<post::Entity> {
    <post::Entity as EntityTrait>::find()
        .filter(post::Column::AuthorId.eq(author))
        .order_by_asc(post::Column::Id)
        .limit(20)
}

/// Constructing and building the statement is what a caller pays with no cache and no database.
fn construct_by_key(id: i32) -> Statement {
    <product::Entity as EntityTrait>::find_by_id(id)
        .limit(1)
        .build(DbBackend::Postgres)
}

async fn hits_by_key(db: &CachedConnection<DatabaseConnection>) -> Group {
    let mut group = Group::new("find_by_id(1).one(&db), a hit", 2_000);
    product::Entity::find_by_id(1).one(db).await.unwrap();
    for _ in 0..ROUNDS {
        group.round("construct and build the statement", || construct_by_key(1));
        group
            .round_async("hit, one", || product::Entity::find_by_id(1).one(db))
            .await;
        group
            .round_async("hit, one_shared", || {
                product::Entity::find_by_id(1).one_shared(db)
            })
            .await;
    }
    group
}

/// What it costs to have observers whose metrics and logs nobody takes.
async fn hits_that_are_told(
    db: &CachedConnection<DatabaseConnection>,
    told: &CachedConnection<DatabaseConnection>,
) -> Group {
    let mut group = Group::new("find_by_id(1).one(&db), a hit, by who listens", 2_000);
    for db in [db, told] {
        product::Entity::find_by_id(1).one(db).await.unwrap();
    }
    for _ in 0..ROUNDS {
        for (name, db) in [
            ("no observer", db),
            ("metrics and tracing, switched off at run time", told),
        ] {
            group
                .round_async(name, || product::Entity::find_by_id(1).one(db))
                .await;
        }
    }
    group
}

async fn hits_of_a_list(db: &CachedConnection<DatabaseConnection>) -> Group {
    let cached = || {
        post::Entity::find()
            .filter(post::Column::AuthorId.eq(7))
            .order_by_asc(post::Column::Id)
            .limit(20)
    };
    let mut group = Group::new("a list of 20 rows, a hit", 2_000);
    assert_eq!(cached().all(db).await.unwrap().len(), 20);
    for _ in 0..ROUNDS {
        group.round("construct and build the statement", || {
            list(7).build(DbBackend::Postgres)
        });
        group
            .round_async("hit, all_shared", || cached().all_shared(db))
            .await;
        group
            .round_async("hit, all (clones 20 rows)", || cached().all(db))
            .await;
    }
    group
}

/// The uncached contender runs on the connection inside the wrapper: the same pool, the same
/// server processes.
async fn hit_against_query(db: &CachedConnection<DatabaseConnection>) -> Group {
    let plain = db.inner();
    let mut group = Group::new("a hit against the query on PostgreSQL, same host", 100);
    for _ in 0..ROUNDS {
        group
            .round_async("uncached find_by_id(1).one", || {
                <product::Entity as EntityTrait>::find_by_id(1).one(plain)
            })
            .await;
        group
            .round_async("hit find_by_id(1).one", || {
                product::Entity::find_by_id(1).one(db)
            })
            .await;
        group
            .round_async("uncached list of 20", || list(7).all(plain))
            .await;
    }
    group
}

/// Every call asks for a row that is not stored: its stamps are registered, its result is put.
async fn miss_against_query(db: &CachedConnection<DatabaseConnection>) -> Group {
    let plain = db.inner();
    let mut group = Group::new("a miss against the query on PostgreSQL, by key", 200);
    let mut key = 0;
    let mut next = move || {
        key = key % 2_000 + 1;
        key
    };
    for _ in 0..ROUNDS {
        group
            .round_async("uncached find_by_id.one", || {
                <product::Entity as EntityTrait>::find_by_id(next()).one(plain)
            })
            .await;
        db.larder().invalidate_all().await;
        group
            .round_async("miss", || product::Entity::find_by_id(next()).one(db))
            .await;
        group
            .round_async("wrapped, .uncached()", || {
                product::Entity::find_by_id(next()).uncached().one(db)
            })
            .await;
    }
    group
}

async fn miss_of_a_list_against_query(db: &CachedConnection<DatabaseConnection>) -> Group {
    let plain = db.inner();
    let mut group = Group::new("a miss against the query on PostgreSQL, 20 rows", 100);
    let mut author = 0;
    let mut next = move || {
        author = author % 100 + 1;
        author
    };
    for _ in 0..ROUNDS {
        db.larder().invalidate_all().await;
        group
            .round_async("uncached list", || list(next()).all(plain))
            .await;
        group
            .round_async("miss", || {
                post::Entity::find()
                    .filter(post::Column::AuthorId.eq(next()))
                    .order_by_asc(post::Column::Id)
                    .limit(20)
                    .all(db)
            })
            .await;
    }
    group
}
