//! Accounts and addresses.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    ModelTrait, QueryFilter, QueryOrder, SqlErr, TransactionSession, TransactionTrait,
    prelude::DateTimeUtc, sea_query::Expr,
};

use crate::{
    entity::{
        address,
        customer::{self, Tier},
        customer_order::{self, OrderStatus},
    },
    error::{Result, ShopError},
};

#[derive(Clone, Debug)]
pub struct NewAddress {
    pub street: String,
    pub city: String,
    pub postal_code: String,
}

/// An account with its first address.
pub async fn register<C: TransactionTrait>(
    db: &C,
    name: &str,
    email: &str,
    joined_at: DateTimeUtc,
    first: NewAddress,
) -> Result<customer::Model> {
    let transaction = db.begin().await?;
    let customer = customer::ActiveModel {
        name: Set(name.into()),
        email: Set(email.into()),
        tier: Set(Tier::Guest),
        newsletter: Set(false),
        joined_at: Set(joined_at),
        ..Default::default()
    };
    // Dropping the transaction rolls it back.
    let customer = customer
        .insert(&transaction)
        .await
        .map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => {
                ShopError::Refused("the address has an account already")
            }
            _ => error.into(),
        })?;
    insert_address(&transaction, customer.id, first, true).await?;
    transaction.commit().await?;
    Ok(customer)
}

pub async fn by_email<C: ConnectionTrait>(db: &C, email: &str) -> Result<Option<customer::Model>> {
    Ok(customer::Entity::find()
        .filter(customer::Column::Email.eq(email))
        .one(db)
        .await?)
}

/// The default address first.
pub async fn addresses<C: ConnectionTrait>(
    db: &C,
    customer_id: i32,
) -> Result<Vec<address::Model>> {
    Ok(address::Entity::find()
        .filter(address::Column::CustomerId.eq(customer_id))
        .order_by_desc(address::Column::IsDefault)
        .order_by_asc(address::Column::Id)
        .all(db)
        .await?)
}

/// The customer has moved: the new address becomes the default.
pub async fn move_to<C: TransactionTrait>(
    db: &C,
    customer_id: i32,
    new: NewAddress,
) -> Result<address::Model> {
    let transaction = db.begin().await?;
    address::Entity::update_many()
        .col_expr(address::Column::IsDefault, Expr::value(false))
        .filter(address::Column::CustomerId.eq(customer_id))
        .exec(&transaction)
        .await?;
    let address = insert_address(&transaction, customer_id, new, true).await?;
    transaction.commit().await?;
    Ok(address)
}

async fn insert_address<C: ConnectionTrait>(
    db: &C,
    customer_id: i32,
    new: NewAddress,
    is_default: bool,
) -> Result<address::Model> {
    let address = address::ActiveModel {
        customer_id: Set(customer_id),
        street: Set(new.street),
        city: Set(new.city),
        postal_code: Set(new.postal_code),
        is_default: Set(is_default),
        ..Default::default()
    };
    Ok(address.insert(db).await?)
}

/// Orders that were sent there keep their history without it.
pub async fn forget_address<C: ConnectionTrait>(db: &C, address_id: i32) -> Result<()> {
    address::Entity::delete_by_id(address_id).exec(db).await?;
    Ok(())
}

/// Customers who wait for something.
pub async fn waiting<C: ConnectionTrait>(db: &C) -> Result<Vec<customer::Model>> {
    let unfinished = [OrderStatus::Open, OrderStatus::Paid];
    Ok(customer::Entity::find()
        .has_related(
            customer_order::Entity,
            customer_order::Column::Status.is_in(unfinished),
        )
        .order_by_asc(customer::Column::Name)
        .all(db)
        .await?)
}

pub async fn of_tier<C: ConnectionTrait>(db: &C, at_least: Tier) -> Result<Vec<customer::Model>> {
    Ok(customer::Entity::find()
        .filter(customer::Column::Tier.gte(at_least))
        .order_by_asc(customer::Column::Id)
        .all(db)
        .await?)
}

pub async fn change_tier<C: ConnectionTrait>(
    db: &C,
    customer_id: i32,
    tier: Tier,
) -> Result<customer::Model> {
    let mut customer = find(db, customer_id).await?.into_active_model();
    customer.tier = Set(tier);
    Ok(customer.update(db).await?)
}

/// Deletes an account with its addresses and reviews, unless there are orders to account for.
pub async fn forget<C: ConnectionTrait>(db: &C, customer_id: i32) -> Result<()> {
    let customer = find(db, customer_id).await?;
    let orders = customer.find_related(customer_order::Entity);
    if orders.exists(db).await? {
        return Err(ShopError::Refused("the customer has orders"));
    }
    customer.delete(db).await?;
    Ok(())
}

async fn find<C: ConnectionTrait>(db: &C, customer_id: i32) -> Result<customer::Model> {
    customer::Entity::find_by_id(customer_id)
        .one(db)
        .await?
        .ok_or(ShopError::NotFound("customer"))
}
