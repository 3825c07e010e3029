//! `larder.wrap(connection)`.

use larder_signals::{Larder, Wrap, WrapConfig};

use super::CachedAsyncConnection;

/// Marks diesel-async's implementations of [`Wrap`]; inferred, never written.
///
/// # Staleness
/// As [`Diesel`](crate::Diesel).
#[derive(Debug)]
pub enum DieselAsync {}

macro_rules! wrap {
    ($(#[$feature:meta])* $connection:ty) => {
        $(#[$feature])*
        impl Wrap<DieselAsync> for $connection {
            type Wrapped = CachedAsyncConnection<Self>;

            fn wrap(self, larder: &Larder) -> Self::Wrapped {
                CachedAsyncConnection::wrap(larder, self, &WrapConfig::new())
            }
        }
    };
}

wrap!(
    #[cfg(feature = "async-postgres")]
    diesel_async::AsyncPgConnection
);
wrap!(
    #[cfg(feature = "async-mysql")]
    diesel_async::AsyncMysqlConnection
);
wrap!(
    #[cfg(feature = "async-sqlite")]
    diesel_async::sync_connection_wrapper::SyncConnectionWrapper<diesel::SqliteConnection>
);

wrap!(
    #[cfg(all(feature = "deadpool", feature = "async-postgres"))]
    diesel_async::pooled_connection::deadpool::Object<diesel_async::AsyncPgConnection>
);
wrap!(
    #[cfg(all(feature = "deadpool", feature = "async-mysql"))]
    diesel_async::pooled_connection::deadpool::Object<diesel_async::AsyncMysqlConnection>
);
wrap!(
    #[cfg(all(feature = "bb8", feature = "async-postgres"))]
    diesel_async::pooled_connection::bb8::PooledConnection<
        'static,
        diesel_async::AsyncPgConnection,
    >
);
wrap!(
    #[cfg(all(feature = "bb8", feature = "async-mysql"))]
    diesel_async::pooled_connection::bb8::PooledConnection<
        'static,
        diesel_async::AsyncMysqlConnection,
    >
);
