//! SeaORM's loaders, imported from larder. Parents are made here: only the loader reads.

use larder::LoaderTrait;
use larder_examples::entity::{author, comment, order_line, post, post_tag, product, tag};
use larder_tests::dense::{customer, friendship};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, prelude::Decimal};

use super::{
    relations::{author_3, post},
    text,
};

pub const BLOG: &[&str] = &[
    "authors of posts",
    "authors of other posts",
    "comments of posts",
    "approved comments of posts",
    "posts of authors, one of them twice",
    "tags of posts",
    "many to many by its own loader",
    "comments of nobody",
];

pub const SHOP: &[&str] = &[
    "products of lines",
    "referrers of customers",
    "customers referred by customers",
    "friends of customers",
    "customers who befriended customers",
];

pub async fn answer<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let posts = || vec![post(1, 3), post(3, 4), post(2, 3)];
    let by_id = || tag::Entity::find().order_by_asc(tag::Column::Id);
    match read {
        "authors of posts" => text(posts().load_one(author::Entity, db).await),
        // The same keys, so the same statement; another result.
        "authors of other posts" => {
            let posts = [post(1, 3), post(3, 4), post(4, 4)];
            text(posts.as_slice().load_one(author::Entity, db).await)
        }
        "comments of posts" => text(posts().load_many(comment::Entity, db).await),
        "approved comments of posts" => {
            let approved = comment::Entity::find().filter(comment::Column::Approved.eq(true));
            let approved = approved.order_by_asc(comment::Column::Id);
            text(posts().load_many(approved, db).await)
        }
        "posts of authors, one of them twice" => {
            let authors = vec![author_3(), author_3()];
            text(authors.load_many(post::Entity, db).await)
        }
        "tags of posts" => text(posts().load_many(by_id(), db).await),
        "many to many by its own loader" => text(
            posts()
                .load_many_to_many(by_id(), post_tag::Entity, db)
                .await,
        ),
        "comments of nobody" => text(
            Vec::<post::Model>::new()
                .load_many(comment::Entity, db)
                .await,
        ),
        other => shop(db, other).await,
    }
}

async fn shop<C: ConnectionTrait>(db: &C, read: &str) -> Option<String> {
    let customers = || vec![customer(1, None), customer(2, Some(1))];
    match read {
        "products of lines" => {
            let lines = vec![line(1, 1), line(2, 2), line(3, 1)];
            text(lines.load_one(product::Entity, db).await)
        }
        "referrers of customers" => {
            let referrer = customer::Relation::Referrer;
            text(customers().load_self(customer::Entity, referrer, db).await)
        }
        "customers referred by customers" => {
            let referrer = customer::Relation::Referrer;
            text(
                customers()
                    .load_self_many(customer::Entity, referrer, db)
                    .await,
            )
        }
        "friends of customers" => text(customers().load_self_via(friendship::Entity, db).await),
        "customers who befriended customers" => {
            text(customers().load_self_via_rev(friendship::Entity, db).await)
        }
        _ => None,
    }
}

fn customer(id: i32, referred_by: Option<i32>) -> customer::Model {
    customer::Model {
        id,
        name: String::new(),
        email: String::new(),
        vip: false,
        credit: None,
        referred_by,
    }
}

fn line(id: i64, product_id: i32) -> order_line::Model {
    order_line::Model {
        id,
        order_id: 1,
        product_id,
        quantity: 1,
        unit_price: Decimal::ONE,
    }
}
