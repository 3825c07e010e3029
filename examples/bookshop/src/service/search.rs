//! The search form.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    prelude::Decimal,
    sea_query::{Expr, ExprTrait, Func, IntoColumnRef},
};

use crate::{
    entity::{
        author,
        book::{self, BookFormat},
        book_author, stock,
    },
    error::Result,
};

/// Fields that are left empty restrict nothing.
#[derive(Clone, Debug, Default)]
pub struct Search {
    pub words: Option<String>,
    pub format: Option<BookFormat>,
    pub at_most: Option<Decimal>,
    pub available: bool,
}

pub async fn books<C: ConnectionTrait>(db: &C, search: Search) -> Result<Vec<book::Model>> {
    Ok(book::Entity::find()
        .apply_if(search.words, |books, words| books.filter(mentions(&words)))
        .apply_if(search.format, |books, format| {
            books.filter(book::Column::Format.eq(format))
        })
        .apply_if(search.at_most, |books, price| {
            books.filter(book::Column::Price.lte(price))
        })
        .apply_if(search.available.then_some(()), |books, ()| {
            books.has_related(stock::Entity, stock::Column::Quantity.gt(0))
        })
        .order_by_asc(book::Column::Title)
        .limit(50)
        .all(db)
        .await?)
}

/// In the title, or in the name of an author.
fn mentions(words: &str) -> Condition {
    let pattern = format!("%{}%", words.to_lowercase());
    let written_by = book_author::Entity::find()
        .select_only()
        .column(book_author::Column::BookId)
        .inner_join(author::Entity)
        .filter(lower((author::Entity, author::Column::Name)).like(&pattern))
        .into_query();
    Condition::any()
        .add(lower((book::Entity, book::Column::Title)).like(&pattern))
        .add(book::Column::Id.in_subquery(written_by))
}

/// The databases do not agree on the case of LIKE.
fn lower(column: impl IntoColumnRef) -> Expr {
    Func::lower(Expr::col(column)).into()
}
