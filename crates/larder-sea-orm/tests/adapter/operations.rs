//! Operations of several statements under concurrency.

use std::time::Duration;

use larder_sea_orm::{CachedConnection, LoaderTrait, WrapConfig};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};
use tokio::sync::Barrier;

use crate::{
    entities::{label, post, post_label},
    fixture::Fixture,
};

/// Queries of one table wait until two are under way.
struct Gate {
    inner: DatabaseConnection,
    both: Barrier,
}

#[async_trait::async_trait]
impl ConnectionTrait for Gate {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.inner.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.inner.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if statement.sql.contains("FROM \"post_label\"") {
            self.both.wait().await;
        }
        self.inner.query_all_raw(statement).await
    }
}

/// A waiter would see the stamps of the first statement alone, and run after all.
#[tokio::test]
async fn p8_callers_of_one_operation_run_side_by_side() {
    let it = Fixture::new().await;
    let gate = Gate {
        inner: it.plain.clone(),
        both: Barrier::new(2),
    };
    let db = CachedConnection::wrap_other(&it.larder, gate, WrapConfig::new());
    post::Entity::find_by_id(1).one(&db).await.unwrap();
    let parents = post::Entity::find_by_id(1).all(&it.plain).await.unwrap();
    let load = || LoaderTrait::load_many_to_many(&parents, label::Entity, post_label::Entity, &db);
    // Less than a waiter waits.
    let within = Duration::from_secs(4);
    let loaded = tokio::time::timeout(within, async { tokio::join!(load(), load()) });
    let (one, other) = loaded.await.expect("one of them waits for the other");
    assert_eq!(one.unwrap(), other.unwrap());
    let hit = tokio::time::timeout(within, load()).await;
    assert_eq!(hit.expect("a hit asks no database").unwrap()[0].len(), 2);
}
