//! Publishers, authors and books.

use sea_orm::ConnectionTrait;

use super::{date, insert, money};
use crate::{
    entity::{
        author,
        book::{self, BookDetails, BookFormat},
        book_author, publisher,
    },
    error::Result,
};

pub(super) async fn fill<C: ConnectionTrait>(db: &C) -> Result<()> {
    insert::<publisher::Entity, _>(db, publishers()).await?;
    insert::<author::Entity, _>(db, authors()).await?;
    insert::<book::Entity, _>(db, books()).await?;
    insert::<book_author::Entity, _>(db, title_pages()).await
}

fn publishers() -> Vec<publisher::Model> {
    let publisher =
        |id, name: &str, country: Option<&str>, founded_on: Option<&str>| publisher::Model {
            id,
            name: name.into(),
            country: country.map(Into::into),
            founded_on: founded_on.map(date),
        };
    vec![
        publisher(1, "Harbour House", Some("GB"), Some("1921-03-01")),
        publisher(2, "Lantern Press", Some("US"), Some("1978-10-12")),
        publisher(3, "Old Bridge", None, None),
    ]
}

fn authors() -> Vec<author::Model> {
    let author = |id, name: &str, biography: Option<&str>, born_on: Option<&str>| author::Model {
        id,
        name: name.into(),
        biography: biography.map(Into::into),
        born_on: born_on.map(date),
    };
    vec![
        author(
            1,
            "Jane Austen",
            Some("Wrote six novels."),
            Some("1775-12-16"),
        ),
        author(2, "Mary Shelley", None, Some("1797-08-30")),
        author(3, "Jules Verne", None, Some("1828-02-08")),
        author(
            4,
            "Charles Darwin",
            Some("Sailed once."),
            Some("1809-02-12"),
        ),
        author(5, "Ada Lovelace", None, Some("1815-12-10")),
        author(6, "Wilkie Collins", None, Some("1824-01-08")),
        author(7, "Charles Dickens", None, Some("1812-02-07")),
        author(8, "Euclid", None, None),
    ]
}

fn books() -> Vec<book::Model> {
    use BookFormat::{Audio, Hardcover, Paperback};
    let book = |id, publisher_id, isbn: &str, title: &str, format, cents, published_on: &str| {
        book::Model {
            id,
            publisher_id,
            isbn: isbn.into(),
            title: title.into(),
            format,
            price: money(cents),
            published_on: date(published_on),
            page_count: pages(id),
            in_print: id != 11,
            details: details(id),
        }
    };
    vec![
        book(
            1,
            Some(1),
            "978-0000000018",
            "Pride and Prejudice",
            Paperback,
            899,
            "2003-01-30",
        ),
        book(
            2,
            Some(1),
            "978-0000000025",
            "Emma",
            Hardcover,
            1950,
            "2015-10-05",
        ),
        book(
            3,
            Some(1),
            "978-0000000032",
            "Frankenstein",
            Paperback,
            750,
            "2018-03-08",
        ),
        book(
            4,
            Some(2),
            "978-0000000049",
            "Twenty Thousand Leagues",
            Paperback,
            975,
            "2010-06-14",
        ),
        book(
            5,
            Some(2),
            "978-0000000056",
            "Around the World",
            Audio,
            1200,
            "2012-09-01",
        ),
        book(
            6,
            Some(2),
            "978-0000000063",
            "On the Origin of Species",
            Hardcover,
            2400,
            "2009-11-24",
        ),
        book(
            7,
            Some(2),
            "978-0000000070",
            "The Voyage of the Beagle",
            Paperback,
            1125,
            "2001-02-12",
        ),
        book(
            8,
            None,
            "978-0000000087",
            "Notes on the Engine",
            Paperback,
            1500,
            "2021-12-10",
        ),
        book(
            9,
            Some(1),
            "978-0000000094",
            "The Moonstone",
            Paperback,
            825,
            "1998-07-30",
        ),
        book(
            10,
            Some(3),
            "978-0000000100",
            "No Thoroughfare",
            Paperback,
            640,
            "2019-04-18",
        ),
        book(
            11,
            Some(1),
            "978-0000000117",
            "Bleak House",
            Hardcover,
            2275,
            "2011-11-03",
        ),
        book(
            12,
            Some(3),
            "978-0000000124",
            "Elements",
            Hardcover,
            3180,
            "2002-08-30",
        ),
    ]
}

fn pages(book_id: i32) -> Option<i32> {
    // An audio book has none.
    const PAGES: [i32; 12] = [480, 512, 288, 448, 0, 576, 432, 96, 528, 160, 1088, 512];
    let pages = PAGES[usize::try_from(book_id - 1).expect("a book of the seed")];
    (pages > 0).then_some(pages)
}

fn details(book_id: i32) -> Option<BookDetails> {
    let (translator, keywords): (Option<&str>, &[&str]) = match book_id {
        4 => (Some("Lewis Mercier"), &["sea", "submarine"]),
        8 => (None, &["engine", "algorithm"]),
        12 => (Some("Thomas Heath"), &["geometry"]),
        _ => return None,
    };
    Some(BookDetails {
        language: "en".into(),
        translator: translator.map(Into::into),
        keywords: keywords.iter().map(|&word| word.into()).collect(),
    })
}

fn title_pages() -> Vec<book_author::Model> {
    const WROTE: &[(i32, i32, i32)] = &[
        (1, 1, 1),
        (2, 1, 1),
        (3, 2, 1),
        (4, 3, 1),
        (5, 3, 1),
        (6, 4, 1),
        (7, 4, 1),
        (8, 5, 1),
        (9, 6, 1),
        (10, 7, 1),
        (10, 6, 2),
        (11, 7, 1),
        (12, 8, 1),
    ];
    let line = |&(book_id, author_id, position)| book_author::Model {
        book_id,
        author_id,
        position,
    };
    WROTE.iter().map(line).collect()
}
