//! The shop from the outside: every scenario calls services only and runs on all three databases.

#[macro_use]
mod place;

mod authors;
mod catalogue;
mod checkout;
mod customers;
mod editing;
mod events;
mod inventory;
mod orders;
mod reports;
mod reviews;
mod savings;
