//! Promotions, orders and payments.

use sea_orm::{
    ConnectionTrait,
    prelude::{Json, Uuid},
};

use super::{date, insert, instant, money};
use crate::{
    entity::{
        customer_order::{self, OrderStatus},
        order_line, payment, promotion,
    },
    error::Result,
};

pub(super) async fn fill<C: ConnectionTrait>(db: &C) -> Result<()> {
    insert::<promotion::Entity, _>(db, promotions()).await?;
    insert::<customer_order::Entity, _>(db, orders()).await?;
    insert::<order_line::Entity, _>(db, lines()).await?;
    insert::<payment::Entity, _>(db, payments()).await
}

fn promotions() -> Vec<promotion::Model> {
    let promotion = |id, code: &str, percent, uses_left, starts_on: &str, ends_on: Option<&str>| {
        let minimum = if id == 1 { 20 } else { 0 };
        promotion::Model {
            id,
            code: code.into(),
            percent,
            uses_left,
            starts_on: date(starts_on),
            ends_on: ends_on.map(date),
            conditions: Json::from_iter([("minimum", minimum)]),
        }
    };
    vec![
        promotion(1, "SPRING", 10, 2, "2024-03-01", Some("2024-05-31")),
        promotion(2, "WELCOME", 5, 100, "2024-01-01", None),
        promotion(3, "EARLYBIRD", 50, 0, "2024-01-01", None),
    ]
}

fn orders() -> Vec<customer_order::Model> {
    use OrderStatus::{Cancelled, Open, Paid, Shipped};
    let order =
        |id, customer_id, address_id, status, cents, placed_at: &str| customer_order::Model {
            id,
            customer_id,
            address_id,
            promotion_id: (id == 1).then_some(1),
            status,
            total: money(cents),
            note: (id == 6).then(|| "gift wrap".into()),
            placed_at: instant(placed_at),
        };
    vec![
        order(1, 1, Some(1), Shipped, 3778, "2024-03-10T09:00:00"),
        order(2, 1, Some(2), Paid, 3180, "2024-04-02T19:15:00"),
        order(3, 2, Some(3), Open, 2175, "2024-04-20T13:05:00"),
        order(4, 3, Some(4), Cancelled, 2275, "2024-02-01T06:40:00"),
        order(5, 4, Some(5), Shipped, 3447, "2024-04-25T22:30:00"),
        order(6, 5, None, Open, 1500, "2024-05-01T10:00:00"),
    ]
}

fn lines() -> Vec<order_line::Model> {
    let line = |id, order_id, book_id, quantity, cents| order_line::Model {
        id,
        order_id,
        book_id,
        quantity,
        unit_price: money(cents),
    };
    vec![
        line(1, 1, 1, 2, 899),
        line(2, 1, 6, 1, 2400),
        line(3, 2, 12, 1, 3180),
        line(4, 3, 4, 1, 975),
        line(5, 3, 5, 1, 1200),
        line(6, 4, 11, 1, 2275),
        line(7, 5, 1, 3, 899),
        line(8, 5, 3, 1, 750),
        line(9, 6, 8, 1, 1500),
    ]
}

fn payments() -> Vec<payment::Model> {
    let payment = |order_id: i32, method: &str, cents, settled_at: Option<&str>| payment::Model {
        id: Uuid::from_u128(0xb00c_0000_0000_4000_8000_0000_0000_0000 + order_id as u128),
        order_id,
        method: method.into(),
        amount: money(cents),
        settled_at: settled_at.map(instant),
    };
    vec![
        payment(1, "card", 3778, Some("2024-03-10T09:02:00")),
        payment(2, "transfer", 3180, None),
        payment(5, "card", 3447, Some("2024-04-25T22:31:00")),
    ]
}
