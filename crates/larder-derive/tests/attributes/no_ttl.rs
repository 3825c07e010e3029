use larder_derive::Cacheable;

#[derive(Clone, Cacheable)]
#[larder(ops(get))]
pub struct Model {
    pub id: i32,
}

fn main() {}
