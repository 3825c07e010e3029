//! Pools of wrapped connections.

use std::fmt;

use diesel::{
    QueryResult,
    r2d2::{ConnectionManager, ManageConnection, PooledConnection, R2D2Connection},
};
use larder_signals::{Larder, WrapConfig};

use crate::{CachedBackend, CachedConnection, connection::WrappedConnection};

impl<M> WrappedConnection for PooledConnection<M>
where
    M: ManageConnection,
    M::Connection: WrappedConnection + R2D2Connection + Send + 'static,
{
    fn detach<'conn>(
        row: Self::Row<'conn, '_>,
        names: &mut <Self::Backend as CachedBackend>::Names,
    ) -> Option<<Self::Backend as CachedBackend>::StoredRow>
    where
        Self: 'conn,
    {
        M::Connection::detach(row, names)
    }
}

impl<C: WrappedConnection + R2D2Connection> R2D2Connection for CachedConnection<C> {
    fn ping(&mut self) -> QueryResult<()> {
        self.inner.ping()
    }

    fn is_broken(&mut self) -> bool {
        self.inner.is_broken()
    }
}

/// Makes wrapped connections for r2d2:
/// `Pool::builder().build(CachedConnectionManager::<PgConnection>::new(&larder, url))`.
///
/// Diesel's own `ConnectionManager::<CachedConnection<_>>` works as well, with the larder that
/// [`Larder::set_global`] has set.
pub struct CachedConnectionManager<C> {
    larder: Larder,
    config: WrapConfig,
    manager: ConnectionManager<C>,
}

impl<C> CachedConnectionManager<C>
where
    C: WrappedConnection + R2D2Connection + 'static,
{
    /// Connections to this URL.
    pub fn new(larder: &Larder, url: impl Into<String>) -> Self {
        Self::with_config(larder, url, WrapConfig::new())
    }

    /// Connections to this URL, wrapped with settings of their own.
    pub fn with_config(larder: &Larder, url: impl Into<String>, config: WrapConfig) -> Self {
        Self {
            larder: larder.clone(),
            config,
            manager: ConnectionManager::new(url),
        }
    }
}

impl<C> ManageConnection for CachedConnectionManager<C>
where
    C: WrappedConnection + R2D2Connection + 'static,
{
    type Connection = CachedConnection<C>;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Self::Connection, Self::Error> {
        let connection = self.manager.connect()?;
        Ok(CachedConnection::wrap(
            &self.larder,
            connection,
            &self.config,
        ))
    }

    fn is_valid(&self, connection: &mut Self::Connection) -> Result<(), Self::Error> {
        self.manager.is_valid(&mut connection.inner)
    }

    fn has_broken(&self, connection: &mut Self::Connection) -> bool {
        self.manager.has_broken(&mut connection.inner)
    }
}

impl<C> fmt::Debug for CachedConnectionManager<C> {
    // The URL holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedConnectionManager")
            .finish_non_exhaustive()
    }
}
