//! What applications do with a `DatabaseConnection` besides statements.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use larder::{CachedConnection, Larder, MemoryStore, WrapConfig};
use larder_examples::entity::{author, post};
use larder_tests::lab::{self, Backend, Lab};
use sea_orm::{
    AccessMode, ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, Database, DatabaseConnection, DbErr, IsolationLevel, QueryFilter,
    TransactionOptions, TransactionTrait,
    sea_query::{ColumnDef, Table},
};

type Db = CachedConnection<DatabaseConnection>;

async fn title(db: &impl ConnectionTrait, id: i32) -> String {
    post::Entity::find_by_id(id)
        .require_one(db)
        .await
        .unwrap()
        .title
}

async fn rename(db: &impl ConnectionTrait, id: i32, title: &str) -> Result<(), DbErr> {
    let row = post::ActiveModel {
        id: Set(id),
        title: Set(title.to_owned()),
        ..Default::default()
    };
    row.update(db).await.map(drop)
}

/// Warms post 1 and 3, and says that both are hits.
async fn warm(lab: &Lab) {
    for _ in 0..2 {
        title(&lab.db, 1).await;
        title(&lab.db, 3).await;
    }
    let before = lab.selects();
    title(&lab.db, 1).await;
    title(&lab.db, 3).await;
    assert_eq!(lab.selects(), before);
}

async fn ping_close_and_backend_are_those_of_the_connection_inside(backend: Backend) {
    let lab = Lab::start(backend).await;
    lab.db.ping().await.unwrap();
    assert_eq!(
        lab.db.get_database_backend(),
        lab.plain.get_database_backend()
    );
    assert_eq!(lab.db.support_returning(), lab.plain.support_returning());
    let clone = lab.db.clone();
    clone.close_by_ref().await.unwrap();
    assert!(lab.db.ping().await.is_err(), "clones share the pool");
    lab.db.clone().close().await.unwrap();
}

async fn options_of_the_pool_are_the_drivers_own(backend: Backend) {
    let lab = Lab::start(backend).await;
    let mut options = lab.options();
    options
        .max_connections(3)
        .min_connections(1)
        .connect_timeout(Duration::from_secs(5))
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_secs(60))
        .max_lifetime(Duration::from_secs(600))
        .test_before_acquire(true)
        .connect_lazy(true);
    let db = lab.larder.wrap(Database::connect(options).await.unwrap());
    assert_eq!(title(&db, 1).await, title(&lab.plain, 1).await);
    // The same database by the same identity: what one handle writes, the other sees.
    title(&lab.db, 1).await;
    rename(&db, 1, "by the other handle").await.unwrap();
    assert_eq!(title(&lab.db, 1).await, "by the other handle");
}

async fn metric_callback_hears_statements_and_no_hit(backend: Backend) {
    let lab = Lab::start(backend).await;
    let mut db = lab.another_handle().await;
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = heard.clone();
    db.set_metric_callback(move |info| {
        assert!(!info.failed);
        counter.fetch_add(1, Ordering::SeqCst);
    });
    title(&db, 1).await;
    let after_miss = heard.load(Ordering::SeqCst);
    assert!(after_miss > 0);
    title(&db, 1).await;
    assert_eq!(heard.load(Ordering::SeqCst), after_miss);
    rename(&db, 1, "new").await.unwrap();
    assert!(heard.load(Ordering::SeqCst) > after_miss);
}

async fn every_kind_of_transaction_invalidates_at_its_end(backend: Backend) {
    let lab = Lab::start(backend).await;
    let db = &lab.db;
    let modes = (
        Some(IsolationLevel::Serializable),
        Some(AccessMode::ReadWrite),
    );
    for kind in 0..6 {
        warm(&lab).await;
        let new = format!("by kind {kind}");
        match kind {
            0 => {
                let transaction = db.begin().await.unwrap();
                rename(&transaction, 1, &new).await.unwrap();
                assert_eq!(title(&transaction, 1).await, new, "it sees its own write");
                transaction.commit().await.unwrap();
            }
            1 => {
                let transaction = db.begin_with_config(modes.0, modes.1).await.unwrap();
                rename(&transaction, 1, &new).await.unwrap();
                transaction.commit().await.unwrap();
            }
            2 => {
                let options = TransactionOptions {
                    isolation_level: modes.0,
                    ..Default::default()
                };
                let transaction = db.begin_with_options(options).await.unwrap();
                rename(&transaction, 1, &new).await.unwrap();
                transaction.commit().await.unwrap();
            }
            3 => {
                let name = new.clone();
                db.transaction::<_, (), DbErr>(|transaction| {
                    Box::pin(async move { rename(transaction, 1, &name).await })
                })
                .await
                .unwrap();
            }
            4 => {
                db.transaction_async(async |transaction| rename(transaction, 1, &new).await)
                    .await
                    .unwrap();
            }
            _ => {
                let work = async |transaction: &_| rename(transaction, 1, &new).await;
                db.transaction_with_config_async(work, modes.0, modes.1)
                    .await
                    .unwrap();
            }
        }
        let before = lab.selects();
        assert_eq!(title(db, 1).await, new);
        assert_eq!(lab.selects(), before + 1);
        title(db, 3).await;
        assert_eq!(lab.selects(), before + 1, "post 3 was not touched");
    }
}

async fn savepoints_nest_and_what_is_rolled_back_drops_nothing(backend: Backend) {
    let lab = Lab::start(backend).await;
    warm(&lab).await;
    let outer = lab.db.begin().await.unwrap();
    let inner = outer.begin().await.unwrap();
    let innermost = inner.begin().await.unwrap();
    rename(&innermost, 3, "three levels down").await.unwrap();
    innermost.rollback().await.unwrap();
    rename(&inner, 1, "two levels down").await.unwrap();
    inner.commit().await.unwrap();
    outer.commit().await.unwrap();
    let before = lab.selects();
    assert_eq!(title(&lab.db, 1).await, "two levels down");
    assert_eq!(lab.selects(), before + 1);
    title(&lab.db, 3).await;
    assert_eq!(lab.selects(), before + 1, "post 3 was rolled back");
}

async fn read_only_transactions_refuse_writes_and_drop_nothing(backend: Backend) {
    let lab = Lab::start(backend).await;
    warm(&lab).await;
    let read_only = Some(AccessMode::ReadOnly);
    let transaction = lab.db.begin_with_config(None, read_only).await.unwrap();
    assert_eq!(title(&transaction, 1).await, title(&lab.plain, 1).await);
    transaction.commit().await.unwrap();
    let before = lab.selects();
    title(&lab.db, 1).await;
    assert_eq!(lab.selects(), before);
}

async fn schema_builders_run_on_the_wrapper(backend: Backend) {
    let lab = Lab::start(backend).await;
    warm(&lab).await;
    let table = Table::create()
        .table("shelf")
        .col(ColumnDef::new("id").integer().not_null().primary_key())
        .to_owned();
    lab.db.execute(&table).await.unwrap();
    // A schema change drops everything, and the next read finds the catalog renewed.
    let before = lab.selects();
    title(&lab.db, 1).await;
    assert_eq!(lab.selects(), before + 1);
    title(&lab.db, 1).await;
    assert_eq!(lab.selects(), before + 1);
}

/// Migrations take SeaORM's own connection: they run inside the wrapper and are told of afterwards.
async fn migrations_inside_are_followed_by_refresh_catalog(backend: Backend) {
    let lab = Lab::start(backend).await;
    let all = || author::Entity::find().filter(author::Column::Active.eq(true));
    let before = all().all(&lab.db).await.unwrap().len();
    let migration = [
        "ALTER TABLE author ADD COLUMN rank INTEGER NOT NULL DEFAULT 0",
        "UPDATE author SET active = true",
    ];
    for sql in migration {
        lab.db.inner().execute_unprepared(sql).await.unwrap();
    }
    lab.db.refresh_catalog().await;
    let after = all().all(&lab.db).await.unwrap().len();
    assert_eq!((before, after), (2, 3));
    // The new column is known: a write of it alone leaves what does not read it.
    let read = || post::Entity::find_by_id(1).one(&lab.db);
    read().await.unwrap();
    read().await.unwrap();
    let selects = lab.selects();
    lab.db
        .execute_unprepared("UPDATE author SET rank = 1 WHERE id = 3")
        .await
        .unwrap();
    read().await.unwrap();
    assert_eq!(lab.selects(), selects);
}

/// One larder, two databases with the same tables.
async fn databases_of_one_larder_stay_apart(backend: Backend) {
    let (one, two) = (Lab::start(backend).await, Lab::start(backend).await);
    let connection = Database::connect(two.options()).await.unwrap();
    let second = lab::wrap(&one.larder, connection, &two.url);
    assert_eq!(title(&one.db, 1).await, title(&second, 1).await);
    rename(&second, 1, "in the second").await.unwrap();
    let before = one.selects();
    assert_eq!(title(&one.db, 1).await, "one");
    assert_eq!(one.selects(), before, "the first database was not touched");
    assert_eq!(title(&second, 1).await, "in the second");
}

/// Handles that name one source share results, by whatever way they reach the database.
async fn handles_under_one_name_are_one_source(backend: Backend) {
    let lab = Lab::start(backend).await;
    let named = |connection| {
        let config = WrapConfig::new().source("main");
        CachedConnection::wrap(&lab.larder, connection, config)
    };
    let first: Db = named(lab.db.inner().clone());
    let second: Db = named(Database::connect(lab.options()).await.unwrap());
    title(&second, 1).await;
    let before = lab.selects();
    title(&first, 1).await;
    assert_eq!(lab.selects(), before, "the other handle had filled it");
    rename(&second, 1, "by the second").await.unwrap();
    assert_eq!(title(&first, 1).await, "by the second");
}

#[tokio::test]
async fn schema_search_path_of_the_options_decides_which_table_is_meant() {
    let lab = Lab::start_empty(Backend::Postgres).await;
    lab.plain
        .execute_unprepared("CREATE SCHEMA blog")
        .await
        .unwrap();
    for schema in ["public", "blog"] {
        for sql in [
            "CREATE TABLE IF NOT EXISTS {}.author (id integer PRIMARY KEY, name text NOT NULL, \
             email text, active boolean NOT NULL DEFAULT true, joined_on date NOT NULL \
             DEFAULT '2026-01-01')",
            "INSERT INTO {}.author (id, name) VALUES (1, '{}')",
        ] {
            let sql = sql.replace("{}", schema);
            lab.plain.execute_unprepared(&sql).await.unwrap();
        }
    }
    let under = |schema: &str| {
        let mut options = lab.options();
        options.set_schema_search_path(schema);
        options
    };
    let larder = Larder::builder()
        .namespace("paths")
        .store(MemoryStore::with_capacity_bytes(1 << 20))
        .build()
        .unwrap();
    for _ in 0..2 {
        for schema in ["public", "blog"] {
            let connection = Database::connect(under(schema)).await.unwrap();
            let db = larder.wrap(connection);
            for _ in 0..2 {
                let row = author::Entity::find_by_id(1)
                    .require_one(&db)
                    .await
                    .unwrap();
                assert_eq!(row.name, schema);
            }
        }
    }
}

crate::on_all!(
    ping_close_and_backend_are_those_of_the_connection_inside,
    options_of_the_pool_are_the_drivers_own,
    metric_callback_hears_statements_and_no_hit,
    every_kind_of_transaction_invalidates_at_its_end,
    savepoints_nest_and_what_is_rolled_back_drops_nothing,
    read_only_transactions_refuse_writes_and_drop_nothing,
    schema_builders_run_on_the_wrapper,
    migrations_inside_are_followed_by_refresh_catalog,
    databases_of_one_larder_stay_apart,
    handles_under_one_name_are_one_source,
);
