use larder_derive::Cacheable;

#[derive(Clone, Cacheable)]
#[larder(ttl = "15 minutes")]
pub struct Model {
    pub id: i32,
}

fn main() {}
