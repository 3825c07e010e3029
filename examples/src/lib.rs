//! What the examples share: the entities of the schema in `migrations/`, and what is no ORM's in
//! the two blogs on axum.

pub mod entity;
#[cfg(feature = "web")]
pub mod web;
