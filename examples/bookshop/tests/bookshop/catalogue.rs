use larder_bookshop::{
    Shop,
    entity::book::BookFormat,
    service::{
        catalogue, editing, inventory, listings,
        search::{self, Search},
    },
};

use crate::place::{date, money, titles};

scenarios!(
    category_page_follows_new_books,
    second_page_of_a_category_holds_the_rest,
    newest_books_go_on_where_the_last_page_ended,
    changed_price_shows_everywhere,
    search_by_author_and_price_follows_the_price,
    sold_out_book_is_no_longer_available,
    tiles_and_publisher_list_show_the_imprint,
    feed_follows_the_catalogue,
);

async fn category_page_follows_new_books(shop: &Shop) {
    let before = catalogue::category_page(&shop.db, "mathematics", 0, 10)
        .await
        .unwrap();
    assert_eq!(titles(&before.books), ["Elements", "Notes on the Engine"]);
    assert_eq!((before.total, before.pages), (2, 1));

    let book = editing::list_book(&shop.db, conics()).await.unwrap();
    let after = catalogue::category_page(&shop.db, "mathematics", 0, 10)
        .await
        .unwrap();
    assert_eq!(
        titles(&after.books),
        ["Conics", "Elements", "Notes on the Engine"]
    );
    assert_eq!(after.total, 3);
    assert_eq!(after.books[0], book);

    editing::remove_book(&shop.db, book.id).await.unwrap();
    let last = catalogue::category_page(&shop.db, "mathematics", 0, 10)
        .await
        .unwrap();
    assert_eq!(last.books, before.books);
}

async fn second_page_of_a_category_holds_the_rest(shop: &Shop) {
    let first = catalogue::category_page(&shop.db, "novels", 0, 3)
        .await
        .unwrap();
    assert_eq!(
        titles(&first.books),
        ["Emma", "Frankenstein", "No Thoroughfare"]
    );
    assert_eq!((first.total, first.pages), (5, 2));
    let second = catalogue::category_page(&shop.db, "novels", 1, 3)
        .await
        .unwrap();
    assert_eq!(
        titles(&second.books),
        ["Pride and Prejudice", "The Moonstone"]
    );

    editing::take_out_of_print(&shop.db, 1, BookFormat::Hardcover)
        .await
        .unwrap();
    let first = catalogue::category_page(&shop.db, "novels", 0, 3)
        .await
        .unwrap();
    assert_eq!(
        titles(&first.books),
        ["Frankenstein", "No Thoroughfare", "Pride and Prejudice"]
    );
    let second = catalogue::category_page(&shop.db, "novels", 1, 3)
        .await
        .unwrap();
    assert_eq!(titles(&second.books), ["The Moonstone"]);
    assert_eq!((second.total, second.pages), (4, 2));
}

async fn newest_books_go_on_where_the_last_page_ended(shop: &Shop) {
    let first = catalogue::newest(&shop.db, None, 2).await.unwrap();
    assert_eq!(titles(&first), ["Notes on the Engine", "No Thoroughfare"]);
    let last = (first[1].published_on, first[1].id);
    let second = catalogue::newest(&shop.db, Some(last), 2).await.unwrap();
    assert_eq!(titles(&second), ["Frankenstein", "Emma"]);

    editing::list_book(&shop.db, conics()).await.unwrap();
    let first = catalogue::newest(&shop.db, None, 2).await.unwrap();
    assert_eq!(titles(&first), ["Conics", "Notes on the Engine"]);
    let again = catalogue::newest(&shop.db, Some(last), 2).await.unwrap();
    assert_eq!(again, second);
}

async fn changed_price_shows_everywhere(shop: &Shop) {
    let page = catalogue::book_page(&shop.db, "978-0000000094")
        .await
        .unwrap();
    assert_eq!(page.book.price, money(825));
    let prices = listings::price_list(&shop.db).await.unwrap();
    assert_eq!(prices[0], ("No Thoroughfare".into(), money(640)));

    editing::change_price(&shop.db, page.book.id, money(595))
        .await
        .unwrap();
    let page = catalogue::book_page(&shop.db, "978-0000000094")
        .await
        .unwrap();
    assert_eq!(page.book.price, money(595));
    assert_eq!(page.publisher.unwrap().name, "Harbour House");
    assert_eq!(page.authors[0].name, "Wilkie Collins");
    let prices = listings::price_list(&shop.db).await.unwrap();
    assert_eq!(prices[0], ("The Moonstone".into(), money(595)));
    assert_eq!(prices[1], ("No Thoroughfare".into(), money(640)));
    let shelf = catalogue::category_page(&shop.db, "novels", 0, 10)
        .await
        .unwrap();
    assert_eq!(shelf.books[4].price, money(595));
}

async fn search_by_author_and_price_follows_the_price(shop: &Shop) {
    let cheap = Search {
        words: Some("AUSTEN".into()),
        at_most: Some(money(1000)),
        ..Default::default()
    };
    let found = search::books(&shop.db, cheap.clone()).await.unwrap();
    assert_eq!(titles(&found), ["Pride and Prejudice"]);

    editing::change_price(&shop.db, 2, money(999))
        .await
        .unwrap();
    let found = search::books(&shop.db, cheap).await.unwrap();
    assert_eq!(titles(&found), ["Emma", "Pride and Prejudice"]);
    let hardcover = Search {
        words: Some("the".into()),
        format: Some(BookFormat::Hardcover),
        ..Default::default()
    };
    let found = search::books(&shop.db, hardcover).await.unwrap();
    assert_eq!(titles(&found), ["On the Origin of Species"]);
}

async fn sold_out_book_is_no_longer_available(shop: &Shop) {
    let moonstone = Search {
        words: Some("moonstone".into()),
        available: true,
        ..Default::default()
    };
    assert_eq!(
        search::books(&shop.db, moonstone.clone())
            .await
            .unwrap()
            .len(),
        1
    );

    assert!(inventory::take(&shop.db, 1, 9, 2).await.unwrap());
    assert!(
        search::books(&shop.db, moonstone.clone())
            .await
            .unwrap()
            .is_empty()
    );

    inventory::receive(&shop.db, 2, 9, 1).await.unwrap();
    let found = search::books(&shop.db, moonstone).await.unwrap();
    assert_eq!(titles(&found), ["The Moonstone"]);
}

async fn tiles_and_publisher_list_show_the_imprint(shop: &Shop) {
    let tiles = listings::tiles(&shop.db, BookFormat::Audio).await.unwrap();
    let imprint = tiles[0].publisher.clone().unwrap();
    assert_eq!(tiles[0].title, "Around the World");
    assert_eq!(imprint.publisher_name, "Lantern Press");
    assert_eq!(imprint.country.as_deref(), Some("US"));
    let list = catalogue::publisher_list(&shop.db, 3).await.unwrap();
    let names: Vec<_> = list[0]
        .1
        .iter()
        .map(|author| author.name.as_str())
        .collect();
    assert_eq!(names, ["Charles Dickens", "Wilkie Collins"]);
    assert_eq!(list[1].0.title, "Elements");

    editing::close_publisher(&shop.db, 2).await.unwrap();
    let tiles = listings::tiles(&shop.db, BookFormat::Audio).await.unwrap();
    assert_eq!(tiles[0].title, "Around the World");
    assert_eq!(tiles[0].publisher, None);
    assert!(
        catalogue::publisher_list(&shop.db, 2)
            .await
            .unwrap()
            .is_empty()
    );
    let page = catalogue::book_page(&shop.db, "978-0000000056")
        .await
        .unwrap();
    assert_eq!((page.book.publisher_id, page.publisher), (None, None));
}

async fn feed_follows_the_catalogue(shop: &Shop) {
    let feed = listings::feed(&shop.db, 3).await.unwrap();
    assert_eq!(feed.len(), 2);
    assert_eq!(feed[0]["title"], "No Thoroughfare");
    assert_eq!(feed[0]["page_count"], 160);

    let book = editing::list_book(&shop.db, conics()).await.unwrap();
    let feed = listings::feed(&shop.db, 3).await.unwrap();
    assert_eq!(feed[2]["id"], book.id);
    assert_eq!(feed[2]["title"], "Conics");
    assert!(feed[2]["page_count"].is_null());
    let spines = listings::spines(&shop.db, 2).await.unwrap();
    assert_eq!(spines[0].title, "Bleak House");
    assert_eq!(spines[1].page_count, Some(576));
}

fn conics() -> editing::NewBook {
    editing::NewBook {
        publisher_id: Some(3),
        isbn: "978-0000000131".into(),
        title: "Conics".into(),
        format: BookFormat::Paperback,
        price: money(2110),
        published_on: date("2024-05-02"),
        details: None,
        author_ids: vec![8],
        category_ids: vec![5],
    }
}
