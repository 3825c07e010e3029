//! What `MysqlConnection` has beside Diesel's traits.

use diesel::{
    Identifiable, QueryResult, RunQueryDsl as _, Table,
    associations::HasTable,
    connection::MultiConnectionHelper,
    dsl::{Find, Update},
    expression::{MixedAggregates, ValidGrouping, is_aggregate},
    mysql::{Mysql, MysqlConnection},
    query_builder::{AsChangeset, IntoUpdateTarget},
    query_dsl::{
        UpdateAndFetchResults,
        methods::{ExecuteDsl, FindDsl, LoadQuery},
    },
    sql_types::TypeMetadata,
};

use crate::{CachedConnection, StoredRow, WrappedConnection};

type Lookup = <Mysql as TypeMetadata>::MetadataLookup;

impl WrappedConnection for MysqlConnection {
    fn detach<'conn>(_row: Self::Row<'conn, '_>, _names: &mut ()) -> Option<StoredRow>
    where
        Self: 'conn,
    {
        None
    }
}

impl MultiConnectionHelper for CachedConnection<MysqlConnection> {
    fn to_any<'a>(lookup: &mut Lookup) -> &mut (dyn std::any::Any + 'a) {
        MysqlConnection::to_any(lookup)
    }

    fn from_any(lookup: &mut dyn std::any::Any) -> Option<&mut Lookup> {
        MysqlConnection::from_any(lookup)
    }
}

impl<'b, Changes, Output> UpdateAndFetchResults<Changes, Output>
    for CachedConnection<MysqlConnection>
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
