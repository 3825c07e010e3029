//! What the payment provider told us about an order; the key is the provider's.

use larder::Cacheable;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
#[sea_orm(table_name = "payment")]
#[larder(ttl = "15m")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub order_id: i32,
    pub method: String,
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub amount: Decimal,
    pub settled_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::customer_order::Entity",
        from = "Column::OrderId",
        to = "super::customer_order::Column::Id",
        on_delete = "Cascade"
    )]
    CustomerOrder,
}

impl Related<super::customer_order::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::CustomerOrder.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
