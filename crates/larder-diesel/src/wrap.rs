//! `larder.wrap(connection)`.

/// Marks Diesel's implementations of [`Wrap`](larder_signals::Wrap); inferred, never written.
///
/// # Staleness
/// A SQLite database in memory has no identity, so that each wrap of one counts as a database of
/// its own; name one that several connections share with
/// [`WrapConfig::source`](larder_signals::WrapConfig::source).
#[derive(Debug)]
pub enum Diesel {}

macro_rules! wrap {
    ($(#[$feature:meta])* $connection:ty) => {
        $(#[$feature])*
        impl larder_signals::Wrap<Diesel> for $connection {
            type Wrapped = crate::CachedConnection<Self>;

            fn wrap(self, larder: &larder_signals::Larder) -> Self::Wrapped {
                crate::CachedConnection::wrap(larder, self, &larder_signals::WrapConfig::new())
            }
        }
    };
}

wrap!(
    #[cfg(feature = "postgres")]
    diesel::PgConnection
);
wrap!(
    #[cfg(feature = "mysql")]
    diesel::MysqlConnection
);
wrap!(
    #[cfg(feature = "sqlite")]
    diesel::SqliteConnection
);

#[cfg(feature = "r2d2")]
impl<M> larder_signals::Wrap<Diesel> for diesel::r2d2::PooledConnection<M>
where
    M: diesel::r2d2::ManageConnection,
    Self: crate::WrappedConnection,
{
    type Wrapped = crate::CachedConnection<Self>;

    fn wrap(self, larder: &larder_signals::Larder) -> Self::Wrapped {
        crate::CachedConnection::wrap(larder, self, &larder_signals::WrapConfig::new())
    }
}
