//! What the shop does. Every function runs on a connection or inside a transaction of the caller.

pub mod authors;
pub mod catalogue;
pub mod checkout;
pub mod customers;
pub mod editing;
pub mod events;
pub mod inventory;
pub mod listings;
pub mod orders;
pub mod payments;
pub mod reports;
pub mod reviews;
pub mod search;
