//! What lies in the warehouses.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionSession, TransactionTrait,
    prelude::DateTime,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use crate::{
    entity::{book, stock, warehouse},
    error::{Result, ShopError},
};

/// Copies of a book by the code of the warehouse.
pub async fn on_hand<C: ConnectionTrait>(db: &C, book_id: i32) -> Result<Vec<(String, i32)>> {
    Ok(stock::Entity::find()
        .select_only()
        .column(warehouse::Column::Code)
        .column(stock::Column::Quantity)
        .inner_join(warehouse::Entity)
        .filter(stock::Column::BookId.eq(book_id))
        .order_by_asc(warehouse::Column::Code)
        .into_tuple()
        .all(db)
        .await?)
}

/// Books of which a warehouse holds fewer than it should.
pub async fn running_low<C: ConnectionTrait>(
    db: &C,
    fewer_than: i32,
) -> Result<Vec<(stock::Model, Option<book::Model>)>> {
    Ok(stock::Entity::find()
        .find_also_related(book::Entity)
        .filter(stock::Column::Quantity.lt(fewer_than))
        .order_by_asc(stock::Column::WarehouseId)
        .order_by_asc(stock::Column::BookId)
        .all(db)
        .await?)
}

/// A delivery arrives; the first of its kind makes a new shelf.
pub async fn receive<C: ConnectionTrait>(
    db: &C,
    warehouse_id: i32,
    book_id: i32,
    copies: i32,
) -> Result<()> {
    let delivery = stock::ActiveModel {
        warehouse_id: Set(warehouse_id),
        book_id: Set(book_id),
        quantity: Set(copies),
        counted_at: Set(None),
    };
    let more = Expr::col((stock::Entity, stock::Column::Quantity)).add(copies);
    stock::Entity::insert(delivery)
        .on_conflict(
            OnConflict::columns([stock::Column::WarehouseId, stock::Column::BookId])
                .value(stock::Column::Quantity, more)
                .to_owned(),
        )
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Copies go from one warehouse to another; none gets lost on the way.
pub async fn transfer<C: TransactionTrait>(
    db: &C,
    book_id: i32,
    from: i32,
    to: i32,
    copies: i32,
) -> Result<()> {
    let transaction = db.begin().await?;
    if !take(&transaction, from, book_id, copies).await? {
        transaction.rollback().await?;
        return Err(ShopError::OutOfStock { book_id });
    }
    receive(&transaction, to, book_id, copies).await?;
    transaction.commit().await?;
    Ok(())
}

/// Takes copies off the shelf if there are enough of them.
pub async fn take<C: ConnectionTrait>(
    db: &C,
    warehouse_id: i32,
    book_id: i32,
    copies: i32,
) -> Result<bool> {
    let taken = stock::Entity::update_many()
        .col_expr(
            stock::Column::Quantity,
            Expr::col(stock::Column::Quantity).sub(copies),
        )
        .filter(stock::Column::WarehouseId.eq(warehouse_id))
        .filter(stock::Column::BookId.eq(book_id))
        .filter(stock::Column::Quantity.gte(copies))
        .exec(db)
        .await?;
    Ok(taken.rows_affected > 0)
}

/// Somebody has counted the shelf.
pub async fn count<C: ConnectionTrait>(
    db: &C,
    (warehouse_id, book_id): (i32, i32),
    quantity: i32,
    counted_at: DateTime,
) -> Result<stock::Model> {
    let counted = stock::ActiveModel {
        warehouse_id: Set(warehouse_id),
        book_id: Set(book_id),
        quantity: Set(quantity),
        counted_at: Set(Some(counted_at)),
    };
    Ok(stock::Entity::update(counted).exec(db).await?)
}
