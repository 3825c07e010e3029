use larder_sea_orm::Cacheable;

#[derive(Clone, Cacheable)]
#[larder(ttl = "15m")]
pub enum Model {
    One,
}

fn main() {}
