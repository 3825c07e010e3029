//! What the cache saves: the same visits with it and without it give the same pages.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use larder_bookshop::{
    Shop,
    service::{catalogue, editing, listings, orders, reports, reviews},
};

use crate::place::money;

/// Visitors between two changes of a price.
const VISITORS: usize = 20;

/// Every page that a visitor sees, as one text.
async fn visit(shop: &Shop) -> String {
    let db = &shop.db;
    let mut seen = String::new();
    for slug in ["novels", "adventure", "mathematics"] {
        let page = catalogue::category_page(db, slug, 0, 3).await.unwrap();
        seen.push_str(&format!("{page:?}\n"));
    }
    for id in [1, 6, 9] {
        seen.push_str(&format!("{:?}\n", reviews::verdict(db, id).await.unwrap()));
    }
    seen.push_str(&format!("{:?}\n", listings::shelves(db, 1).await.unwrap()));
    seen.push_str(&format!(
        "{:?}\n",
        reports::top_sellers(db, 3).await.unwrap()
    ));
    seen.push_str(&format!("{:?}\n", orders::history(db, 1).await.unwrap()));
    seen
}

/// The pages of a day, and how many statements they cost.
async fn day(shop: &Shop, sent: &AtomicUsize) -> (Vec<String>, usize) {
    let before = sent.load(Ordering::Relaxed);
    let mut pages = Vec::new();
    for price in [2199, 1999, 2399] {
        editing::change_price(&shop.db, 6, money(price))
            .await
            .unwrap();
        for _ in 0..VISITORS {
            pages.push(visit(shop).await);
        }
    }
    (pages, sent.load(Ordering::Relaxed) - before)
}

async fn pages_are_the_same_and_cost_fewer_statements(shop: &Shop) {
    let mut shop = shop.clone();
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    shop.db.set_metric_callback(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    shop.db.larder().disable();
    let (plain, all) = day(&shop, &sent).await;
    shop.db.larder().enable();
    let (cached, some) = day(&shop, &sent).await;
    assert_eq!(plain, cached);
    println!(
        "{} visits: {all} statements without the cache, {some} with it",
        plain.len()
    );
    assert!(some * 5 < all, "{some} of {all} statements");
}

scenarios!(pages_are_the_same_and_cost_fewer_statements);
