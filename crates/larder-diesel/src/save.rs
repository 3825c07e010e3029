//! `save_changes` and lookups of the connections whose server gives no new row back, or may not.

use diesel::{
    Identifiable, QueryResult, RunQueryDsl as _, Table,
    associations::HasTable,
    connection::MultiConnectionHelper,
    dsl::{Find, Update},
    expression::{MixedAggregates, ValidGrouping, is_aggregate},
    query_builder::{AsChangeset, IntoUpdateTarget},
    query_dsl::{
        UpdateAndFetchResults,
        methods::{ExecuteDsl, FindDsl, LoadQuery},
    },
    sql_types::TypeMetadata,
};

use crate::{CachedConnection, WrappedConnection};

/// `MysqlConnection` and `SqliteConnection`: as Diesel does, they read what they have updated.
pub trait FetchesAfterUpdate: WrappedConnection + MultiConnectionHelper {}

type Lookup<C> = <<C as diesel::Connection>::Backend as TypeMetadata>::MetadataLookup;

impl<C: FetchesAfterUpdate> MultiConnectionHelper for CachedConnection<C> {
    fn to_any<'a>(lookup: &mut Lookup<C>) -> &mut (dyn std::any::Any + 'a) {
        C::to_any(lookup)
    }

    fn from_any(lookup: &mut dyn std::any::Any) -> Option<&mut Lookup<C>> {
        C::from_any(lookup)
    }
}

impl<'b, Changes, Output, C> UpdateAndFetchResults<Changes, Output> for CachedConnection<C>
where
    C: FetchesAfterUpdate,
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
