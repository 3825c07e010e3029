//! What `#[derive(Cacheable)]` expands to; not for use by hand.

pub use larder_core::{
    Operations, Param, Policy,
    codec::{Reader, Unreadable, Unwritable, Writer},
};
pub use larder_signals::{CachedEntity, CachedModel, DeclaredPolicy, export::inventory};
pub use larder_sql::plan::Operation;
pub use sea_orm;

pub use crate::{
    CachedResult, CachedSelect,
    loader::LoaderParent,
    query::OverlaidSelect,
    result::{
        Part, PartOf, ReadsOption, ReadsResult, ReadsSerde, Storable, Weigh, Weighs, WritesOption,
        WritesResult, WritesSerde, combined_fingerprint, local_bytes, written_bytes,
    },
};

use std::borrow::Cow;

use larder_sql::Dialect;
use sea_orm::{
    EntityTrait, IdenStatic, Iterable as _, ModelTrait, PrimaryKeyToColumn as _, PrimaryKeyTrait,
    sea_query::IntoValueTuple as _,
};

/// The columns of a primary key with its values. A value that cannot be written down exactly is
/// left out, which makes it unknown.
pub fn key_values<E: EntityTrait>(
    key: <E::PrimaryKey as PrimaryKeyTrait>::ValueType,
) -> Vec<(&'static str, Param<'static>)> {
    let columns = E::PrimaryKey::iter().map(|key| key.into_column().as_str());
    columns
        .zip(key.into_value_tuple())
        .filter_map(|(column, value)| Some((column, owned(&value)?)))
        .collect()
}

/// The columns of a row with their values.
pub fn column_values<M: ModelTrait>(model: &M) -> Vec<(&'static str, Param<'static>)> {
    <M::Entity as EntityTrait>::Column::iter()
        .filter_map(|column| Some((column.as_str(), owned(&model.get(column))?)))
        .collect()
}

/// As PostgreSQL gets it; a column of another class makes the value unknown.
fn owned(value: &sea_orm::Value) -> Option<Param<'static>> {
    into_owned(crate::param::param(value, Dialect::Postgres)?)
}

fn into_owned(param: Param<'_>) -> Option<Param<'static>> {
    Some(match param {
        Param::Null => Param::Null,
        Param::Bool(value) => Param::Bool(value),
        Param::Int(value) => Param::Int(value),
        Param::Float(value) => Param::Float(value),
        Param::Float32(value) => Param::Float32(value),
        Param::Text(value) => Param::Text(Cow::Owned(value.into_owned())),
        Param::Bytes(value) => Param::Bytes(Cow::Owned(value.into_owned())),
        Param::Uuid(value) => Param::Uuid(value),
        Param::Date(value) => Param::Date(value),
        Param::Time(value) => Param::Time(value),
        Param::Timestamp(value) => Param::Timestamp(value),
        Param::TimestampTz(value) => Param::TimestampTz(value),
        Param::Decimal(value) => Param::Decimal(Cow::Owned(value.into_owned())),
        // No condition is on any of the rest.
        _ => return None,
    })
}
