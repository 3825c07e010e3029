//! A derive that finds no table.

use larder_diesel::Cacheable;

#[derive(Clone, Cacheable)]
#[larder(ttl = "15m", crate = "larder_diesel")]
struct Post {
    id: i32,
}

fn main() {}
