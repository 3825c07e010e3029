//! The parameters of a query. The driver does not show them; a database does.

use diesel::{
    QueryResult,
    backend::Backend,
    connection::LoadConnection as _,
    query_builder::{AstPass, CollectedQuery, MoveableBindCollector, QueryFragment},
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

/// SQLite has these kinds, and no others.
#[derive(Debug)]
enum Bound {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

#[cfg(feature = "_async")]
pub(super) const NOT_SQLITES: &str = "a parameter is of a kind that SQLite does not have";

impl Bound {
    /// `None` = SQLite has no such kind.
    fn of(param: &Param<'_>) -> Option<Self> {
        Some(match param {
            Param::Null => Self::Null,
            Param::Int(value) => Self::Integer(i64::try_from(*value).ok()?),
            Param::Float(value) => Self::Real(*value),
            Param::Text(value) => Self::Text(value.clone().into_owned()),
            Param::Bytes(value) => Self::Blob(value.clone().into_owned()),
            _ => return None,
        })
    }
}

/// Parameters that are sent by themselves.
#[derive(Debug)]
#[doc(hidden)]
pub struct Part(Vec<Bound>);

impl Part {
    /// `None` = SQLite has no such kind.
    pub(super) fn of(params: &[Param<'_>], positions: &[usize]) -> Option<Self> {
        let bound = |at: &usize| Bound::of(params.get(*at)?);
        positions.iter().map(bound).collect::<Option<_>>().map(Self)
    }
}

impl QueryFragment<Sqlite> for Part {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.iter().try_for_each(|bound| match bound {
            Bound::Null => pass.push_bind_param_value_only::<Nullable<BigInt>, _>(&None::<i64>),
            Bound::Integer(value) => pass.push_bind_param_value_only::<BigInt, _>(value),
            Bound::Real(value) => pass.push_bind_param_value_only::<Double, _>(value),
            Bound::Text(value) => pass.push_bind_param_value_only::<Text, _>(value),
            Bound::Blob(value) => pass.push_bind_param_value_only::<Binary, _>(value),
        })
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
