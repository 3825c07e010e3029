//! How the catalogue changes.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, TransactionTrait,
    prelude::{Date, Decimal},
    sea_query::Expr,
};

use crate::{
    entity::{
        book::{self, BookDetails, BookFormat},
        book_author, book_category, category, order_line, publisher,
    },
    error::{Result, ShopError},
};

#[derive(Clone, Debug)]
pub struct NewBook {
    pub publisher_id: Option<i32>,
    pub isbn: String,
    pub title: String,
    pub format: BookFormat,
    pub price: Decimal,
    pub published_on: Date,
    pub details: Option<BookDetails>,
    pub author_ids: Vec<i32>,
    pub category_ids: Vec<i32>,
}

/// Lists a book with its authors and shelves, or nothing of it.
pub async fn list_book<C: TransactionTrait>(db: &C, new: NewBook) -> Result<book::Model> {
    let book = db
        .transaction::<_, _, ShopError>(|transaction| Box::pin(insert_book(transaction, new)))
        .await?;
    Ok(book)
}

async fn insert_book<C: ConnectionTrait>(db: &C, new: NewBook) -> Result<book::Model> {
    let book = book::ActiveModel {
        publisher_id: Set(new.publisher_id),
        isbn: Set(new.isbn.as_str().into()),
        title: Set(new.title),
        format: Set(new.format),
        price: Set(new.price),
        published_on: Set(new.published_on),
        in_print: Set(true),
        details: Set(new.details),
        ..Default::default()
    }
    .insert(db)
    .await?;
    let title_page =
        (1..)
            .zip(new.author_ids)
            .map(|(position, author_id)| book_author::ActiveModel {
                book_id: Set(book.id),
                author_id: Set(author_id),
                position: Set(position),
            });
    book_author::Entity::insert_many(title_page)
        .exec(db)
        .await?;
    let shelves = new
        .category_ids
        .into_iter()
        .map(|category_id| book_category::ActiveModel {
            book_id: Set(book.id),
            category_id: Set(category_id),
        });
    book_category::Entity::insert_many(shelves).exec(db).await?;
    Ok(book)
}

pub async fn change_price<C: ConnectionTrait>(
    db: &C,
    book_id: i32,
    price: Decimal,
) -> Result<book::Model> {
    let mut book = find(db, book_id).await?.into_active_model();
    book.price = Set(price);
    Ok(book.update(db).await?)
}

/// Replaces what only this edition has.
pub async fn describe<C: ConnectionTrait>(
    db: &C,
    book_id: i32,
    details: Option<BookDetails>,
) -> Result<book::Model> {
    let change = book::ActiveModel {
        id: Set(book_id),
        details: Set(details),
        ..Default::default()
    };
    Ok(change.update(db).await?)
}

/// A publisher gives up a format; says how many editions that were.
pub async fn take_out_of_print<C: ConnectionTrait>(
    db: &C,
    publisher_id: i32,
    format: BookFormat,
) -> Result<u64> {
    let updated = book::Entity::update_many()
        .col_expr(book::Column::InPrint, Expr::value(false))
        .filter(book::Column::PublisherId.eq(publisher_id))
        .filter(book::Column::Format.eq(format))
        .filter(book::Column::InPrint.eq(true))
        .exec(db)
        .await?;
    Ok(updated.rows_affected)
}

/// A new shelf, inside another or on its own.
pub async fn add_category<C: ConnectionTrait>(
    db: &C,
    slug: &str,
    name: &str,
    parent_id: Option<i32>,
) -> Result<category::Model> {
    let category = category::ActiveModel {
        parent_id: Set(parent_id),
        slug: Set(slug.into()),
        name: Set(name.into()),
        ..Default::default()
    };
    Ok(category.insert(db).await?)
}

/// Puts a book on a shelf; no harm if it stands there already.
pub async fn shelve<C: ConnectionTrait>(db: &C, book_id: i32, category_id: i32) -> Result<()> {
    let shelf = book_category::ActiveModel {
        book_id: Set(book_id),
        category_id: Set(category_id),
    };
    book_category::Entity::insert(shelf)
        .on_conflict_do_nothing_on([
            book_category::Column::BookId,
            book_category::Column::CategoryId,
        ])
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Removes a book with its reviews and stock, unless somebody has ordered it.
pub async fn remove_book<C: ConnectionTrait>(db: &C, book_id: i32) -> Result<()> {
    let ordered = order_line::Entity::find().filter(order_line::Column::BookId.eq(book_id));
    if ordered.exists(db).await? {
        return Err(ShopError::Refused("the book has been ordered"));
    }
    let deleted = book::Entity::delete_by_id(book_id).exec(db).await?;
    match deleted.rows_affected {
        0 => Err(ShopError::NotFound("book")),
        _ => Ok(()),
    }
}

/// A publisher closes; its books stay without one.
pub async fn close_publisher<C: ConnectionTrait>(db: &C, publisher_id: i32) -> Result<()> {
    publisher::Entity::delete_by_id(publisher_id)
        .exec(db)
        .await?;
    Ok(())
}

async fn find<C: ConnectionTrait>(db: &C, book_id: i32) -> Result<book::Model> {
    book::Entity::find_by_id(book_id)
        .one(db)
        .await?
        .ok_or(ShopError::NotFound("book"))
}
