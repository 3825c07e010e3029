//! The reads, by name. Each runs on any connection and answers with the debug form of its result.

use larder_examples::entity::{author, comment, customer, order, order_line, post, product};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait,
};

use super::paths;

/// The everyday ones on the blog; [`paths`] has one for every way in which SeaORM reads.
pub const BLOG: &[&str] = &[
    "post 1",
    "post 3",
    "no post 99",
    "posts of author 3",
    "posts of author 4",
    "posts of authors 3, 5",
    "posts without body",
    "published posts of author 4",
    "first post of author 3",
    "posts with views over 4",
    "count of posts of author 3",
    "count of posts of author 4",
    "author 3 has posts",
    "author 9 has posts",
    "posts of active authors",
    "posts with approved comments",
    "comments of post 1",
    "comments of post 3",
    "count of approved comments",
];

/// The everyday ones on the shop.
pub const SHOP: &[&str] = &[
    "vip customers",
    "product tea",
    "product jam",
    "open orders",
    "orders of customer 1",
    "lines of order 1",
    "lines of order 3",
];

/// Runs one read.
pub async fn answer<C: ConnectionTrait>(db: &C, read: &str) -> String {
    let author_is = |id: i32| post::Entity::find().filter(post::Column::AuthorId.eq(id));
    let by_id = |id: i32| post::Entity::find_by_id(id);
    match read {
        "post 1" => text(by_id(1).one(db).await),
        "post 3" => text(by_id(3).one(db).await),
        "no post 99" => text(by_id(99).one(db).await),
        "posts of author 3" => text(author_is(3).order_by_asc(post::Column::Id).all(db).await),
        "posts of author 4" => text(author_is(4).order_by_asc(post::Column::Id).all(db).await),
        "posts of authors 3, 5" => {
            let list = post::Entity::find().filter(post::Column::AuthorId.is_in([3, 5]));
            text(list.order_by_asc(post::Column::Id).all(db).await)
        }
        "posts without body" => {
            let list = post::Entity::find().filter(post::Column::Body.is_null());
            text(list.order_by_asc(post::Column::Id).all(db).await)
        }
        "published posts of author 4" => {
            let list = author_is(4).filter(post::Column::Published.eq(true));
            text(list.order_by_asc(post::Column::Id).all(db).await)
        }
        "first post of author 3" => text(
            author_is(3)
                .order_by_asc(post::Column::Id)
                .limit(1)
                .one(db)
                .await,
        ),
        "posts with views over 4" => {
            let list = post::Entity::find().filter(post::Column::Views.gt(4));
            text(list.order_by_desc(post::Column::Id).all(db).await)
        }
        "count of posts of author 3" => text(author_is(3).count(db).await),
        "count of posts of author 4" => text(author_is(4).count(db).await),
        "author 3 has posts" => text(author_is(3).exists(db).await),
        "author 9 has posts" => text(author_is(9).exists(db).await),
        "posts of active authors" => {
            let list = post::Entity::find()
                .join(JoinType::InnerJoin, post::Relation::Author.def())
                .filter(author::Column::Active.eq(true));
            text(list.order_by_asc(post::Column::Id).all(db).await)
        }
        "posts with approved comments" => {
            let list = post::Entity::find()
                .join(JoinType::LeftJoin, post::Relation::Comment.def())
                .filter(Condition::all().add(comment::Column::Approved.eq(true)))
                .distinct();
            text(list.order_by_asc(post::Column::Id).all(db).await)
        }
        other => more(db, other).await,
    }
}

async fn more<C: ConnectionTrait>(db: &C, read: &str) -> String {
    let comments_of = |id: i32| {
        let list = comment::Entity::find().filter(comment::Column::PostId.eq(id));
        list.order_by_asc(comment::Column::Id)
    };
    let lines_of = |id: i64| {
        let list = order_line::Entity::find().filter(order_line::Column::OrderId.eq(id));
        list.order_by_asc(order_line::Column::Id)
    };
    let product = |sku: &str| product::Entity::find().filter(product::Column::Sku.eq(sku));
    match read {
        "comments of post 1" => text(comments_of(1).all(db).await),
        "comments of post 3" => text(comments_of(3).all(db).await),
        "count of approved comments" => text(
            comment::Entity::find()
                .filter(comment::Column::Approved.eq(true))
                .count(db)
                .await,
        ),
        "vip customers" => {
            let list = customer::Entity::find().filter(customer::Column::Vip.eq(true));
            text(list.order_by_asc(customer::Column::Id).all(db).await)
        }
        "product tea" => text(product("tea").one(db).await),
        "product jam" => text(product("jam").one(db).await),
        "open orders" => {
            let list = order::Entity::find().filter(order::Column::Status.eq("open"));
            text(list.order_by_asc(order::Column::Id).all(db).await)
        }
        "orders of customer 1" => {
            let list = order::Entity::find().filter(order::Column::CustomerId.eq(1));
            text(list.order_by_asc(order::Column::Id).all(db).await)
        }
        "lines of order 1" => text(lines_of(1).all(db).await),
        "lines of order 3" => text(lines_of(3).all(db).await),
        other => paths::answer(db, other).await,
    }
}

fn text<T: std::fmt::Debug>(result: Result<T, sea_orm::DbErr>) -> String {
    format!("{result:?}")
}
