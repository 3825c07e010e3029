//! Pools of wrapped connections.

use diesel_async::pooled_connection::{ManagerConfig, PoolableConnection};
use futures_util::FutureExt as _;
use larder_signals::{Larder, WrapConfig};

use super::{CachedAsyncConnection, WrappedAsyncConnection};

impl<C: WrappedAsyncConnection + PoolableConnection> PoolableConnection
    for CachedAsyncConnection<C>
{
    // Some know more than whether a transaction is open.
    fn is_broken(&mut self) -> bool {
        self.inner.is_broken()
    }
}

/// How diesel-async's pools make wrapped connections of this larder:
/// `AsyncDieselConnectionManager::<CachedAsyncConnection<_>>::new_with_config(url,
/// cached_manager_config(&larder, &WrapConfig::new()))`.
///
/// Without it the manager works as well, with the larder that [`Larder::set_global`] has set.
pub fn cached_manager_config<C: WrappedAsyncConnection>(
    larder: &Larder,
    config: &WrapConfig,
) -> ManagerConfig<CachedAsyncConnection<C>> {
    let (larder, config) = (larder.clone(), config.clone());
    let mut manager = ManagerConfig::default();
    manager.custom_setup = Box::new(move |url| {
        let (larder, config) = (larder.clone(), config.clone());
        async move {
            let inner = C::establish(url).await?;
            Ok(CachedAsyncConnection::wrap(&larder, inner, &config))
        }
        .boxed()
    });
    manager
}
