//! The tables of the shop.

pub mod address;
pub mod author;
pub mod book;
pub mod book_author;
pub mod book_category;
pub mod category;
pub mod customer;
pub mod customer_order;
pub mod event;
pub mod order_line;
pub mod payment;
pub mod promotion;
pub mod publisher;
pub mod review;
pub mod stock;
pub mod ticket;
pub mod warehouse;
