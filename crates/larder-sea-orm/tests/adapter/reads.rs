//! What is answered from the cache.

use std::{sync::Arc, time::Duration};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    entities::{comment, label, post, post_label, secret},
    fixture::{Fixture, assert_hit, assert_miss},
};

fn by_author(author: i32) -> larder_sea_orm::CachedSelect<post::Entity> {
    post::Entity::find()
        .filter(post::Column::AuthorId.eq(author))
        .order_by_asc(post::Column::Id)
}

#[tokio::test]
async fn every_terminal_misses_once_and_then_hits() {
    let f = Fixture::new().await;
    let first = assert_miss!(f, post::Entity::find_by_id(1).one(&f.db));
    assert_eq!(
        assert_hit!(f, post::Entity::find_by_id(1).one(&f.db)),
        first
    );
    assert_eq!(first.unwrap().title, "a");
    let rows = assert_miss!(f, by_author(3).all(&f.db));
    assert_eq!(assert_hit!(f, by_author(3).all(&f.db)), rows);
    assert_eq!(rows.len(), 2);
    assert_eq!(assert_miss!(f, by_author(3).count(&f.db)), 2);
    assert_eq!(assert_hit!(f, by_author(3).count(&f.db)), 2);
    assert!(assert_miss!(f, by_author(3).exists(&f.db)));
    assert!(assert_hit!(f, by_author(3).exists(&f.db)));
}

#[tokio::test]
async fn absence_is_cached_too() {
    let f = Fixture::new().await;
    assert_eq!(
        assert_miss!(f, post::Entity::find_by_id(99).one(&f.db)),
        None
    );
    assert_eq!(
        assert_hit!(f, post::Entity::find_by_id(99).one(&f.db)),
        None
    );
    assert!(assert_miss!(f, by_author(99).all(&f.db)).is_empty());
    assert!(assert_hit!(f, by_author(99).all(&f.db)).is_empty());
    assert!(!assert_miss!(f, by_author(99).exists(&f.db)));
    assert!(!assert_hit!(f, by_author(99).exists(&f.db)));
    let missing = f
        .counted(post::Entity::find_by_id(99).require_one(&f.db))
        .await;
    assert!(matches!(
        missing,
        (0, Err(sea_orm::DbErr::RecordNotFound(_)))
    ));
}

#[tokio::test]
async fn parameters_terminals_and_limits_have_entries_of_their_own() {
    let f = Fixture::new().await;
    assert_miss!(f, by_author(3).all(&f.db));
    assert_miss!(f, by_author(4).all(&f.db));
    assert_eq!(assert_miss!(f, by_author(3).limit(1).all(&f.db)).len(), 1);
    assert_eq!(assert_miss!(f, by_author(3).one(&f.db)).unwrap().id, 1);
    assert_eq!(assert_hit!(f, by_author(3).all(&f.db)).len(), 2);
}

#[tokio::test]
async fn shared_terminals_give_the_stored_value_itself() {
    let f = Fixture::new().await;
    let rows = assert_miss!(f, by_author(3).all_shared(&f.db));
    assert!(Arc::ptr_eq(
        &rows,
        &assert_hit!(f, by_author(3).all_shared(&f.db))
    ));
    assert_eq!(assert_hit!(f, by_author(3).all(&f.db)), *rows);
    let row = assert_miss!(f, post::Entity::find_by_id(1).one_shared(&f.db)).unwrap();
    let again = assert_hit!(f, post::Entity::find_by_id(1).one_shared(&f.db)).unwrap();
    assert!(Arc::ptr_eq(&row, &again));
}

#[tokio::test]
async fn uncached_reads_neither_ask_nor_store() {
    let f = Fixture::new().await;
    assert_miss!(f, post::Entity::find_by_id(1).uncached().one(&f.db));
    assert_miss!(f, post::Entity::find_by_id(1).one(&f.db));
    assert_miss!(f, post::Entity::find_by_id(1).uncached().one(&f.db));
    assert_miss!(
        f,
        post::Entity::find_by_id(2).ttl(Duration::ZERO).one(&f.db)
    );
    assert_miss!(f, post::Entity::find_by_id(2).one(&f.db));
}

#[tokio::test]
async fn refresh_runs_and_stores_anew() {
    let f = Fixture::new().await;
    assert_miss!(f, by_author(3).all(&f.db));
    // Past the wrapper: nobody is told.
    let update = "UPDATE post SET title = 'past' WHERE id = 1";
    sea_orm::ConnectionTrait::execute_unprepared(&f.plain, update)
        .await
        .unwrap();
    assert_eq!(assert_hit!(f, by_author(3).all(&f.db))[0].title, "a");
    assert_eq!(
        assert_miss!(f, by_author(3).refresh().all(&f.db))[0].title,
        "past"
    );
    assert_eq!(assert_hit!(f, by_author(3).all(&f.db))[0].title, "past");
}

#[tokio::test]
async fn policy_decides_which_operations_are_cached() {
    let f = Fixture::new().await;
    let approved = || comment::Entity::find().filter(comment::Column::PostId.eq(1));
    assert_miss!(f, approved().all(&f.db));
    assert_hit!(f, approved().all(&f.db));
    assert_miss!(f, approved().count(&f.db));
    assert_miss!(f, approved().count(&f.db));
    assert_miss!(f, secret::Entity::find_by_id(1).one(&f.db));
    assert_miss!(f, secret::Entity::find_by_id(1).one(&f.db));
}

#[tokio::test]
async fn joined_select_rests_on_both_tables() {
    let f = Fixture::new().await;
    let discussed = || {
        post::Entity::find()
            .inner_join(comment::Entity)
            .filter(comment::Column::Approved.eq(true))
            .order_by_asc(post::Column::Id)
    };
    assert_eq!(assert_miss!(f, discussed().all(&f.db)).len(), 2);
    assert_eq!(assert_hit!(f, discussed().all(&f.db)).len(), 2);
    comment::Entity::delete_by_id(3).exec(&f.db).await.unwrap();
    assert_eq!(assert_miss!(f, discussed().all(&f.db)).len(), 1);
}

#[tokio::test]
async fn operation_of_several_statements_is_one_entry() {
    use larder_sea_orm::LoaderTrait;
    let f = Fixture::new().await;
    let posts = post::Entity::find().all(&f.db).await.unwrap();
    let load = || posts.load_many_to_many(label::Entity, post_label::Entity, &f.db);
    let (statements, labels) = f.counted(load()).await;
    assert_eq!(statements, 2, "the junction, then the labels");
    let names = |labels: Vec<Vec<label::Model>>| -> Vec<Vec<String>> {
        let names = |labels: Vec<label::Model>| labels.into_iter().map(|label| label.name);
        labels
            .into_iter()
            .map(|labels| names(labels).collect())
            .collect()
    };
    let first = names(labels.unwrap());
    assert_eq!(first[0], ["red", "blue"]);
    assert_eq!(names(assert_hit!(f, load())), first);
    // Each statement's tables drop it.
    let rename = "UPDATE label SET name = 'green' WHERE id = 2";
    f.db.execute_unprepared(rename).await.unwrap();
    assert_eq!(names(load().await.unwrap())[0], ["red", "green"]);
    assert_hit!(f, load());
    f.db.execute_unprepared("DELETE FROM post_label WHERE label_id = 1")
        .await
        .unwrap();
    assert_eq!(names(load().await.unwrap())[0], ["green"]);
}

#[tokio::test]
async fn operation_whose_later_statement_fails_gives_its_error_and_stores_nothing() {
    use larder_sea_orm::LoaderTrait;
    let f = Fixture::new().await;
    let posts = post::Entity::find().all(&f.db).await.unwrap();
    let wrong = || label::Entity::find().filter(sea_orm::sea_query::Expr::cust("nowhere = 1"));
    for _ in 0..2 {
        let load = posts.load_many_to_many(wrong(), post_label::Entity, &f.db);
        let (statements, result) = f.counted(load).await;
        assert!(result.is_err());
        assert_eq!(statements, 2, "nothing of it was stored");
    }
}

#[tokio::test]
async fn operations_that_run_at_the_same_time_each_see_their_writes() {
    use larder_sea_orm::LoaderTrait;
    let f = Fixture::new().await;
    let posts = post::Entity::find().all(&f.db).await.unwrap();
    for round in 0..20 {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (db, posts) = (f.db.clone(), posts.clone());
                tokio::spawn(async move {
                    posts
                        .load_many_to_many(label::Entity, post_label::Entity, &db)
                        .await
                        .unwrap()
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let name = format!("round {round}");
        let rename = format!("UPDATE label SET name = '{name}' WHERE id = 2");
        f.db.execute_unprepared(&rename).await.unwrap();
        let labels = posts
            .load_many_to_many(label::Entity, post_label::Entity, &f.db)
            .await
            .unwrap();
        assert_eq!(labels[0][1].name, name);
    }
}

#[tokio::test]
async fn operation_inside_a_transaction_reads_what_the_transaction_sees() {
    use larder_sea_orm::LoaderTrait;
    use sea_orm::TransactionTrait;
    let f = Fixture::new().await;
    let posts = post::Entity::find().all(&f.db).await.unwrap();
    let transaction = f.db.begin().await.unwrap();
    transaction
        .execute_unprepared("UPDATE label SET name = 'inside' WHERE id = 2")
        .await
        .unwrap();
    let labels = posts
        .load_many_to_many(label::Entity, post_label::Entity, &transaction)
        .await
        .unwrap();
    assert_eq!(labels[0][1].name, "inside");
    transaction.rollback().await.unwrap();
    let labels = posts
        .load_many_to_many(label::Entity, post_label::Entity, &f.db)
        .await
        .unwrap();
    assert_eq!(labels[0][1].name, "blue", "nothing was stored inside");
}

#[tokio::test]
async fn query_that_names_its_ttl_is_cached_without_a_policy() {
    use larder_sea_orm::CacheQuery;
    let f = Fixture::new().await;
    let labels = || label::Entity::find().cached();
    let minute = Duration::from_secs(60);
    for _ in 0..2 {
        assert_miss!(f, labels().all(&f.db));
    }
    assert_miss!(f, labels().ttl(minute).all(&f.db));
    assert_hit!(f, labels().ttl(minute).all(&f.db));
    for _ in 0..2 {
        assert_miss!(f, secret::Entity::find().ttl(minute).all(&f.db));
        assert_miss!(f, labels().ttl(Duration::ZERO).all(&f.db));
    }
}

#[tokio::test]
async fn generic_entity_code_runs_uncached_and_right() {
    async fn all<E: EntityTrait>(db: &impl sea_orm::ConnectionTrait) -> Vec<E::Model> {
        E::find().all(db).await.unwrap()
    }
    let f = Fixture::new().await;
    for _ in 0..2 {
        let (statements, rows) = f.counted(all::<post::Entity>(&f.db)).await;
        assert_eq!((statements, rows.len()), (1, 4));
    }
}

#[tokio::test]
async fn failing_query_gives_its_error_and_stores_nothing() {
    let f = Fixture::new().await;
    let wrong = || post::Entity::find().filter(sea_orm::sea_query::Expr::cust("nowhere = 1"));
    for _ in 0..2 {
        assert!(wrong().all(&f.db).await.is_err());
    }
}

#[tokio::test]
async fn switched_off_larder_passes_reads_through_and_goes_on_invalidating() {
    let f = Fixture::new().await;
    assert_miss!(f, post::Entity::find_by_id(1).one(&f.db));
    f.larder.disable();
    assert_miss!(f, post::Entity::find_by_id(1).one(&f.db));
    post::Entity::update_many()
        .col_expr(post::Column::Title, "new".into())
        .filter(post::Column::Id.eq(1))
        .exec(&f.db)
        .await
        .unwrap();
    f.larder.enable();
    let row = assert_miss!(f, post::Entity::find_by_id(1).one(&f.db));
    assert_eq!(row.unwrap().title, "new");
}

#[tokio::test]
async fn concurrent_misses_run_one_query() {
    let f = Fixture::new().await;
    let (statements, rows) = f
        .counted(async {
            let tasks: Vec<_> = (0..16)
                .map(|_| {
                    let db = f.db.clone();
                    tokio::spawn(async move { by_author(3).all(&db).await.unwrap().len() })
                })
                .collect();
            let mut rows = Vec::new();
            for task in tasks {
                rows.push(task.await.unwrap());
            }
            rows
        })
        .await;
    assert_eq!(rows, [2; 16]);
    assert_eq!(statements, 1);
}

#[tokio::test]
async fn only_the_operations_of_the_policy_are_cached() {
    let f = Fixture::new().await;
    let of_post = || comment::Entity::find().filter(comment::Column::PostId.eq(1));
    assert_miss!(f, of_post().all(&f.db));
    assert_hit!(f, of_post().all(&f.db));
    assert_miss!(f, of_post().one(&f.db));
    assert_hit!(f, of_post().one(&f.db));
    for _ in 0..2 {
        assert!(assert_miss!(f, of_post().exists(&f.db)));
        assert_eq!(assert_miss!(f, of_post().count(&f.db)), 2);
    }
}
