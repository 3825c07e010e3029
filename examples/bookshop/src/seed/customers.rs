//! Customers, their addresses, what they think of the books and where they will listen.

use sea_orm::ConnectionTrait;

use super::{date_time, insert, instant, money};
use crate::{
    entity::{
        address,
        customer::{self, Tier},
        event, review, ticket,
    },
    error::Result,
};

pub(super) async fn fill<C: ConnectionTrait>(db: &C) -> Result<()> {
    insert::<customer::Entity, _>(db, customers()).await?;
    insert::<address::Entity, _>(db, addresses()).await?;
    insert::<review::Entity, _>(db, reviews()).await?;
    insert::<event::Entity, _>(db, events()).await?;
    insert::<ticket::Entity, _>(db, tickets()).await
}

fn customers() -> Vec<customer::Model> {
    let customer = |id, name: &str, tier, newsletter, joined_at: &str| customer::Model {
        id,
        name: name.into(),
        email: format!("{}@example.org", name.to_lowercase().replace(' ', ".")),
        tier,
        newsletter,
        joined_at: instant(joined_at),
    };
    vec![
        customer(
            1,
            "Barbara Barnes",
            Tier::Patron,
            true,
            "2020-02-01T10:00:00",
        ),
        customer(2, "Alan Abbott", Tier::Reader, false, "2021-06-15T08:30:00"),
        customer(3, "Chiara Conti", Tier::Guest, false, "2024-01-31T21:45:00"),
        customer(4, "Dmitri Dale", Tier::Reader, true, "2022-11-11T11:11:11"),
        customer(5, "Esi Ebo", Tier::Patron, false, "2019-09-09T12:00:00"),
        customer(6, "Finn Falk", Tier::Guest, false, "2024-04-30T16:20:00"),
    ]
}

fn addresses() -> Vec<address::Model> {
    let address =
        |id, customer_id, street: &str, city: &str, postal_code: &str, is_default| address::Model {
            id,
            customer_id,
            street: street.into(),
            city: city.into(),
            postal_code: postal_code.into(),
            is_default,
        };
    vec![
        address(1, 1, "1 Mill Lane", "York", "YO1 7EP", true),
        address(2, 1, "22 Station Road", "Hull", "HU1 3UF", false),
        address(3, 2, "3 King Street", "Leeds", "LS1 2HH", true),
        address(4, 3, "4 High Street", "Lewes", "BN7 2DA", true),
        address(5, 4, "5 Dock Street", "Hull", "HU1 2JJ", true),
    ]
}

fn reviews() -> Vec<review::Model> {
    let review = |id, book_id, customer_id, rating, body: &str, approved| review::Model {
        id,
        book_id,
        customer_id,
        rating,
        body: body.into(),
        approved,
        written_at: date_time(&format!("2024-04-{:02}T12:00:00", id + 10)),
    };
    vec![
        review(1, 1, 1, 5, "Once more, with pleasure.", true),
        review(2, 1, 4, 4, "Quick wits.", true),
        review(3, 6, 1, 5, "One long argument.", true),
        review(4, 12, 2, 2, "No royal road.", false),
        review(5, 4, 5, 4, "Deep.", true),
        review(6, 1, 6, 1, "No sea monsters.", false),
    ]
}

fn events() -> Vec<event::Model> {
    let event = |id, slug: &str, title: &str, starts_at: &str, capacity| event::Model {
        id,
        slug: slug.into(),
        title: title.into(),
        starts_at: instant(starts_at),
        capacity,
    };
    vec![
        event(
            1,
            "moonstone-night",
            "The Moonstone by candlelight",
            "2024-06-14T18:00:00",
            3,
        ),
        event(
            2,
            "engine-evening",
            "An evening with the Engine",
            "2024-09-01T17:30:00",
            40,
        ),
    ]
}

fn tickets() -> Vec<ticket::Model> {
    let ticket = |id, holder: &str| ticket::Model {
        id,
        event_id: 1,
        holder: holder.into(),
        price: money(650),
        checked_in: false,
    };
    vec![ticket(1, "Barbara Barnes"), ticket(2, "Alan Abbott")]
}
