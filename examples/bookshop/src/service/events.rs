//! Readings and who sits where.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ConnectionTrait, EntityLoaderTrait, QueryFilter, QueryOrder, TransactionSession,
    TransactionTrait,
    prelude::{DateTimeUtc, Decimal},
};

use crate::{
    entity::{event, ticket},
    error::{Result, ShopError},
};

#[derive(Clone, Debug)]
pub struct NewEvent {
    pub slug: String,
    pub title: String,
    pub starts_at: DateTimeUtc,
    pub capacity: i32,
    /// They sit in the first row and pay nothing.
    pub guests_of_honour: Vec<String>,
}

/// What is still to come, with the tickets that are sold.
pub async fn upcoming<C: ConnectionTrait>(
    db: &C,
    from: DateTimeUtc,
) -> Result<Vec<event::ModelEx>> {
    Ok(event::Entity::load()
        .filter(event::COLUMN.starts_at.gte(from))
        .with(ticket::Entity)
        .order_by_asc(event::COLUMN.starts_at)
        .all(db)
        .await?)
}

pub async fn by_slug<C: ConnectionTrait>(db: &C, slug: &str) -> Result<event::Model> {
    event::Entity::find_by_slug(slug)
        .one(db)
        .await?
        .ok_or(ShopError::NotFound("event"))
}

/// One event with its tickets.
pub async fn guest_list<C: ConnectionTrait>(db: &C, slug: &str) -> Result<event::ModelEx> {
    event::Entity::load()
        .filter_by_slug(slug)
        .with(ticket::Entity)
        .one(db)
        .await?
        .ok_or(ShopError::NotFound("event"))
}

/// A ticket with its event, for the door.
pub async fn ticket<C: ConnectionTrait>(db: &C, ticket_id: i32) -> Result<ticket::ModelEx> {
    ticket::Entity::load()
        .filter_by_id(ticket_id)
        .with(event::Entity)
        .one(db)
        .await?
        .ok_or(ShopError::NotFound("ticket"))
}

/// Saves the event and the tickets of its guests in one go.
pub async fn announce<C>(db: &C, new: NewEvent) -> Result<event::ModelEx>
where
    C: ConnectionTrait + TransactionTrait,
{
    let mut event = event::ActiveModel::builder()
        .set_slug(new.slug)
        .set_title(new.title)
        .set_starts_at(new.starts_at)
        .set_capacity(new.capacity);
    for guest in new.guests_of_honour {
        event = event.add_ticket(
            ticket::ActiveModel::builder()
                .set_holder(guest)
                .set_price(Decimal::ZERO)
                .set_checked_in(false),
        );
    }
    Ok(event.insert(db).await?)
}

/// Sells a seat while there is one.
pub async fn sell<C: TransactionTrait>(
    db: &C,
    slug: &str,
    holder: &str,
    price: Decimal,
) -> Result<ticket::Model> {
    let transaction = db.begin().await?;
    let event = by_slug(&transaction, slug).await?;
    let sold = ticket::Entity::find()
        .filter(ticket::COLUMN.event_id.eq(event.id))
        .count(&transaction)
        .await?;
    if i64::from(event.capacity) <= sold.cast_signed() {
        transaction.rollback().await?;
        return Err(ShopError::SoldOut);
    }
    let ticket = ticket::ActiveModel {
        event_id: Set(event.id),
        holder: Set(holder.into()),
        price: Set(price),
        checked_in: Set(false),
        ..Default::default()
    };
    let ticket = ticket.insert(&transaction).await?;
    transaction.commit().await?;
    Ok(ticket)
}

pub async fn check_in<C: ConnectionTrait>(db: &C, ticket_id: i32) -> Result<ticket::Model> {
    let ticket = ticket::ActiveModel {
        id: Set(ticket_id),
        checked_in: Set(true),
        ..Default::default()
    };
    Ok(ticket.update(db).await?)
}

/// The tickets go with it.
pub async fn call_off<C: ConnectionTrait>(db: &C, slug: &str) -> Result<()> {
    event::Entity::delete_by_slug(slug).exec(db).await?;
    Ok(())
}
