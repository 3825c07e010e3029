//! What users of a `DatabaseConnection` expect of the wrapper beside reads and writes.

use larder_core::{MemoryStore, Policy};
use larder_sea_orm::{CachedConnection, WrapConfig};
use larder_signals::Larder;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, EntityTrait};

use crate::{
    entities::post,
    fixture::{Fixture, assert_hit, assert_miss},
};

#[tokio::test]
async fn inherent_methods_are_forwarded() {
    let f = Fixture::new().await;
    f.db.ping().await.unwrap();
    assert_eq!(f.db.support_returning(), f.plain.support_returning());
    assert!(!f.db.is_mock_connection());
    assert_eq!(f.db.larder().namespace(), "test");
    f.db.inner().ping().await.unwrap();
    f.db.clone().close().await.unwrap();
    assert!(f.db.ping().await.is_err());
}

/// What a query says of itself is what SeaORM says of it.
#[test]
fn statements_are_those_of_sea_orm() {
    use sea_orm::QuerySelect as _;
    let titles = || {
        post::Entity::find()
            .select_only()
            .column(post::Column::Title)
    };
    let backend = sea_orm::DbBackend::Sqlite;
    let told = titles().into_tuple::<String>().into_statement(backend);
    let truth = titles().uncached().into_tuple::<String>();
    assert_eq!(told, truth.into_statement(backend));
    let selector = titles().uncached().into_tuple::<String>();
    let cached = larder_sea_orm::CacheQuery::cached(selector);
    assert_eq!(cached.into_statement(backend), told);
}

#[tokio::test]
async fn streams_are_not_cached_and_their_writes_are_seen() {
    use sea_orm::StreamTrait;
    let f = Fixture::new().await;
    assert_miss!(f, post::Entity::find_by_id(1).one(&f.db));
    let stream = post::Entity::find().stream(&f.db).await.unwrap();
    assert_eq!(drained(stream).await, 4);
    assert_hit!(f, post::Entity::find_by_id(1).one(&f.db));
    let update = "UPDATE post SET title = 'stream' WHERE id = 1 RETURNING id";
    let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, update);
    assert_eq!(drained(f.db.stream_raw(statement).await.unwrap()).await, 1);
    let row = assert_miss!(f, post::Entity::find_by_id(1).one(&f.db));
    assert_eq!(row.unwrap().title, "stream");
}

async fn drained<S, T>(stream: S) -> usize
where
    S: futures_core::Stream<Item = Result<T, sea_orm::DbErr>>,
{
    let mut stream = Box::pin(stream);
    let mut rows = 0;
    while let Some(row) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        row.unwrap();
        rows += 1;
    }
    rows
}

#[tokio::test]
async fn two_handles_on_one_source_share_results_and_invalidation() {
    let f = Fixture::new().await;
    let wrap = || {
        let config = WrapConfig::new().source("shop");
        CachedConnection::wrap(&f.larder, f.plain.clone(), config)
    };
    let (first, second) = (wrap(), wrap());
    first.execute_unprepared("SELECT 1").await.unwrap();
    second.execute_unprepared("SELECT 1").await.unwrap();
    assert_miss!(f, post::Entity::find_by_id(1).one(&first));
    assert_hit!(f, post::Entity::find_by_id(1).one(&second));
    post::Entity::delete_by_id(1).exec(&second).await.unwrap();
    assert_eq!(
        assert_miss!(f, post::Entity::find_by_id(1).one(&first)),
        None
    );
}

#[tokio::test]
async fn memory_databases_of_two_handles_are_two_sources() {
    let f = Fixture::new().await;
    assert_miss!(f, post::Entity::find_by_id(1).one(&f.db));
    let other = Database::connect("sqlite::memory:").await.unwrap();
    let create =
        "CREATE TABLE post (id INTEGER PRIMARY KEY, author_id INTEGER, title TEXT, note TEXT)";
    other.execute_unprepared(create).await.unwrap();
    let other = f.larder.wrap(other);
    assert_eq!(post::Entity::find_by_id(1).one(&other).await.unwrap(), None);
    assert!(assert_hit!(f, post::Entity::find_by_id(1).one(&f.db)).is_some());
}

#[tokio::test]
async fn builder_policy_wins_over_the_declared_one() {
    let f = Fixture::new().await;
    let larder = Larder::builder()
        .namespace("other")
        .store(MemoryStore::with_capacity_bytes(1 << 20))
        .policy("post", Policy::never())
        .build()
        .unwrap();
    let db = larder.wrap(f.plain.clone());
    db.execute_unprepared("SELECT 1").await.unwrap();
    assert_miss!(f, post::Entity::find_by_id(1).one(&db));
    assert_miss!(f, post::Entity::find_by_id(1).one(&db));
}

#[test]
fn wrapper_is_send_sync_clone_and_debug() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    check::<CachedConnection<DatabaseConnection>>();
    check::<larder_sea_orm::CachedSelect<post::Entity>>();
}

#[tokio::test]
async fn transaction_as_text_drops_everything_at_its_end_and_the_handle_bypasses() {
    let f = Fixture::new().await;
    let wrap = || {
        let config = WrapConfig::new().source("shop");
        CachedConnection::wrap(&f.larder, f.plain.clone(), config)
    };
    let (text, other) = (wrap(), wrap());
    for handle in [&text, &other] {
        handle.execute_unprepared("SELECT 1").await.unwrap();
    }
    text.execute_unprepared("BEGIN").await.unwrap();
    text.execute_unprepared("UPDATE post SET title = 'text' WHERE id = 1")
        .await
        .unwrap();
    // One connection, so that the other handle reads inside the transaction and may store it.
    assert_miss!(f, post::Entity::find_by_id(1).one(&other));
    assert_hit!(f, post::Entity::find_by_id(1).one(&other));
    text.execute_unprepared("ROLLBACK").await.unwrap();
    let row = assert_miss!(f, post::Entity::find_by_id(1).one(&other));
    assert_eq!(row.unwrap().title, "a");
    for _ in 0..2 {
        assert_miss!(f, post::Entity::find_by_id(1).one(&text));
    }
}

#[tokio::test]
async fn schema_change_by_others_is_noticed_by_the_timer() {
    let f = Fixture::new().await;
    let config = WrapConfig::new()
        .source("shop")
        .catalog_refresh(std::time::Duration::ZERO);
    let db = CachedConnection::wrap(&f.larder, f.plain.clone(), config);
    post::Entity::find_by_id(1).one(&db).await.unwrap();
    assert_hit!(f, post::Entity::find_by_id(1).one(&db));
    // A trigger that the wrapper did not see made: writes of comments now touch posts.
    let trigger = "CREATE TRIGGER touch AFTER INSERT ON comment BEGIN
        UPDATE post SET note = 'touched' WHERE id = NEW.post_id; END";
    f.plain.execute_unprepared(trigger).await.unwrap();
    db.execute_unprepared("INSERT INTO comment (post_id, approved) VALUES (1, 1)")
        .await
        .unwrap();
    let row = post::Entity::find_by_id(1).one(&db).await.unwrap().unwrap();
    assert_eq!(row.note.as_deref(), Some("touched"));
}
