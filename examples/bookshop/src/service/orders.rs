//! What becomes of orders.

use larder::LoaderTrait;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    TransactionTrait,
    prelude::DateTimeUtc,
    sea_query::{Expr, ExprTrait},
};

use crate::{
    entity::{
        address, book, customer,
        customer_order::{self, OrderStatus},
        order_line, payment, publisher, stock,
    },
    error::{Result, ShopError},
};

/// An order with everything that the account page shows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderView {
    pub order: customer_order::Model,
    pub lines: Vec<order_line::Model>,
    pub books: Vec<book::Model>,
    pub address: Option<address::Model>,
    pub payment: Option<payment::Model>,
}

/// The orders of a customer, newest first.
pub async fn history<C: ConnectionTrait>(db: &C, customer_id: i32) -> Result<Vec<OrderView>> {
    let orders = customer_order::Entity::find()
        .filter(customer_order::Column::CustomerId.eq(customer_id))
        .order_by_desc(customer_order::Column::PlacedAt)
        .all(db)
        .await?;
    let lines = orders
        .load_many(
            order_line::Entity::find().order_by_asc(order_line::Column::Id),
            db,
        )
        .await?;
    let books = orders
        .load_many_to_many(book::Entity, order_line::Entity, db)
        .await?;
    let addresses = orders.load_one(address::Entity, db).await?;
    let payments = orders.load_one(payment::Entity, db).await?;
    let mut views = Vec::with_capacity(orders.len());
    for ((((order, lines), books), address), payment) in orders
        .into_iter()
        .zip(lines)
        .zip(books)
        .zip(addresses)
        .zip(payments)
    {
        views.push(OrderView {
            order,
            lines,
            books,
            address,
            payment,
        });
    }
    Ok(views)
}

/// What the packers need: each line with its book and the book's publisher.
pub async fn packing_list<C: ConnectionTrait>(
    db: &C,
    order_id: i32,
) -> Result<
    Vec<(
        order_line::Model,
        Option<book::Model>,
        Option<publisher::Model>,
    )>,
> {
    Ok(order_line::Entity::find()
        .find_also_related(book::Entity)
        .and_also_related(publisher::Entity)
        .filter(order_line::Column::OrderId.eq(order_id))
        .order_by_asc(order_line::Column::Id)
        .all(db)
        .await?)
}

/// Orders in a state with their customers, oldest first.
pub async fn queue<C: ConnectionTrait>(
    db: &C,
    status: OrderStatus,
) -> Result<Vec<(customer_order::Model, Option<customer::Model>)>> {
    Ok(customer_order::Entity::find()
        .find_also_related(customer::Entity)
        .filter(customer_order::Column::Status.eq(status))
        .order_by_asc(customer_order::Column::PlacedAt)
        .all(db)
        .await?)
}

/// The parcels of the day leave the house; says how many there were.
pub async fn ship_paid<C: ConnectionTrait>(db: &C) -> Result<u64> {
    let shipped = customer_order::ActiveModel {
        status: Set(OrderStatus::Shipped),
        ..Default::default()
    };
    let updated = customer_order::Entity::update_many()
        .set(shipped)
        .filter(customer_order::Column::Status.eq(OrderStatus::Paid))
        .exec(db)
        .await?;
    Ok(updated.rows_affected)
}

/// Cancels an open order; its copies go back to the shelves.
pub async fn cancel<C: TransactionTrait>(db: &C, order_id: i32) -> Result<customer_order::Model> {
    let order = db
        .transaction::<_, _, ShopError>(|transaction| {
            Box::pin(async move {
                let (order, lines) = customer_order::Entity::find_by_id(order_id)
                    .find_with_related(order_line::Entity)
                    .all(transaction)
                    .await?
                    .pop()
                    .ok_or(ShopError::NotFound("order"))?;
                if order.status != OrderStatus::Open {
                    return Err(ShopError::Refused("the order is not open"));
                }
                for line in &lines {
                    put_back(transaction, line).await?;
                }
                let mut order = order.into_active_model();
                order.status = Set(OrderStatus::Cancelled);
                Ok(order.update(transaction).await?)
            })
        })
        .await?;
    Ok(order)
}

/// To the first warehouse that knows the book.
async fn put_back<C: ConnectionTrait>(db: &C, line: &order_line::Model) -> Result<()> {
    let shelf = stock::Entity::find()
        .filter(stock::Column::BookId.eq(line.book_id))
        .order_by_asc(stock::Column::WarehouseId)
        .one(db)
        .await?
        .ok_or(ShopError::NotFound("shelf"))?;
    stock::Entity::update_many()
        .col_expr(
            stock::Column::Quantity,
            Expr::col(stock::Column::Quantity).add(line.quantity),
        )
        .filter(stock::Column::WarehouseId.eq(shelf.warehouse_id))
        .filter(stock::Column::BookId.eq(shelf.book_id))
        .exec(db)
        .await?;
    Ok(())
}

/// Old cancelled orders go, with their lines; says how many there were.
pub async fn purge_cancelled<C: ConnectionTrait>(db: &C, before: DateTimeUtc) -> Result<u64> {
    let deleted = customer_order::Entity::delete_many()
        .filter(customer_order::Column::Status.eq(OrderStatus::Cancelled))
        .filter(customer_order::Column::PlacedAt.lt(before))
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}
