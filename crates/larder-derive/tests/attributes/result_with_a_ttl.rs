use larder_derive::CachedResult;

#[derive(Clone, CachedResult)]
#[larder(ttl = "15m")]
pub struct Sales {
    pub copies: i64,
}

fn main() {}
