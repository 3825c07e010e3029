//! What `PgConnection` has beside Diesel's traits.

use std::fmt;

use diesel::{
    PgConnection, QueryResult, RunQueryDsl as _, Table,
    associations::HasTable,
    connection::{LoadConnection, MultiConnectionHelper},
    dsl::Update,
    expression::{MixedAggregates, QueryMetadata, ValidGrouping, is_aggregate},
    pg::{Pg, PgRowByRowLoadingMode},
    query_builder::{AsChangeset, IntoUpdateTarget, Query, QueryFragment, QueryId},
    query_dsl::{UpdateAndFetchResults, methods::LoadQuery},
    sql_types::TypeMetadata,
};

use super::types::Types;
use crate::{
    CachedConnection, WrappedConnection,
    backend::text_of,
    row::CachedRow,
    stored::{StoredRow, StoredRows},
};

type Lookup = <Pg as TypeMetadata>::MetadataLookup;
type LiveCursor<'conn, 'query> =
    <PgConnection as LoadConnection<PgRowByRowLoadingMode>>::Cursor<'conn, 'query>;
type LiveRow<'conn, 'query> =
    <PgConnection as LoadConnection<PgRowByRowLoadingMode>>::Row<'conn, 'query>;

/// Rows as they arrive. A read in this mode is neither answered from the cache nor stored; the rows
/// of a write are read to the end first, so that it has invalidated before the first is seen.
pub struct PgRowByRow<'conn, 'query> {
    rows: Rows<'conn, 'query>,
}

enum Rows<'conn, 'query> {
    Live(LiveCursor<'conn, 'query>),
    Stored(StoredRows),
}

impl WrappedConnection for PgConnection {
    fn detach<'conn>(
        _row: <Self as LoadConnection>::Row<'conn, '_>,
        _names: &mut (),
    ) -> Option<StoredRow>
    where
        Self: 'conn,
    {
        None
    }
}

impl LoadConnection<PgRowByRowLoadingMode> for CachedConnection<PgConnection> {
    type Cursor<'conn, 'query> = PgRowByRow<'conn, 'query>;
    type Row<'conn, 'query> = CachedRow<LiveRow<'conn, 'query>, StoredRow>;

    fn load<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<Pg> + QueryId + 'query,
        Pg: QueryMetadata<T::SqlType>,
    {
        if let Ok(text) = text_of::<Pg, T>(&source) {
            self.prepare();
            let planned = self.session.plan(&text);
            if !planned.only_reads() {
                let rows = StoredRows::new(self.load_written(&planned, &source)?);
                let rows = Rows::Stored(rows);
                return Ok(PgRowByRow { rows });
            }
            self.track(&planned, &source);
        } else {
            self.larder().unseen();
        }
        let live = LoadConnection::<PgRowByRowLoadingMode>::load(&mut self.inner, source)?;
        self.session.tracked();
        let rows = Rows::Live(live);
        Ok(PgRowByRow { rows })
    }
}

impl<'conn, 'query> Iterator for PgRowByRow<'conn, 'query> {
    type Item = QueryResult<CachedRow<LiveRow<'conn, 'query>, StoredRow>>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.rows {
            Rows::Live(rows) => Some(rows.next()?.map(CachedRow::Live)),
            Rows::Stored(rows) => Some(rows.next()?.map(CachedRow::Stored)),
        }
    }
}

impl fmt::Debug for PgRowByRow<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgRowByRow").finish_non_exhaustive()
    }
}

impl MultiConnectionHelper for CachedConnection<PgConnection> {
    fn to_any<'a>(lookup: &mut Lookup) -> &mut (dyn std::any::Any + 'a) {
        PgConnection::to_any(lookup)
    }

    // It is the connection inside, which is its own lookup, or what stands in for it in keys.
    fn from_any(lookup: &mut dyn std::any::Any) -> Option<&mut Lookup> {
        if lookup.is::<Types>() {
            return lookup
                .downcast_mut()
                .map(|types: &mut Types| types as &mut Lookup);
        }
        PgConnection::from_any(lookup)
    }
}

impl<'b, Changes, Output> UpdateAndFetchResults<Changes, Output> for CachedConnection<PgConnection>
where
    Changes: Copy + AsChangeset<Target = <Changes as HasTable>::Table> + IntoUpdateTarget,
    Update<Changes, Changes>: LoadQuery<'b, Self, Output>,
    <Changes::Table as Table>::AllColumns: ValidGrouping<()>,
    <<Changes::Table as Table>::AllColumns as ValidGrouping<()>>::IsAggregate:
        MixedAggregates<is_aggregate::No, Output = is_aggregate::No>,
{
    fn update_and_fetch(&mut self, changeset: Changes) -> QueryResult<Output> {
        diesel::update(changeset).set(changeset).get_result(self)
    }
}
