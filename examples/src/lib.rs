//! What the examples share: the entities of the schema in `migrations/`.

pub mod entity;
