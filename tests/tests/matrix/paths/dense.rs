//! Entity loaders of the dense format.

use larder::CacheLoader;
use larder_tests::dense::{author, comment, customer, friendship, post, tag};
use sea_orm::{ConnectionTrait, QueryFilter, QueryOrder, compound::EntityLoaderTrait};

use super::text;

pub const BLOG: &[&str] = &[
    "loader of posts alone",
    "loader with one",
    "loader with many",
    "loader with one and many",
    "loader with many inside many",
    "loader of tags",
    "loader of a missing post",
    "pages of a loader",
    "loader as one operation",
    "one of a loader as one operation",
    "pages of a cached loader",
    "posts by the dense find",
];

pub const SHOP: &[&str] = &["loader with itself", "loader with itself via a table"];

pub async fn answer<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let posts = || post::Entity::load().order_by_asc(post::Column::Id);
    match read {
        "loader of posts alone" => text(posts().all(db).await),
        "loader with one" => text(posts().with(author::Entity).all(db).await),
        "loader with many" => {
            // The rows of the parents are one statement, those of the children another.
            let post = post::Entity::load().filter_by_id(1).with(comment::Entity);
            text(post.one(db).await)
        }
        "loader with one and many" => {
            let posts = posts().with(author::Entity).with(comment::Entity);
            text(posts.all(db).await)
        }
        "loader with many inside many" => {
            let authors = author::Entity::load().order_by_asc(author::Column::Id);
            text(authors.with((post::Entity, comment::Entity)).all(db).await)
        }
        "loader of tags" => text(posts().with(tag::Entity).all(db).await),
        "loader of a missing post" => {
            let post = post::Entity::load().filter_by_id(99).with(comment::Entity);
            text(post.one(db).await)
        }
        "pages of a loader" => {
            let pages = posts().with(comment::Entity).paginate(db, 2);
            let totals = pages.num_items_and_pages().await.unwrap();
            Some(format!(
                "{totals:?} {:?}",
                pages.fetch_page(1).await.unwrap()
            ))
        }
        other => operations(db, other).await,
    }
}

async fn operations<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let posts = || post::Entity::load().order_by_asc(post::Column::Id);
    match read {
        "loader as one operation" => {
            let posts = posts().with(comment::Entity).with(tag::Entity);
            text(posts.cached().all(db).await)
        }
        "one of a loader as one operation" => {
            let posts = posts().with(author::Entity);
            text(posts.cached().one(db).await)
        }
        "pages of a cached loader" => {
            let mut pages = posts().with(comment::Entity).cached().paginate(db, 3);
            let totals = pages.num_items_and_pages().await.unwrap();
            let first = pages.fetch_and_next().await.unwrap();
            assert_eq!(pages.cur_page(), 1);
            Some(format!("{totals:?} {first:?}"))
        }
        "posts by the dense find" => {
            let posts = post::Entity::find().filter(post::COLUMN.author_id.eq(3));
            text(posts.order_by_asc(post::Column::Id).all(db).await)
        }
        "loader with itself" => {
            let customers = customer::Entity::load().order_by_asc(customer::Column::Id);
            let customers = customers.with(customer::Relation::Referrer);
            text(customers.with(customer::Relation::Referred).all(db).await)
        }
        "loader with itself via a table" => {
            let customers = customer::Entity::load().order_by_asc(customer::Column::Id);
            let customers = customers.with(friendship::Entity);
            text(customers.with(friendship::Entity::REVERSE).all(db).await)
        }
        _ => None,
    }
}
