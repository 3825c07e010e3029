//! The table: rows with a version that only grows, in groups.

use std::ops::Range;

use larder::Cacheable;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
#[sea_orm(table_name = "item")]
#[larder(ttl = "10m")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub grp: i32,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// All rows.
pub const ROWS: Range<i32> = 0..24;
/// The rows that are written while Redis is hurt. What an outage makes of the others is seen when
/// nothing has been written to them since.
pub const STORMY_ROWS: Range<i32> = 12..24;
/// Rows of one group: 0 to 3, 4 to 7, and so on.
pub const GROUP_ROWS: i32 = 4;

pub const CREATE: [&str; 2] = [
    "CREATE TABLE item (id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, version BIGINT NOT NULL)",
    "INSERT INTO item SELECT id, id / 4, 0 FROM generate_series(0, 23) AS id",
];

/// The rows of a group.
pub fn rows_of(group: i32) -> Vec<i32> {
    (group * GROUP_ROWS..(group + 1) * GROUP_ROWS).collect()
}
