use larder_bookshop::{
    Shop,
    service::{authors, editing},
};

use crate::place::{date, titles};

scenarios!(
    biography_shows_on_the_author_page,
    author_page_shows_the_shelves_of_the_books,
    new_author_is_in_the_directory_without_a_shelf,
    authors_without_a_birthday_are_taken_for_old,
);

async fn biography_shows_on_the_author_page(shop: &Shop) {
    let page = authors::author_page(&shop.db, 5).await.unwrap();
    assert_eq!(page.author.biography, None);
    assert_eq!(titles(&page.books), ["Notes on the Engine"]);

    authors::write_biography(&shop.db, 5, "Saw further.")
        .await
        .unwrap();
    let page = authors::author_page(&shop.db, 5).await.unwrap();
    assert_eq!(page.author.biography.as_deref(), Some("Saw further."));
    assert_eq!(page.author.name, "Ada Lovelace");
}

async fn author_page_shows_the_shelves_of_the_books(shop: &Shop) {
    let shelves = async || {
        let page = authors::author_page(&shop.db, 4).await.unwrap();
        let names = page.categories.into_iter().map(|category| category.name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(shelves().await, ["Adventure", "Science"]);
    editing::shelve(&shop.db, 6, 3).await.unwrap();
    assert_eq!(shelves().await, ["Adventure", "Novels", "Science"]);
}

async fn new_author_is_in_the_directory_without_a_shelf(shop: &Shop) {
    let directory = authors::directory(&shop.db).await.unwrap();
    let lovelace: Vec<_> = directory
        .iter()
        .filter(|(author, _)| author.name == "Ada Lovelace")
        .map(|(_, category)| category.as_ref().unwrap().name.as_str())
        .collect();
    assert_eq!(lovelace, ["Mathematics", "Science"]);

    let author = authors::sign(&shop.db, "Aphra Behn", date("1640-12-14"))
        .await
        .unwrap();
    let directory = authors::directory(&shop.db).await.unwrap();
    assert_eq!(directory[2], (author, None));
}

async fn authors_without_a_birthday_are_taken_for_old(shop: &Shop) {
    let old = authors::born_before(&shop.db, date("1797-01-01"))
        .await
        .unwrap();
    let names: Vec<_> = old.iter().map(|author| author.name.as_str()).collect();
    assert_eq!(names, ["Jane Austen", "Euclid"]);

    authors::sign(&shop.db, "Aphra Behn", date("1640-12-14"))
        .await
        .unwrap();
    authors::sign(&shop.db, "Mary Evans", date("1819-11-22"))
        .await
        .unwrap();
    let old = authors::born_before(&shop.db, date("1797-01-01"))
        .await
        .unwrap();
    assert_eq!(old.len(), 3);
    assert_eq!(old[2].born_on, Some(date("1640-12-14")));
}
