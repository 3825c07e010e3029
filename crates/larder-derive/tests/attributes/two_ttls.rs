use larder_derive::Cacheable;

#[derive(Clone, Cacheable)]
#[larder(ttl = "15m", default_ttl)]
pub struct Model {
    pub id: i32,
}

fn main() {}
