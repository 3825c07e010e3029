use larder_sea_orm::Cacheable;

#[derive(Clone, Cacheable)]
#[larder(ops())]
pub struct Model {
    pub id: i32,
}

fn main() {}
