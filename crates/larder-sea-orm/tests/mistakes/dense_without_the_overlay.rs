//! A dense entity in a module that uses SeaORM's own names.

use larder_sea_orm::Cacheable;
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Cacheable)]
#[sea_orm(table_name = "post")]
#[larder(ttl = "15m", local, crate = "larder_sea_orm")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(unique)]
    pub title: String,
}

impl ActiveModelBehavior for ActiveModel {}

fn main() {}
