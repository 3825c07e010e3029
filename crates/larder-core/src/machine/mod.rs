//! The protocol as pure machines: replies and `now` in, the next request out.
//!
//! Shells carry requests to a store and replies back; the simulator drives the same machines one
//! request at a time. Neither decides anything.

mod read;
mod write;

pub use read::{
    FillPlan, FlightKey, Leeway, ReadDecision, ReadMachine, ReadMode, ReadRequest, ReadStep,
    verdict,
};
pub use write::{TableDrop, WriteMachine, WriteStep};
