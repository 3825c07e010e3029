use larder_bookshop::{
    Shop,
    service::{
        checkout::{self, Basket, Item},
        orders, reports, reviews,
    },
};

use crate::place::{date_time, instant, money};

scenarios!(
    revenue_follows_orders,
    top_sellers_follow_orders_and_cancellations,
    spending_counts_every_customer,
    activity_joins_orders_and_reviews,
);

async fn revenue_follows_orders(shop: &Shop) {
    let before = reports::revenue(&shop.db).await.unwrap();
    assert_eq!(before.orders, 5);
    assert_eq!(before.total, Some(money(14080)));
    assert_eq!(before.largest, Some(money(3778)));
    assert_eq!(before.average, Some(money(2816)));

    checkout::place_order(&shop.db, basket(6, 6, 2))
        .await
        .unwrap();
    let after = reports::revenue(&shop.db).await.unwrap();
    assert_eq!((after.orders, after.total), (6, Some(money(18880))));
    assert_eq!(
        (after.largest, after.average),
        (Some(money(4800)), Some(money(3147)))
    );
}

async fn top_sellers_follow_orders_and_cancellations(shop: &Shop) {
    let top = reports::top_sellers(&shop.db, 2).await.unwrap();
    assert_eq!(
        (top[0].title.as_str(), top[0].copies),
        ("Pride and Prejudice", 5)
    );
    assert_eq!(top[0].revenue, money(4495));
    assert_eq!(
        (top[1].title.as_str(), top[1].copies),
        ("Around the World", 1)
    );

    let order = checkout::place_order(&shop.db, basket(6, 2, 7))
        .await
        .unwrap();
    let with = reports::top_sellers(&shop.db, 2).await.unwrap();
    assert_eq!((with[0].title.as_str(), with[0].copies), ("Emma", 7));
    assert_eq!(with[0].revenue, money(13650));
    assert_eq!(with[1], top[0]);

    orders::cancel(&shop.db, order.id).await.unwrap();
    assert_eq!(reports::top_sellers(&shop.db, 2).await.unwrap(), top);
}

async fn spending_counts_every_customer(shop: &Shop) {
    let before = reports::spending(&shop.db).await.unwrap();
    assert_eq!(before.len(), 6);
    assert_eq!(
        (before[1].name.as_str(), before[1].orders),
        ("Barbara Barnes", 2)
    );
    assert_eq!(before[1].spent, Some(money(6958)));
    assert_eq!((before[5].orders, before[5].spent), (0, None));

    checkout::place_order(&shop.db, basket(6, 8, 1))
        .await
        .unwrap();
    let after = reports::spending(&shop.db).await.unwrap();
    assert_eq!(after[..5], before[..5]);
    assert_eq!((after[5].orders, after[5].spent), (1, Some(money(1500))));
}

async fn activity_joins_orders_and_reviews(shop: &Shop) {
    let activity = async || {
        let activity = reports::activity(&shop.db, 1).await.unwrap();
        let pairs = activity
            .into_iter()
            .map(|entry| (entry.kind, entry.subject_id));
        pairs.collect::<Vec<_>>()
    };
    let entry = |kind: &str, id| (kind.to_owned(), id);
    assert_eq!(
        activity().await,
        [
            entry("order", 1),
            entry("order", 2),
            entry("review", 1),
            entry("review", 3)
        ]
    );

    let review = reviews::NewReview {
        book_id: 12,
        customer_id: 1,
        rating: 4,
        body: "Points and lines.".into(),
        written_at: date_time("2024-05-04T20:15:00"),
    };
    let review = reviews::submit(&shop.db, review).await.unwrap();
    reviews::withdraw(&shop.db, 3).await.unwrap();
    let order = checkout::place_order(&shop.db, basket(1, 8, 1))
        .await
        .unwrap();
    assert_eq!(
        activity().await,
        [
            entry("order", 1),
            entry("order", 2),
            entry("order", order.id),
            entry("review", 1),
            entry("review", review.id)
        ]
    );
}

fn basket(customer_id: i32, book_id: i32, quantity: i32) -> Basket {
    Basket {
        customer_id,
        address_id: None,
        items: vec![Item { book_id, quantity }],
        promotion: None,
        placed_at: instant("2024-05-05T15:00:00"),
    }
}
