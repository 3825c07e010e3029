use larder_derive::Cacheable;

#[derive(Clone, Cacheable)]
#[larder(ttl = "15m")]
pub enum Model {
    One,
}

fn main() {}
