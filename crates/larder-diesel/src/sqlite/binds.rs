//! The parameters of a query. The driver does not show them; a database does.

use diesel::{
    QueryResult,
    backend::Backend,
    connection::LoadConnection as _,
    query_builder::{BindCollector as _, CollectedQuery, MoveableBindCollector},
    sql_types::{BigInt, Binary, Double, Nullable, Text},
    sqlite::Sqlite,
};
use larder_core::Param;

use super::Player;
use crate::{
    backend::{CachedBackend as _, capture},
    rows::Rows,
};

type Collector = <Sqlite as Backend>::BindCollector<'static>;
pub(super) type Binds = <Collector as MoveableBindCollector<Sqlite>>::BindData;

/// Statements with more parameters are not kept prepared: each number of them is another text.
const KEPT_MAX: usize = 16;

/// They cannot be copied, but given to another collector.
#[cfg(feature = "_async")]
pub(super) fn copy(binds: &Binds) -> Binds {
    let mut collector = Collector::default();
    collector.append_bind_data(binds);
    collector.moveable()
}

pub(super) fn params(binds: Binds, player: &mut Player) -> QueryResult<Vec<Param<'static>>> {
    let mut shown = Vec::new();
    Collector::push_debug_binds(&binds, &mut shown);
    let count = shown.len();
    drop(shown);
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut sql = String::with_capacity(7 + 4 * count);
    sql.push_str("VALUES");
    for at in 0..count {
        sql.push_str(if at == 0 { "(?)" } else { ",(?)" });
    }
    let query = CollectedQuery::new(sql, count <= KEPT_MAX, binds);
    let mut rows = Rows::default();
    for row in player.connection()?.load(query)? {
        if capture::<Sqlite, _>(&row?, &mut rows).is_none() {
            // Two texts that cannot be told apart; no key has this.
            return Err(diesel::result::Error::SerializationError(
                "a parameter is not valid UTF-8".into(),
            ));
        }
    }
    let param = |row| match rows.cell(row, 0) {
        None => Param::Null,
        Some((tag, bytes)) => owned(Sqlite::cell_as_param(tag, bytes)),
    };
    Ok((0..rows.len()).map(param).collect())
}

/// A parameter that is sent by itself. SQLite has these kinds, and no others.
#[derive(Debug)]
#[doc(hidden)]
pub enum Bound {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A double.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

#[cfg(feature = "_async")]
pub(super) const NOT_SQLITES: &str = "a parameter is of a kind that SQLite does not have";

impl Bound {
    /// `None` = SQLite has no such kind.
    pub(super) fn of(param: &Param<'_>) -> Option<Self> {
        Some(match param {
            Param::Null => Self::Null,
            Param::Int(value) => Self::Integer(i64::try_from(*value).ok()?),
            Param::Float(value) => Self::Real(*value),
            Param::Text(value) => Self::Text(value.clone().into_owned()),
            Param::Bytes(value) => Self::Blob(value.clone().into_owned()),
            _ => return None,
        })
    }

    pub(super) fn push<'b>(
        &'b self,
        out: &mut <Sqlite as Backend>::BindCollector<'b>,
    ) -> QueryResult<()> {
        match self {
            Self::Null => out.push_bound_value::<Nullable<BigInt>, Option<i64>>(&None, &mut ()),
            Self::Integer(value) => out.push_bound_value::<BigInt, i64>(value, &mut ()),
            Self::Real(value) => out.push_bound_value::<Double, f64>(value, &mut ()),
            Self::Text(value) => out.push_bound_value::<Text, str>(value, &mut ()),
            Self::Blob(value) => out.push_bound_value::<Binary, [u8]>(value, &mut ()),
        }
    }
}

fn owned(param: Option<Param<'_>>) -> Param<'static> {
    match param {
        Some(Param::Int(value)) => Param::Int(value),
        Some(Param::Float(value)) => Param::Float(value),
        Some(Param::Text(value)) => Param::Text(value.into_owned().into()),
        Some(Param::Bytes(value)) => Param::Bytes(value.into_owned().into()),
        _ => Param::Null,
    }
}
