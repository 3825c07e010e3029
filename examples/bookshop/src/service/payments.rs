//! What the payment provider reports.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, TransactionSession,
    TransactionTrait,
    prelude::{DateTimeUtc, Decimal, Uuid},
    sea_query::OnConflict,
};

use crate::{
    entity::{
        customer_order::{self, OrderStatus},
        payment,
    },
    error::{Result, ShopError},
};

#[derive(Clone, Debug)]
pub struct Receipt {
    pub id: Uuid,
    pub order_id: i32,
    pub method: String,
    pub amount: Decimal,
    pub settled_at: Option<DateTimeUtc>,
}

/// Keeps the latest report for an order; a settled one makes the order paid.
pub async fn record<C: TransactionTrait>(db: &C, receipt: Receipt) -> Result<payment::Model> {
    let transaction = db.begin().await?;
    let order = customer_order::Entity::find_by_id(receipt.order_id)
        .one(&transaction)
        .await?
        .ok_or(ShopError::NotFound("order"))?;
    if order.status == OrderStatus::Cancelled {
        transaction.rollback().await?;
        return Err(ShopError::Refused("the order is cancelled"));
    }
    let payment = upsert(&transaction, &receipt).await?;
    if receipt.settled_at.is_some() && order.status == OrderStatus::Open {
        let mut order = order.into_active_model();
        order.status = Set(OrderStatus::Paid);
        order.update(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(payment)
}

async fn upsert<C: ConnectionTrait>(db: &C, receipt: &Receipt) -> Result<payment::Model> {
    let row = payment::ActiveModel {
        id: Set(receipt.id),
        order_id: Set(receipt.order_id),
        method: Set(receipt.method.clone()),
        amount: Set(receipt.amount),
        settled_at: Set(receipt.settled_at),
    };
    payment::Entity::insert(row)
        .on_conflict(
            OnConflict::column(payment::Column::OrderId)
                .update_columns([
                    payment::Column::Method,
                    payment::Column::Amount,
                    payment::Column::SettledAt,
                ])
                .to_owned(),
        )
        .exec_without_returning(db)
        .await?;
    of_order(db, receipt.order_id).await
}

pub async fn of_order<C: ConnectionTrait>(db: &C, order_id: i32) -> Result<payment::Model> {
    payment::Entity::find()
        .filter(payment::Column::OrderId.eq(order_id))
        .one(db)
        .await?
        .ok_or(ShopError::NotFound("payment"))
}

/// By the provider's key.
pub async fn by_id<C: ConnectionTrait>(db: &C, id: Uuid) -> Result<Option<payment::Model>> {
    Ok(payment::Entity::find_by_id(id).one(db).await?)
}
