//! An update of one row by its key, beside the bare one: with a store in memory and with Redis.
//!
//! The server does not sync, which makes the bare update as fast as it can be and the ratios the
//! worst case.

use larder::CachedConnection;
use larder_benches::{Group, commands_of_an_invalidation};
use larder_examples::entity::product;
use larder_redis::{RedisConfig, RedisStore};
use larder_testkit::server::RedisServer;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, ExprTrait,
    QueryFilter, Set, sea_query::Expr,
};

use crate::{ROUNDS, builder};

type Db = CachedConnection<DatabaseConnection>;

const CALLS: u32 = 50;
const ROWS: i32 = 2_000;

/// Reports the two ways to update: by expression, and by a model of which one column is set, which
/// comes back.
pub(crate) async fn report(
    plain: &DatabaseConnection,
    connect: impl AsyncFn(larder::Larder) -> Db,
) {
    let server = RedisServer::start().unwrap();
    let config = RedisConfig::from_url(&server.url()).unwrap();
    let store = RedisStore::connect(config).await.unwrap();
    let memory = connect(builder().build().unwrap()).await;
    let remote = connect(builder().store(store).build().unwrap()).await;
    for db in [&memory, &remote] {
        product::Entity::find_by_id(1).one(db).await.unwrap();
    }
    let client = redis::Client::open(server.url()).unwrap();
    let bare = client.get_multiplexed_async_connection().await.unwrap();
    let mut next = 0;
    let mut id = || {
        next = next % ROWS + 1;
        next
    };
    let mut group = Group::new("PostgreSQL, update_many by key", CALLS);
    for _ in 0..ROUNDS {
        group.round_async("direct", || restock(plain, id())).await;
        group
            .round_async("direct, then bare commands to Redis", || {
                let (id, mut bare) = (id(), bare.clone());
                async move {
                    restock(plain, id).await;
                    let commands = commands_of_an_invalidation();
                    commands.exec_async(&mut bare).await.unwrap();
                }
            })
            .await;
        group
            .round_async("memory store", || restock(&memory, id()))
            .await;
        group.round_async("Redis", || restock(&remote, id())).await;
    }
    println!("{}", group.report());
    let mut group = Group::new("PostgreSQL, ActiveModel::update", CALLS);
    for _ in 0..ROUNDS {
        group.round_async("direct", || rename(plain, id())).await;
        group
            .round_async("memory store", || rename(&memory, id()))
            .await;
        group.round_async("Redis", || rename(&remote, id())).await;
    }
    println!("{}", group.report());
}

async fn restock(db: &impl ConnectionTrait, id: i32) {
    let stock = Expr::col(product::Column::Stock).add(1);
    let update = product::Entity::update_many()
        .col_expr(product::Column::Stock, stock)
        .filter(product::Column::Id.eq(id));
    update.exec(db).await.unwrap();
}

async fn rename(db: &impl ConnectionTrait, id: i32) {
    let model = product::ActiveModel {
        id: Set(id),
        name: Set(format!("product {id}")),
        ..Default::default()
    };
    model.update(db).await.unwrap();
}
