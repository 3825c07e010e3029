//! A struct that no policy is known of.

use diesel::prelude::*;
use larder_signals::Larder;

#[derive(Queryable)]
struct Post {
    id: i32,
}

fn invalidate(larder: &Larder, post: &Post) {
    larder.blocking().invalidate_model(post);
}

fn main() {}
