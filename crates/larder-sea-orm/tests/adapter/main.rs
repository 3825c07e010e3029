//! The adapter on SQLite in memory: what is answered from the cache, what is not, and what every
//! kind of write drops and keeps. Statements that reach the database are counted.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[expect(unreachable_pub, reason = "the derives of SeaORM ask for `pub`")]
mod entities;
mod fixture;
mod generic;
mod keys;
mod operations;
mod reads;
mod schema;
mod surface;
mod transactions;
mod weights;
mod writes;
mod written;
