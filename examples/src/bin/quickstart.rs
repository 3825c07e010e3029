//! A small shop in an embedded SQLite database: what is a hit, what is a miss, what each write
//! drops and what it keeps, and how long each took.
//!
//! ```sh
//! cargo run -p larder-examples --bin quickstart
//! ```

#![expect(clippy::disallowed_methods, reason = "the account shows wall time")]

use std::{
    fmt::Write as _,
    future::Future,
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use larder::{CachedConnection, Event, Larder, MemoryStore, Observer};
use larder_examples::entity::{order, order_line, product};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectOptions, ConnectionTrait, Database,
    DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder, TransactionTrait,
    prelude::Decimal,
};

type Db = CachedConnection<DatabaseConnection>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let account = Arc::new(Account::default());
    let larder = Larder::builder()
        .namespace("quickstart")
        .store(MemoryStore::with_capacity_bytes(16 << 20))
        .observer(account.clone())
        .build()?;

    // One connection: an in-memory database lives and dies with it.
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1);
    let db: Db = larder.wrap(Database::connect(options).await?);
    create_shop(&db).await?;
    account.take();

    println!("A shop with 3 products, 40 orders of 4 customers and their lines.\n");
    println!("Read everything twice: the first time fills, the second time hits.");
    read_all(&db, &account).await?;
    read_all(&db, &account).await?;

    write(&account, "UPDATE one order of customer 1 (status)", async {
        let shipped = order::ActiveModel {
            id: Set(1),
            status: Set("shipped".into()),
            ..Default::default()
        };
        shipped.update(&db).await
    })
    .await?;
    println!("Customer 2's list and the products were not touched:");
    read_all(&db, &account).await?;

    write(&account, "INSERT an order of customer 2", async {
        let new = order::ActiveModel {
            customer_id: Set(2),
            status: Set("open".into()),
            ..Default::default()
        };
        new.insert(&db).await
    })
    .await?;
    println!("Now customer 2's list and the counts go, customer 1's list stays:");
    read_all(&db, &account).await?;

    write(
        &account,
        "a transaction that changes a price and is rolled back",
        async {
            let transaction = db.begin().await?;
            let cheaper = product::ActiveModel {
                id: Set(1),
                price: Set(Decimal::ONE),
                ..Default::default()
            };
            cheaper.update(&transaction).await?;
            transaction.rollback().await
        },
    )
    .await?;
    println!("Nothing was committed, so everything stays:");
    read_all(&db, &account).await?;

    write(
        &account,
        "DELETE order 1; its lines go with it (ON DELETE CASCADE)",
        async { order::Entity::delete_by_id(1).exec(&db).await },
    )
    .await?;
    println!("Without an old image of the row, lists by customer drop as one shape:");
    read_all(&db, &account).await?;

    write(
        &account,
        "raw SQL: UPDATE product SET stock = stock - 1 WHERE id = 3",
        async {
            db.execute_unprepared("UPDATE product SET stock = stock - 1 WHERE id = 3")
                .await
        },
    )
    .await?;
    println!("Raw SQL is understood too; product 1 is another row:");
    read_all(&db, &account).await?;

    Ok(())
}

/// The reads of a shop page, each with what became of it.
async fn read_all(db: &Db, account: &Account) -> Result<(), DbErr> {
    account
        .read("product 1", product::Entity::find_by_id(1).one(db))
        .await?;
    account
        .read("product 3", product::Entity::find_by_id(3).one(db))
        .await?;
    for customer in [1, 2] {
        let orders = order::Entity::find()
            .filter(order::Column::CustomerId.eq(customer))
            .order_by_asc(order::Column::Id);
        account
            .read(&format!("orders of customer {customer}"), orders.all(db))
            .await?;
    }
    let open = order::Entity::find().filter(order::Column::Status.eq("open"));
    account.read("count of open orders", open.count(db)).await?;
    let lines = order_line::Entity::find().filter(order_line::Column::OrderId.eq(1));
    account.read("lines of order 1", lines.all(db)).await?;
    println!();
    Ok(())
}

/// Runs a write and prints what it dropped.
async fn write<T>(
    account: &Account,
    what: &str,
    run: impl Future<Output = Result<T, DbErr>>,
) -> Result<(), DbErr> {
    let start = Instant::now();
    run.await?;
    let took = start.elapsed().as_micros();
    println!("WRITE {what}  ({took} us)");
    let dropped = account.take();
    println!(
        "      dropped: {}\n",
        if dropped.is_empty() {
            "nothing"
        } else {
            &dropped
        }
    );
    Ok(())
}

async fn create_shop(db: &Db) -> Result<(), DbErr> {
    db.execute_unprepared(include_str!("../../../migrations/sqlite/schema.sql"))
        .await?;
    db.execute_unprepared(
        "INSERT INTO customer (id, name, email) VALUES
             (1, 'Ada', 'ada@example.org'), (2, 'Grace', 'grace@example.org'),
             (3, 'Edsger', 'edsger@example.org'), (4, 'Barbara', 'barbara@example.org');
         INSERT INTO product (id, sku, name, price, stock) VALUES
             (1, 'tea', 'Tea', 4.5, 100), (2, 'jam', 'Jam', 3.2, 80), (3, 'oats', 'Oats', 1.9, 400);",
    )
    .await?;
    for number in 0..40_i64 {
        let row = order::ActiveModel {
            customer_id: Set(i32::try_from(number % 4).unwrap_or(0) + 1),
            status: Set(if number % 3 == 0 { "open" } else { "paid" }.into()),
            ..Default::default()
        };
        let row = row.insert(db).await?;
        let line = order_line::ActiveModel {
            order_id: Set(row.id),
            product_id: Set(i32::try_from(number % 3).unwrap_or(0) + 1),
            quantity: Set(2),
            unit_price: Set(Decimal::new(450, 2)),
            ..Default::default()
        };
        line.insert(db).await?;
    }
    Ok(())
}

/// Keeps the account of one step: an observer hears everything that the cache does.
#[derive(Default)]
struct Account {
    heard: Mutex<String>,
}

impl Account {
    /// What was heard since the last time.
    fn take(&self) -> String {
        mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn read<T>(
        &self,
        what: &str,
        run: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<(), DbErr> {
        let start = Instant::now();
        run.await?;
        let took = start.elapsed().as_micros();
        println!("  {what:<24} {:<8} {took:>6} us", self.take());
        Ok(())
    }
}

impl Observer for Account {
    fn on_event(&self, event: &Event<'_>) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = match event {
            Event::Hit { .. } => write!(heard, "hit"),
            Event::Miss { .. } => write!(heard, "miss"),
            Event::Bypass { reason, .. } => write!(heard, "bypass ({reason})"),
            Event::Invalidate { table, dropped, .. } => {
                let table = table.map_or("every table", |key| {
                    key.0.rsplit('.').next().unwrap_or(&key.0)
                });
                let what = match (dropped.record, dropped.shapes, dropped.stamps) {
                    (true, ..) => "the table record".to_owned(),
                    (false, shapes, stamps) => format!("{shapes} shapes, {stamps} values"),
                };
                let separator = if heard.is_empty() { "" } else { "; " };
                write!(heard, "{separator}{table}: {what}")
            }
            _ => Ok(()),
        };
    }
}
