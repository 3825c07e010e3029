//! The tables of `migrations/` as entities in SeaORM's dense format.

pub mod author;
pub mod comment;
pub mod customer;
pub mod friendship;
pub mod post;
pub mod post_tag;
pub mod tag;
