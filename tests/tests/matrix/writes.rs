//! The writes, and what each cannot have touched.

use std::{future::Future, pin::Pin};

use larder::CachedConnection;
use larder_examples::entity::{author, comment, order_line, post, product, tag};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, IntoActiveModel,
    ModelTrait, QueryFilter, Statement, TransactionTrait,
    prelude::Decimal,
    sea_query::{Expr, ExprTrait, OnConflict},
};

type Db = CachedConnection<DatabaseConnection>;
type Run = for<'a> fn(&'a Db) -> Pin<Box<dyn Future<Output = Result<(), DbErr>> + Send + 'a>>;

/// One write.
pub struct Write {
    pub name: &'static str,
    pub run: Run,
    /// Reads that must still be hits, on every database.
    pub keeps: &'static [&'static str],
    /// Reads that must still be hits where writes return rows.
    pub keeps_with_returning: &'static [&'static str],
}

/// Reads of tables that have nothing to do with posts.
const SHOP: &[&str] = &[
    "vip customers",
    "product tea",
    "product jam",
    "open orders",
    "orders of customer 1",
    "lines of order 1",
    "lines of order 3",
];
/// Reads of the blog.
const BLOG: &[&str] = &[
    "post 1",
    "post 3",
    "posts of author 3",
    "posts of author 4",
    "posts of active authors",
    "comments of post 1",
    "comments of post 3",
    "count of approved comments",
];
const ALL: &[&str] = super::READS;

macro_rules! write {
    ($name:literal, $run:expr, keeps $keeps:expr) => {
        write!($name, $run, keeps $keeps, with returning &[])
    };
    ($name:literal, $run:expr, keeps $keeps:expr, with returning $more:expr) => {
        Write {
            name: $name,
            run: |db| Box::pin(async move {
                let run = $run;
                run(db).await
            }),
            keeps: $keeps,
            keeps_with_returning: $more,
        }
    };
}

pub const WRITES: &[Write] = &[
    write!("an update of the title of post 1", update_title, keeps &[
        "post 3", "no post 99", "count of posts of author 3", "count of posts of author 4",
        "author 3 has posts", "author 9 has posts", "comments of post 1", "vip customers",
    ], with returning &["posts of author 4", "published posts of author 4"]),
    write!(
        "a move of post 1 to author 4",
        move_post,
        keeps & ["post 3", "no post 99", "comments of post 1", "product tea",]
    ),
    write!(
        "an update without returning",
        update_without_returning,
        keeps & ["post 3", "comments of post 1", "product tea",]
    ),
    write!(
        "a save of a fetched model",
        save_fetched,
        keeps & ["post 1", "no post 99"]
    ),
    write!("an insert of a post of author 3", insert_post, keeps &[
        "post 1", "post 3", "comments of post 1", "open orders",
    ], with returning &[
        "posts of author 4", "count of posts of author 4", "author 9 has posts",
        "published posts of author 4",
    ]),
    write!(
        "an insert of many comments",
        insert_many,
        keeps & ["post 1", "posts of author 3", "comments of post 1",]
    ),
    write!(
        "a delete of post 2 by id",
        delete_by_id,
        keeps
            & [
                "post 1",
                "post 3",
                "no post 99",
                "comments of post 1",
                "comments of post 3",
                "vip customers",
            ]
    ),
    write!(
        "a delete of a model",
        delete_model,
        keeps & ["posts of author 3", "comments of post 1", "product tea",]
    ),
    write!(
        "a delete of the posts of author 3",
        delete_many,
        keeps
            & [
                "posts of author 4",
                "count of posts of author 4",
                "author 9 has posts",
            ]
    ),
    write!(
        "an update of many by author",
        update_many,
        keeps
            & [
                "count of posts of author 3",
                "count of posts of author 4",
                "author 3 has posts",
                "posts of author 4",
                "comments of post 1",
            ]
    ),
    write!(
        "an update by expression",
        update_by_expression,
        keeps
            & [
                "post 3",
                "count of posts of author 3",
                "author 9 has posts",
                "comments of post 1",
            ]
    ),
    write!("an upsert of tags", upsert, keeps BLOG),
    write!(
        "raw SQL by execute_unprepared",
        unprepared,
        keeps & ["product jam", "posts of author 3", "orders of customer 1",]
    ),
    write!(
        "a raw statement with parameters",
        raw_statement,
        keeps & ["post 1", "open orders", "lines of order 3",]
    ),
    write!(
        "a change of an author",
        update_author,
        keeps
            & [
                "post 1",
                "posts of author 3",
                "posts of author 4",
                "comments of post 1",
            ]
    ),
    write!(
        "a committed transaction",
        committed,
        keeps & ["post 3", "lines of order 3"]
    ),
    write!("a rolled back transaction", rolled_back, keeps ALL),
    write!("a dropped transaction", dropped, keeps ALL),
    write!("a savepoint that is rolled back", savepoint, keeps &[
        "post 1", "posts of author 3", "comments of post 1",
    ], with returning &["product jam"]),
    write!("a closure transaction that fails", failed_closure, keeps ALL),
    write!("an insert that fails", failed_insert, keeps SHOP),
    write!(
        "an update of no row",
        update_nothing,
        keeps & ["post 1", "post 3", "comments of post 1", "vip customers",]
    ),
    write!(
        "a delete of the comments of post 3",
        delete_comments,
        keeps & ["comments of post 1", "posts of author 3", "post 3",]
    ),
];

async fn update_title(db: &Db) -> Result<(), DbErr> {
    let row = post::ActiveModel {
        id: Set(1),
        title: Set("new".into()),
        ..Default::default()
    };
    row.update(db).await.map(drop)
}

async fn move_post(db: &Db) -> Result<(), DbErr> {
    let row = post::ActiveModel {
        id: Set(1),
        author_id: Set(4),
        ..Default::default()
    };
    row.update(db).await.map(drop)
}

async fn update_without_returning(db: &Db) -> Result<(), DbErr> {
    let row = post::ActiveModel {
        id: Set(1),
        views: Set(50),
        ..Default::default()
    };
    row.update_without_returning(db).await.map(drop)
}

async fn save_fetched(db: &Db) -> Result<(), DbErr> {
    let found = post::Entity::find_by_id(3).one(db).await?;
    let found = found.ok_or_else(|| DbErr::Custom("post 3 is missing".into()))?;
    let mut row = found.into_active_model();
    row.body = Set(None);
    row.save(db).await.map(drop)
}

async fn insert_post(db: &Db) -> Result<(), DbErr> {
    let row = post::ActiveModel {
        author_id: Set(3),
        title: Set("fresh".into()),
        status: Set(post::Status::Published),
        published: Set(true),
        ..Default::default()
    };
    row.insert(db).await.map(drop)
}

async fn insert_many(db: &Db) -> Result<(), DbErr> {
    let row = |post_id: i32| comment::ActiveModel {
        post_id: Set(post_id),
        body: Set("many".into()),
        approved: Set(true),
        ..Default::default()
    };
    comment::Entity::insert_many([row(3), row(4)])
        .exec(db)
        .await
        .map(drop)
}

async fn delete_by_id(db: &Db) -> Result<(), DbErr> {
    post::Entity::delete_by_id(2).exec(db).await.map(drop)
}

async fn delete_model(db: &Db) -> Result<(), DbErr> {
    let found = order_line::Entity::find_by_id(3).one(db).await?;
    let found = found.ok_or_else(|| DbErr::Custom("line 3 is missing".into()))?;
    found.delete(db).await.map(drop)
}

async fn delete_many(db: &Db) -> Result<(), DbErr> {
    let delete = post::Entity::delete_many().filter(post::Column::AuthorId.eq(3));
    delete.exec(db).await.map(drop)
}

async fn update_many(db: &Db) -> Result<(), DbErr> {
    let update = post::Entity::update_many()
        .col_expr(post::Column::Title, Expr::value("same"))
        .filter(post::Column::AuthorId.eq(3));
    update.exec(db).await.map(drop)
}

async fn update_by_expression(db: &Db) -> Result<(), DbErr> {
    let update = post::Entity::update_many()
        .col_expr(post::Column::Views, Expr::col(post::Column::Views).add(1))
        .filter(post::Column::Id.eq(1));
    update.exec(db).await.map(drop)
}

async fn upsert(db: &Db) -> Result<(), DbErr> {
    let row = tag::ActiveModel {
        id: Set(1),
        name: Set("crab".into()),
    };
    let conflict = OnConflict::column(tag::Column::Id)
        .update_column(tag::Column::Name)
        .to_owned();
    tag::Entity::insert(row)
        .on_conflict(conflict)
        .exec_without_returning(db)
        .await
        .map(drop)
}

async fn unprepared(db: &Db) -> Result<(), DbErr> {
    db.execute_unprepared("UPDATE product SET stock = 3 WHERE sku = 'tea'")
        .await
        .map(drop)
}

async fn raw_statement(db: &Db) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let sql = match backend {
        sea_orm::DbBackend::Postgres => "UPDATE order_line SET quantity = $1 WHERE order_id = $2",
        _ => "UPDATE order_line SET quantity = ? WHERE order_id = ?",
    };
    let values = [9_i32.into(), 1_i64.into()];
    db.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await
        .map(drop)
}

async fn update_author(db: &Db) -> Result<(), DbErr> {
    let row = author::ActiveModel {
        id: Set(4),
        active: Set(false),
        ..Default::default()
    };
    row.update(db).await.map(drop)
}

async fn committed(db: &Db) -> Result<(), DbErr> {
    let transaction = db.begin().await?;
    update_in(&transaction, 1, 77).await?;
    let inside = post::Entity::find_by_id(1).one(&transaction).await?;
    assert_eq!(
        inside.map(|row| row.views),
        Some(77),
        "a transaction sees its own write"
    );
    order_line::Entity::delete_many()
        .filter(order_line::Column::OrderId.eq(1))
        .exec(&transaction)
        .await?;
    transaction.commit().await
}

async fn rolled_back(db: &Db) -> Result<(), DbErr> {
    let transaction = db.begin().await?;
    update_in(&transaction, 1, 77).await?;
    transaction.rollback().await
}

async fn dropped(db: &Db) -> Result<(), DbErr> {
    let transaction = db.begin().await?;
    update_in(&transaction, 1, 77).await?;
    drop(transaction);
    Ok(())
}

async fn savepoint(db: &Db) -> Result<(), DbErr> {
    let outer = db.begin().await?;
    let inner = outer.begin().await?;
    update_in(&inner, 1, 77).await?;
    inner.rollback().await?;
    let cheap = product::ActiveModel {
        id: Set(1),
        price: Set(Decimal::new(100, 2)),
        ..Default::default()
    };
    cheap.update(&outer).await?;
    outer.commit().await
}

async fn failed_closure(db: &Db) -> Result<(), DbErr> {
    let result = db
        .transaction::<_, (), DbErr>(|transaction| {
            Box::pin(async move {
                update_in(transaction, 1, 77).await?;
                Err(DbErr::Custom("changed my mind".into()))
            })
        })
        .await;
    assert!(result.is_err());
    Ok(())
}

async fn failed_insert(db: &Db) -> Result<(), DbErr> {
    let row = post::ActiveModel {
        id: Set(1),
        author_id: Set(3),
        title: Set("twice".into()),
        status: Set(post::Status::Draft),
        ..Default::default()
    };
    assert!(row.insert(db).await.is_err(), "the key is taken");
    Ok(())
}

async fn update_nothing(db: &Db) -> Result<(), DbErr> {
    let update = post::Entity::update_many()
        .col_expr(post::Column::Title, Expr::value("nobody"))
        .filter(post::Column::Id.eq(99));
    update.exec(db).await.map(drop)
}

async fn delete_comments(db: &Db) -> Result<(), DbErr> {
    let delete = comment::Entity::delete_many().filter(comment::Column::PostId.eq(3));
    delete.exec(db).await.map(drop)
}

/// Generic over the connection, as application code is.
async fn update_in<C: ConnectionTrait>(db: &C, id: i32, views: i32) -> Result<(), DbErr> {
    let row = post::ActiveModel {
        id: Set(id),
        views: Set(views),
        ..Default::default()
    };
    row.update(db).await.map(drop)
}
