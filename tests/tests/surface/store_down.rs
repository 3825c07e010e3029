//! The store of the cache goes away while the application goes on.

use std::time::Duration;

use larder::{
    CachedConnection, Larder, Limits, Policy, RedisConfig, RedisStore, Undelivered, WrapConfig,
};
use larder_examples::entity::author;
use larder_testkit::server::RedisServer;
use larder_tests::lab::{Backend, Lab};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, Database, DatabaseConnection, DbErr,
    TransactionTrait,
};

struct Shop {
    server: RedisServer,
    larder: Larder,
    db: CachedConnection<DatabaseConnection>,
    lab: Lab,
}

impl Shop {
    async fn open(undelivered: Undelivered) -> Self {
        let server = RedisServer::start().unwrap();
        let second = Duration::from_secs(1);
        let config = RedisConfig::from_url(&server.url())
            .unwrap()
            .with_hit_timeout(second * 5)
            .with_response_timeout(second * 5);
        let mut limits = Limits::default();
        limits.breaker_open = Duration::from_millis(50);
        let larder = Larder::builder()
            .namespace("shop")
            .store(RedisStore::connect(config).await.unwrap())
            .default_policy(Policy::new().with_ttl(second * 600))
            .limits(limits)
            .undelivered(undelivered)
            .build()
            .unwrap();
        let lab = Lab::start(Backend::Sqlite).await;
        let connection = Database::connect(lab.options()).await.unwrap();
        let db = CachedConnection::wrap(&larder, connection, WrapConfig::new().source("shop"));
        Self {
            server,
            larder,
            db,
            lab,
        }
    }

    async fn name(&self) -> String {
        let author = author::Entity::find_by_id(3).one(&self.db).await.unwrap();
        author.unwrap().name
    }

    async fn rename(&self, name: &str) -> Result<(), DbErr> {
        rename(&self.db, name).await
    }

    /// As the database has it.
    async fn truth(&self) -> String {
        let author = author::Entity::find_by_id(3).one(&self.lab.plain).await;
        author.unwrap().unwrap().name
    }

    /// Waits for what the delivery thread does.
    async fn until_writes_are_allowed(&self) {
        for _ in 0..1_000 {
            if self.larder.write_refusal().is_none() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!(
            "writes are still refused: {:?}",
            self.larder.write_refusal()
        );
    }
}

async fn rename(db: &impl ConnectionTrait, name: &str) -> Result<(), DbErr> {
    let row = author::ActiveModel {
        id: Set(3),
        name: Set(name.into()),
        ..Default::default()
    };
    row.update(db).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_default_writes_go_on_and_nothing_stale_is_read() {
    let mut shop = Shop::open(Undelivered::Accept).await;
    shop.name().await;
    shop.server.kill().unwrap();
    for name in ["one", "two", "three"] {
        shop.rename(name).await.unwrap();
        assert_eq!(shop.name().await, name);
    }
    assert!(shop.larder.cache().pending() > 0);
    shop.server.restart().unwrap();
    shop.larder.flush(Duration::from_secs(20)).await.unwrap();
    assert_eq!(shop.larder.cache().pending(), 0);
    assert_eq!(shop.name().await, "three");
    shop.rename("four").await.unwrap();
    assert_eq!(shop.name().await, "four");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_are_refused_before_they_are_sent_where_that_was_asked_for() {
    let mut shop = Shop::open(Undelivered::Refuse).await;
    shop.rename("one").await.unwrap();
    let transaction = shop.db.begin().await.unwrap();
    rename(&transaction, "two").await.unwrap();
    shop.server.kill().unwrap();
    // Its write was sent before.
    transaction.commit().await.unwrap();
    let refused = shop.rename("three").await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("refused the write before it was sent"),
        "{refused}"
    );
    assert_eq!(shop.truth().await, "two");
    assert_eq!(shop.name().await, "two");
    let transaction = shop.db.begin().await.unwrap();
    assert!(rename(&transaction, "four").await.is_err());
    assert!(
        transaction
            .execute_unprepared("DELETE FROM author")
            .await
            .is_err()
    );
    transaction.rollback().await.unwrap();
    shop.server.restart().unwrap();
    shop.until_writes_are_allowed().await;
    shop.rename("five").await.unwrap();
    assert_eq!(shop.name().await, "five");
}
