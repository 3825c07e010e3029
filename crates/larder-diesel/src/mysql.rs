//! MySQL and MariaDB: values are bytes as the client library lays them out, with its own number for
//! their type.

#[cfg(feature = "mysql")]
mod connection;
mod decode;

use std::{any::Any, num::NonZeroU32, sync::Arc};

#[cfg(feature = "_async")]
use diesel::query_builder::{CollectedQuery, MoveableBindCollector as _};
use diesel::{
    QueryResult,
    expression::QueryMetadata,
    mysql::{Mysql, MysqlType, MysqlValue},
    query_builder::{QueryFragment, bind_collector::RawBytesBindCollector},
};
use larder_core::{Param, ResultCodec};
use larder_sql::Dialect;

use crate::{
    backend::{self, CachedBackend, Sealed},
    codec,
    rows::Rows,
    stored::{FromBytes, StoredRow, StoredRows},
};

impl Sealed for Mysql {}

impl CachedBackend for Mysql {
    const DIALECT: Dialect = Dialect::MySql;
    const ADAPTER: &'static str = "diesel-mysql";
    const CODEC: &'static ResultCodec = &CODEC;

    type StoredRow = StoredRow;
    type Names = ();
    type Player = ();
    type StoredRows<'p> = StoredRows;

    fn play(_player: &mut (), rows: Arc<Rows>) -> QueryResult<StoredRows> {
        Ok(StoredRows::new(rows))
    }

    fn write_cell(value: MysqlValue<'_>, out: &mut Vec<u8>) -> Option<u32> {
        let tag = tag(value.value_type())?;
        out.extend_from_slice(value.as_bytes());
        Some(tag)
    }

    fn cell_as_param(tag: u32, bytes: &[u8]) -> Option<Param<'_>> {
        decode::param(kind(tag)?, bytes)
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
        Ok(params(&collect(query)?))
    }

    // The client asks for each column in the type that the caller expects, and the server's value is
    // turned into that.
    fn expected<T>() -> Option<Param<'static>>
    where
        Self: QueryMetadata<T>,
    {
        let mut expected = Vec::new();
        Self::row_metadata(&mut (), &mut expected);
        Some(kinds("expected", expected))
    }
}

#[cfg(feature = "_async")]
impl crate::asynchronous::AsyncBackend for Mysql {
    // Its rows are laid out by another client.
    const ASYNC_ADAPTER: &'static str = "diesel-async-mysql";

    type Binds = RawBytesBindCollector<Self>;
    type Statement = CollectedQuery<RawBytesBindCollector<Self>>;

    fn collect<T: QueryFragment<Self>>(query: &T) -> QueryResult<Self::Binds> {
        collect(query)
    }

    fn params_of(binds: &Self::Binds, _player: &mut ()) -> QueryResult<Vec<Param<'static>>> {
        Ok(params(binds))
    }

    // A connection that was made by hand may count only the rows that have changed.
    const COUNTS_MATCHED: bool = false;

    fn part_of(
        binds: &Self::Binds,
        _params: &[Param<'_>],
        positions: &[usize],
    ) -> QueryResult<Self::Binds> {
        let mut part = binds.moveable();
        backend::keep(&mut part, positions)?;
        Ok(part)
    }

    fn statement(
        sql: String,
        safe_to_keep: bool,
        binds: &Self::Binds,
        _types: &[(u32, u32)],
    ) -> Self::Statement {
        CollectedQuery::new(sql, safe_to_keep, binds.moveable())
    }
}

fn collect<T: QueryFragment<Mysql>>(query: &T) -> QueryResult<RawBytesBindCollector<Mysql>> {
    let mut collector = RawBytesBindCollector::<Mysql>::new();
    query.collect_binds(&mut collector, &mut (), &Mysql)?;
    Ok(collector)
}

/// In the order in which they are sent, and their types behind them: a result may depend on those,
/// of which a value tells only the class.
fn params(collected: &RawBytesBindCollector<Mysql>) -> Vec<Param<'static>> {
    let RawBytesBindCollector {
        metadata, binds, ..
    } = collected;
    if binds.is_empty() {
        return Vec::new();
    }
    let mut params = Vec::with_capacity(binds.len() + 1);
    for (bind, kind) in binds.iter().zip(metadata) {
        params.push(match bind {
            None => Param::Null,
            Some(bytes) => decode::owned(*kind, bytes),
        });
    }
    params.push(kinds("types", metadata.iter().copied().map(Some)));
    params
}

impl FromBytes for Mysql {
    fn value<'v>(tag: u32, _oid: &'v NonZeroU32, bytes: &'v [u8]) -> Option<MysqlValue<'v>> {
        // A tag that is not known is an error of decoding, never NULL.
        Some(MysqlValue::new(bytes, kind(tag).unwrap_or(MysqlType::Bit)))
    }
}

/// Types as bytes of a key.
fn kinds(name: &'static str, kinds: impl IntoIterator<Item = Option<MysqlType>>) -> Param<'static> {
    let byte = |kind: Option<MysqlType>| match kind {
        None => 0,
        Some(kind) => tag(kind)
            .and_then(|tag| u8::try_from(tag).ok())
            .unwrap_or(u8::MAX),
    };
    Param::Other(name, kinds.into_iter().map(byte).collect::<Vec<_>>().into())
}

/// The types in an order of ours: Diesel's may change.
const KINDS: [MysqlType; 20] = [
    MysqlType::Tiny,
    MysqlType::UnsignedTiny,
    MysqlType::Short,
    MysqlType::UnsignedShort,
    MysqlType::Long,
    MysqlType::UnsignedLong,
    MysqlType::LongLong,
    MysqlType::UnsignedLongLong,
    MysqlType::Float,
    MysqlType::Double,
    MysqlType::Numeric,
    MysqlType::Time,
    MysqlType::Date,
    MysqlType::DateTime,
    MysqlType::Timestamp,
    MysqlType::String,
    MysqlType::Blob,
    MysqlType::Bit,
    MysqlType::Set,
    MysqlType::Enum,
];

/// Zero is none.
fn tag(kind: MysqlType) -> Option<u32> {
    let at = KINDS.iter().position(|it| *it == kind)?;
    u32::try_from(at + 1).ok()
}

fn kind(tag: u32) -> Option<MysqlType> {
    let at = usize::try_from(tag).ok()?.checked_sub(1)?;
    KINDS.get(at).copied()
}

/// Numbers and dates are as this machine and this client library lay them out, so others must not
/// read them.
const LAYOUT: u64 = {
    let order = if cfg!(target_endian = "little") { 1 } else { 2 };
    order << 16 | (time_size() as u64) << 8 | size_of::<usize>() as u64
};

#[cfg(feature = "mysql")]
const fn time_size() -> usize {
    size_of::<mysqlclient_sys::MYSQL_TIME>()
}

#[cfg(not(feature = "mysql"))]
const fn time_size() -> usize {
    size_of::<diesel::mysql::data_types::MysqlTime>()
}

static CODEC: ResultCodec = ResultCodec {
    fingerprint: 0x4d79_0001_0000_0000 | LAYOUT,
    write: |value: &(dyn Any + Send + Sync), out| codec::write(value, out),
    read: codec::read,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_tag_that_leads_back_to_it() {
        for kind in KINDS {
            assert_eq!(super::kind(tag(kind).unwrap()), Some(kind));
        }
        assert_eq!((super::kind(0), super::kind(21)), (None, None));
    }
}
