use larder_bookshop::{
    Shop, ShopError,
    entity::customer_order::OrderStatus,
    service::{
        checkout::{self, Basket, Item},
        inventory, orders, payments, reports,
    },
};
use sea_orm::prelude::Uuid;

use crate::place::{instant, money};

scenarios!(
    order_takes_copies_and_shows_in_the_history,
    promotion_makes_an_order_cheaper_until_it_is_used_up,
    refused_promotion_is_not_used_up,
    basket_with_a_sold_out_book_changes_nothing,
    settled_payment_makes_an_order_paid,
    later_report_replaces_a_payment,
    cancelled_order_takes_no_payment,
);

async fn order_takes_copies_and_shows_in_the_history(shop: &Shop) {
    assert!(orders::history(&shop.db, 6).await.unwrap().is_empty());
    let basket = basket(6, &[(1, 3), (9, 1)]);
    let order = checkout::place_order(&shop.db, basket).await.unwrap();
    assert_eq!(order.total, money(3 * 899 + 825));

    let history = orders::history(&shop.db, 6).await.unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].order, order);
    let quantities: Vec<_> = history[0].lines.iter().map(|line| line.quantity).collect();
    assert_eq!(quantities, [3, 1]);
    assert_eq!(history[0].lines[1].unit_price, money(825));
    assert_eq!((&history[0].address, &history[0].payment), (&None, &None));
    let stock = inventory::on_hand(&shop.db, 1).await.unwrap();
    assert_eq!(stock, [("NORTH".into(), 5), ("SOUTH".into(), 5)]);
    assert_eq!(
        inventory::on_hand(&shop.db, 9).await.unwrap(),
        [("NORTH".into(), 1)]
    );
}

async fn promotion_makes_an_order_cheaper_until_it_is_used_up(shop: &Shop) {
    let mut totals = Vec::new();
    for _ in 0..3 {
        let mut basket = basket(2, &[(6, 1)]);
        basket.promotion = Some("SPRING".into());
        let order = checkout::place_order(&shop.db, basket).await.unwrap();
        totals.push((order.total, order.promotion_id));
    }
    let cheaper = (money(2160), Some(1));
    assert_eq!(totals, [cheaper, cheaper, (money(2400), None)]);
    assert_eq!(
        inventory::on_hand(&shop.db, 6).await.unwrap(),
        [("NORTH".into(), 7)]
    );
}

async fn refused_promotion_is_not_used_up(shop: &Shop) {
    let small = Basket {
        promotion: Some("SPRING".into()),
        ..basket(2, &[(3, 1)])
    };
    for _ in 0..3 {
        let order = checkout::place_order(&shop.db, small.clone())
            .await
            .unwrap();
        assert_eq!((order.total, order.promotion_id), (money(750), None));
    }
    let large = Basket {
        promotion: Some("SPRING".into()),
        ..basket(2, &[(3, 4)])
    };
    let order = checkout::place_order(&shop.db, large).await.unwrap();
    assert_eq!((order.total, order.promotion_id), (money(2700), Some(1)));
}

async fn basket_with_a_sold_out_book_changes_nothing(shop: &Shop) {
    let orders_before = orders::history(&shop.db, 4).await.unwrap();
    let stock_before = inventory::on_hand(&shop.db, 2).await.unwrap();
    let revenue_before = reports::revenue(&shop.db).await.unwrap();

    let failed = checkout::place_order(&shop.db, basket(4, &[(2, 4), (9, 3)])).await;
    assert!(matches!(failed, Err(ShopError::OutOfStock { book_id: 9 })));
    let out_of_print = checkout::place_order(&shop.db, basket(4, &[(2, 1), (11, 1)])).await;
    assert!(matches!(out_of_print, Err(ShopError::NotFound("book"))));

    assert_eq!(orders::history(&shop.db, 4).await.unwrap(), orders_before);
    assert_eq!(inventory::on_hand(&shop.db, 2).await.unwrap(), stock_before);
    assert_eq!(reports::revenue(&shop.db).await.unwrap(), revenue_before);
}

async fn settled_payment_makes_an_order_paid(shop: &Shop) {
    let before = orders::history(&shop.db, 2).await.unwrap();
    assert_eq!(before[0].order.status, OrderStatus::Open);
    assert_eq!(before[0].payment, None);

    let payment = payments::record(&shop.db, receipt(3, Some("2024-05-06T09:00:00")))
        .await
        .unwrap();
    let after = orders::history(&shop.db, 2).await.unwrap();
    assert_eq!(after[0].order.status, OrderStatus::Paid);
    assert_eq!(after[0].payment, Some(payment));
    assert_eq!(after[0].lines, before[0].lines);
}

async fn later_report_replaces_a_payment(shop: &Shop) {
    let first = payments::of_order(&shop.db, 2).await.unwrap();
    assert_eq!(
        (first.method.as_str(), first.settled_at),
        ("transfer", None)
    );
    assert_eq!(
        payments::by_id(&shop.db, first.id).await.unwrap(),
        Some(first.clone())
    );

    let report = receipt(2, Some("2024-05-06T09:00:00"));
    let second = payments::record(&shop.db, report.clone()).await.unwrap();
    assert_eq!(second.id, first.id);
    assert_eq!(payments::by_id(&shop.db, report.id).await.unwrap(), None);
    let payment = payments::of_order(&shop.db, 2).await.unwrap();
    assert_eq!(payment.method, "card");
    assert_eq!(payment.settled_at, Some(instant("2024-05-06T09:00:00")));
    assert_eq!(
        payments::by_id(&shop.db, first.id).await.unwrap(),
        Some(payment)
    );
}

async fn cancelled_order_takes_no_payment(shop: &Shop) {
    assert!(payments::of_order(&shop.db, 4).await.is_err());
    let refused = payments::record(&shop.db, receipt(4, Some("2024-05-06T09:00:00"))).await;
    assert!(matches!(refused, Err(ShopError::Refused(_))));
    let missing = payments::of_order(&shop.db, 4).await;
    assert!(matches!(missing, Err(ShopError::NotFound("payment"))));
}

fn basket(customer_id: i32, items: &[(i32, i32)]) -> Basket {
    let item = |&(book_id, quantity)| Item { book_id, quantity };
    Basket {
        customer_id,
        address_id: None,
        items: items.iter().map(item).collect(),
        promotion: None,
        placed_at: instant("2024-05-05T15:00:00"),
    }
}

fn receipt(order_id: i32, settled_at: Option<&str>) -> payments::Receipt {
    payments::Receipt {
        id: Uuid::from_u128(0xface_0000 + u128::from(order_id.unsigned_abs())),
        order_id,
        method: "card".into(),
        amount: money(2175),
        settled_at: settled_at.map(instant),
    }
}
