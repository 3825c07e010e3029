//! Lists that need a few columns only.

use larder::CachedResult;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DerivePartialModel, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
    prelude::{Decimal, Json},
    sea_query::ExprTrait,
};

use crate::{
    entity::{
        book::{self, BookFormat},
        book_category, category, publisher,
    },
    error::Result,
};

/// What a tile on the front page shows.
#[derive(Clone, Debug, PartialEq, DerivePartialModel, CachedResult)]
#[sea_orm(entity = "book::Entity")]
#[larder(local)]
pub struct Tile {
    pub id: i32,
    pub title: String,
    pub price: Decimal,
    #[sea_orm(nested)]
    pub publisher: Option<Imprint>,
}

#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel, CachedResult)]
#[sea_orm(entity = "publisher::Entity")]
#[larder(local)]
pub struct Imprint {
    #[sea_orm(from_col = "name")]
    pub publisher_name: String,
    pub country: Option<String>,
}

/// What the spine of a book shows.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel, CachedResult)]
#[sea_orm(entity = "book::Entity")]
#[larder(local)]
pub struct Spine {
    pub title: String,
    pub page_count: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult, CachedResult)]
#[larder(local)]
pub struct Shelf {
    pub slug: String,
    pub books: i64,
}

pub async fn tiles<C: ConnectionTrait>(db: &C, format: BookFormat) -> Result<Vec<Tile>> {
    Ok(book::Entity::find()
        .left_join(publisher::Entity)
        .filter(book::Column::Format.eq(format))
        .order_by_asc(book::Column::Id)
        .into_partial_model()
        .all(db)
        .await?)
}

/// The thickest books first.
pub async fn spines<C: ConnectionTrait>(db: &C, limit: u64) -> Result<Vec<Spine>> {
    Ok(book::Entity::find()
        .filter(book::Column::PageCount.is_not_null())
        .order_by_desc(book::Column::PageCount)
        .order_by_asc(book::Column::Id)
        .limit(limit)
        .into_partial_model()
        .all(db)
        .await?)
}

/// Shelves that are worth a link in the menu.
pub async fn shelves<C: ConnectionTrait>(db: &C, at_least: i64) -> Result<Vec<Shelf>> {
    Ok(category::Entity::find()
        .select_only()
        .column(category::Column::Slug)
        .column_as(book_category::Column::BookId.count(), "books")
        .inner_join(book_category::Entity)
        .group_by(category::Column::Slug)
        .having(book_category::Column::BookId.count().gte(at_least))
        .order_by_desc(book_category::Column::BookId.count())
        .order_by_asc(category::Column::Slug)
        .into_model()
        .all(db)
        .await?)
}

/// Formats that we have books in.
pub async fn formats<C: ConnectionTrait>(db: &C) -> Result<Vec<BookFormat>> {
    Ok(book::Entity::find()
        .select_only()
        .column(book::Column::Format)
        .distinct()
        .order_by_asc(book::Column::Format)
        .into_tuple()
        .all(db)
        .await?)
}

pub async fn price_list<C: ConnectionTrait>(db: &C) -> Result<Vec<(String, Decimal)>> {
    Ok(book::Entity::find()
        .select_only()
        .columns([book::Column::Title, book::Column::Price])
        .filter(book::Column::InPrint.eq(true))
        .order_by_asc(book::Column::Price)
        .into_tuple()
        .all(db)
        .await?)
}

/// For partners that want JSON.
pub async fn feed<C: ConnectionTrait>(db: &C, publisher_id: i32) -> Result<Vec<Json>> {
    Ok(book::Entity::find()
        .select_only()
        .columns([
            book::Column::Id,
            book::Column::Title,
            book::Column::PageCount,
        ])
        .filter(book::Column::PublisherId.eq(publisher_id))
        .order_by_asc(book::Column::Id)
        .into_json()
        .all(db)
        .await?)
}
