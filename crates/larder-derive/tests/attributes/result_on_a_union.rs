use larder_derive::CachedResult;

#[derive(Clone, Copy, CachedResult)]
pub union Number {
    pub whole: i64,
    pub part: f64,
}

fn main() {}
