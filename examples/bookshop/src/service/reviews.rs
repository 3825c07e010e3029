//! What readers think.

use larder::CachedResult;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
    prelude::{DateTime, Decimal},
    sea_query::Expr,
};

use crate::{
    entity::{book, customer, review},
    error::{Result, ShopError},
};

#[derive(Clone, Debug)]
pub struct NewReview {
    pub book_id: i32,
    pub customer_id: i32,
    pub rating: i32,
    pub body: String,
    pub written_at: DateTime,
}

#[derive(Clone, Debug, PartialEq, FromQueryResult, CachedResult)]
#[larder(local)]
pub struct Verdict {
    pub reviews: i64,
    /// None without reviews.
    pub average: Option<Decimal>,
    pub best: Option<i32>,
}

/// A new review waits for a moderator.
pub async fn submit<C: ConnectionTrait>(db: &C, new: NewReview) -> Result<review::Model> {
    if !(1..=5).contains(&new.rating) {
        return Err(ShopError::Refused("ratings go from one to five"));
    }
    let review = review::ActiveModel {
        book_id: Set(new.book_id),
        customer_id: Set(new.customer_id),
        rating: Set(new.rating),
        body: Set(new.body),
        approved: Set(false),
        written_at: Set(new.written_at),
        ..Default::default()
    };
    Ok(review.insert(db).await?)
}

/// What moderators see: the review, the book and who wrote it.
pub async fn pending<C: ConnectionTrait>(
    db: &C,
) -> Result<Vec<(review::Model, Option<book::Model>, Option<customer::Model>)>> {
    Ok(review::Entity::find()
        .find_also_related(book::Entity)
        .find_also_related(customer::Entity)
        .filter(review::Column::Approved.eq(false))
        .order_by_asc(review::Column::WrittenAt)
        .all(db)
        .await?)
}

pub async fn count_pending<C: ConnectionTrait>(db: &C) -> Result<u64> {
    Ok(review::Entity::find()
        .filter(review::Column::Approved.eq(false))
        .count(db)
        .await?)
}

/// Says how many of the reviews were still waiting.
pub async fn approve<C: ConnectionTrait>(db: &C, ids: &[i32]) -> Result<u64> {
    let approved = review::Entity::update_many()
        .col_expr(review::Column::Approved, Expr::value(true))
        .filter(review::Column::Id.is_in(ids.iter().copied()))
        .filter(review::Column::Approved.eq(false))
        .exec(db)
        .await?;
    Ok(approved.rows_affected)
}

/// What readers say about a book altogether.
pub async fn verdict<C: ConnectionTrait>(db: &C, book_id: i32) -> Result<Verdict> {
    let verdict: Option<Verdict> = review::Entity::find()
        .select_only()
        .column_as(review::Column::Id.count(), "reviews")
        .column_as(review::Column::Rating.avg(), "average")
        .column_as(review::Column::Rating.max(), "best")
        .filter(review::Column::BookId.eq(book_id))
        .filter(review::Column::Approved.eq(true))
        .into_model()
        .one(db)
        .await?;
    let mut verdict = verdict.ok_or(ShopError::NotFound("book"))?;
    verdict.average = verdict.average.map(|average| average.round_dp(2));
    Ok(verdict)
}

pub async fn withdraw<C: ConnectionTrait>(db: &C, review_id: i32) -> Result<()> {
    let deleted = review::Entity::delete_by_id(review_id).exec(db).await?;
    match deleted.rows_affected {
        0 => Err(ShopError::NotFound("review")),
        _ => Ok(()),
    }
}
