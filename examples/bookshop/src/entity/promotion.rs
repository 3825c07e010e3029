//! Codes that make an order cheaper, as long as there are uses left.

use larder::Cacheable;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
#[sea_orm(table_name = "promotion")]
#[larder(ttl = "15m")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(unique)]
    pub code: String,
    pub percent: i32,
    pub uses_left: i32,
    pub starts_on: Date,
    pub ends_on: Option<Date>,
    /// Free-form conditions of the marketing team, such as `{"minimum": 30}`.
    pub conditions: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(has_many = "super::customer_order::Entity")]
    CustomerOrder,
}

impl Related<super::customer_order::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::CustomerOrder.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
