//! Transactions: reads go to the database, writes show at COMMIT.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, QueryFilter,
    TransactionSession, TransactionTrait,
};

use crate::{
    entities::post,
    fixture::{Fixture, assert_hit, assert_miss},
};

fn by_author(author: i32) -> larder_sea_orm::CachedSelect<post::Entity> {
    post::Entity::find().filter(post::Column::AuthorId.eq(author))
}

async fn filled() -> Fixture {
    let f = Fixture::new().await;
    for author in [3, 4] {
        assert_miss!(f, by_author(author).all(&f.db));
    }
    f
}

async fn add(db: &impl ConnectionTrait, author: i32, title: &str) {
    let draft = post::ActiveModel {
        author_id: Set(author),
        title: Set(title.to_owned()),
        ..Default::default()
    };
    draft.insert(db).await.unwrap();
}

#[tokio::test]
async fn read_inside_sees_its_own_writes_and_stores_nothing() {
    let f = filled().await;
    let transaction = f.db.begin().await.unwrap();
    add(&transaction, 3, "mine").await;
    assert_eq!(by_author(3).all(&transaction).await.unwrap().len(), 3);
    assert!(
        f.events().last().unwrap().contains("Transaction"),
        "{:#?}",
        f.events()
    );
    // Others still see the committed state.
    assert_eq!(assert_hit!(f, by_author(3).all(&f.db)).len(), 2);
    transaction.rollback().await.unwrap();
    assert_eq!(assert_hit!(f, by_author(3).all(&f.db)).len(), 2);
}

#[tokio::test]
async fn commit_drops_what_the_writes_touched_and_keeps_the_rest() {
    let f = filled().await;
    let transaction = f.db.begin().await.unwrap();
    add(&transaction, 3, "mine").await;
    transaction.commit().await.unwrap();
    assert_hit!(f, by_author(4).all(&f.db));
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db)).len(), 3);
}

#[tokio::test]
async fn savepoint_rolled_back_leaves_no_event() {
    let f = filled().await;
    let transaction = f.db.begin().await.unwrap();
    add(&transaction, 3, "kept").await;
    let savepoint = transaction.begin().await.unwrap();
    add(&savepoint, 4, "undone").await;
    savepoint.rollback().await.unwrap();
    transaction.commit().await.unwrap();
    assert_hit!(f, by_author(4).all(&f.db));
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db)).len(), 3);
}

#[tokio::test]
async fn savepoint_released_and_rolled_back_outside_leaves_no_event() {
    let f = filled().await;
    let transaction = f.db.begin().await.unwrap();
    let savepoint = transaction.begin().await.unwrap();
    add(&savepoint, 4, "undone").await;
    savepoint.commit().await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(assert_hit!(f, by_author(4).all(&f.db)).len(), 2);
}

#[tokio::test]
async fn closure_commits_on_ok_and_rolls_back_on_err() {
    let f = filled().await;
    f.db.transaction::<_, _, DbErr>(|transaction| {
        Box::pin(async move {
            add(transaction, 3, "closure").await;
            Ok(())
        })
    })
    .await
    .unwrap();
    assert_hit!(f, by_author(4).all(&f.db));
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db)).len(), 3);
    let failed =
        f.db.transaction_async::<_, (), DbErr>(async |transaction| {
            add(transaction, 3, "undone").await;
            Err(DbErr::Custom("changed my mind".into()))
        })
        .await;
    assert_eq!(
        failed.unwrap_err().to_string(),
        "Custom Error: changed my mind"
    );
    assert_eq!(assert_hit!(f, by_author(3).all(&f.db)).len(), 3);
}

#[tokio::test]
async fn dropped_transaction_is_rolled_back_and_keeps_entries() {
    let f = filled().await;
    {
        let transaction = f.db.begin().await.unwrap();
        add(&transaction, 3, "dropped").await;
    }
    assert_eq!(assert_hit!(f, by_author(3).all(&f.db)).len(), 2);
    assert_eq!(by_author(3).uncached().all(&f.db).await.unwrap().len(), 2);
}

#[tokio::test]
async fn failed_statement_before_rollback_invalidates_all_the_same() {
    let f = filled().await;
    let transaction = f.db.begin().await.unwrap();
    add(&transaction, 3, "mine").await;
    assert!(
        transaction
            .execute_unprepared("INSERT INTO post (title) VALUES (1)")
            .await
            .is_err()
    );
    transaction.rollback().await.unwrap();
    assert_miss!(f, by_author(3).all(&f.db));
}

#[tokio::test]
async fn session_methods_are_there_through_the_trait() {
    async fn end<T: TransactionSession>(transaction: T) -> Result<(), DbErr> {
        transaction.commit().await
    }
    let f = filled().await;
    let transaction = f.db.begin_with_config(None, None).await.unwrap();
    add(&transaction, 3, "trait").await;
    end(transaction).await.unwrap();
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db)).len(), 3);
}
