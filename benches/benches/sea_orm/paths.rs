//! Hits of pages, of two tables and of loaders, against what SeaORM does before the database: it
//! constructs and builds the statements.

use async_trait::async_trait;
use larder::{CachedConnection, LoaderTrait};
use larder_benches::Group;
use larder_examples::entity::{author, comment, post};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, ExecResult,
    PaginatorTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, Select, Statement,
    StatementBuilder,
};

use crate::ROUNDS;

type Db = CachedConnection<DatabaseConnection>;

/// A connection to nothing: statements are built and give no rows.
struct Builds;

#[async_trait]
impl ConnectionTrait for Builds {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, _: Statement) -> Result<ExecResult, DbErr> {
        Err(DbErr::Custom("nothing is written here".into()))
    }

    async fn execute_unprepared(&self, _: &str) -> Result<ExecResult, DbErr> {
        Err(DbErr::Custom("nothing is written here".into()))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        std::hint::black_box(statement);
        Ok(None)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        std::hint::black_box(statement);
        Ok(Vec::new())
    }

    async fn query_all<S: StatementBuilder>(
        &self,
        statement: &S,
    ) -> Result<Vec<QueryResult>, DbErr> {
        self.query_all_raw(statement.build(&DbBackend::Postgres))
            .await
    }
}

fn plain(author: i32) -> Select<post::Entity> {
    <post::Entity as EntityTrait>::find()
        .filter(post::Column::AuthorId.eq(author))
        .order_by_asc(post::Column::Id)
}

pub(crate) async fn pages(db: &Db) -> Group {
    let cached = || {
        post::Entity::find()
            .filter(post::Column::AuthorId.eq(7))
            .order_by_asc(post::Column::Id)
    };
    let mut group = Group::new("a page of 5 rows with its total, a hit", 2_000);
    assert_eq!(
        cached().paginate(db, 5).fetch_page(1).await.unwrap().len(),
        5
    );
    cached().paginate(db, 5).num_items().await.unwrap();
    for _ in 0..ROUNDS {
        group
            .round_async("construct and build the statements", || async {
                let pages = plain(7).paginate(&Builds, 5);
                (pages.num_items().await, pages.fetch_page(1).await)
            })
            .await;
        group
            .round_async("hit, num_items and fetch_page", || async {
                let pages = cached().paginate(db, 5);
                (pages.num_items().await, pages.fetch_page(1).await)
            })
            .await;
    }
    group
}

pub(crate) async fn two_tables(db: &Db) -> Group {
    let cached = || {
        post::Entity::find()
            .filter(post::Column::AuthorId.eq(7))
            .order_by_asc(post::Column::Id)
            .limit(20)
            .find_also_related(author::Entity)
    };
    let mut group = Group::new("20 rows of two tables, a hit", 2_000);
    assert_eq!(cached().all(db).await.unwrap().len(), 20);
    for _ in 0..ROUNDS {
        group
            .round_async("construct and build the statement", || {
                plain(7)
                    .limit(20)
                    .find_also_related(author::Entity)
                    .all(&Builds)
            })
            .await;
        group
            .round_async("hit, all_shared", || cached().all_shared(db))
            .await;
        group
            .round_async("hit, all (clones 20 pairs)", || cached().all(db))
            .await;
    }
    group
}

pub(crate) async fn loaders(db: &Db) -> Group {
    let posts = plain(7).limit(20).all(db.inner()).await.unwrap();
    assert_eq!(posts.len(), 20);
    let mut group = Group::new("the comments of 20 posts by load_many, a hit", 2_000);
    posts.load_many(comment::Entity, db).await.unwrap();
    for _ in 0..ROUNDS {
        group
            .round_async("construct and build the statement", || {
                sea_orm::LoaderTrait::load_many(&posts, comment::Entity, &Builds)
            })
            .await;
        group
            .round_async("hit, load_many", || posts.load_many(comment::Entity, db))
            .await;
    }
    group
}
