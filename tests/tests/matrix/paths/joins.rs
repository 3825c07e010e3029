//! Several entities in a row.

use larder::CacheQuery;
use larder_examples::entity::{author, comment, customer, order, order_line, post, product, tag};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, Linked, QueryOrder, QuerySelect,
    RelationTrait, sea_query::Expr,
};

use super::{text, wide};

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

pub const BLOG: &[&str] = &[
    "posts with their author",
    "post 1 with its author",
    "posts and their author, both",
    "authors with their posts",
    "author 3 with his posts",
    "posts with their tags",
    "authors with tags by a link",
    "authors with tags by a link, consolidated",
    "posts with comments by select_also",
    "posts with comments by select_with",
    "count of posts with their author",
    "post with author exists",
    "author, posts and comments",
    "author, posts and comments, consolidated",
    "post, comments and tags",
    "post, comments and tags, consolidated",
    "post, author, comments and tags",
    "post, author, comments and tags, consolidated",
    "three entities exist",
    "posts with comments by has_related",
    "posts with their author, made cached",
    "authors with their posts, made cached",
];

/// They rest on tables of both.
pub const BOTH: &[&str] = &["six entities"];

pub const SHOP: &[&str] = &[
    "five entities",
    "orders with their customer",
    "lines with order and product",
    "order 1 with its lines",
    "customers and who referred them",
];

/// From an author to the tags of his posts.
struct TagsOfAuthor;

impl Linked for TagsOfAuthor {
    type FromEntity = author::Entity;
    type ToEntity = tag::Entity;

    fn link(&self) -> Vec<sea_orm::LinkDef> {
        vec![
            author::Relation::Post.def(),
            larder_examples::entity::post_tag::Relation::Post
                .def()
                .rev(),
            larder_examples::entity::post_tag::Relation::Tag.def(),
        ]
    }
}

pub async fn answer<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let posts = || post::Entity::find().order_by_asc(post::Column::Id);
    let authors = || author::Entity::find().order_by_asc(author::Column::Id);
    match read {
        "posts with their author" => text(posts().find_also_related(author::Entity).all(db).await),
        "post 1 with its author" => {
            let post = post::Entity::find_by_id(1).find_also_related(author::Entity);
            text(post.one(db).await)
        }
        "posts and their author, both" => {
            text(posts().find_both_related(author::Entity).all(db).await)
        }
        "authors with their posts" => {
            let pairs = authors().find_with_related(post::Entity);
            text(pairs.order_by_asc(post::Column::Id).all(db).await)
        }
        "author 3 with his posts" => {
            let pair = author::Entity::find_by_id(3).find_with_related(post::Entity);
            text(pair.order_by_asc(post::Column::Id).all(db).await)
        }
        "posts with their tags" => {
            let pairs = posts().find_with_related(tag::Entity);
            text(pairs.order_by_asc(tag::Column::Id).all(db).await)
        }
        "authors with tags by a link" => {
            let pairs = authors().find_also_linked(TagsOfAuthor);
            text(
                pairs
                    .order_by_asc(Expr::col(("r2", tag::Column::Id)))
                    .all(db)
                    .await,
            )
        }
        "authors with tags by a link, consolidated" => {
            let pairs = authors().find_with_linked(TagsOfAuthor);
            text(
                pairs
                    .order_by_asc(Expr::col(("r2", tag::Column::Id)))
                    .all(db)
                    .await,
            )
        }
        other => three_and_more(db, other).await,
    }
}

async fn three_and_more<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let posts = || post::Entity::find().order_by_asc(post::Column::Id);
    let on_comments = || {
        posts()
            .left_join(comment::Entity)
            .order_by_asc(comment::Column::Id)
    };
    let chain = || {
        let authors = author::Entity::find().order_by_asc(author::Column::Id);
        let pairs = authors
            .find_also_related(post::Entity)
            .order_by_asc(post::Column::Id);
        pairs
            .and_also_related(comment::Entity)
            .order_by_asc(comment::Column::Id)
    };
    let star = || {
        let pairs = posts()
            .find_also_related(comment::Entity)
            .order_by_asc(comment::Column::Id);
        pairs
            .find_also_related(tag::Entity)
            .order_by_asc(tag::Column::Id)
    };
    match read {
        "posts with comments by select_also" => {
            text(on_comments().select_also(comment::Entity).all(db).await)
        }
        "posts with comments by select_with" => {
            text(on_comments().select_with(comment::Entity).all(db).await)
        }
        "count of posts with their author" => {
            text(posts().find_also_related(author::Entity).count(db).await)
        }
        "post with author exists" => {
            let pair = post::Entity::find_by_id(1).find_also_related(author::Entity);
            text(pair.exists(db).await)
        }
        "author, posts and comments" => text(chain().all(db).await),
        "author, posts and comments, consolidated" => text(chain().consolidate().all(db).await),
        "post, comments and tags" => text(star().all(db).await),
        "post, comments and tags, consolidated" => text(star().consolidate().all(db).await),
        "three entities exist" => text(star().exists(db).await),
        "posts with comments by has_related" => {
            let approved = comment::Column::Approved.eq(true);
            text(posts().has_related(comment::Entity, approved).all(db).await)
        }
        "posts with their author, made cached" => {
            let pairs = <post::Entity as EntityTrait>::find().find_also_related(author::Entity);
            text(pairs.order_by_asc(post::Column::Id).cached().all(db).await)
        }
        "authors with their posts, made cached" => {
            let pairs = <author::Entity as EntityTrait>::find().find_with_related(post::Entity);
            text(pairs.order_by_asc(post::Column::Id).cached().all(db).await)
        }
        other => many(db, other).await,
    }
}

async fn many<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let four = || {
        let post = post::Entity::find_by_id(1).find_also_related(author::Entity);
        let post = post.find_also(post::Entity, comment::Entity);
        let post = post.find_also(post::Entity, tag::Entity);
        post.order_by_asc(comment::Column::Id)
            .order_by_asc(tag::Column::Id)
    };
    let five = || {
        let two = wide::line::Entity::find().find_also_related(wide::order::Entity);
        let three = two.find_also(wide::line::Entity, wide::product::Entity);
        let four = three.find_also(wide::order::Entity, wide::customer::Entity);
        let five = four.find_also(wide::customer::Entity, wide::friendship::Entity);
        five.order_by_asc(wide::line::Column::Id)
    };
    match read {
        "post, author, comments and tags" => text(four().all(db).await),
        "post, author, comments and tags, consolidated" => text(four().consolidate().all(db).await),
        "five entities" => text(five().cached().ttl(MINUTE).all(db).await),
        "six entities" => {
            let six = five().find_also(wide::friendship::Entity, wide::author::Entity);
            text(six.cached().ttl(MINUTE).all(db).await)
        }
        other => shop(db, other).await,
    }
}

async fn shop<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    match read {
        "orders with their customer" => {
            let orders = order::Entity::find().find_also_related(customer::Entity);
            text(orders.order_by_asc(order::Column::Id).all(db).await)
        }
        "lines with order and product" => {
            let lines = order_line::Entity::find().find_also_related(order::Entity);
            let lines = lines.find_also_related(product::Entity);
            text(lines.order_by_asc(order_line::Column::Id).all(db).await)
        }
        "order 1 with its lines" => {
            let order = order::Entity::find_by_id(1).find_with_related(order_line::Entity);
            text(order.order_by_asc(order_line::Column::Id).all(db).await)
        }
        "customers and who referred them" => {
            let pairs = customer::Entity::find()
                .join_as(
                    JoinType::LeftJoin,
                    customer::Relation::Referrer.def(),
                    "referrer",
                )
                .select_only()
                .column(customer::Column::Name)
                .expr_as(Expr::col(("referrer", customer::Column::Id)), "referrer")
                .order_by_asc(customer::Column::Id);
            text(pairs.into_tuple::<(String, Option<i32>)>().all(db).await)
        }
        _ => None,
    }
}
