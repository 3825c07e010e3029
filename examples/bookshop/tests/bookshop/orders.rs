use larder_bookshop::{
    Shop, ShopError,
    entity::customer_order::OrderStatus,
    service::{editing, inventory, orders, reports},
};

use crate::place::{instant, money};

scenarios!(
    paid_orders_are_shipped_together,
    cancelled_order_gives_its_copies_back,
    shipped_order_cannot_be_cancelled,
    purged_orders_take_their_lines_along,
    packing_list_follows_books_and_publishers,
);

async fn paid_orders_are_shipped_together(shop: &Shop) {
    let paid = orders::queue(&shop.db, OrderStatus::Paid).await.unwrap();
    assert_eq!(paid.len(), 1);
    assert_eq!(paid[0].1.as_ref().unwrap().name, "Barbara Barnes");

    assert_eq!(orders::ship_paid(&shop.db).await.unwrap(), 1);
    assert!(
        orders::queue(&shop.db, OrderStatus::Paid)
            .await
            .unwrap()
            .is_empty()
    );
    let shipped = orders::queue(&shop.db, OrderStatus::Shipped).await.unwrap();
    let ids: Vec<_> = shipped.iter().map(|(order, _)| order.id).collect();
    assert_eq!(ids, [1, 2, 5]);
    assert_eq!(orders::ship_paid(&shop.db).await.unwrap(), 0);
}

async fn cancelled_order_gives_its_copies_back(shop: &Shop) {
    let open = orders::queue(&shop.db, OrderStatus::Open).await.unwrap();
    assert_eq!(open[0].0.id, 3);
    assert_eq!(
        inventory::on_hand(&shop.db, 4).await.unwrap(),
        [("NORTH".into(), 10)]
    );

    let order = orders::cancel(&shop.db, 3).await.unwrap();
    assert_eq!(order.status, OrderStatus::Cancelled);
    let open = orders::queue(&shop.db, OrderStatus::Open).await.unwrap();
    assert_eq!(
        open.iter().map(|(order, _)| order.id).collect::<Vec<_>>(),
        [6]
    );
    assert_eq!(
        inventory::on_hand(&shop.db, 4).await.unwrap(),
        [("NORTH".into(), 11)]
    );
    assert_eq!(
        inventory::on_hand(&shop.db, 5).await.unwrap(),
        [("NORTH".into(), 11)]
    );
}

async fn shipped_order_cannot_be_cancelled(shop: &Shop) {
    let before = orders::history(&shop.db, 4).await.unwrap();
    let refused = orders::cancel(&shop.db, 5).await;
    assert!(matches!(refused, Err(ShopError::Refused(_))));
    let unknown = orders::cancel(&shop.db, 99).await;
    assert!(matches!(unknown, Err(ShopError::NotFound("order"))));
    assert_eq!(orders::history(&shop.db, 4).await.unwrap(), before);
    assert_eq!(before[0].books.len(), 2);
    assert_eq!(before[0].address.as_ref().unwrap().postal_code, "HU1 2JJ");
}

async fn purged_orders_take_their_lines_along(shop: &Shop) {
    let lines = orders::packing_list(&shop.db, 4).await.unwrap();
    assert_eq!(lines[0].1.as_ref().unwrap().title, "Bleak House");

    let none = orders::purge_cancelled(&shop.db, instant("2024-01-01T00:00:00"))
        .await
        .unwrap();
    assert_eq!(none, 0);
    assert_eq!(orders::packing_list(&shop.db, 4).await.unwrap(), lines);

    let one = orders::purge_cancelled(&shop.db, instant("2024-03-01T00:00:00"))
        .await
        .unwrap();
    assert_eq!(one, 1);
    assert!(orders::packing_list(&shop.db, 4).await.unwrap().is_empty());
    assert!(orders::history(&shop.db, 3).await.unwrap().is_empty());
    // Nothing holds the book any more.
    editing::remove_book(&shop.db, 11).await.unwrap();
    assert_eq!(reports::revenue(&shop.db).await.unwrap().orders, 5);
}

async fn packing_list_follows_books_and_publishers(shop: &Shop) {
    let list = orders::packing_list(&shop.db, 1).await.unwrap();
    let (line, book, publisher) = &list[1];
    assert_eq!((line.quantity, line.unit_price), (1, money(2400)));
    assert_eq!(book.as_ref().unwrap().title, "On the Origin of Species");
    assert_eq!(publisher.as_ref().unwrap().name, "Lantern Press");

    editing::change_price(&shop.db, 6, money(2550))
        .await
        .unwrap();
    editing::close_publisher(&shop.db, 2).await.unwrap();
    let list = orders::packing_list(&shop.db, 1).await.unwrap();
    let (line, book, publisher) = &list[1];
    assert_eq!(line.unit_price, money(2400));
    assert_eq!(book.as_ref().unwrap().price, money(2550));
    assert_eq!(publisher, &None);
    assert_eq!(list[0].2.as_ref().unwrap().name, "Harbour House");
}
