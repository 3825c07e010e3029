//! PostgreSQL: values are bytes in the server's binary format, with the OID of their type.

mod arrays;
#[cfg(feature = "postgres")]
mod connection;
mod decode;
mod numeric;
#[cfg(feature = "postgres")]
mod transaction;
mod types;

use std::{any::Any, num::NonZeroU32, sync::Arc};

use diesel::{
    QueryResult,
    pg::{Pg, PgValue},
    query_builder::{QueryFragment, bind_collector::RawBytesBindCollector},
};
use larder_core::{Param, ResultCodec};
use larder_sql::Dialect;

use crate::{
    backend::{CachedBackend, Sealed},
    codec,
    rows::Rows,
    stored::{FromBytes, StoredRow, StoredRows},
};

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
    type Player = ();
    type StoredRows<'p> = StoredRows;

    fn play<'p>(_player: &'p mut (), rows: Arc<Rows>) -> QueryResult<StoredRows> {
        Ok(StoredRows::new(rows))
    }

    fn write_cell(value: PgValue<'_>, out: &mut Vec<u8>) -> Option<u32> {
        out.extend_from_slice(value.as_bytes());
        Some(value.get_oid().get())
    }

    fn cell_as_param(tag: u32, bytes: &[u8]) -> Option<Param<'_>> {
        decode::param(tag, bytes)
    }

    fn params<T: QueryFragment<Self>>(
        query: &T,
        _player: &mut (),
    ) -> QueryResult<Vec<Param<'static>>> {
        let mut types = types::Types::default();
        let mut collector = RawBytesBindCollector::<Self>::new();
        query.collect_binds(&mut collector, &mut types, &Self)?;
        let RawBytesBindCollector {
            metadata, binds, ..
        } = collector;
        if binds.is_empty() {
            return Ok(Vec::new());
        }
        let mut params = Vec::with_capacity(binds.len() + 1);
        // A result may depend on the types of its parameters, of which a value tells only the class.
        let mut sent = Vec::with_capacity(metadata.len() * 4);
        for (bind, kind) in binds.into_iter().zip(&metadata) {
            let oid = types.oid(kind, &mut sent);
            params.push(match bind {
                None => Param::Null,
                Some(bytes) => decode::owned(oid, bytes),
            });
        }
        params.push(Param::Other("types", sent.into()));
        Ok(params)
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
