use larder_bookshop::{Shop, ShopError, service::inventory};

use crate::place::date_time;

scenarios!(
    delivery_adds_to_a_shelf_or_makes_one,
    transfer_moves_copies_between_warehouses,
    refused_transfer_moves_nothing,
    counted_shelf_is_no_longer_low,
);

async fn delivery_adds_to_a_shelf_or_makes_one(shop: &Shop) {
    let before = inventory::on_hand(&shop.db, 2).await.unwrap();
    assert_eq!(before, [("NORTH".into(), 10)]);

    inventory::receive(&shop.db, 1, 2, 5).await.unwrap();
    inventory::receive(&shop.db, 2, 2, 3).await.unwrap();
    let after = inventory::on_hand(&shop.db, 2).await.unwrap();
    assert_eq!(after, [("NORTH".into(), 15), ("SOUTH".into(), 3)]);
}

async fn transfer_moves_copies_between_warehouses(shop: &Shop) {
    let before = inventory::on_hand(&shop.db, 1).await.unwrap();
    assert_eq!(before, [("NORTH".into(), 5), ("SOUTH".into(), 8)]);

    inventory::transfer(&shop.db, 1, 2, 1, 6).await.unwrap();
    let after = inventory::on_hand(&shop.db, 1).await.unwrap();
    assert_eq!(after, [("NORTH".into(), 11), ("SOUTH".into(), 2)]);
}

async fn refused_transfer_moves_nothing(shop: &Shop) {
    let before = inventory::on_hand(&shop.db, 12).await.unwrap();
    let refused = inventory::transfer(&shop.db, 12, 1, 2, 2).await;
    assert!(matches!(
        refused,
        Err(ShopError::OutOfStock { book_id: 12 })
    ));
    assert_eq!(inventory::on_hand(&shop.db, 12).await.unwrap(), before);
    assert_eq!(before, [("NORTH".into(), 1), ("SOUTH".into(), 1)]);
}

async fn counted_shelf_is_no_longer_low(shop: &Shop) {
    let low = async || {
        let low = inventory::running_low(&shop.db, 2).await.unwrap();
        low.into_iter()
            .map(|(stock, book)| (stock.warehouse_id, book.unwrap().title, stock.quantity))
            .collect::<Vec<_>>()
    };
    let before = low().await;
    assert_eq!(before[0], (1, "Bleak House".into(), 0));
    assert_eq!(before[1], (1, "Elements".into(), 1));
    assert_eq!(before[2], (2, "Elements".into(), 1));

    let counted_at = date_time("2024-05-06T06:30:00");
    let shelf = inventory::count(&shop.db, (1, 12), 7, counted_at)
        .await
        .unwrap();
    assert_eq!((shelf.quantity, shelf.counted_at), (7, Some(counted_at)));
    let after = low().await;
    assert_eq!(after, [before[0].clone(), before[2].clone()]);
}
