//! Customers, who refer and befriend each other.
#![allow(missing_docs, reason = "columns speak for themselves")]

use larder::{Cacheable, sea_orm};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
#[sea_orm(table_name = "customer")]
#[larder(ttl = "15m")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub name: String,
    #[sea_orm(unique)]
    pub email: String,
    pub vip: bool,
    #[sea_orm(column_type = "Decimal(Some((10, 2)))", nullable)]
    pub credit: Option<Decimal>,
    pub referred_by: Option<i32>,
    #[sea_orm(
        self_ref,
        relation_enum = "Referrer",
        relation_reverse = "Referred",
        from = "referred_by",
        to = "id"
    )]
    pub referrer: BelongsTo<Option<Entity>>,
    #[sea_orm(self_ref, relation_enum = "Referred", relation_reverse = "Referrer")]
    pub referred: HasMany<Entity>,
    #[sea_orm(self_ref, via = "friendship", from = "Customer", to = "Friend")]
    pub friends: HasMany<Entity>,
    #[sea_orm(self_ref, via = "friendship", reverse)]
    pub befriended_by: HasMany<Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
