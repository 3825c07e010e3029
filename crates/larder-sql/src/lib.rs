//! SQL text and a schema [`Catalog`] in, a caching [`Plan`] out.
//!
//! This crate decides, without any I/O, what a statement reads, what a cached result of it rests
//! on, and what a write may change. The rules it follows are numbered in `docs/soundness.md`
//! (R1-R12, X1, W1-W7); code and tests cite them by those numbers.
//!
//! The parser never leaves this crate: a plan names tables, columns and operands in the words of
//! the [`catalog`], and a value is either a [`Literal`] or the position of a bound parameter.

mod analyze;
pub mod catalog;
mod dialect;
pub mod introspect;
pub mod outbox;
pub mod plan;
mod plan_cache;
mod write;

pub use analyze::{FunctionLists, analyze, parameters_of, without_literals};
pub use catalog::{Catalog, Column, Table, TableName, ValueKind};
pub use dialect::Dialect;
pub use plan::{Literal, Operand, Plan};
pub use plan_cache::PlanCache;
