//! Shelves of the shop; a shelf may be part of another.

use larder::Cacheable;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
#[sea_orm(table_name = "category")]
#[larder(ttl = "15m")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub parent_id: Option<i32>,
    #[sea_orm(unique)]
    pub slug: String,
    pub name: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "Entity",
        from = "Column::ParentId",
        to = "Column::Id",
        on_delete = "SetNull"
    )]
    Parent,
    #[sea_orm(has_many = "super::book_category::Entity")]
    BookCategory,
}

impl Related<super::book_category::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::BookCategory.def()
    }
}

impl Related<super::book::Entity> for Entity {
    fn to() -> RelationDef {
        super::book_category::Relation::Book.def()
    }

    fn via() -> Option<RelationDef> {
        Some(super::book_category::Relation::Category.def().rev())
    }
}

impl ActiveModelBehavior for ActiveModel {}
