//! [`CachedAsyncTransactionManager`]: the driver's own, with the write events of each level.

use std::marker::PhantomData;

use diesel::{QueryResult, connection::TransactionManagerStatus};
use diesel_async::TransactionManager;

use super::{
    CachedAsyncConnection, WrappedAsyncConnection,
    connection::{deliver, failure_of},
};

/// Begins and ends transactions as the connection inside does; what they wrote invalidates after
/// COMMIT, before the call returns.
#[derive(Debug)]
pub struct CachedAsyncTransactionManager<C>(PhantomData<fn(C)>);

impl<C: WrappedAsyncConnection> TransactionManager<CachedAsyncConnection<C>>
    for CachedAsyncTransactionManager<C>
{
    type TransactionStateData =
        <C::TransactionManager as TransactionManager<C>>::TransactionStateData;

    async fn begin_transaction(connection: &mut CachedAsyncConnection<C>) -> QueryResult<()> {
        // Inside it nothing can be read.
        connection.prepare().await;
        connection.session.control();
        let result = C::TransactionManager::begin_transaction(&mut connection.inner).await;
        connection.session.controlled();
        result?;
        let delivery = connection.session.begun();
        deliver(delivery).await;
        Ok(())
    }

    async fn rollback_transaction(connection: &mut CachedAsyncConnection<C>) -> QueryResult<()> {
        connection.begins().await;
        connection.session.control();
        let result = C::TransactionManager::rollback_transaction(&mut connection.inner).await;
        connection.session.controlled();
        let depth = connection.depth();
        let deliveries = connection.session.rolled_back(result.is_err(), depth);
        deliver(deliveries).await;
        result
    }

    async fn commit_transaction(connection: &mut CachedAsyncConnection<C>) -> QueryResult<()> {
        connection.begins().await;
        let ending = connection.session.commit();
        connection.session.control();
        let result = C::TransactionManager::commit_transaction(&mut connection.inner).await;
        connection.session.controlled();
        let depth = connection.depth();
        let failure = match &result {
            Ok(()) => None,
            Err(error) => Some(failure_of(&mut connection.inner, error, depth.is_some()).await),
        };
        let deliveries = connection.session.committed(ending, failure, depth);
        deliver(deliveries).await;
        result
    }

    fn transaction_manager_status_mut(
        connection: &mut CachedAsyncConnection<C>,
    ) -> &mut TransactionManagerStatus {
        C::TransactionManager::transaction_manager_status_mut(&mut connection.inner)
    }

    fn is_broken_transaction_manager(connection: &mut CachedAsyncConnection<C>) -> bool {
        C::TransactionManager::is_broken_transaction_manager(&mut connection.inner)
    }
}
