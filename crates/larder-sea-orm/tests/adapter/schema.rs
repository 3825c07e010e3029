//! What a changed schema does to results, and to other handles on the same database.

use std::time::Duration;

use larder_core::MemoryStore;
use larder_sea_orm::{CachedConnection, LoaderTrait, Replica, WrapConfig};
use larder_signals::Larder;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};

use crate::{
    entities::{label, post, post_label, secret},
    fixture::{Fixture, assert_hit},
};

const TRIGGER: &str = "CREATE TRIGGER follow AFTER UPDATE ON secret
    BEGIN UPDATE post SET title = 'followed' WHERE id = 1; END";

async fn title(db: &impl ConnectionTrait) -> String {
    let post = post::Entity::find_by_id(1).one(db).await.unwrap();
    post.unwrap().title
}

async fn touch(db: &impl ConnectionTrait) {
    db.execute_unprepared("UPDATE secret SET word = 'open' WHERE id = 1")
        .await
        .unwrap();
}

/// The entry of an operation is named before its later statements are known.
#[tokio::test]
async fn r11_an_operation_is_told_apart_by_the_tables_of_all_its_statements() {
    let it = Fixture::new().await;
    let migrate = async |sql| it.plain.execute_unprepared(sql).await.unwrap();
    migrate(
        "ALTER TABLE label RENAME TO red; CREATE TABLE blue AS SELECT * FROM red;
        CREATE VIEW label AS SELECT * FROM red",
    )
    .await;
    // Every miss looks at the catalog.
    let config = WrapConfig::new().catalog_refresh(Duration::ZERO);
    let db = CachedConnection::wrap(&it.larder, it.plain.clone(), config);
    let parents = post::Entity::find_by_id(2).all(&it.plain).await.unwrap();
    let load = async || {
        let labels =
            LoaderTrait::load_many_to_many(&parents, label::Entity, post_label::Entity, &db);
        Ok::<_, DbErr>(labels.await?[0][0].name.clone())
    };
    assert_eq!(load().await.unwrap(), "blue");
    assert_eq!(assert_hit!(it, load()), "blue");
    // Another process migrates: now it reads a table that the entry does not rest on.
    migrate("DROP VIEW label; CREATE VIEW label AS SELECT * FROM blue").await;
    post::Entity::find_by_id(99).one(&db).await.unwrap();
    let update = "UPDATE blue SET name = 'navy' WHERE id = 2";
    db.execute_unprepared(update).await.unwrap();
    assert_eq!(load().await.unwrap(), "navy");
}

#[tokio::test]
async fn w8_a_refresh_through_a_handle_that_has_read_nothing_reaches_the_others() {
    let it = Fixture::new().await;
    assert_eq!(title(&it.db).await, "a");
    it.plain.execute_unprepared(TRIGGER).await.unwrap();
    it.larder.wrap(it.plain.clone()).refresh_catalog().await;
    assert_eq!(title(&it.db).await, "a");
    touch(&it.db).await;
    assert_eq!(title(&it.db).await, "followed");
}

/// Of a handle that cannot read, nobody knows which database it is on.
#[tokio::test]
async fn w8_a_refresh_that_cannot_read_makes_every_handle_read_again() {
    let it = Fixture::new().await;
    assert_eq!(title(&it.db).await, "a");
    it.plain.execute_unprepared(TRIGGER).await.unwrap();
    let dead = database().await;
    dead.clone().close().await.unwrap();
    it.larder.wrap(dead).refresh_catalog().await;
    assert_eq!(title(&it.db).await, "a");
    touch(&it.db).await;
    assert_eq!(title(&it.db).await, "followed");
}

async fn database() -> DatabaseConnection {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await.unwrap();
    db.execute_unprepared(
        "CREATE TABLE post (id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL,
            title TEXT NOT NULL, note TEXT);
        CREATE TABLE secret (id INTEGER PRIMARY KEY, word TEXT NOT NULL);
        INSERT INTO post VALUES (1, 3, 'a', NULL);
        INSERT INTO secret VALUES (1, 'sesame')",
    )
    .await
    .unwrap();
    db
}

/// Two databases, one of which stands in for a replica that never replays anything.
#[tokio::test]
async fn p9_a_replica_that_has_not_replayed_a_migration_does_not_hide_it_from_the_primary() {
    let larder = Larder::builder()
        .namespace("test")
        .store(MemoryStore::with_capacity_bytes(1 << 20))
        .build()
        .unwrap();
    let config = || WrapConfig::new().source("shop");
    let primary = CachedConnection::wrap(&larder, database().await, config());
    let replica = config().replica(Replica::ReadThrough);
    let replica = CachedConnection::wrap(&larder, database().await, replica);
    assert_eq!(
        (title(&primary).await, title(&replica).await),
        ("a".into(), "a".into())
    );
    primary.execute_unprepared(TRIGGER).await.unwrap();
    // The primary reads the catalog with the trigger, then the replica one without.
    assert_eq!(title(&primary).await, "a");
    secret::Entity::find().all(&replica).await.unwrap();
    assert_eq!(title(&replica).await, "a");
    touch(&primary).await;
    assert_eq!(title(&primary).await, "followed");
}
