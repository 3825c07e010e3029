//! Pages about authors.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, prelude::Date, sea_query::ExprTrait,
};

use crate::{
    entity::{
        author::{self, AuthorToCategory},
        book, category,
    },
    error::{Result, ShopError},
};

#[derive(Debug)]
pub struct AuthorPage {
    pub author: author::Model,
    pub books: Vec<book::Model>,
    pub categories: Vec<category::Model>,
}

pub async fn author_page<C: ConnectionTrait>(db: &C, author_id: i32) -> Result<AuthorPage> {
    let author = author::Entity::find_by_id(author_id)
        .one(db)
        .await?
        .ok_or(ShopError::NotFound("author"))?;
    let books = author
        .find_related(book::Entity)
        .order_by_asc(book::Column::PublishedOn)
        .all(db)
        .await?;
    let categories = author
        .find_linked(AuthorToCategory)
        .distinct()
        .order_by_asc(category::Column::Name)
        .all(db)
        .await?;
    Ok(AuthorPage {
        author,
        books,
        categories,
    })
}

/// Every author with each shelf that has a book of theirs; authors without books too.
pub async fn directory<C: ConnectionTrait>(
    db: &C,
) -> Result<Vec<(author::Model, Option<category::Model>)>> {
    let mut directory = author::Entity::find()
        .find_also_linked(AuthorToCategory)
        .order_by_asc(author::Column::Name)
        .all(db)
        .await?;
    directory.sort_by_key(|(author, category)| {
        let shelf = category.as_ref().map(|category| category.name.clone());
        (author.name.clone(), shelf)
    });
    directory.dedup();
    Ok(directory)
}

/// Who was born before anybody had cameras.
pub async fn born_before<C: ConnectionTrait>(db: &C, day: Date) -> Result<Vec<author::Model>> {
    Ok(author::Entity::find()
        .filter(
            author::Column::BornOn
                .lt(day)
                .or(author::Column::BornOn.is_null()),
        )
        .order_by_asc(author::Column::Id)
        .all(db)
        .await?)
}

pub async fn sign<C: ConnectionTrait>(db: &C, name: &str, born_on: Date) -> Result<author::Model> {
    let author = author::ActiveModel {
        name: Set(name.into()),
        born_on: Set(Some(born_on)),
        ..Default::default()
    };
    Ok(author.insert(db).await?)
}

pub async fn write_biography<C: ConnectionTrait>(
    db: &C,
    author_id: i32,
    biography: &str,
) -> Result<()> {
    let change = author::ActiveModel {
        id: Set(author_id),
        biography: Set(Some(biography.into())),
        ..Default::default()
    };
    author::Entity::update(change)
        .exec_without_returning(db)
        .await?;
    Ok(())
}
