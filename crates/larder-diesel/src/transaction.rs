//! [`CachedTransactionManager`]: the driver's own, with the write events of each level.

use std::marker::PhantomData;

use diesel::{
    QueryResult,
    connection::{TransactionManager, TransactionManagerStatus},
};

use crate::{
    CachedConnection,
    connection::{WrappedConnection, deliver, failure_of, undo},
};

/// Begins and ends transactions as the connection inside does; what they wrote invalidates after
/// COMMIT, before the call returns.
#[derive(Debug)]
pub struct CachedTransactionManager<C>(PhantomData<C>);

impl<C: WrappedConnection> TransactionManager<CachedConnection<C>> for CachedTransactionManager<C> {
    type TransactionStateData =
        <C::TransactionManager as TransactionManager<C>>::TransactionStateData;

    fn begin_transaction(connection: &mut CachedConnection<C>) -> QueryResult<()> {
        connection.begin(C::TransactionManager::begin_transaction)
    }

    fn rollback_transaction(connection: &mut CachedConnection<C>) -> QueryResult<()> {
        connection.begins();
        connection.session.control();
        let result = C::TransactionManager::rollback_transaction(&mut connection.inner);
        connection.session.controlled();
        let depth = connection.depth();
        deliver(connection.session.rolled_back(result.is_err(), depth));
        result
    }

    fn commit_transaction(connection: &mut CachedConnection<C>) -> QueryResult<()> {
        connection.begins();
        let ending = connection.session.commit();
        connection.session.control();
        let result = C::TransactionManager::commit_transaction(&mut connection.inner);
        connection.session.controlled();
        let depth = connection.depth();
        let failure = result
            .as_ref()
            .err()
            .map(|error| failure_of(&mut connection.inner, error, depth.is_some()));
        deliver(connection.session.committed(ending, failure, depth));
        result
    }

    fn transaction_manager_status_mut(
        connection: &mut CachedConnection<C>,
    ) -> &mut TransactionManagerStatus {
        C::TransactionManager::transaction_manager_status_mut(&mut connection.inner)
    }

    fn is_broken_transaction_manager(connection: &mut CachedConnection<C>) -> bool {
        C::TransactionManager::is_broken_transaction_manager(&mut connection.inner)
    }
}

impl<C: WrappedConnection> CachedConnection<C> {
    pub(crate) fn begins(&mut self) {
        if self.session.is_own_open() {
            undo(&mut self.inner);
            self.session.own_closed();
        }
        let depth = self.depth();
        deliver(self.session.begins(depth));
    }

    /// Opens a transaction, or a savepoint, in this way.
    pub(crate) fn begin(
        &mut self,
        begin: impl FnOnce(&mut C) -> QueryResult<()>,
    ) -> QueryResult<()> {
        // Inside it nothing can be read.
        self.prepare();
        self.session.control();
        let result = begin(&mut self.inner);
        self.session.controlled();
        result?;
        deliver(self.session.begun());
        Ok(())
    }

    /// Runs `work` in a transaction that is opened in this way.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn transaction_by<T, E: From<diesel::result::Error>>(
        &mut self,
        begin: impl FnOnce(&mut C) -> QueryResult<()>,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.begin(begin)?;
        match work(self) {
            Ok(value) => {
                CachedTransactionManager::commit_transaction(self)?;
                Ok(value)
            }
            Err(error) => match CachedTransactionManager::rollback_transaction(self) {
                // What broke the transaction is in the caller's own error.
                Ok(()) | Err(diesel::result::Error::BrokenTransactionManager) => Err(error),
                Err(rollback) => Err(rollback.into()),
            },
        }
    }
}
