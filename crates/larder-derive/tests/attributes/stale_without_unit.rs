use larder_derive::Cacheable;

#[derive(Cacheable)]
#[larder(ttl = "15m", allow_stale = "10")]
struct Model {
    id: i32,
}

fn main() {}
