//! User code that knows nothing of the cache compiles and runs unchanged.

use std::pin::Pin;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, QueryFilter,
    TransactionTrait,
};

use crate::{
    entities::{comment, post},
    fixture::Fixture,
};

/// A repository function as applications have it.
async fn rename<C: ConnectionTrait>(db: &C, id: i32, title: &str) -> Result<post::Model, DbErr> {
    let change = post::ActiveModel {
        id: Set(id),
        title: Set(title.to_owned()),
        ..Default::default()
    };
    change.update(db).await?;
    post::Entity::find_by_id(id).require_one(db).await
}

/// One that opens a transaction of its own, or a savepoint.
async fn rename_all<C>(db: &C, author: i32) -> Result<u64, DbErr>
where
    C: ConnectionTrait + TransactionTrait,
{
    let transaction = db.begin().await?;
    let posts = post::Entity::find()
        .filter(post::Column::AuthorId.eq(author))
        .all(&transaction)
        .await?;
    for post in &posts {
        rename(&transaction, post.id, &format!("renamed {}", post.id)).await?;
    }
    sea_orm::TransactionSession::commit(transaction).await?;
    post::Entity::find()
        .filter(post::Column::AuthorId.eq(author))
        .count(db)
        .await
}

#[tokio::test]
async fn one_function_serves_wrapper_plain_connection_and_transaction() {
    let f = Fixture::new().await;
    assert_eq!(rename(&f.db, 1, "wrapped").await.unwrap().title, "wrapped");
    assert_eq!(rename(&f.plain, 1, "plain").await.unwrap().title, "plain");
    assert_eq!(rename_all(&f.plain, 3).await.unwrap(), 2);
    assert_eq!(rename_all(&f.db, 3).await.unwrap(), 2);
    let transaction = f.db.begin().await.unwrap();
    assert_eq!(
        rename(&transaction, 2, "inside").await.unwrap().title,
        "inside"
    );
    assert_eq!(rename_all(&transaction, 4).await.unwrap(), 2);
    transaction.commit().await.unwrap();
    let row = post::Entity::find_by_id(2)
        .one(&f.db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.title, "inside");
}

#[tokio::test]
async fn futures_are_send_and_can_be_spawned() {
    let f = Fixture::new().await;
    let db = f.db.clone();
    let spawned = tokio::spawn(async move {
        rename_all(&db, 3).await?;
        let ids = db
            .transaction::<_, Vec<i32>, DbErr>(|transaction| {
                let work: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move {
                    let rows = post::Entity::find().all(transaction).await?;
                    Ok(rows.into_iter().map(|row| row.id).collect())
                });
                work
            })
            .await
            .unwrap();
        let shared = post::Entity::find().all_shared(&db).await?;
        assert_eq!(shared.len(), ids.len());
        let exists = post::Entity::find_by_id(1).exists(&db).await?;
        Ok::<_, DbErr>((ids.len(), exists))
    });
    assert_eq!(spawned.await.unwrap().unwrap(), (4, true));
}

#[tokio::test]
async fn relations_and_loaders_run_on_the_wrapper() {
    use sea_orm::LoaderTrait;
    let f = Fixture::new().await;
    let posts = post::Entity::find().all(&f.db).await.unwrap();
    let comments = posts.load_many(comment::Entity, &f.db).await.unwrap();
    assert_eq!(
        comments.iter().map(Vec::len).collect::<Vec<_>>(),
        [2, 1, 0, 0]
    );
    assert_eq!(
        posts[0]
            .find_related(comment::Entity)
            .all(&f.db)
            .await
            .unwrap()
            .len(),
        2
    );
}
