use larder_derive::Cacheable;

#[derive(Clone, Cacheable)]
#[larder(local, local)]
pub struct Model {
    pub id: i32,
}

fn main() {}
