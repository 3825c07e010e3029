use larder_bookshop::{
    Shop, ShopError,
    entity::book::{BookDetails, BookFormat},
    service::{catalogue, editing, inventory, listings, reports, reviews},
};

use crate::place::{date, money};

scenarios!(
    book_out_of_print_is_no_longer_listed,
    details_of_an_edition_are_replaced_and_removed,
    shelved_book_counts_in_the_menu,
    new_format_appears_among_the_formats,
    new_shelf_grows_on_its_branch,
    removed_book_takes_reviews_and_stock_along,
    book_with_unknown_author_leaves_nothing_behind,
);

async fn book_out_of_print_is_no_longer_listed(shop: &Shop) {
    assert!(
        catalogue::is_listed(&shop.db, "978-0000000056")
            .await
            .unwrap()
    );
    assert!(
        catalogue::is_listed(&shop.db, "978-0000000049")
            .await
            .unwrap()
    );

    let changed = editing::take_out_of_print(&shop.db, 2, BookFormat::Audio)
        .await
        .unwrap();
    assert_eq!(changed, 1);
    assert!(
        !catalogue::is_listed(&shop.db, "978-0000000056")
            .await
            .unwrap()
    );
    assert!(
        catalogue::is_listed(&shop.db, "978-0000000049")
            .await
            .unwrap()
    );
    let again = editing::take_out_of_print(&shop.db, 2, BookFormat::Audio)
        .await
        .unwrap();
    assert_eq!(again, 0);
}

async fn details_of_an_edition_are_replaced_and_removed(shop: &Shop) {
    let page = catalogue::book_page(&shop.db, "978-0000000124")
        .await
        .unwrap();
    let mut details = page.book.details.unwrap();
    assert_eq!(details.translator.as_deref(), Some("Thomas Heath"));
    assert_eq!(details.keywords, ["geometry"]);

    details.keywords.push("parallels".into());
    editing::describe(&shop.db, 12, Some(details.clone()))
        .await
        .unwrap();
    let page = catalogue::book_page(&shop.db, "978-0000000124")
        .await
        .unwrap();
    assert_eq!(page.book.details, Some(details));
    assert_eq!(page.book.title, "Elements");

    editing::describe(&shop.db, 12, None).await.unwrap();
    let page = catalogue::book_page(&shop.db, "978-0000000124")
        .await
        .unwrap();
    assert_eq!(page.book.details, None);
}

async fn shelved_book_counts_in_the_menu(shop: &Shop) {
    let menu = listings::shelves(&shop.db, 3).await.unwrap();
    let menu: Vec<_> = menu
        .iter()
        .map(|shelf| (shelf.slug.as_str(), shelf.books))
        .collect();
    assert_eq!(menu, [("novels", 6), ("adventure", 3), ("science", 3)]);

    editing::shelve(&shop.db, 3, 5).await.unwrap();
    editing::shelve(&shop.db, 3, 5).await.unwrap();
    let menu = listings::shelves(&shop.db, 3).await.unwrap();
    assert_eq!(menu[2].slug, "mathematics");
    assert_eq!(menu[2].books, 3);
    let page = catalogue::book_page(&shop.db, "978-0000000032")
        .await
        .unwrap();
    let shelves: Vec<_> = page
        .categories
        .iter()
        .map(|shelf| shelf.name.as_str())
        .collect();
    assert_eq!(shelves, ["Mathematics", "Novels"]);
}

async fn new_format_appears_among_the_formats(shop: &Shop) {
    let all = [
        BookFormat::Audio,
        BookFormat::Hardcover,
        BookFormat::Paperback,
    ];
    assert_eq!(listings::formats(&shop.db).await.unwrap(), all);

    // The only audio book has been ordered; a second one shows that formats do not repeat.
    editing::list_book(&shop.db, audio_book("978-0000000148", &[1]))
        .await
        .unwrap();
    assert_eq!(listings::formats(&shop.db).await.unwrap(), all);
    let tiles = listings::tiles(&shop.db, BookFormat::Audio).await.unwrap();
    let titles: Vec<_> = tiles.iter().map(|tile| tile.title.as_str()).collect();
    assert_eq!(titles, ["Around the World", "Persuasion"]);
}

async fn new_shelf_grows_on_its_branch(shop: &Shop) {
    let branches = reports::branches(&shop.db, "fiction").await.unwrap();
    let names: Vec<_> = branches.iter().map(|branch| branch.name.as_str()).collect();
    assert_eq!(names, ["Fiction", "Adventure", "Novels"]);

    let sea = editing::add_category(&shop.db, "sea", "Sea stories", Some(4))
        .await
        .unwrap();
    let branches = reports::branches(&shop.db, "fiction").await.unwrap();
    assert_eq!(branches.len(), 4);
    assert_eq!(
        (branches[3].name.as_str(), branches[3].depth),
        ("Sea stories", 2)
    );

    editing::shelve(&shop.db, 4, sea.id).await.unwrap();
    let page = catalogue::category_page(&shop.db, "sea", 0, 5)
        .await
        .unwrap();
    assert_eq!(page.books[0].title, "Twenty Thousand Leagues");
}

async fn removed_book_takes_reviews_and_stock_along(shop: &Shop) {
    let refused = editing::remove_book(&shop.db, 1).await;
    assert!(matches!(refused, Err(ShopError::Refused(_))));
    let ordered = catalogue::book_page(&shop.db, "978-0000000018")
        .await
        .unwrap();
    assert_eq!(ordered.reviews.len(), 2);

    let book = editing::list_book(&shop.db, audio_book("978-0000000148", &[1]))
        .await
        .unwrap();
    inventory::receive(&shop.db, 1, book.id, 4).await.unwrap();
    let review = reviews::NewReview {
        book_id: book.id,
        customer_id: 1,
        rating: 3,
        body: "Well read.".into(),
        written_at: date("2024-05-03").into(),
    };
    let review = reviews::submit(&shop.db, review).await.unwrap();
    reviews::approve(&shop.db, &[review.id]).await.unwrap();
    assert_eq!(
        reviews::verdict(&shop.db, book.id).await.unwrap().reviews,
        1
    );
    let stock = inventory::on_hand(&shop.db, book.id).await.unwrap();
    assert_eq!(stock, [("NORTH".into(), 4)]);

    editing::remove_book(&shop.db, book.id).await.unwrap();
    assert_eq!(
        reviews::verdict(&shop.db, book.id).await.unwrap().reviews,
        0
    );
    assert!(
        inventory::on_hand(&shop.db, book.id)
            .await
            .unwrap()
            .is_empty()
    );
    let gone = catalogue::book_page(&shop.db, "978-0000000148").await;
    assert!(matches!(gone, Err(ShopError::NotFound("book"))));
}

async fn book_with_unknown_author_leaves_nothing_behind(shop: &Shop) {
    let isbn = "978-0000000148";
    assert!(!catalogue::is_listed(&shop.db, isbn).await.unwrap());
    let failed = editing::list_book(&shop.db, audio_book(isbn, &[1, 999])).await;
    assert!(matches!(failed, Err(ShopError::Database(_))));
    assert!(!catalogue::is_listed(&shop.db, isbn).await.unwrap());

    editing::list_book(&shop.db, audio_book(isbn, &[1]))
        .await
        .unwrap();
    assert!(catalogue::is_listed(&shop.db, isbn).await.unwrap());
}

fn audio_book(isbn: &str, author_ids: &[i32]) -> editing::NewBook {
    editing::NewBook {
        publisher_id: Some(2),
        isbn: isbn.into(),
        title: "Persuasion".into(),
        format: BookFormat::Audio,
        price: money(1300),
        published_on: date("2024-05-02"),
        details: Some(BookDetails {
            language: "en".into(),
            ..Default::default()
        }),
        author_ids: author_ids.to_vec(),
        category_ids: vec![3],
    }
}
