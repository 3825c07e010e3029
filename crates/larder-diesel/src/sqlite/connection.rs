//! What `SqliteConnection` has beside Diesel's traits.

use diesel::{
    Identifiable, QueryResult, RunQueryDsl as _, Table,
    associations::HasTable,
    connection::AnsiTransactionManager,
    connection::{MultiConnectionHelper, WithMetadataLookup},
    dsl::{Find, Update},
    expression::{MixedAggregates, ValidGrouping, is_aggregate},
    query_builder::{AsChangeset, IntoUpdateTarget},
    query_dsl::{
        UpdateAndFetchResults,
        methods::{ExecuteDsl, FindDsl, LoadQuery},
    },
    row::IntoOwnedRow as _,
    sql_types::TypeMetadata,
    sqlite::{Sqlite, SqliteConnection},
};

use crate::{CachedBackend, CachedConnection, WrappedConnection};

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

impl MultiConnectionHelper for CachedConnection<SqliteConnection> {
    fn to_any<'a>(lookup: &mut Lookup) -> &mut (dyn std::any::Any + 'a) {
        SqliteConnection::to_any(lookup)
    }

    fn from_any(lookup: &mut dyn std::any::Any) -> Option<&mut Lookup> {
        SqliteConnection::from_any(lookup)
    }
}

impl<'b, Changes, Output> UpdateAndFetchResults<Changes, Output>
    for CachedConnection<SqliteConnection>
where
    Changes: Copy + Identifiable,
    Changes: AsChangeset<Target = <Changes as HasTable>::Table> + IntoUpdateTarget,
    Changes::Table: FindDsl<Changes::Id>,
    Update<Changes, Changes>: ExecuteDsl<Self>,
    Find<Changes::Table, Changes::Id>: LoadQuery<'b, Self, Output>,
    <Changes::Table as Table>::AllColumns: ValidGrouping<()>,
    <<Changes::Table as Table>::AllColumns as ValidGrouping<()>>::IsAggregate:
        MixedAggregates<is_aggregate::No, Output = is_aggregate::No>,
{
    fn update_and_fetch(&mut self, changeset: Changes) -> QueryResult<Output> {
        diesel::update(changeset).set(changeset).execute(self)?;
        Changes::table().find(changeset.id()).get_result(self)
    }
}
