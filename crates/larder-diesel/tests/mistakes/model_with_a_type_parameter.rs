//! A model that is many types.

use diesel::prelude::*;
use larder_diesel::Cacheable;

diesel::table! {
    posts (id) {
        id -> Integer,
    }
}

#[derive(Queryable, Cacheable)]
#[diesel(table_name = posts)]
#[larder(ttl = "15m", crate = "larder_diesel")]
struct Post<T> {
    id: T,
}

fn main() {}
