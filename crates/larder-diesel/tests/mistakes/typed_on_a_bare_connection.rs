//! `.cached()` on a connection that nobody has wrapped.

use diesel::prelude::*;
use larder_diesel::CacheDsl;

diesel::table! {
    posts (id) {
        id -> Integer,
        title -> Text,
    }
}

fn load(connection: &mut SqliteConnection) -> QueryResult<Vec<(i32, String)>> {
    posts::table.cached().load(connection)
}

fn main() {}
