//! From a basket to an order.

use std::collections::HashMap;

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionSession, TransactionTrait,
    prelude::{Date, DateTimeUtc, Decimal},
    sea_query::{Expr, ExprTrait},
};

use super::inventory;
use crate::{
    entity::{
        book,
        customer_order::{self, OrderStatus},
        order_line, promotion, stock,
    },
    error::{Result, ShopError},
};

#[derive(Clone, Debug)]
pub struct Basket {
    pub customer_id: i32,
    pub address_id: Option<i32>,
    pub items: Vec<Item>,
    pub promotion: Option<String>,
    pub placed_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug)]
pub struct Item {
    pub book_id: i32,
    pub quantity: i32,
}

/// All of it or nothing: a book that is out of stock leaves everything as it was.
pub async fn place_order<C: TransactionTrait>(
    db: &C,
    basket: Basket,
) -> Result<customer_order::Model> {
    let order = db
        .transaction::<_, _, ShopError>(|transaction| Box::pin(place(transaction, basket)))
        .await?;
    Ok(order)
}

async fn place<C>(db: &C, basket: Basket) -> Result<customer_order::Model>
where
    C: ConnectionTrait + TransactionTrait,
{
    let prices = prices(db, &basket.items).await?;
    let subtotal = basket
        .items
        .iter()
        .map(|item| prices[&item.book_id] * Decimal::from(item.quantity))
        .sum();
    let promotion = match &basket.promotion {
        Some(code) => discount(db, code, subtotal, basket.placed_at.date_naive()).await?,
        None => None,
    };
    for item in &basket.items {
        reserve(db, *item).await?;
    }
    let order = customer_order::ActiveModel {
        customer_id: Set(basket.customer_id),
        address_id: Set(basket.address_id),
        promotion_id: Set(promotion.as_ref().map(|promotion| promotion.id)),
        status: Set(OrderStatus::Open),
        total: Set(total(subtotal, promotion.as_ref())),
        placed_at: Set(basket.placed_at),
        ..Default::default()
    }
    .insert(db)
    .await?;
    let lines = basket.items.iter().map(|item| order_line::ActiveModel {
        order_id: Set(order.id),
        book_id: Set(item.book_id),
        quantity: Set(item.quantity),
        unit_price: Set(prices[&item.book_id]),
        ..Default::default()
    });
    order_line::Entity::insert_many(lines).exec(db).await?;
    Ok(order)
}

/// The prices of books that are in print; all of them must be.
async fn prices<C: ConnectionTrait>(db: &C, items: &[Item]) -> Result<HashMap<i32, Decimal>> {
    let prices: Vec<(i32, Decimal)> = book::Entity::find()
        .select_only()
        .columns([book::Column::Id, book::Column::Price])
        .filter(book::Column::Id.is_in(items.iter().map(|item| item.book_id)))
        .filter(book::Column::InPrint.eq(true))
        .into_tuple()
        .all(db)
        .await?;
    let prices: HashMap<_, _> = prices.into_iter().collect();
    if items.iter().all(|item| prices.contains_key(&item.book_id)) {
        Ok(prices)
    } else {
        Err(ShopError::NotFound("book"))
    }
}

/// Redeems a code. One that is not valid costs the customer the discount, not the order.
async fn discount<C: TransactionTrait>(
    db: &C,
    code: &str,
    subtotal: Decimal,
    today: Date,
) -> Result<Option<promotion::Model>> {
    let savepoint = db.begin().await?;
    match redeem(&savepoint, code, subtotal, today).await {
        Ok(promotion) => {
            savepoint.commit().await?;
            Ok(Some(promotion))
        }
        Err(ShopError::PromotionRefused(_)) => {
            savepoint.rollback().await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn redeem<C: ConnectionTrait>(
    db: &C,
    code: &str,
    subtotal: Decimal,
    today: Date,
) -> Result<promotion::Model> {
    let refused = || ShopError::PromotionRefused(code.into());
    let used = promotion::Entity::update_many()
        .col_expr(
            promotion::Column::UsesLeft,
            Expr::col(promotion::Column::UsesLeft).sub(1),
        )
        .filter(promotion::Column::Code.eq(code))
        .filter(promotion::Column::UsesLeft.gt(0))
        .exec(db)
        .await?;
    if used.rows_affected == 0 {
        return Err(refused());
    }
    let promotion = promotion::Entity::find()
        .filter(promotion::Column::Code.eq(code))
        .one(db)
        .await?
        .ok_or_else(refused)?;
    let in_season =
        promotion.starts_on <= today && promotion.ends_on.is_none_or(|last| today <= last);
    let minimum = promotion.conditions["minimum"].as_i64().unwrap_or(0);
    if in_season && subtotal >= Decimal::from(minimum) {
        Ok(promotion)
    } else {
        Err(refused())
    }
}

fn total(subtotal: Decimal, promotion: Option<&promotion::Model>) -> Decimal {
    let percent = 100 - promotion.map_or(0, |promotion| promotion.percent);
    (subtotal * Decimal::new(percent.into(), 2)).round_dp(2)
}

/// Takes the copies from the fullest warehouse.
async fn reserve<C: ConnectionTrait>(db: &C, item: Item) -> Result<()> {
    let out_of_stock = ShopError::OutOfStock {
        book_id: item.book_id,
    };
    let Some(shelf) = stock::Entity::find()
        .filter(stock::Column::BookId.eq(item.book_id))
        .order_by_desc(stock::Column::Quantity)
        .order_by_asc(stock::Column::WarehouseId)
        .one(db)
        .await?
    else {
        return Err(out_of_stock);
    };
    match inventory::take(db, shelf.warehouse_id, item.book_id, item.quantity).await? {
        true => Ok(()),
        false => Err(out_of_stock),
    }
}
