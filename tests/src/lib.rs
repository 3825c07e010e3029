//! What the tests across crates share; the tests themselves are in `tests/`.

pub mod dense;
pub mod lab;
pub mod random_sql;
pub mod row;
