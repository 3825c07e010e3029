//! What `SqliteConnection` has beside Diesel's traits.

use diesel::{
    connection::{AnsiTransactionManager, WithMetadataLookup},
    row::IntoOwnedRow as _,
    sql_types::TypeMetadata,
    sqlite::{Sqlite, SqliteConnection},
};

use crate::{CachedBackend, CachedConnection, WrappedConnection, save::FetchesAfterUpdate};

type Lookup = <Sqlite as TypeMetadata>::MetadataLookup;

impl CachedConnection<SqliteConnection> {
    /// See [`SqliteConnection::immediate_transaction`].
    ///
    /// # Errors
    /// Those of Diesel and of the callback.
    pub fn immediate_transaction<T, E, F>(&mut self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Self) -> Result<T, E>,
        E: From<diesel::result::Error>,
    {
        self.transaction_by(
            |inner| AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN IMMEDIATE"),
            work,
        )
    }

    /// See [`SqliteConnection::exclusive_transaction`].
    ///
    /// # Errors
    /// Those of Diesel and of the callback.
    pub fn exclusive_transaction<T, E, F>(&mut self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Self) -> Result<T, E>,
        E: From<diesel::result::Error>,
    {
        self.transaction_by(
            |inner| AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN EXCLUSIVE"),
            work,
        )
    }
}

impl WrappedConnection for SqliteConnection {
    fn detach<'conn>(
        row: Self::Row<'conn, '_>,
        names: &mut <Sqlite as CachedBackend>::Names,
    ) -> Option<<Sqlite as CachedBackend>::StoredRow>
    where
        Self: 'conn,
    {
        Some(row.into_owned(names))
    }
}

impl WithMetadataLookup for CachedConnection<SqliteConnection> {
    fn metadata_lookup(&mut self) -> &mut Lookup {
        self.inner.metadata_lookup()
    }
}

impl FetchesAfterUpdate for SqliteConnection {}
