//! The models and the two queries, for any backend.

use diesel::{
    backend::Backend,
    dsl::{AsSelect, Eq, Filter, Find, Limit, Order, Select},
    prelude::*,
};
use serde::{Deserialize, Serialize};

diesel::table! {
    product (id) {
        id -> Integer,
        sku -> Text,
        name -> Text,
        stock -> Integer,
        discontinued -> Bool,
    }
}

diesel::table! {
    post (id) {
        id -> Integer,
        author_id -> Integer,
        title -> Text,
        body -> Nullable<Text>,
        published -> Bool,
        views -> Integer,
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = product)]
#[expect(dead_code, reason = "what is measured is that it is made")]
pub(crate) struct Product {
    id: i32,
    sku: String,
    name: String,
    stock: i32,
    discontinued: bool,
}

#[derive(Clone, Debug, Deserialize, Queryable, Selectable, Serialize)]
#[diesel(table_name = post)]
pub(crate) struct Post {
    id: i32,
    author_id: i32,
    title: String,
    body: Option<String>,
    published: bool,
    views: i32,
}

type ByKey<DB> = Limit<Select<Find<product::table, i32>, AsSelect<Product, DB>>>;

/// The row with this key.
pub(crate) fn by_key<DB: Backend>(id: i32) -> ByKey<DB> {
    product::table
        .find(id)
        .select(Product::as_select())
        .limit(1)
}

type List<DB> = Limit<
    Select<Order<Filter<post::table, Eq<post::author_id, i32>>, post::id>, AsSelect<Post, DB>>,
>;

/// The first 20 posts of this author.
pub(crate) fn list<DB: Backend>(author: i32) -> List<DB> {
    post::table
        .filter(post::author_id.eq(author))
        .order(post::id)
        .select(Post::as_select())
        .limit(20)
}

/// One after the other, and from the start again.
pub(crate) fn cycle(count: i32) -> impl FnMut() -> i32 {
    let mut last = 0;
    move || {
        last = last % count + 1;
        last
    }
}
