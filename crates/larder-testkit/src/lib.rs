//! What larder's own tests stand on: private database servers and the common schema;
//! for the protocol a reference store, a faulty store, a clock to turn, and a simulator; and a proxy
//! that does to connections what networks do.
//!
//! Nothing here is published. Helpers for the tests of larder's users are `larder::testing`.

pub mod clock;
#[expect(clippy::expect_used, reason = "a suite fails by panicking")]
pub mod conformance;
pub mod faulty;
pub mod fixture;
pub mod model;
pub mod proxy;
pub mod remote;
pub mod schema;
pub mod server;
pub mod sim;
pub mod tags;
