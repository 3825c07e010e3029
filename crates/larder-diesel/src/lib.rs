//! Self-invalidating query caching for Diesel and diesel-async.
//!
//! `larder.wrap(connection)` gives a [`CachedConnection`] (or a `CachedAsyncConnection`), which stands
//! wherever the connection inside stands behind Diesel's traits: existing code such as
//! `posts.filter(author_id.eq(3)).load::<Post>(&mut connection)` is cached, and every write
//! invalidates. The application's types need nothing for it: what is kept is what the driver
//! delivered.
//!
//! `session` decides, without I/O; `connection` and `asynchronous` carry. What differs between
//! backends is in `pg`, `mysql` and `sqlite`.
//!
//! Features: `postgres`, `mysql`, `sqlite` and `r2d2`; `async-postgres`, `async-mysql`,
//! `async-sqlite`, `deadpool` and `bb8`.

#[cfg(feature = "_async")]
mod asynchronous;
mod backend;
mod before;
mod codec;
mod connection;
mod cursor;
mod explain;
mod fields;
mod migrations;
#[cfg(feature = "_mysql")]
mod mysql;
#[cfg(feature = "_postgres")]
mod pg;
#[cfg(feature = "r2d2")]
mod pool;
mod relay;
mod row;
mod rows;
#[cfg(any(feature = "mysql", feature = "sqlite"))]
mod save;
mod session;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "_mysql", feature = "_postgres"))]
mod stored;
mod tracked;
mod transaction;
mod typed;
mod wrap;

#[cfg(feature = "_pool")]
pub use asynchronous::cached_manager_config;
#[cfg(feature = "_async")]
pub use asynchronous::{
    AsyncBackend, AsyncRelay, AsyncScope, CachedAsyncConnection, CachedAsyncStream,
    CachedAsyncTransactionManager, DieselAsync, WrappedAsyncConnection,
};
/// What the derive expands to; not for use by hand.
#[cfg(any(feature = "sqlite", feature = "_mysql", feature = "_postgres"))]
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use backend::CachedBackend;
#[cfg(any(feature = "_postgres", feature = "_async"))]
#[doc(hidden)]
pub use backend::TypeName;
pub use connection::{CachedConnection, WrappedConnection};
pub use cursor::CachedCursor;
pub use larder_derive::Cacheable;
#[cfg(feature = "_postgres")]
#[doc(hidden)]
pub use pg::Binds as PgBinds;
#[cfg(feature = "postgres")]
pub use pg::{CachedTransactionBuilder, PgRowByRow};
#[cfg(feature = "r2d2")]
pub use pool::CachedConnectionManager;
pub use relay::Relay;
pub use row::{CachedField, CachedRow};
#[cfg(any(feature = "_mysql", feature = "_postgres"))]
pub use stored::{StoredField, StoredRow};
pub use transaction::CachedTransactionManager;
pub use typed::{CacheDsl, Cached, Typed, TypedConnection, TypedLoad};
pub use wrap::Diesel;
