//! A small shop to begin with, the same every time.

mod books;
mod customers;
mod sales;
mod shelves;

use sea_orm::{
    ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, TransactionSession, TransactionTrait,
    prelude::{Date, DateTime, DateTimeUtc, Decimal},
};

use crate::{entity::publisher, error::Result};

/// Fills an empty shop; leaves any other alone.
pub async fn fill<C>(db: &C) -> Result<()>
where
    C: ConnectionTrait + TransactionTrait,
{
    if publisher::Entity::find().exists(db).await? {
        return Ok(());
    }
    let transaction = db.begin().await?;
    books::fill(&transaction).await?;
    shelves::fill(&transaction).await?;
    customers::fill(&transaction).await?;
    sales::fill(&transaction).await?;
    continue_keys(&transaction).await?;
    transaction.commit().await?;
    Ok(())
}

async fn insert<E, C>(db: &C, rows: Vec<E::Model>) -> Result<()>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    C: ConnectionTrait,
{
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    E::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
}

/// On PostgreSQL rows with keys of their own do not move the identity sequences.
async fn continue_keys<C: ConnectionTrait>(db: &C) -> Result<()> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    for table in NUMBERED_TABLES {
        let sql = format!(r#"ALTER TABLE "{table}" ALTER COLUMN "id" RESTART WITH 100"#);
        db.execute_unprepared(&sql).await?;
    }
    Ok(())
}

fn money(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

fn date(text: &str) -> Date {
    text.parse().expect("a date of the seed")
}

fn date_time(text: &str) -> DateTime {
    text.parse().expect("a time of the seed")
}

fn instant(text: &str) -> DateTimeUtc {
    date_time(text).and_utc()
}

const NUMBERED_TABLES: &[&str] = &[
    "publisher",
    "author",
    "book",
    "category",
    "customer",
    "address",
    "warehouse",
    "promotion",
    "customer_order",
    "order_line",
    "review",
    "event",
    "ticket",
];
