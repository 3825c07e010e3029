//! Tests across crates, on real servers: see `tests/`.
