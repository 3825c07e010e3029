use larder_bookshop::{
    Shop, ShopError,
    service::events::{self, NewEvent},
};

use crate::place::{instant, money};

scenarios!(
    announced_event_has_seats_for_its_guests,
    seats_are_sold_until_there_are_none,
    ticket_is_checked_in_at_the_door,
    event_that_is_called_off_takes_its_tickets_along,
);

async fn announced_event_has_seats_for_its_guests(shop: &Shop) {
    let upcoming = events::upcoming(&shop.db, instant("2024-06-30T00:00:00"))
        .await
        .unwrap();
    assert_eq!(upcoming.len(), 1);
    assert_eq!(upcoming[0].title, "An evening with the Engine");
    assert!(upcoming[0].tickets.is_loaded() && upcoming[0].tickets.is_empty());

    let new = NewEvent {
        slug: "emma-tea".into(),
        title: "Tea with Emma".into(),
        starts_at: instant("2024-07-07T16:00:00"),
        capacity: 12,
        guests_of_honour: vec!["Esi Ebo".into(), "Finn Falk".into()],
    };
    let announced = events::announce(&shop.db, new).await.unwrap();
    let upcoming = events::upcoming(&shop.db, instant("2024-06-30T00:00:00"))
        .await
        .unwrap();
    assert_eq!(upcoming[0].title, "Tea with Emma");
    assert_eq!(upcoming[0].id, announced.id);
    let holders: Vec<_> = upcoming[0]
        .tickets
        .iter()
        .map(|ticket| &ticket.holder)
        .collect();
    assert_eq!(holders, ["Esi Ebo", "Finn Falk"]);
    assert_eq!(upcoming[0].tickets[1].price, money(0));
    let event = events::by_slug(&shop.db, "emma-tea").await.unwrap();
    assert_eq!((event.id, event.capacity), (announced.id, 12));
}

async fn seats_are_sold_until_there_are_none(shop: &Shop) {
    let before = events::guest_list(&shop.db, "moonstone-night")
        .await
        .unwrap();
    let holders: Vec<_> = before.tickets.iter().map(|ticket| &ticket.holder).collect();
    assert_eq!(holders, ["Barbara Barnes", "Alan Abbott"]);

    let ticket = events::sell(&shop.db, "moonstone-night", "Dmitri Dale", money(650))
        .await
        .unwrap();
    let after = events::guest_list(&shop.db, "moonstone-night")
        .await
        .unwrap();
    assert_eq!(after.tickets.len(), 3);
    assert_eq!(after.tickets[2], ticket);
    assert_eq!(after.tickets[2].price, money(650));

    let refused = events::sell(&shop.db, "moonstone-night", "Late", money(650)).await;
    assert!(matches!(refused, Err(ShopError::SoldOut)));
    let last = events::guest_list(&shop.db, "moonstone-night")
        .await
        .unwrap();
    assert_eq!(last, after);
}

async fn ticket_is_checked_in_at_the_door(shop: &Shop) {
    let ticket = events::ticket(&shop.db, 2).await.unwrap();
    assert!(!ticket.checked_in);
    assert_eq!(ticket.event.as_ref().unwrap().slug, "moonstone-night");

    events::check_in(&shop.db, 2).await.unwrap();
    let ticket = events::ticket(&shop.db, 2).await.unwrap();
    assert!(ticket.checked_in);
    assert_eq!(ticket.holder, "Alan Abbott");
    let list = events::guest_list(&shop.db, "moonstone-night")
        .await
        .unwrap();
    let inside: Vec<_> = list
        .tickets
        .iter()
        .map(|ticket| ticket.checked_in)
        .collect();
    assert_eq!(inside, [false, true]);
}

async fn event_that_is_called_off_takes_its_tickets_along(shop: &Shop) {
    assert_eq!(
        events::by_slug(&shop.db, "moonstone-night")
            .await
            .unwrap()
            .id,
        1
    );
    assert_eq!(
        events::ticket(&shop.db, 1).await.unwrap().holder,
        "Barbara Barnes"
    );

    events::call_off(&shop.db, "moonstone-night").await.unwrap();
    let gone = events::by_slug(&shop.db, "moonstone-night").await;
    assert!(matches!(gone, Err(ShopError::NotFound("event"))));
    let gone = events::ticket(&shop.db, 1).await;
    assert!(matches!(gone, Err(ShopError::NotFound("ticket"))));
    let upcoming = events::upcoming(&shop.db, instant("2024-01-01T00:00:00"))
        .await
        .unwrap();
    assert_eq!(upcoming.len(), 1);
}
