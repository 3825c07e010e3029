//! SeaORM and Diesel on one database share one cache.

use std::time::Duration;

use diesel::{Connection as _, QueryDsl as _, RunQueryDsl as _};
use larder::{Larder, Policy, WrapConfig, diesel::CachedConnection};
use larder_tests::{
    lab,
    row::{Row, cached},
};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};

use crate::{
    lab::{Backend, Base, larder},
    model::schema::post,
};

type Sea = larder::CachedConnection<DatabaseConnection>;

async fn sea(larder: &Larder, url: &str, config: WrapConfig) -> Sea {
    let connection = Database::connect(url).await.unwrap();
    larder::CachedConnection::wrap(larder, connection, config)
}

/// The title of a post, as SeaORM has it.
async fn sea_title(db: &Sea, backend: DbBackend) -> String {
    let text = "SELECT title FROM post WHERE id = 1";
    let statement = Statement::from_string(backend, text);
    let rows = cached::<Row>(statement).all(db).await;
    format!("{rows:?}")
}

/// One of several larders of a namespace, on the store that all of this run share.
fn larder_of(namespace: &str) -> Larder {
    lab::builder()
        .namespace(namespace)
        .default_policy(Policy::new().with_ttl(Duration::from_secs(60)))
        .build()
        .unwrap()
}

/// Both name the database where a file has no name that others know.
fn config(base: &Base) -> WrapConfig {
    match base.backend {
        Backend::Sqlite if lab::is_remote() => WrapConfig::new().source("both"),
        _ => WrapConfig::new(),
    }
}

macro_rules! shared {
    ($name:ident, $connection:ty, $backend:ident, $sea:ident) => {
        #[tokio::test]
        async fn $name() {
            let check = async |one: &Larder, other: &Larder, base: &Base| {
                let url = match base.backend {
                    Backend::Sqlite => format!("sqlite://{}", base.url),
                    _ => base.url.clone(),
                };
                let sea = sea(one, &url, config(base)).await;
                let inner = <$connection>::establish(&base.url).unwrap();
                let mut diesel = CachedConnection::wrap(other, inner, &config(base));
                let diesel_title = |db: &mut _| {
                    let query = post::table.find(1).select(post::title);
                    query.first::<String>(db).unwrap()
                };
                for round in 0..3 {
                    let (by_diesel, by_sea) = (format!("diesel {round}"), format!("sea {round}"));
                    sea_title(&sea, DbBackend::$sea).await;
                    diesel_title(&mut diesel);
                    let text = format!("UPDATE post SET title = '{by_diesel}' WHERE id = 1");
                    diesel::sql_query(text).execute(&mut diesel).unwrap();
                    let seen = sea_title(&sea, DbBackend::$sea).await;
                    assert!(seen.contains(&by_diesel), "{seen}");
                    assert_eq!(diesel_title(&mut diesel), by_diesel);
                    let text = format!("UPDATE post SET title = '{by_sea}' WHERE id = 1");
                    sea.execute_unprepared(&text).await.unwrap();
                    assert_eq!(diesel_title(&mut diesel), by_sea);
                    let seen = sea_title(&sea, DbBackend::$sea).await;
                    assert!(seen.contains(&by_sea), "{seen}");
                }
            };
            let base = Base::start(Backend::$backend);
            let larder = larder();
            check(&larder, &larder, &base).await;
            // As two processes on one store.
            if lab::is_remote() {
                check(&larder_of("both"), &larder_of("both"), &base).await;
            }
        }
    };
}

shared!(
    writes_through_one_are_seen_by_the_other_on_sqlite,
    diesel::SqliteConnection,
    Sqlite,
    Sqlite
);
shared!(
    writes_through_one_are_seen_by_the_other_on_postgres,
    diesel::PgConnection,
    Postgres,
    Postgres
);
shared!(
    writes_through_one_are_seen_by_the_other_on_mariadb,
    diesel::MysqlConnection,
    MariaDb,
    MySql
);
