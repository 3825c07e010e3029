//! A model that a shared store could not keep.

use larder_sea_orm::Cacheable;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Cacheable)]
#[sea_orm(table_name = "post")]
#[larder(ttl = "15m", crate = "larder_sea_orm")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn main() {}
