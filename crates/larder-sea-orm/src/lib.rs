//! Self-invalidating query caching for SeaORM.
//!
//! `larder.wrap(connection)` gives a [`CachedConnection`]: it answers the selects of cached
//! entities (`#[derive(Cacheable)]`) and sees every write, whatever method carries it. The two
//! halves meet in a probe: a statement builder that carries a place for the answer.
//!
//! Features mirror those of sea-orm; each only adds parameter types that can be written down, so
//! that a query with a parameter of a type that is off here runs uncached.

mod before;
mod begin;
mod connection;
mod explain;
mod failure;
mod job;
mod level;
mod loader;
pub mod overlay;
mod param;
mod probe;
mod query;
mod relay;
#[cfg(feature = "rbac")]
mod restricted;
mod result;
mod row;
mod shared;
#[cfg(feature = "stream")]
mod stream;
mod task;
mod told;
mod tracked;
mod transaction;
mod wrap;
mod write;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use connection::CachedConnection;
pub use larder_derive::{Cacheable, CachedResult};
pub use larder_signals::{RelayConfig, RelayOutcome, RelayRound, Replica, WrapConfig};
pub use loader::{LoaderSource, LoaderTrait};
#[cfg(feature = "stream")]
pub use query::RowStream;
pub use query::{
    CacheLoader, CacheQuery, Cached, CachedCursor, CachedEntityLoader, CachedPaginator,
    CachedSelect, OverlaidSelect, Paged, RawRows, Repeat, Rows, Shaped, SingleRow,
};
pub use relay::{Relay, RelayWaker};
#[cfg(feature = "rbac")]
pub use restricted::{CachedRestrictedConnection, CachedRestrictedTransaction};
pub use result::{CachedResult, LOCAL_FACTOR, Storable};
#[cfg(feature = "stream")]
pub use stream::CachedStream;
pub use transaction::CachedTransaction;
pub use wrap::SeaOrm;
