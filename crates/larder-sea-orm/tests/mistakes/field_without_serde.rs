//! A field that a shared store could not keep.

use larder_sea_orm::Cacheable;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i32", db_type = "Integer")]
pub enum State {
    #[sea_orm(num_value = 0)]
    Draft,
}

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Cacheable)]
#[sea_orm(table_name = "post")]
#[larder(ttl = "15m", crate = "larder_sea_orm")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub state: State,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn main() {}
