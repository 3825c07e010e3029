//! A policy that does not say how long.

use diesel::prelude::*;
use larder_diesel::Cacheable;

diesel::table! {
    posts (id) {
        id -> Integer,
    }
}

#[derive(Queryable, Cacheable)]
#[diesel(table_name = posts)]
#[larder(crate = "larder_diesel")]
struct Post {
    id: i32,
}

fn main() {}
