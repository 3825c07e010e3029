//! SQLite: values belong to the library, which alone can make them. Kept rows are shown again by a
//! private database in memory, so that the caller reads genuine ones.

mod binds;
mod connection;
mod replay;

use std::{any::Any, collections::HashSet, fmt, sync::Arc};

#[cfg(feature = "_async")]
use diesel::query_builder::CollectedQuery;
use diesel::{
    Connection as _, QueryResult,
    query_builder::{AstPass, MoveableBindCollector as _, QueryFragment},
    result::Error,
    row::IntoOwnedRow,
    sqlite::{Sqlite, SqliteConnection, SqliteType},
};
use larder_core::{Param, ResultCodec};
use larder_sql::Dialect;

use crate::{
    backend::{CachedBackend, Sealed},
    codec,
    rows::Rows,
};

use replay::ReplayedRows;

/// A row that SQLite has given away.
pub(crate) type OwnedRow = <<SqliteConnection as diesel::connection::LoadConnection>::Row<
    'static,
    'static,
> as IntoOwnedRow<'static, Sqlite>>::OwnedRow;

/// Where kept rows are shown again.
#[derive(Default)]
#[doc(hidden)]
pub struct Player {
    connection: Option<SqliteConnection>,
    /// Texts that it keeps prepared.
    texts: HashSet<Box<str>>,
}

/// Each set of column names is a text of its own, and the driver forgets none.
const TEXTS_MAX: usize = 512;

impl Player {
    /// Whether this text may be kept prepared.
    fn keeps(texts: &mut HashSet<Box<str>>, text: &str) -> bool {
        texts.contains(text) || texts.len() < TEXTS_MAX && texts.insert(text.into())
    }

    /// The private database, opened at the first need.
    fn connection(&mut self) -> QueryResult<&mut SqliteConnection> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => {
                let mut opened = SqliteConnection::establish(":memory:")
                    .map_err(|error| Error::QueryBuilderError(Box::new(error)))?;
                // Those who watch the application's statements are not to see these.
                opened.set_instrumentation(|_: diesel::connection::InstrumentationEvent<'_>| {});
                Ok(none.insert(opened))
            }
        }
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player").finish_non_exhaustive()
    }
}

impl Sealed for Sqlite {}

impl CachedBackend for Sqlite {
    const DIALECT: Dialect = Dialect::Sqlite;
    const ADAPTER: &'static str = "diesel-sqlite";
    const CODEC: &'static ResultCodec = &CODEC;

    type StoredRow = OwnedRow;
    type Names = Option<Arc<[Option<String>]>>;
    type Player = Player;
    type StoredRows<'p> = ReplayedRows<'p>;

    fn play<'p>(player: &'p mut Player, rows: Arc<Rows>) -> QueryResult<ReplayedRows<'p>> {
        player.connection()?;
        Ok(ReplayedRows::new(player, rows))
    }

    fn write_cell(
        mut value: <Self as diesel::backend::Backend>::RawValue<'_>,
        out: &mut Vec<u8>,
    ) -> Option<u32> {
        Some(match value.value_type()? {
            SqliteType::Long => {
                out.extend(value.read_long().to_le_bytes());
                INTEGER
            }
            SqliteType::Double => {
                out.extend(value.read_double().to_le_bytes());
                REAL
            }
            SqliteType::Text => {
                let text = value.read_text();
                let is_exact = !text.contains(char::REPLACEMENT_CHARACTER);
                if is_exact {
                    out.extend(text.as_bytes());
                    return Some(TEXT);
                }
                // What is no UTF-8 reads as something else, but not as a blob.
                let bytes = value.read_blob();
                out.extend(bytes);
                match std::str::from_utf8(bytes) {
                    Ok(_) => TEXT,
                    Err(_) => MALFORMED_TEXT,
                }
            }
            SqliteType::Binary => {
                out.extend(value.read_blob());
                BLOB
            }
            _ => return None,
        })
    }

    fn cell_as_param(tag: u32, bytes: &[u8]) -> Option<Param<'_>> {
        Some(match tag {
            INTEGER => Param::Int(i64::from_le_bytes(bytes.try_into().ok()?).into()),
            REAL => Param::Float(f64::from_le_bytes(bytes.try_into().ok()?)),
            TEXT => Param::Text(std::str::from_utf8(bytes).ok()?.into()),
            BLOB => Param::Bytes(bytes.into()),
            _ => return None,
        })
    }

    type Part = binds::Part;

    fn part(params: &[Param<'_>], positions: &[usize]) -> Option<binds::Part> {
        binds::Part::of(params, positions)
    }

    fn collect_part<'b, T: QueryFragment<Self> + ?Sized>(
        _query: &'b T,
        part: &'b binds::Part,
        out: &mut <Self as diesel::backend::Backend>::BindCollector<'b>,
        lookup: &mut (),
    ) -> QueryResult<()> {
        part.collect_binds(out, lookup, &Self)
    }

    // It takes boxed queries, which hand on nothing but the walk.
    fn walk_part<'b>(part: &'b binds::Part, pass: AstPass<'_, 'b, Self>) -> QueryResult<()> {
        part.walk_ast(pass)
    }

    fn params<T: QueryFragment<Self>>(
        query: &T,
        player: &mut Player,
    ) -> QueryResult<Vec<Param<'static>>> {
        let mut collector = <Self as diesel::backend::Backend>::BindCollector::default();
        query.collect_binds(&mut collector, &mut (), &Self)?;
        binds::params(collector.moveable(), player)
    }
}

#[cfg(feature = "_async")]
impl crate::asynchronous::AsyncBackend for Sqlite {
    const ASYNC_ADAPTER: &'static str = Self::ADAPTER;

    type Binds = binds::Binds;
    type Statement = CollectedQuery<binds::Binds>;

    fn collect<T: QueryFragment<Self>>(query: &T) -> QueryResult<binds::Binds> {
        let mut collector = <Self as diesel::backend::Backend>::BindCollector::default();
        query.collect_binds(&mut collector, &mut (), &Self)?;
        Ok(collector.moveable())
    }

    fn params_of(
        collected: &binds::Binds,
        player: &mut Player,
    ) -> QueryResult<Vec<Param<'static>>> {
        binds::params(binds::copy(collected), player)
    }

    fn part_of(
        _binds: &binds::Binds,
        params: &[Param<'_>],
        positions: &[usize],
    ) -> QueryResult<binds::Binds> {
        let part = Self::part(params, positions)
            .ok_or_else(|| Error::SerializationError(binds::NOT_SQLITES.into()))?;
        let mut collector = <Self as diesel::backend::Backend>::BindCollector::default();
        part.collect_binds(&mut collector, &mut (), &Self)?;
        Ok(collector.moveable())
    }

    fn statement(
        sql: String,
        safe_to_keep: bool,
        binds: &binds::Binds,
        _types: &[(u32, u32)],
    ) -> Self::Statement {
        CollectedQuery::new(sql, safe_to_keep, binds::copy(binds))
    }
}

const INTEGER: u32 = 1;
const REAL: u32 = 2;
const TEXT: u32 = 3;
const BLOB: u32 = 4;
/// Text that is no UTF-8.
const MALFORMED_TEXT: u32 = 5;

/// Numbers are written with the lowest byte first, on every machine.
static CODEC: ResultCodec = ResultCodec {
    fingerprint: 0x5351_0001,
    write: |value: &(dyn Any + Send + Sync), out| codec::write(value, out),
    read: codec::read,
};
