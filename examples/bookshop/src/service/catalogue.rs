//! The pages that visitors leaf through.

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, prelude::Date};

use crate::{
    entity::{
        author,
        book::{self, Isbn},
        book_author, category, publisher, review,
    },
    error::{Result, ShopError},
};

#[derive(Debug)]
pub struct CategoryPage {
    pub books: Vec<book::Model>,
    pub total: u64,
    pub pages: u64,
}

#[derive(Debug)]
pub struct BookPage {
    pub book: book::Model,
    pub publisher: Option<publisher::Model>,
    pub authors: Vec<author::Model>,
    pub categories: Vec<category::Model>,
    pub reviews: Vec<review::Model>,
}

/// The books on a shelf that are still in print, by title; pages count from zero.
pub async fn category_page<C: ConnectionTrait>(
    db: &C,
    slug: &str,
    page: u64,
    page_size: u64,
) -> Result<CategoryPage> {
    let paginator = book::Entity::find()
        .inner_join(category::Entity)
        .filter(category::Column::Slug.eq(slug))
        .filter(book::Column::InPrint.eq(true))
        .order_by_asc(book::Column::Title)
        .paginate(db, page_size);
    let counted = paginator.num_items_and_pages().await?;
    Ok(CategoryPage {
        books: paginator.fetch_page(page).await?,
        total: counted.number_of_items,
        pages: counted.number_of_pages,
    })
}

/// Everything that the page of one book shows.
pub async fn book_page<C: ConnectionTrait>(db: &C, isbn: &str) -> Result<BookPage> {
    let (book, publisher) = book::Entity::find()
        .filter(book::Column::Isbn.eq(Isbn::from(isbn)))
        .find_also_related(publisher::Entity)
        .one(db)
        .await?
        .ok_or(ShopError::NotFound("book"))?;
    let authors = book
        .find_related(author::Entity)
        .order_by_asc(book_author::Column::Position)
        .all(db)
        .await?;
    let categories = book
        .find_related(category::Entity)
        .order_by_asc(category::Column::Name)
        .all(db)
        .await?;
    let reviews = book
        .find_related(review::Entity)
        .filter(review::Column::Approved.eq(true))
        .order_by_desc(review::Column::WrittenAt)
        .all(db)
        .await?;
    Ok(BookPage {
        book,
        publisher,
        authors,
        categories,
        reviews,
    })
}

/// The newest editions; `last` is the last book of the page before.
pub async fn newest<C: ConnectionTrait>(
    db: &C,
    last: Option<(Date, i32)>,
    limit: u64,
) -> Result<Vec<book::Model>> {
    let mut cursor = book::Entity::find().cursor_by((book::Column::PublishedOn, book::Column::Id));
    if let Some(last) = last {
        cursor.after(last);
    }
    Ok(cursor.desc().first(limit).all(db).await?)
}

/// The books of a publisher, each with its authors.
pub async fn publisher_list<C: ConnectionTrait>(
    db: &C,
    publisher_id: i32,
) -> Result<Vec<(book::Model, Vec<author::Model>)>> {
    Ok(book::Entity::find()
        .filter(book::Column::PublisherId.eq(publisher_id))
        .find_with_related(author::Entity)
        .order_by_asc(book::Column::Id)
        .order_by_asc(book_author::Column::Position)
        .all(db)
        .await?)
}

/// Whether we sell it.
pub async fn is_listed<C: ConnectionTrait>(db: &C, isbn: &str) -> Result<bool> {
    Ok(book::Entity::find()
        .filter(book::Column::Isbn.eq(Isbn::from(isbn)))
        .filter(book::Column::InPrint.eq(true))
        .exists(db)
        .await?)
}
