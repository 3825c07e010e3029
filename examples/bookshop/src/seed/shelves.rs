//! Where the books stand in the shop and where their copies lie.

use sea_orm::ConnectionTrait;

use super::{date_time, insert};
use crate::{
    entity::{book_category, category, stock, warehouse},
    error::Result,
};

pub(super) async fn fill<C: ConnectionTrait>(db: &C) -> Result<()> {
    insert::<category::Entity, _>(db, categories()).await?;
    insert::<book_category::Entity, _>(db, shelves()).await?;
    insert::<warehouse::Entity, _>(db, warehouses()).await?;
    insert::<stock::Entity, _>(db, stocks()).await
}

fn categories() -> Vec<category::Model> {
    let category = |id, parent_id, slug: &str, name: &str| category::Model {
        id,
        parent_id,
        slug: slug.into(),
        name: name.into(),
    };
    vec![
        category(1, None, "fiction", "Fiction"),
        category(2, None, "science", "Science"),
        category(3, Some(1), "novels", "Novels"),
        category(4, Some(1), "adventure", "Adventure"),
        category(5, Some(2), "mathematics", "Mathematics"),
    ]
}

fn shelves() -> Vec<book_category::Model> {
    const SHELVES: &[(i32, &[i32])] = &[
        (2, &[6, 7, 8]),
        (3, &[1, 2, 3, 9, 10, 11]),
        (4, &[4, 5, 7]),
        (5, &[8, 12]),
    ];
    let shelf = |&(category_id, books): &(i32, &'static [i32])| {
        books.iter().map(move |&book_id| book_category::Model {
            book_id,
            category_id,
        })
    };
    SHELVES.iter().flat_map(shelf).collect()
}

fn warehouses() -> Vec<warehouse::Model> {
    let warehouse = |id, code: &str, city: &str| warehouse::Model {
        id,
        code: code.into(),
        city: city.into(),
    };
    vec![
        warehouse(1, "NORTH", "Leeds"),
        warehouse(2, "SOUTH", "Brighton"),
    ]
}

fn stocks() -> Vec<stock::Model> {
    const NORTH: [i32; 12] = [5, 10, 10, 10, 10, 10, 10, 10, 2, 10, 0, 1];
    const SOUTH: &[(i32, i32)] = &[(1, 8), (12, 1)];
    let north = (1..).zip(NORTH).map(|(book, quantity)| (1, book, quantity));
    let south = SOUTH.iter().map(|&(book, quantity)| (2, book, quantity));
    let stock = |(warehouse_id, book_id, quantity)| stock::Model {
        warehouse_id,
        book_id,
        quantity,
        counted_at: (warehouse_id == 1).then(|| date_time("2024-01-02T07:00:00")),
    };
    north.chain(south).map(stock).collect()
}
