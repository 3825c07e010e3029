//! `larder.wrap(connection)`.

use larder_signals::{Larder, Wrap, WrapConfig};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::{CachedConnection, shared::Shared};

/// Marks SeaORM's implementations of [`Wrap`]; inferred, never written.
///
/// # Staleness
/// A SQLite database in memory has no identity, so that each wrap of one counts as a database of
/// its own, which does not see the writes of the others: wrap once and clone, or name it with
/// [`WrapConfig::source`].
#[derive(Debug)]
pub enum SeaOrm {}

impl Wrap<SeaOrm> for DatabaseConnection {
    type Wrapped = CachedConnection<Self>;

    fn wrap(self, larder: &Larder) -> Self::Wrapped {
        CachedConnection::wrap(larder, self, WrapConfig::new())
    }
}

impl CachedConnection<DatabaseConnection> {
    /// Wraps a connection with settings of its own; `larder.wrap(connection)` takes the defaults.
    pub fn wrap(larder: &Larder, connection: DatabaseConnection, config: WrapConfig) -> Self {
        // Its kind has a name, but only with the feature that makes it.
        let kind = format!("{:?}", connection.inner);
        let exact = config.has_exact_rows() && !kind.contains("Proxy") && !kind.contains("Mock");
        Self::wrap_other(larder, connection, config.exact_rows(exact))
    }
}

impl<C: ConnectionTrait> CachedConnection<C> {
    /// Wraps a connection of another type than SeaORM's own.
    ///
    /// It must give what it was sent to one database and return that database's rows: a fake in
    /// between makes the cache believe it.
    pub fn wrap_other(larder: &Larder, connection: C, config: WrapConfig) -> Self {
        Self::from_parts(connection, Shared::new(larder, config))
    }
}
