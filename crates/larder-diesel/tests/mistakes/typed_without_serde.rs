//! A result that cannot be kept as it is.

use diesel::prelude::*;
use larder_diesel::{CacheDsl, CachedConnection};

diesel::table! {
    posts (id) {
        id -> Integer,
        title -> Text,
    }
}

#[derive(Clone, Queryable)]
struct Post {
    id: i32,
    title: String,
}

fn load(connection: &mut CachedConnection<SqliteConnection>) -> QueryResult<Vec<Post>> {
    posts::table.cached().load(connection)
}

fn main() {}
