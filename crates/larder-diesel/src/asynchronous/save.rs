//! `save_changes`, as each of diesel-async's own connections has it.

use diesel::{
    Identifiable, QueryResult, Table,
    query_builder::{AsChangeset, AsQuery, IntoUpdateTarget, UpdateStatement},
    query_dsl::methods::FindDsl,
};
use diesel_async::{RunQueryDsl as _, UpdateAndFetchResults, methods::LoadQuery};
use futures_util::{FutureExt as _, future::BoxFuture};

use super::CachedAsyncConnection;

/// Where the server gives the new row back.
macro_rules! returning {
    ($(#[$feature:meta])* $connection:ty) => {
        $(#[$feature])*
        impl<'b, Changes, Output, Tab, V> UpdateAndFetchResults<Changes, Output>
            for CachedAsyncConnection<$connection>
        where
            Output: Send + 'static,
            Changes: Copy + AsChangeset<Target = Tab> + Send + Identifiable<Table = Tab>,
            Tab: Table + FindDsl<Changes::Id> + 'b,
            diesel::dsl::Find<Tab, Changes::Id>: IntoUpdateTarget<Table = Tab, WhereClause = V>,
            UpdateStatement<Tab, V, Changes::Changeset>: AsQuery,
            diesel::dsl::Update<Changes, Changes>: LoadQuery<'b, Self, Output>,
            V: Send + 'b,
            Changes::Changeset: Send + 'b,
            Tab::FromClause: Send,
        {
            fn update_and_fetch<'conn, 'changes>(
                &'conn mut self,
                changeset: Changes,
            ) -> BoxFuture<'changes, QueryResult<Output>>
            where
                Changes: 'changes,
                Changes::Changeset: 'changes,
                'conn: 'changes,
                Self: 'changes,
            {
                async move {
                    let update = diesel::update(changeset).set(changeset);
                    update.get_result(self).await
                }
                .boxed()
            }
        }
    };
}

returning!(
    #[cfg(feature = "async-postgres")]
    diesel_async::AsyncPgConnection
);
returning!(
    #[cfg(feature = "async-sqlite")]
    diesel_async::sync_connection_wrapper::SyncConnectionWrapper<diesel::SqliteConnection>
);

#[cfg(feature = "async-mysql")]
impl<'b, Changes, Output, Tab, V> UpdateAndFetchResults<Changes, Output>
    for CachedAsyncConnection<diesel_async::AsyncMysqlConnection>
where
    Output: Send + 'static,
    Changes: Copy + AsChangeset<Target = Tab> + Send + Identifiable<Table = Tab>,
    Tab: Table + FindDsl<Changes::Id> + 'b,
    diesel::dsl::Find<Tab, Changes::Id>: IntoUpdateTarget<Table = Tab, WhereClause = V>,
    UpdateStatement<Tab, V, Changes::Changeset>: AsQuery,
    diesel::dsl::Update<Changes, Changes>: diesel_async::methods::ExecuteDsl<Self>,
    V: Send + 'b,
    Changes::Changeset: Send + 'b,
    Changes::Id: 'b,
    Tab::FromClause: Send,
    diesel::dsl::Find<Changes::Table, Changes::Id>: LoadQuery<'b, Self, Output> + Send,
{
    fn update_and_fetch<'conn, 'changes>(
        &'conn mut self,
        changeset: Changes,
    ) -> BoxFuture<'changes, QueryResult<Output>>
    where
        Changes: 'changes,
        Changes::Changeset: 'changes,
        'conn: 'changes,
        Self: 'changes,
    {
        async move {
            diesel::update(changeset)
                .set(changeset)
                .execute(self)
                .await?;
            Changes::table().find(changeset.id()).get_result(self).await
        }
        .boxed()
    }
}
