//! `build_transaction`, as PostgreSQL's own connection has it.

use std::fmt;

use diesel::{PgConnection, connection::AnsiTransactionManager, result::Error};

use crate::CachedConnection;

/// Says how a transaction is opened; see [`diesel::pg::TransactionBuilder`].
#[must_use = "a transaction does nothing until it is run"]
pub struct CachedTransactionBuilder<'a> {
    connection: &'a mut CachedConnection<PgConnection>,
    isolation: Option<&'static str>,
    access: Option<&'static str>,
    deferrable: Option<&'static str>,
}

impl CachedConnection<PgConnection> {
    /// See [`PgConnection::build_transaction`].
    pub fn build_transaction(&mut self) -> CachedTransactionBuilder<'_> {
        CachedTransactionBuilder {
            connection: self,
            isolation: None,
            access: None,
            deferrable: None,
        }
    }
}

impl CachedTransactionBuilder<'_> {
    /// Makes it `READ ONLY`.
    pub fn read_only(mut self) -> Self {
        self.access = Some(" READ ONLY");
        self
    }

    /// Makes it `READ WRITE`.
    pub fn read_write(mut self) -> Self {
        self.access = Some(" READ WRITE");
        self
    }

    /// Makes it `DEFERRABLE`.
    pub fn deferrable(mut self) -> Self {
        self.deferrable = Some(" DEFERRABLE");
        self
    }

    /// Makes it `NOT DEFERRABLE`.
    pub fn not_deferrable(mut self) -> Self {
        self.deferrable = Some(" NOT DEFERRABLE");
        self
    }

    /// Isolates it as `READ COMMITTED`.
    pub fn read_committed(mut self) -> Self {
        self.isolation = Some(" ISOLATION LEVEL READ COMMITTED");
        self
    }

    /// Isolates it as `REPEATABLE READ`.
    pub fn repeatable_read(mut self) -> Self {
        self.isolation = Some(" ISOLATION LEVEL REPEATABLE READ");
        self
    }

    /// Isolates it as `SERIALIZABLE`.
    pub fn serializable(mut self) -> Self {
        self.isolation = Some(" ISOLATION LEVEL SERIALIZABLE");
        self
    }

    /// Runs `work` in it: COMMIT when that returns `Ok`, else ROLLBACK.
    ///
    /// # Errors
    /// [`Error::AlreadyInTransaction`] where one is open; those of Diesel and of `work`.
    pub fn run<T, E, F>(self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut CachedConnection<PgConnection>) -> Result<T, E>,
        E: From<Error>,
    {
        let words = [self.isolation, self.access, self.deferrable];
        let sql = words
            .into_iter()
            .flatten()
            .fold(String::from("BEGIN TRANSACTION"), |sql, word| sql + word);
        self.connection.transaction_by(
            |inner| AnsiTransactionManager::begin_transaction_sql(inner, &sql),
            work,
        )
    }
}

impl fmt::Debug for CachedTransactionBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedTransactionBuilder")
            .field("isolation", &self.isolation)
            .field("access", &self.access)
            .field("deferrable", &self.deferrable)
            .finish_non_exhaustive()
    }
}
