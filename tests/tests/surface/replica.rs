//! Replicas: they may be answered from the cache and never fill it.

use larder::{CachedConnection, Larder, MemoryStore, Replica, WrapConfig};
use larder_examples::entity::author;
use larder_testkit::{schema, server::PostgresServer};
use larder_tests::lab::{Backend, Lab};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, Database, DatabaseConnection};

type Db = CachedConnection<DatabaseConnection>;

fn larder() -> Larder {
    Larder::builder()
        .namespace("replica")
        .store(MemoryStore::with_capacity_bytes(1 << 20))
        .build()
        .unwrap()
}

async fn rename(db: &Db, name: &str) {
    let row = author::ActiveModel {
        id: Set(1),
        name: Set(name.to_owned()),
        ..Default::default()
    };
    row.update(db).await.unwrap();
}

async fn name(db: &Db) -> String {
    author::Entity::find_by_id(1)
        .require_one(db)
        .await
        .unwrap()
        .name
}

/// A primary and a standby that lags for ever, under one source.
struct Pair {
    _servers: [PostgresServer; 2],
    urls: [String; 2],
    larder: Larder,
}

impl Pair {
    async fn start() -> Self {
        let primary = PostgresServer::start_primary().unwrap();
        let db = Database::connect(primary.url()).await.unwrap();
        for statement in schema::statements(larder_sql::Dialect::Postgres) {
            db.execute_unprepared(statement).await.unwrap();
        }
        db.execute_unprepared("INSERT INTO author (id, name) VALUES (1, 'old')")
            .await
            .unwrap();
        let standby = primary.standby().unwrap();
        Self {
            urls: [primary.url(), standby.url()],
            _servers: [primary, standby],
            larder: larder(),
        }
    }

    async fn wrap(&self, url: usize, config: WrapConfig) -> Db {
        let connection = Database::connect(&self.urls[url]).await.unwrap();
        CachedConnection::wrap(&self.larder, connection, config.source("shop"))
    }

    /// The primary writes, the standby is asked, the primary is asked again.
    async fn read_after_write(&self, replica: WrapConfig) -> (String, String) {
        let primary = self.wrap(0, WrapConfig::new()).await;
        let standby = self.wrap(1, replica).await;
        name(&primary).await;
        rename(&primary, "new").await;
        let from_standby = name(&standby).await;
        (from_standby, name(&primary).await)
    }
}

#[tokio::test]
async fn p9_a_standby_never_fills_the_cache_with_what_it_has_not_replayed() {
    let pair = Pair::start().await;
    // Nobody says that it is one: the server does.
    let (from_standby, from_primary) = pair.read_after_write(WrapConfig::new()).await;
    assert_eq!(from_standby, "old", "the standby must lag for this test");
    assert_eq!(from_primary, "new");
}

#[tokio::test]
async fn a_standby_is_answered_with_what_the_primary_has_filled() {
    let pair = Pair::start().await;
    let primary = pair.wrap(0, WrapConfig::new()).await;
    let standby = pair.wrap(1, WrapConfig::new()).await;
    name(&standby).await;
    rename(&primary, "new").await;
    assert_eq!(name(&primary).await, "new");
    // By its own rows it would say "old".
    assert_eq!(name(&standby).await, "new");
    let past = author::Entity::find_by_id(1)
        .uncached()
        .require_one(&standby);
    assert_eq!(past.await.unwrap().name, "old");
}

#[tokio::test]
async fn a_replica_declared_safe_fills_the_cache() {
    let pair = Pair::start().await;
    let safe = WrapConfig::new().replica(Replica::DeclaredSafe);
    // It is not: what follows is what the declaration asks for.
    let (_, from_primary) = pair.read_after_write(safe).await;
    assert_eq!(from_primary, "old");
}

/// A handle that says so counts as a replica, whatever its server.
async fn a_declared_replica_reads_through_and_stores_nothing(backend: Backend) {
    let lab = Lab::start(backend).await;
    let connect = || async { Database::connect(lab.options()).await.unwrap() };
    let wrap = |connection, config: WrapConfig| {
        CachedConnection::wrap(&lab.larder, connection, config.source("shop"))
    };
    let primary = wrap(connect().await, WrapConfig::new());
    let counted = lab.db.inner().clone();
    let replica = wrap(counted, WrapConfig::new().replica(Replica::ReadThrough));
    let author = |id: i32| author::Entity::find_by_id(id);
    author(3).one(&replica).await.unwrap();
    let asked = |before: usize| lab.selects() - before;
    let before = lab.selects();
    author(3).one(&replica).await.unwrap();
    assert_eq!(asked(before), 1, "a replica stored its answer");
    author(3).one(&primary).await.unwrap();
    let before = lab.selects();
    author(3).one(&replica).await.unwrap();
    assert_eq!(
        asked(before),
        0,
        "a replica was not answered by the primary's fill"
    );
    author(3).refresh().one(&replica).await.unwrap();
    assert_eq!(
        asked(before),
        1,
        "a refresh asks the database, a replica too"
    );
    let before = lab.selects();
    author(3).one(&replica).await.unwrap();
    assert_eq!(asked(before), 0, "and stores nothing of it");
}

/// A read-only server of MariaDB is a replica or about to be one.
#[tokio::test]
async fn a_read_only_server_counts_as_a_replica() {
    let server = larder_testkit::server::MariaDbServer::start().unwrap();
    let url = server.url();
    let plain = Database::connect(&url).await.unwrap();
    for statement in schema::statements(larder_sql::Dialect::MySql) {
        plain.execute_unprepared(statement).await.unwrap();
    }
    plain
        .execute_unprepared("INSERT INTO author (id, name) VALUES (1, 'old')")
        .await
        .unwrap();
    plain
        .execute_unprepared("SET GLOBAL read_only = ON")
        .await
        .unwrap();
    let db = larder().wrap(Database::connect(&url).await.unwrap());
    assert_eq!(name(&db).await, "old");
    // As replication would, past the wrapper and past read_only.
    plain
        .execute_unprepared("UPDATE author SET name = 'new' WHERE id = 1")
        .await
        .unwrap();
    assert_eq!(name(&db).await, "new");
}

crate::on_all!(a_declared_replica_reads_through_and_stores_nothing);
