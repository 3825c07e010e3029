//! What larder's own tests stand on: private database servers and the common schema.
//!
//! Nothing here is published. Helpers for the tests of larder's users are `larder::testing`.

pub mod schema;
pub mod server;
