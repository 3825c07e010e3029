use larder_bookshop::{
    Shop, ShopError,
    service::{
        catalogue,
        reviews::{self, NewReview, Verdict},
    },
};

use crate::place::{date_time, money};

scenarios!(
    review_shows_once_it_is_approved,
    verdict_follows_approved_and_withdrawn_reviews,
    rating_out_of_range_is_refused,
);

async fn review_shows_once_it_is_approved(shop: &Shop) {
    let bodies = async || {
        let page = catalogue::book_page(&shop.db, "978-0000000070")
            .await
            .unwrap();
        let bodies = page.reviews.into_iter().map(|review| review.body);
        bodies.collect::<Vec<_>>()
    };
    assert!(bodies().await.is_empty());
    let review = reviews::submit(&shop.db, new_review(7, 5)).await.unwrap();
    assert!(bodies().await.is_empty());
    assert_eq!(reviews::count_pending(&shop.db).await.unwrap(), 3);

    assert_eq!(
        reviews::approve(&shop.db, &[review.id, 1]).await.unwrap(),
        1
    );
    assert_eq!(bodies().await, ["As expected."]);
    assert_eq!(reviews::count_pending(&shop.db).await.unwrap(), 2);
    let pending = reviews::pending(&shop.db).await.unwrap();
    assert!(
        pending
            .iter()
            .all(|(pending, _, _)| pending.id != review.id)
    );
}

async fn verdict_follows_approved_and_withdrawn_reviews(shop: &Shop) {
    let verdict = async || reviews::verdict(&shop.db, 1).await.unwrap();
    let of = |reviews, average: i64, best| Verdict {
        reviews,
        average: Some(money(average)),
        best: Some(best),
    };
    assert_eq!(verdict().await, of(2, 450, 5));
    reviews::approve(&shop.db, &[6]).await.unwrap();
    assert_eq!(verdict().await, of(3, 333, 5));
    reviews::withdraw(&shop.db, 1).await.unwrap();
    assert_eq!(verdict().await, of(2, 250, 4));
    reviews::withdraw(&shop.db, 2).await.unwrap();
    reviews::withdraw(&shop.db, 6).await.unwrap();
    let nothing = Verdict {
        reviews: 0,
        average: None,
        best: None,
    };
    assert_eq!(verdict().await, nothing);
}

async fn rating_out_of_range_is_refused(shop: &Shop) {
    let before = reviews::pending(&shop.db).await.unwrap();
    let refused = reviews::submit(&shop.db, new_review(7, 6)).await;
    assert!(matches!(refused, Err(ShopError::Refused(_))));
    let missing = reviews::withdraw(&shop.db, 99).await;
    assert!(matches!(missing, Err(ShopError::NotFound("review"))));
    assert_eq!(reviews::pending(&shop.db).await.unwrap(), before);
    assert_eq!(before[0].1.as_ref().unwrap().title, "Elements");
}

fn new_review(book_id: i32, rating: i32) -> NewReview {
    NewReview {
        book_id,
        customer_id: 2,
        rating,
        body: "As expected.".into(),
        written_at: date_time("2024-05-04T20:15:00"),
    }
}
