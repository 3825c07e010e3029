//! The writes, and what each cannot have touched.

use std::{future::Future, pin::Pin};

use larder::CachedConnection;

use super::paths;
use larder_examples::entity::{author, comment, order_line, post, product, tag};
use larder_tests::dense;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, IntoActiveModel,
    ModelTrait, QueryFilter, Statement, TransactionTrait,
    compound::EntityLoaderTrait,
    prelude::Decimal,
    sea_query::{Expr, ExprTrait, OnConflict},
};

type Db = CachedConnection<DatabaseConnection>;
type Run = for<'a> fn(&'a Db) -> Pin<Box<dyn Future<Output = Result<(), DbErr>> + Send + 'a>>;

/// One write.
pub struct Write {
    pub name: &'static str,
    pub run: Run,
    pub touches: Touches,
    /// Reads that must still be hits, on every database.
    pub keeps: &'static [&'static str],
    /// Reads that must still be hits where writes return rows.
    pub keeps_with_returning: &'static [&'static str],
}

/// Which tables a write changes. What rests on none of them must still be a hit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Touches {
    Blog,
    Shop,
    Both,
    Nothing,
}

impl Touches {
    pub fn keeps(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Blog => paths::SHOP,
            Self::Shop => paths::BLOG,
            Self::Both => &[],
            Self::Nothing => paths::ALL,
        }
    }
}

/// Reads that show neither how often a post was viewed nor ask for it.
const WITHOUT_VIEWS: &[&str] = &[
    "post 3",
    "count of posts of author 3",
    "author 9 has posts",
    "comments of post 1",
    "titles as tuples",
    "titles as a model of their own",
    "titles as a partial model",
    "titles with the author's name, nested",
    "page of titles",
    "titles by key",
    "tuples of a selector made cached",
    "posts by raw SQL",
    "posts by a statement as JSON",
    "union of two selects",
    "posts per author",
    "authors with more than one post",
    "distinct statuses",
    "comments of posts",
    "authors of posts",
];

macro_rules! write {
    ($touches:ident, $name:literal, $run:expr, keeps $keeps:expr) => {
        write!($touches, $name, $run, keeps $keeps, with returning &[])
    };
    ($touches:ident, $name:literal, $run:expr, keeps $keeps:expr, with returning $more:expr) => {
        Write {
            name: $name,
            run: |db| Box::pin(async move {
                let run = $run;
                run(db).await
            }),
            touches: Touches::$touches,
            keeps: $keeps,
            keeps_with_returning: $more,
        }
    };
}

pub const WRITES: &[Write] = &[
    write!(
        Blog,
        "an update of the title of post 1",
        update_title,
        keeps
            & [
                "post 3",
                "no post 99",
                "count of posts of author 3",
                "count of posts of author 4",
                "author 3 has posts",
                "author 9 has posts",
                "comments of post 1",
                "vip customers",
                "required post 3",
                "posts per author",
                "author by his unique name",
                "authors of posts",
                "comments of posts",
                "approved comments of posts",
                "post by a composite key",
                "most views per author",
                "generic list of authors",
                "distinct statuses",
                "comments of nobody",
                "posts of author 4",
                "published posts of author 4",
            ]
    ),
    write!(
        Blog,
        "a move of post 1 to author 4",
        move_post,
        keeps
            & [
                "post 3",
                "no post 99",
                "comments of post 1",
                "posts without body",
                "author 9 has posts",
                "authors of posts",
                "distinct statuses",
                "titles as tuples",
            ]
    ),
    write!(
        Blog,
        "an update without returning",
        update_without_returning,
        keeps WITHOUT_VIEWS
    ),
    write!(
        Blog,
        "a save of a fetched model",
        save_fetched,
        keeps
            & [
                "post 1",
                "no post 99",
                "posts of author 3",
                "first post of author 3",
                "count of posts of author 4",
                "author 9 has posts",
                "page of posts of author 3",
            ]
    ),
    write!(Blog, "an insert of a post of author 3", insert_post, keeps &[
        "post 1", "post 3", "comments of post 1", "open orders",
    ], with returning &[
        "posts of author 4", "count of posts of author 4", "author 9 has posts",
        "published posts of author 4",
    ]),
    write!(
        Blog,
        "an insert of many comments",
        insert_many,
        keeps & ["post 1", "posts of author 3", "comments of post 1",]
    ),
    write!(
        Blog,
        "a delete of post 2 by id",
        delete_by_id,
        keeps
            & [
                "post 1",
                "post 3",
                "no post 99",
                "comments of post 1",
                "comments of post 3",
                "posts of author 4",
                "published posts of author 4",
                "count of posts of author 4",
                "author 9 has posts",
            ]
    ),
    write!(
        Shop,
        "a delete of a model",
        delete_model,
        keeps & ["posts of author 3", "comments of post 1", "product tea",]
    ),
    write!(
        Blog,
        "a delete of the posts of author 3",
        delete_many,
        keeps
            & [
                "posts of author 4",
                "published posts of author 4",
                "count of posts of author 4",
                "author 9 has posts",
                "post 3",
                "comments of post 3",
            ]
    ),
    write!(
        Blog,
        "an update of many by author",
        update_many,
        keeps
            & [
                "count of posts of author 3",
                "count of posts of author 4",
                "author 3 has posts",
                "posts of author 4",
                "comments of post 1",
                "posts per author",
                "authors with more than one post",
                "most views per author",
                "distinct statuses",
                "author by his unique name",
                "comments of posts",
            ]
    ),
    write!(
        Blog,
        "an update by expression",
        update_by_expression,
        keeps WITHOUT_VIEWS
    ),
    write!(
        Blog,
        "an upsert of tags",
        upsert,
        keeps
            & [
                "six entities",
                "post 1",
                "posts with their author",
                "comments of posts",
            ]
    ),
    write!(
        Shop,
        "raw SQL by execute_unprepared",
        unprepared,
        keeps & ["product jam", "posts of author 3", "orders of customer 1",]
    ),
    write!(
        Shop,
        "a raw statement with parameters",
        raw_statement,
        keeps & ["post 1", "open orders", "lines of order 3",]
    ),
    write!(
        Blog,
        "a change of an author",
        update_author,
        keeps
            & [
                "post 1",
                "posts of author 3",
                "posts of author 4",
                "comments of post 1",
                "comments of posts",
                "tags of posts",
                "page 1 of posts",
                "titles as tuples",
                "first two posts by key",
                "posts with comments by select_with",
            ],
        with returning &[
            "author 3 with his posts",
            "author by his unique name",
        ]
    ),
    write!(
        Both,
        "a committed transaction",
        committed,
        keeps & ["post 3", "lines of order 3"]
    ),
    write!(
        Nothing,
        "a rolled back transaction",
        rolled_back,
        keeps & []
    ),
    write!(Nothing, "a dropped transaction", dropped, keeps & []),
    write!(Shop, "a savepoint that is rolled back", savepoint, keeps &[
        "post 1", "posts of author 3", "comments of post 1",
    ], with returning &["product jam"]),
    write!(
        Nothing,
        "a closure transaction that fails",
        failed_closure,
        keeps & []
    ),
    write!(Blog, "an insert that fails", failed_insert, keeps & []),
    write!(Nothing, "an update of no row", update_nothing, keeps & []),
    write!(
        Blog,
        "an insert by exec",
        insert_exec,
        keeps
            & [
                "comments of post 3",
                "posts related to author 3",
                "tags related to post 1"
            ]
    ),
    write!(
        Blog,
        "an insert by exec_with_returning",
        insert_with_returning,
        keeps & ["author by his unique name", "comments of posts"]
    ),
    write!(
        Blog,
        "an insert of many with returning",
        insert_many_with_returning,
        keeps & ["post 1", "comments of posts"]
    ),
    write!(
        Blog,
        "an insert that does nothing on a conflict",
        insert_or_nothing,
        keeps & ["post 1", "posts with their author"]
    ),
    write!(
        Blog,
        "an update of one by exec",
        update_exec,
        keeps & ["post 3", "comments of posts", "authors of posts"]
    ),
    write!(
        Blog,
        "an update of many with returning",
        update_many_with_returning,
        keeps & ["comments of posts", "authors of posts"]
    ),
    write!(
        Blog,
        "a delete with returning",
        delete_with_returning,
        keeps & ["comments of post 1", "authors of posts"]
    ),
    write!(
        Blog,
        "a delete of many with returning",
        delete_many_with_returning,
        keeps & ["post 1", "posts with their author"]
    ),
    write!(
        Blog,
        "a delete by a unique name",
        delete_by_name,
        keeps & ["post 1", "posts with their author", "comments of posts"]
    ),
    write!(
        Blog,
        "a nested insert of a dense model",
        insert_nested,
        keeps & ["comments of posts", "comments of post 1"]
    ),
    write!(
        Blog,
        "a nested save of a dense model",
        save_nested,
        keeps & ["author by his unique name"]
    ),
    write!(
        Blog,
        "a delete of a dense model with what hangs on it",
        delete_nested,
        keeps & ["author by his unique name"]
    ),
    write!(
        Shop,
        "links made by a dense model",
        links,
        keeps
            & [
                "product tea",
                "orders of customer 1",
                "referrers of customers"
            ]
    ),
    write!(
        Blog,
        "an async closure transaction",
        async_closure,
        keeps & ["post 3", "comments of posts"]
    ),
    write!(
        Blog,
        "a serializable transaction",
        serializable,
        keeps & ["post 3", "comments of posts"]
    ),
    write!(
        Blog,
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

async fn insert_exec(db: &Db) -> Result<(), DbErr> {
    post::Entity::insert(fresh(4, "exec"))
        .exec(db)
        .await
        .map(drop)
}

async fn insert_with_returning(db: &Db) -> Result<(), DbErr> {
    let row = post::Entity::insert(fresh(4, "returning"))
        .exec_with_returning(db)
        .await?;
    assert_eq!(row.title, "returning");
    Ok(())
}

async fn insert_many_with_returning(db: &Db) -> Result<(), DbErr> {
    let tags = ["a", "b"].map(|name| tag::ActiveModel {
        name: Set(name.into()),
        ..Default::default()
    });
    let insert = tag::Entity::insert_many(tags);
    if !db.support_returning() {
        return insert.exec_without_returning(db).await.map(drop);
    }
    assert_eq!(insert.exec_with_returning(db).await?.len(), 2);
    Ok(())
}

async fn insert_or_nothing(db: &Db) -> Result<(), DbErr> {
    let row = tag::ActiveModel {
        id: Set(1),
        name: Set("taken".into()),
    };
    let insert = tag::Entity::insert(row).on_conflict_do_nothing();
    insert.exec_without_returning(db).await.map(drop)
}

async fn update_exec(db: &Db) -> Result<(), DbErr> {
    let row = post::ActiveModel {
        id: Set(1),
        body: Set(Some("longer".into())),
        ..Default::default()
    };
    post::Entity::update(row).exec(db).await.map(drop)
}

async fn update_many_with_returning(db: &Db) -> Result<(), DbErr> {
    let update = post::Entity::update_many()
        .col_expr(post::Column::Body, Expr::value("all"))
        .filter(post::Column::AuthorId.eq(4));
    if !db.support_returning() {
        return update.exec(db).await.map(drop);
    }
    assert_eq!(update.exec_with_returning(db).await?.len(), 2);
    Ok(())
}

async fn delete_with_returning(db: &Db) -> Result<(), DbErr> {
    let delete = post::Entity::delete_by_id(5);
    if !db.support_returning() {
        return delete.exec(db).await.map(drop);
    }
    assert!(delete.exec_with_returning(db).await?.is_some());
    Ok(())
}

async fn delete_many_with_returning(db: &Db) -> Result<(), DbErr> {
    let delete = comment::Entity::delete_many().filter(comment::Column::Approved.eq(false));
    if !db.support_returning() {
        return delete.exec(db).await.map(drop);
    }
    assert_eq!(delete.exec_with_returning(db).await?.len(), 1);
    Ok(())
}

async fn delete_by_name(db: &Db) -> Result<(), DbErr> {
    dense::tag::Entity::delete_by_name("rust")
        .exec(db)
        .await
        .map(drop)
}

async fn insert_nested(db: &Db) -> Result<(), DbErr> {
    let post = dense::post::ActiveModel::builder()
        .set_title("nested")
        .set_author_id(3)
        .set_status(post::Status::Draft)
        .set_published(false)
        .set_views(0)
        .set_created_at(sea_orm::prelude::DateTime::default())
        .add_tag(dense::tag::ActiveModel::builder().set_name("nest"));
    post.insert(db).await.map(drop)
}

async fn save_nested(db: &Db) -> Result<(), DbErr> {
    let post = dense::post::Entity::load()
        .filter_by_id(1)
        .with(dense::comment::Entity);
    let post = post.one(db).await?;
    let mut post = post
        .ok_or_else(|| DbErr::Custom("post 1 is missing".into()))?
        .into_active_model();
    post.title = Set("saved".into());
    post.comments.push(
        dense::comment::ActiveModel::builder()
            .set_body("added")
            .set_approved(true)
            .set_created_at(sea_orm::prelude::DateTime::default()),
    );
    post.save(db).await.map(drop)
}

async fn delete_nested(db: &Db) -> Result<(), DbErr> {
    let post = dense::post::Entity::find_by_id(1).one(db).await?;
    let post = post.ok_or_else(|| DbErr::Custom("post 1 is missing".into()))?;
    post.into_ex().delete(db).await.map(drop)
}

async fn links(db: &Db) -> Result<(), DbErr> {
    let customer = dense::customer::Entity::find_by_id(2).one(db).await?;
    let customer = customer.ok_or_else(|| DbErr::Custom("customer 2 is missing".into()))?;
    let customer = customer.into_active_model();
    customer
        .delete_links_self(dense::friendship::Entity, db)
        .await
        .map(drop)
}

async fn async_closure(db: &Db) -> Result<(), DbErr> {
    db.transaction_async(async |transaction| update_in(transaction, 1, 78).await)
        .await
        .map_err(unwrapped)
}

async fn serializable(db: &Db) -> Result<(), DbErr> {
    let level = Some(sea_orm::IsolationLevel::Serializable);
    let mode = Some(sea_orm::AccessMode::ReadWrite);
    db.transaction_with_config::<_, (), DbErr>(
        |transaction| Box::pin(update_in(transaction, 1, 79)),
        level,
        mode,
    )
    .await
    .map_err(unwrapped)
}

fn unwrapped(error: sea_orm::TransactionError<DbErr>) -> DbErr {
    match error {
        sea_orm::TransactionError::Connection(error)
        | sea_orm::TransactionError::Transaction(error) => error,
    }
}

fn fresh(author_id: i32, title: &str) -> post::ActiveModel {
    post::ActiveModel {
        author_id: Set(author_id),
        title: Set(title.to_owned()),
        status: Set(post::Status::Draft),
        ..Default::default()
    }
}
