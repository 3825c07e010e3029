//! The protocol as a whole: rules P1-P11 by name, every interleaving of small cases, and threads.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

mod explore;
mod flights;
mod leeway;
mod memos;
mod operations;
mod remote;
mod revisit;
mod rules;
mod stores;
mod threads;

fn limited(set: impl FnOnce(&mut larder_core::Limits)) -> larder_core::Limits {
    let mut limits = larder_core::Limits::default();
    set(&mut limits);
    limits
}
