//! What the shop sells: one row per edition.

use larder::{Cacheable, CachedResult};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
#[sea_orm(table_name = "book")]
#[larder(ttl = "15m")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub publisher_id: Option<i32>,
    #[sea_orm(unique)]
    pub isbn: Isbn,
    pub title: String,
    pub format: BookFormat,
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub price: Decimal,
    pub published_on: Date,
    pub page_count: Option<i32>,
    pub in_print: bool,
    #[sea_orm(column_type = "Json", nullable)]
    pub details: Option<BookDetails>,
}

/// The thirteen digits under the bar code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, DeriveValueType)]
pub struct Isbn(pub String);

impl From<&str> for Isbn {
    fn from(digits: &str) -> Self {
        Self(digits.replace('-', ""))
    }
}

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    CachedResult,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum BookFormat {
    #[sea_orm(string_value = "hardcover")]
    Hardcover,
    #[sea_orm(string_value = "paperback")]
    Paperback,
    #[sea_orm(string_value = "audio")]
    Audio,
}

/// What only some editions have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct BookDetails {
    pub language: String,
    pub translator: Option<String>,
    pub keywords: Vec<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::publisher::Entity",
        from = "Column::PublisherId",
        to = "super::publisher::Column::Id",
        on_delete = "SetNull"
    )]
    Publisher,
    #[sea_orm(has_many = "super::book_author::Entity")]
    BookAuthor,
    #[sea_orm(has_many = "super::book_category::Entity")]
    BookCategory,
    #[sea_orm(has_many = "super::order_line::Entity")]
    OrderLine,
    #[sea_orm(has_many = "super::review::Entity")]
    Review,
    #[sea_orm(has_many = "super::stock::Entity")]
    Stock,
}

impl Related<super::publisher::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Publisher.def()
    }
}

impl Related<super::book_author::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::BookAuthor.def()
    }
}

impl Related<super::book_category::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::BookCategory.def()
    }
}

impl Related<super::order_line::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::OrderLine.def()
    }
}

impl Related<super::review::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Review.def()
    }
}

impl Related<super::stock::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Stock.def()
    }
}

impl Related<super::author::Entity> for Entity {
    fn to() -> RelationDef {
        super::book_author::Relation::Author.def()
    }

    fn via() -> Option<RelationDef> {
        Some(super::book_author::Relation::Book.def().rev())
    }
}

impl Related<super::category::Entity> for Entity {
    fn to() -> RelationDef {
        super::book_category::Relation::Category.def()
    }

    fn via() -> Option<RelationDef> {
        Some(super::book_category::Relation::Book.def().rev())
    }
}

impl ActiveModelBehavior for ActiveModel {}
