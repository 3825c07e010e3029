//! PostgreSQL: values are bytes in the server's binary format, with the OID of their type.

mod arrays;
mod binds;
#[cfg(feature = "postgres")]
mod connection;
#[cfg(feature = "postgres")]
mod copy;
mod decode;
mod numeric;
#[cfg(feature = "postgres")]
mod transaction;
mod types;

use std::{any::Any, num::NonZeroU32, sync::Arc};

#[cfg(feature = "_async")]
use diesel::query_builder::CollectedQuery;
use diesel::{
    QueryResult,
    pg::{Pg, PgValue},
    query_builder::{QueryFragment, bind_collector::RawBytesBindCollector},
};
use larder_core::{Param, ResultCodec};
use larder_sql::Dialect;

#[cfg(feature = "_async")]
use crate::backend::TypeName;
use crate::{
    backend::{self, CachedBackend, Sealed},
    codec,
    rows::Rows,
    stored::{FromBytes, StoredRow, StoredRows},
};

pub use binds::Binds;
#[cfg(feature = "postgres")]
pub use connection::PgRowByRow;
#[cfg(feature = "postgres")]
pub use transaction::CachedTransactionBuilder;

impl Sealed for Pg {}

impl CachedBackend for Pg {
    const DIALECT: Dialect = Dialect::Postgres;
    const ADAPTER: &'static str = "diesel-postgres";
    const CODEC: &'static ResultCodec = &CODEC;

    type StoredRow = StoredRow;
    type Names = ();
    type Player = ();
    type StoredRows<'p> = StoredRows;

    fn play(_player: &mut (), rows: Arc<Rows>) -> QueryResult<StoredRows> {
        Ok(StoredRows::new(rows))
    }

    fn write_cell(value: PgValue<'_>, out: &mut Vec<u8>) -> Option<u32> {
        out.extend_from_slice(value.as_bytes());
        Some(value.get_oid().get())
    }

    fn cell_as_param(tag: u32, bytes: &[u8]) -> Option<Param<'_>> {
        decode::param(tag, bytes)
    }

    type Part = Vec<usize>;

    fn part(_params: &[Param<'_>], positions: &[usize]) -> Option<Vec<usize>> {
        Some(positions.to_vec())
    }

    fn collect_part<'b, T: QueryFragment<Self> + ?Sized>(
        query: &'b T,
        part: &'b Vec<usize>,
        out: &mut RawBytesBindCollector<Self>,
        lookup: &mut Self::MetadataLookup,
    ) -> QueryResult<()> {
        query.collect_binds(out, lookup, &Self)?;
        backend::keep(out, part)
    }

    fn params<T: QueryFragment<Self>>(
        query: &T,
        _player: &mut (),
    ) -> QueryResult<Vec<Param<'static>>> {
        Ok(Binds::collect(query)?.params())
    }
}

#[cfg(feature = "_async")]
impl crate::asynchronous::AsyncBackend for Pg {
    const ASYNC_ADAPTER: &'static str = Self::ADAPTER;

    type Binds = Binds;
    type Statement = CollectedQuery<RawBytesBindCollector<Self>>;

    fn collect<T: QueryFragment<Self>>(query: &T) -> QueryResult<Binds> {
        Binds::collect(query)
    }

    fn params_of(binds: &Binds, _player: &mut ()) -> QueryResult<Vec<Param<'static>>> {
        Ok(binds.params())
    }

    fn part_of(binds: &Binds, _params: &[Param<'_>], positions: &[usize]) -> QueryResult<Binds> {
        binds.part(positions)
    }

    fn type_names(binds: &Binds) -> &[TypeName] {
        binds.names()
    }

    fn statement(
        sql: String,
        safe_to_keep: bool,
        binds: &Binds,
        types: &[(u32, u32)],
    ) -> Self::Statement {
        CollectedQuery::new(sql, safe_to_keep, binds.resolved(types))
    }
}

impl FromBytes for Pg {
    fn value<'v>(_tag: u32, oid: &'v NonZeroU32, bytes: &'v [u8]) -> Option<PgValue<'v>> {
        Some(PgValue::new(bytes, oid))
    }
}

/// The binary format is the same everywhere.
static CODEC: ResultCodec = ResultCodec {
    fingerprint: 0x7067_0001,
    write: |value: &(dyn Any + Send + Sync), out| codec::write(value, out),
    read: codec::read,
};
