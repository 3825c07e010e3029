//! The entities of the blog and the shop in `migrations/`.

pub mod author;
pub mod comment;
pub mod customer;
pub mod order;
pub mod order_line;
pub mod post;
pub mod post_tag;
pub mod product;
pub mod tag;
