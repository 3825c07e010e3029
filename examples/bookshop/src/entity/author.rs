//! People who write books.

use larder::Cacheable;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
#[sea_orm(table_name = "author")]
#[larder(ttl = "15m")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub name: String,
    #[sea_orm(column_name = "bio", column_type = "Text", nullable)]
    pub biography: Option<String>,
    pub born_on: Option<Date>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(has_many = "super::book_author::Entity")]
    BookAuthor,
}

impl Related<super::book_author::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::BookAuthor.def()
    }
}

impl Related<super::book::Entity> for Entity {
    fn to() -> RelationDef {
        super::book_author::Relation::Book.def()
    }

    fn via() -> Option<RelationDef> {
        Some(super::book_author::Relation::Author.def().rev())
    }
}

/// From an author through the books to the shelves where they stand.
#[derive(Debug)]
pub struct AuthorToCategory;

impl Linked for AuthorToCategory {
    type FromEntity = Entity;
    type ToEntity = super::category::Entity;

    fn link(&self) -> Vec<RelationDef> {
        vec![
            super::book_author::Relation::Author.def().rev(),
            super::book_author::Relation::Book.def(),
            super::book_category::Relation::Book.def().rev(),
            super::book_category::Relation::Category.def(),
        ]
    }
}

impl ActiveModelBehavior for ActiveModel {}
