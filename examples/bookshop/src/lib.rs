//! A bookshop: catalogue, warehouses, orders, reviews and readings, on SQLite, PostgreSQL or
//! MariaDB.

pub mod entity;
pub mod error;
pub mod migration;
pub mod seed;
pub mod service;
pub mod state;

pub use error::{Result, ShopError};
pub use state::Shop;
