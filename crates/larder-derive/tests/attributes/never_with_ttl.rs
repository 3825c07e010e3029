use larder_derive::Cacheable;

#[derive(Clone, Cacheable)]
#[larder(never, ttl = "15m")]
pub struct Model {
    pub id: i32,
}

fn main() {}
