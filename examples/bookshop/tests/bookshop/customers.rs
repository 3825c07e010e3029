use larder_bookshop::{
    Shop, ShopError,
    entity::customer::Tier,
    service::{
        customers::{self, NewAddress},
        orders, reviews,
    },
};

use crate::place::instant;

scenarios!(
    registered_customer_is_found_by_email,
    second_account_for_an_email_is_refused,
    customer_who_moves_gets_a_new_default_address,
    forgotten_address_leaves_the_order,
    customer_with_orders_cannot_be_forgotten,
    forgotten_customer_takes_reviews_along,
    customer_changes_tier,
    customers_wait_until_their_order_is_shipped,
);

async fn registered_customer_is_found_by_email(shop: &Shop) {
    let email = "gwen.gray@example.org";
    assert_eq!(customers::by_email(&shop.db, email).await.unwrap(), None);

    let joined_at = instant("2024-05-05T08:00:00");
    let gwen = customers::register(&shop.db, "Gwen Gray", email, joined_at, quay())
        .await
        .unwrap();
    assert_eq!((gwen.tier, gwen.joined_at), (Tier::Guest, joined_at));
    assert_eq!(
        customers::by_email(&shop.db, email).await.unwrap(),
        Some(gwen.clone())
    );
    let addresses = customers::addresses(&shop.db, gwen.id).await.unwrap();
    assert_eq!(addresses[0].postal_code, "DD1 3JT");
}

async fn second_account_for_an_email_is_refused(shop: &Shop) {
    let email = "alan.abbott@example.org";
    let before = customers::by_email(&shop.db, email).await.unwrap();
    let joined_at = instant("2024-05-05T08:00:00");
    let refused = customers::register(&shop.db, "Alan Again", email, joined_at, quay()).await;
    assert!(matches!(refused, Err(ShopError::Refused(_))));
    let after = customers::by_email(&shop.db, email).await.unwrap();
    assert_eq!(after, before);
    assert_eq!(after.unwrap().name, "Alan Abbott");
}

async fn customer_who_moves_gets_a_new_default_address(shop: &Shop) {
    let before = customers::addresses(&shop.db, 1).await.unwrap();
    assert_eq!((before[0].id, before[0].is_default), (1, true));

    let address = customers::move_to(&shop.db, 1, quay()).await.unwrap();
    let after = customers::addresses(&shop.db, 1).await.unwrap();
    assert_eq!(after[0], address);
    let defaults: Vec<_> = after.iter().map(|address| address.is_default).collect();
    assert_eq!(defaults, [true, false, false]);
    assert_eq!(after[1].street, "1 Mill Lane");
}

async fn forgotten_address_leaves_the_order(shop: &Shop) {
    let before = orders::history(&shop.db, 1).await.unwrap();
    assert_eq!(before[0].address.as_ref().unwrap().city, "Hull");
    assert_eq!(before[1].address.as_ref().unwrap().city, "York");

    customers::forget_address(&shop.db, 2).await.unwrap();
    let after = orders::history(&shop.db, 1).await.unwrap();
    assert_eq!(
        (after[0].order.address_id, &after[0].address),
        (None, &None)
    );
    assert_eq!(after[1], before[1]);
    assert_eq!(after[0].lines, before[0].lines);
}

async fn customer_with_orders_cannot_be_forgotten(shop: &Shop) {
    let email = "dmitri.dale@example.org";
    let before = customers::by_email(&shop.db, email).await.unwrap();
    let refused = customers::forget(&shop.db, 4).await;
    assert!(matches!(
        refused,
        Err(ShopError::Refused("the customer has orders"))
    ));
    assert_eq!(customers::by_email(&shop.db, email).await.unwrap(), before);
    assert_eq!(customers::addresses(&shop.db, 4).await.unwrap().len(), 1);
}

async fn forgotten_customer_takes_reviews_along(shop: &Shop) {
    let pending = reviews::pending(&shop.db).await.unwrap();
    let ids: Vec<_> = pending.iter().map(|(review, _, _)| review.id).collect();
    assert_eq!(ids, [4, 6]);
    assert_eq!(pending[1].2.as_ref().unwrap().name, "Finn Falk");

    customers::forget(&shop.db, 6).await.unwrap();
    let pending = reviews::pending(&shop.db).await.unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].0.id, 4);
    assert_eq!(reviews::count_pending(&shop.db).await.unwrap(), 1);
}

async fn customer_changes_tier(shop: &Shop) {
    let patrons = customers::of_tier(&shop.db, Tier::Patron).await.unwrap();
    let ids: Vec<_> = patrons.iter().map(|customer| customer.id).collect();
    assert_eq!(ids, [1, 5]);

    customers::change_tier(&shop.db, 2, Tier::Patron)
        .await
        .unwrap();
    customers::change_tier(&shop.db, 5, Tier::Guest)
        .await
        .unwrap();
    let patrons = customers::of_tier(&shop.db, Tier::Patron).await.unwrap();
    let names: Vec<_> = patrons
        .iter()
        .map(|customer| customer.name.as_str())
        .collect();
    assert_eq!(names, ["Barbara Barnes", "Alan Abbott"]);
    let readers = customers::of_tier(&shop.db, Tier::Reader).await.unwrap();
    assert_eq!(readers.len(), 3);
}

async fn customers_wait_until_their_order_is_shipped(shop: &Shop) {
    let waiting = async || {
        let waiting = customers::waiting(&shop.db).await.unwrap();
        let names = waiting.into_iter().map(|customer| customer.name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        waiting().await,
        ["Alan Abbott", "Barbara Barnes", "Esi Ebo"]
    );
    orders::ship_paid(&shop.db).await.unwrap();
    assert_eq!(waiting().await, ["Alan Abbott", "Esi Ebo"]);
    orders::cancel(&shop.db, 6).await.unwrap();
    assert_eq!(waiting().await, ["Alan Abbott"]);
}

fn quay() -> NewAddress {
    NewAddress {
        street: "7 Quay".into(),
        city: "Dundee".into(),
        postal_code: "DD1 3JT".into(),
    }
}
