//! A day in the shop, on an embedded database.
//!
//! ```sh
//! cargo run -p larder-bookshop
//! ```

use larder_bookshop::{
    Result, Shop, ShopError,
    entity::customer_order::OrderStatus,
    service::{
        catalogue,
        checkout::{self, Basket, Item},
        editing, events, inventory, orders,
        payments::{self, Receipt},
        reports,
        reviews::{self, NewReview},
        search::{self, Search},
    },
};
use sea_orm::prelude::{Date, DateTimeUtc, Decimal, Uuid};

#[tokio::main]
async fn main() -> Result<()> {
    let shop = Shop::open("sqlite::memory:").await?;
    morning(&shop).await?;
    noon(&shop).await?;
    afternoon(&shop).await?;
    evening(&shop).await
}

/// Somebody looks around.
async fn morning(shop: &Shop) -> Result<()> {
    println!("Morning: the shelves");
    for slug in ["novels", "adventure", "mathematics"] {
        let page = catalogue::category_page(&shop.db, slug, 0, 3).await?;
        let titles: Vec<_> = page.books.iter().map(|book| book.title.as_str()).collect();
        println!("  {slug} ({} books): {} ..", page.total, titles.join(", "));
    }
    editing::change_price(&shop.db, 6, Decimal::new(2199, 2)).await?;
    let cheap = Search {
        words: Some("darwin".into()),
        at_most: Some(Decimal::new(2200, 2)),
        ..Default::default()
    };
    for book in search::books(&shop.db, cheap).await? {
        println!(
            "  by Darwin, now affordable: {} at {}",
            book.title, book.price
        );
    }
    Ok(())
}

/// Somebody buys.
async fn noon(shop: &Shop) -> Result<()> {
    println!("Noon: the checkout");
    let mut basket = Basket {
        customer_id: 6,
        address_id: None,
        items: vec![item(6, 1), item(9, 2)],
        promotion: Some("SPRING".into()),
        placed_at: today(12),
    };
    let order = checkout::place_order(&shop.db, basket.clone()).await?;
    println!(
        "  order {} costs {} after the promotion",
        order.id, order.total
    );
    basket.items = vec![item(1, 1), item(9, 1)];
    match checkout::place_order(&shop.db, basket).await {
        Err(error @ ShopError::OutOfStock { .. }) => println!("  the next one fails: {error}"),
        other => println!("  the next one: {other:?}"),
    }
    let receipt = Receipt {
        id: Uuid::from_u128(0x6b1d_f00d),
        order_id: order.id,
        method: "card".into(),
        amount: order.total,
        settled_at: Some(today(12)),
    };
    let payment = payments::record(&shop.db, receipt).await?;
    println!("  paid by {}: {}", payment.method, payment.amount);
    Ok(())
}

/// The house works.
async fn afternoon(shop: &Shop) -> Result<()> {
    println!("Afternoon: the back room");
    inventory::receive(&shop.db, 1, 9, 20).await?;
    let stock = inventory::on_hand(&shop.db, 9).await?;
    println!("  The Moonstone is back: {stock:?}");
    let parcels = orders::ship_paid(&shop.db).await?;
    let open = orders::queue(&shop.db, OrderStatus::Open).await?;
    println!("  {parcels} parcels left, {} orders are open", open.len());
    let review = NewReview {
        book_id: 9,
        customer_id: 6,
        rating: 5,
        body: "Did not see it coming.".into(),
        written_at: today(16).naive_utc(),
    };
    let review = reviews::submit(&shop.db, review).await?;
    reviews::approve(&shop.db, &[review.id]).await?;
    let page = catalogue::book_page(&shop.db, "978-0000000094").await?;
    println!("  {}: \"{}\"", page.book.title, page.reviews[0].body);
    Ok(())
}

/// The owner counts.
async fn evening(shop: &Shop) -> Result<()> {
    println!("Evening: the books are closed");
    events::sell(
        &shop.db,
        "moonstone-night",
        "Finn Falk",
        Decimal::new(650, 2),
    )
    .await?;
    let guests = events::guest_list(&shop.db, "moonstone-night").await?;
    println!(
        "  {}: {} of {} seats",
        guests.title,
        guests.tickets.len(),
        guests.capacity
    );
    for seller in reports::top_sellers(&shop.db, 3).await? {
        println!(
            "  {:>2} x {} = {:.2}",
            seller.copies, seller.title, seller.revenue
        );
    }
    let revenue = reports::revenue(&shop.db).await?;
    let total = revenue.total.unwrap_or_default();
    println!("  {} orders, {total:.2} in all", revenue.orders);
    Ok(())
}

fn item(book_id: i32, quantity: i32) -> Item {
    Item { book_id, quantity }
}

fn today(hour: u32) -> DateTimeUtc {
    Date::from_ymd_opt(2024, 5, 6)
        .and_then(|day| day.and_hms_opt(hour, 0, 0))
        .unwrap_or_default()
        .and_utc()
}
