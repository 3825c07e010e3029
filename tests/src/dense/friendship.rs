//! Which customer calls which a friend.
#![allow(missing_docs, reason = "columns speak for themselves")]

use larder::{Cacheable, sea_orm};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
#[sea_orm(table_name = "friendship")]
#[larder(ttl = "15m")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub customer_id: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub friend_id: i32,
    #[sea_orm(
        belongs_to,
        relation_enum = "Customer",
        from = "customer_id",
        to = "id"
    )]
    pub customer: BelongsTo<super::customer::Entity>,
    #[sea_orm(belongs_to, relation_enum = "Friend", from = "friend_id", to = "id")]
    pub friend: BelongsTo<super::customer::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
