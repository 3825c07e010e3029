//! Diesel's relays, which drop what SeaORM has cached.

use std::time::Duration;

use diesel::{
    Connection, MysqlConnection, PgConnection, SqliteConnection, result::Error, sql_query,
};
use diesel_async::{
    AsyncConnection, AsyncMysqlConnection, AsyncPgConnection, RunQueryDsl as _,
    sync_connection_wrapper::SyncConnectionWrapper,
};
use larder::{
    RelayConfig, RelayOutcome,
    diesel::{CachedAsyncConnection, CachedConnection, WrappedAsyncConnection, WrappedConnection},
};
use larder_tests::lab::{Backend, Lab, wrap_config};

use crate::site::{READS, Site};

/// As Diesel wants it.
fn url(site: &Site) -> String {
    let url = site.lab.url.trim_start_matches("sqlite://");
    url.split_once("?mode")
        .map_or(url, |(path, _)| path)
        .to_owned()
}

const WRITES: [&str; 3] = [
    "UPDATE post SET views = views + 1 WHERE id = 1",
    "DELETE FROM comment WHERE post_id = 1",
    "UPDATE author SET active = false WHERE id = 3",
];

async fn check<C>(backend: Backend)
where
    C: WrappedConnection,
    CachedConnection<C>: diesel::connection::SimpleConnection,
{
    let site = Site::start(backend).await;
    let inner = C::establish(&url(&site)).unwrap();
    let config = wrap_config(&site.lab.url);
    let mut db = CachedConnection::wrap(&site.lab.larder, inner, &config);
    for sql in WRITES {
        site.warm().await;
        site.outside(sql).await;
        let round = db.relay(RelayConfig::new()).round().unwrap();
        assert_eq!(round.outcome, RelayOutcome::Trimmed, "{sql}");
        assert_eq!(site.recorded().await, 0);
        assert!(site.is_hit(READS[8]).await, "{sql}");
        for read in READS {
            assert!(site.is_fresh(read).await, "{read} after {sql}");
        }
    }
    let idle = db.relay(RelayConfig::new()).round().unwrap();
    assert_eq!((idle.rows, idle.outcome), (0, RelayOutcome::Idle));

    // It must not commit what is not its own.
    site.outside(WRITES[0]).await;
    let refused =
        db.transaction::<_, Error, _>(|db| Ok(db.relay(RelayConfig::new()).round().unwrap_err()));
    assert!(matches!(refused, Ok(Error::AlreadyInTransaction)));

    let mut rounds = 0;
    db.relay(RelayConfig::new().poll_interval(Duration::from_millis(1)))
        .run(|| {
            rounds += 1;
            rounds < 3
        });
    assert_eq!(site.recorded().await, 0);
    assert!(db.catalog().is_some());
}

async fn check_async<C>(backend: Backend)
where
    C: WrappedAsyncConnection,
    CachedAsyncConnection<C>: AsyncConnection,
{
    let site = Site::start(backend).await;
    let inner = C::establish(&url(&site)).await.unwrap();
    let config = wrap_config(&site.lab.url);
    let mut db = CachedAsyncConnection::wrap(&site.lab.larder, inner, &config);
    for sql in WRITES {
        site.warm().await;
        site.outside(sql).await;
        let round = db.relay(RelayConfig::new()).round().await.unwrap();
        assert_eq!(round.outcome, RelayOutcome::Trimmed, "{sql}");
        assert_eq!(site.recorded().await, 0);
        assert!(site.is_hit(READS[8]).await, "{sql}");
        for read in READS {
            assert!(site.is_fresh(read).await, "{read} after {sql}");
        }
    }
    let idle = db.relay(RelayConfig::new()).round().await.unwrap();
    assert_eq!((idle.rows, idle.outcome), (0, RelayOutcome::Idle));
    assert!(db.catalog().await.is_some());
}

#[tokio::test]
async fn a_blocking_relay_drops_what_others_wrote_on_sqlite() {
    check::<SqliteConnection>(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_blocking_relay_drops_what_others_wrote_on_postgres() {
    check::<PgConnection>(Backend::Postgres).await;
}

#[tokio::test]
async fn a_blocking_relay_drops_what_others_wrote_on_mariadb() {
    check::<MysqlConnection>(Backend::MariaDb).await;
}

#[tokio::test]
async fn an_asynchronous_relay_drops_what_others_wrote_on_sqlite() {
    check_async::<SyncConnectionWrapper<SqliteConnection>>(Backend::Sqlite).await;
}

#[tokio::test]
async fn an_asynchronous_relay_drops_what_others_wrote_on_postgres() {
    check_async::<AsyncPgConnection>(Backend::Postgres).await;
}

#[tokio::test]
async fn an_asynchronous_relay_drops_what_others_wrote_on_mariadb() {
    check_async::<AsyncMysqlConnection>(Backend::MariaDb).await;
}

/// Diesel's own writes stay precise under the triggers, and libpq marks its session.
#[tokio::test]
async fn a_marked_connection_of_diesel_is_not_recorded() {
    let site = Site::start(Backend::Postgres).await;
    let url = format!("{}?options=-c%20larder.session%3Don", url(&site));
    let inner = PgConnection::establish(&url).unwrap();
    let mut db = CachedConnection::wrap(&site.lab.larder, inner, &wrap_config(&site.lab.url));
    site.warm().await;
    diesel::RunQueryDsl::execute(sql_query(WRITES[0]), &mut db).unwrap();
    assert_eq!(site.recorded().await, 0);
    assert!(site.is_fresh(READS[0]).await && site.is_hit(READS[1]).await);
    let inner = AsyncPgConnection::establish(&url).await.unwrap();
    let mut db = CachedAsyncConnection::wrap(&site.lab.larder, inner, &wrap_config(&site.lab.url));
    site.warm().await;
    sql_query(WRITES[0]).execute(&mut db).await.unwrap();
    assert_eq!(site.recorded().await, 0);
    assert!(site.is_fresh(READS[0]).await && site.is_hit(READS[1]).await);
}

/// Writes of larder's own, one of which fails.
const OWN_WRITES: [&str; 6] = [
    "UPDATE post SET views = views + 1 WHERE id = 1",
    "UPDATE post SET author_id = 5 WHERE id = 3",
    "INSERT INTO post (id, author_id, title) VALUES (7, 5, 'seven')",
    "INSERT INTO post (id, author_id, title) VALUES (1, 5, 'again')",
    "DELETE FROM comment WHERE id = 3",
    "DELETE FROM post WHERE id = 7",
];

/// What each of them drops.
async fn dropped<C>(site: &Site) -> Vec<(&'static str, Vec<&'static str>)>
where
    C: WrappedConnection,
    CachedConnection<C>: Connection<Backend = C::Backend>,
    diesel::query_builder::SqlQuery: diesel::query_dsl::methods::ExecuteDsl<CachedConnection<C>>,
{
    let inner = C::establish(&url(site)).unwrap();
    let config = wrap_config(&site.lab.url);
    let mut db = CachedConnection::wrap(&site.lab.larder, inner, &config);
    let mut dropped = Vec::new();
    for sql in OWN_WRITES {
        site.warm().await;
        let written = diesel::RunQueryDsl::execute(sql_query(sql), &mut db);
        assert_eq!(written.is_err(), sql.ends_with("'again')"), "{sql}");
        let mut gone = Vec::new();
        for read in READS {
            if !site.is_hit(read).await {
                gone.push(*read);
            }
            assert!(site.is_fresh(read).await, "{read} after {sql}");
        }
        dropped.push((sql, gone));
    }
    dropped
}

async fn drops_no_more<C>(backend: Backend)
where
    C: WrappedConnection,
    CachedConnection<C>: Connection<Backend = C::Backend>,
    diesel::query_builder::SqlQuery: diesel::query_dsl::methods::ExecuteDsl<CachedConnection<C>>,
{
    let bare = Lab::start(backend).await;
    let relay = bare.db.relay(RelayConfig::new());
    let before = dropped::<C>(&Site { lab: bare, relay }).await;
    let site = Site::start(backend).await;
    assert_eq!(dropped::<C>(&site).await, before);
    assert!(site.recorded().await > 0);
}

#[tokio::test]
async fn own_writes_drop_no_more_under_the_triggers_on_sqlite() {
    drops_no_more::<SqliteConnection>(Backend::Sqlite).await;
}

#[tokio::test]
async fn own_writes_drop_no_more_under_the_triggers_on_postgres() {
    drops_no_more::<PgConnection>(Backend::Postgres).await;
}

#[tokio::test]
async fn own_writes_drop_no_more_under_the_triggers_on_mariadb() {
    drops_no_more::<MysqlConnection>(Backend::MariaDb).await;
}
