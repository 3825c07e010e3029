use larder_derive::Cacheable;

#[derive(Clone, Cacheable)]
#[larder(time_to_live = "15m")]
pub struct Model {
    pub id: i32,
}

fn main() {}
