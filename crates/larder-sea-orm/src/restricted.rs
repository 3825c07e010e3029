//! SeaORM's role-based access control in front of the cache: every statement is checked for the
//! user before it is answered, from the cache or from the database.

use std::{fmt, future::Future, pin::Pin};

use async_trait::async_trait;
use larder_signals::Larder;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, IsolationLevel, QueryResult, RestrictedConnection, Statement, StatementBuilder,
    TransactionError, TransactionOptions, TransactionSession, TransactionTrait,
    rbac::{PermissionRequest, RbacUserId, ResourceRequest},
};

use crate::{
    CachedConnection, CachedTransaction, probe,
    transaction::{run, run_async},
};

/// What `async_trait` makes of a callback.
type Work<'c, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>;

/// SeaORM's [`RestrictedConnection`] around a wrapped connection. Results are shared between users:
/// what a user may see is checked before each statement, and no result depends on who asks.
///
/// Operations of several statements (`load_many_to_many`, `.cached()` on an entity loader) go past
/// the cache here: a hit would spare their later statements the check.
#[derive(Clone)]
pub struct CachedRestrictedConnection {
    db: CachedConnection<DatabaseConnection>,
    guard: RestrictedConnection,
}

/// A transaction of a [`CachedRestrictedConnection`], or a savepoint inside one.
pub struct CachedRestrictedTransaction {
    transaction: CachedTransaction<DatabaseTransaction>,
    guard: RestrictedConnection,
}

impl CachedConnection<DatabaseConnection> {
    /// See [`DatabaseConnection::restricted_for`].
    ///
    /// # Errors
    /// Those of SeaORM: no rules were loaded.
    pub fn restricted_for(&self, user: RbacUserId) -> Result<CachedRestrictedConnection, DbErr> {
        Ok(CachedRestrictedConnection {
            guard: self.inner().restricted_for(user)?,
            db: self.clone(),
        })
    }
}

impl CachedRestrictedConnection {
    /// The cache.
    pub fn larder(&self) -> &Larder {
        self.db.larder()
    }

    /// SeaORM's own restricted connection, for what it tells of roles. Reads through it go past the
    /// cache, writes through it are not seen.
    pub fn restricted(&self) -> &RestrictedConnection {
        &self.guard
    }
}

impl CachedRestrictedTransaction {
    /// See [`RestrictedTransaction::commit`](sea_orm::RestrictedTransaction::commit).
    ///
    /// # Errors
    /// Those of SeaORM.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.transaction.commit().await
    }

    /// See [`RestrictedTransaction::rollback`](sea_orm::RestrictedTransaction::rollback).
    ///
    /// # Errors
    /// Those of SeaORM.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.transaction.rollback().await
    }
}

/// Whether the user may run a query. SeaORM refuses a text in other words than what it cannot audit.
async fn check<S: StatementBuilder>(
    guard: &RestrictedConnection,
    statement: &S,
) -> Result<(), DbErr> {
    let Err(refused) = guard.user_can_run(statement) else {
        return Ok(());
    };
    match probe::text(statement, guard.get_database_backend()) {
        Some(text) => guard.query_all_raw(text).await.and(Err(refused)),
        None => Err(refused),
    }
}

/// The checks and the raw statements that they refuse, for connection and transaction alike.
macro_rules! restricted {
    ($name:ident, $inner:ident, $query_one:ident, $query_all:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }

        #[async_trait]
        impl ConnectionTrait for $name {
            fn get_database_backend(&self) -> DbBackend {
                self.$inner.get_database_backend()
            }

            async fn execute<S: StatementBuilder>(
                &self,
                statement: &S,
            ) -> Result<ExecResult, DbErr> {
                self.guard.user_can_run(statement)?;
                self.$inner.execute(statement).await
            }

            async fn query_one<S: StatementBuilder>(
                &self,
                statement: &S,
            ) -> Result<Option<QueryResult>, DbErr> {
                check(&self.guard, statement).await?;
                self.$inner.$query_one(statement).await
            }

            async fn query_all<S: StatementBuilder>(
                &self,
                statement: &S,
            ) -> Result<Vec<QueryResult>, DbErr> {
                check(&self.guard, statement).await?;
                self.$inner.$query_all(statement).await
            }

            // SeaORM refuses text, since it cannot check it.

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                self.guard.execute_raw(statement).await
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                self.guard.execute_unprepared(sql).await
            }

            async fn query_one_raw(
                &self,
                statement: Statement,
            ) -> Result<Option<QueryResult>, DbErr> {
                self.guard.query_one_raw(statement).await
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                self.guard.query_all_raw(statement).await
            }

            fn support_returning(&self) -> bool {
                self.$inner.support_returning()
            }
        }

        #[async_trait]
        impl TransactionTrait for $name {
            type Transaction = CachedRestrictedTransaction;

            async fn begin(&self) -> Result<Self::Transaction, DbErr> {
                Ok(self.restrict(self.$inner.begin().await?))
            }

            async fn begin_with_config(
                &self,
                isolation_level: Option<IsolationLevel>,
                access_mode: Option<AccessMode>,
            ) -> Result<Self::Transaction, DbErr> {
                let begun = self.$inner.begin_with_config(isolation_level, access_mode);
                Ok(self.restrict(begun.await?))
            }

            async fn begin_with_options(
                &self,
                options: TransactionOptions,
            ) -> Result<Self::Transaction, DbErr> {
                Ok(self.restrict(self.$inner.begin_with_options(options).await?))
            }

            async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
            where
                F: for<'c> FnOnce(&'c Self::Transaction) -> Work<'c, T, E> + Send,
                T: Send,
                E: fmt::Display + fmt::Debug + Send,
            {
                run(self.begin().await, callback).await
            }

            async fn transaction_with_config<F, T, E>(
                &self,
                callback: F,
                isolation_level: Option<IsolationLevel>,
                access_mode: Option<AccessMode>,
            ) -> Result<T, TransactionError<E>>
            where
                F: for<'c> FnOnce(&'c Self::Transaction) -> Work<'c, T, E> + Send,
                T: Send,
                E: fmt::Display + fmt::Debug + Send,
            {
                let begun = self.begin_with_config(isolation_level, access_mode).await;
                run(begun, callback).await
            }
        }

        impl $name {
            /// See [`RestrictedConnection::user_id`].
            pub fn user_id(&self) -> RbacUserId {
                self.guard.user_id()
            }

            /// See [`RestrictedConnection::user_can_run`].
            ///
            /// # Errors
            /// What the user may not do.
            pub fn user_can_run<S: StatementBuilder>(&self, statement: &S) -> Result<(), DbErr> {
                self.guard.user_can_run(statement)
            }

            /// See [`RestrictedConnection::user_can`].
            ///
            /// # Errors
            /// Those of SeaORM.
            pub fn user_can<P, R>(&self, permission: P, resource: R) -> Result<bool, DbErr>
            where
                P: Into<PermissionRequest>,
                R: Into<ResourceRequest>,
            {
                self.guard.user_can(permission, resource)
            }

            /// The transaction of a callback: committed after it, rolled back at its error.
            ///
            /// # Errors
            /// Those of SeaORM and of the callback.
            pub async fn transaction_async<F, T, E>(
                &self,
                callback: F,
            ) -> Result<T, TransactionError<E>>
            where
                F: for<'c> AsyncFnOnce(&'c CachedRestrictedTransaction) -> Result<T, E> + Send,
                T: Send,
                E: fmt::Display + fmt::Debug + Send,
            {
                run_async(self.begin().await, callback).await
            }

            /// [`transaction_async`](Self::transaction_async) with these settings.
            ///
            /// # Errors
            /// Those of SeaORM and of the callback.
            pub async fn transaction_with_config_async<F, T, E>(
                &self,
                callback: F,
                isolation_level: Option<IsolationLevel>,
                access_mode: Option<AccessMode>,
            ) -> Result<T, TransactionError<E>>
            where
                F: for<'c> AsyncFnOnce(&'c CachedRestrictedTransaction) -> Result<T, E> + Send,
                T: Send,
                E: fmt::Display + fmt::Debug + Send,
            {
                let begun = self.begin_with_config(isolation_level, access_mode).await;
                run_async(begun, callback).await
            }

            fn restrict(
                &self,
                transaction: CachedTransaction<DatabaseTransaction>,
            ) -> CachedRestrictedTransaction {
                CachedRestrictedTransaction {
                    transaction,
                    guard: self.guard.clone(),
                }
            }
        }
    };
}

restricted!(
    CachedRestrictedConnection,
    db,
    query_one_alone,
    query_all_alone
);
restricted!(
    CachedRestrictedTransaction,
    transaction,
    query_one,
    query_all
);

#[async_trait]
impl TransactionSession for CachedRestrictedTransaction {
    async fn commit(self) -> Result<(), DbErr> {
        self.transaction.commit().await
    }

    async fn rollback(self) -> Result<(), DbErr> {
        self.transaction.rollback().await
    }
}
