//! Two processes share one Redis and one PostgreSQL, and Redis is hurt while both read and write.
//!
//! Every row has a version that only grows. A write that has returned is published at a
//! [referee](referee), together with whether its invalidation was acknowledged before it returned;
//! a read asks the referee first and then must not see less. So each read is held against both
//! guarantees: G1 across the processes, G2 within one.
//!
//! `LARDER_FAULT_ROUNDS=20` hurts each Redis so many times; by default once.

mod counts;
mod item;
mod player;
mod referee;
mod scenarios;
mod trial;
mod wire;
mod worker;
