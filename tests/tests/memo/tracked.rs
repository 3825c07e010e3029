//! What a memo rests on drops it, and nothing else does.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use larder::{CachedConnection, MemoOutcome, prelude::CacheQuery as _};
use larder_examples::entity::{author, comment, post};
use larder_tests::lab::{Backend, Lab};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseConnection,
    EntityTrait, IntoActiveModel as _, QueryFilter as _, Statement, StreamTrait as _,
    TransactionTrait as _, sea_query::Expr,
};

use crate::bench::{ask, on_all, plain_titles, titles};

type Db = CachedConnection<DatabaseConnection>;

on_all!(
    every_kind_of_write_drops_a_memo,
    a_write_of_other_rows_leaves_a_memo,
    a_read_past_the_cache_is_tracked,
    a_stream_is_tracked,
    an_operation_of_several_statements_is_tracked,
    a_memo_of_many_rows_is_stored_and_dropped_by_each,
    a_write_between_the_read_and_the_end_is_not_hidden,
    reads_side_by_side_are_tracked,
);

/// The titles of author 3, by both ways.
async fn page(db: &Db) -> (Vec<String>, Vec<String>) {
    (titles(db, 3).await, plain_titles(db, 3).await)
}

async fn every_kind_of_write_drops_a_memo(backend: Backend) {
    let lab = Lab::start(backend).await;
    let db = &lab.db;
    let mut before = Vec::new();
    for write in 0..8 {
        let (stored, outcome) = ask(&lab.larder, "page", page(db)).await;
        assert_eq!(outcome, MemoOutcome::Stored, "before write {write}");
        assert_ne!(
            stored.0, before,
            "write {write} must have changed something"
        );
        assert_eq!(stored.0, stored.1);
        let (again, outcome) = ask(&lab.larder, "page", page(db)).await;
        assert_eq!((&again, outcome), (&stored, MemoOutcome::Hit));
        before = stored.0;
        match write {
            0 => {
                let mut new = post::ActiveModel {
                    author_id: Set(3),
                    title: Set("inserted".into()),
                    status: Set(post::Status::Draft),
                    published: Set(false),
                    views: Set(0),
                    ..Default::default()
                };
                new.id = Set(77);
                new.insert(db).await.unwrap();
            }
            1 => {
                let found = post::Entity::find_by_id(77).one(db).await.unwrap().unwrap();
                let mut active = found.into_active_model();
                active.title = Set("updated".into());
                active.update(db).await.unwrap();
            }
            2 => {
                post::Entity::update_many()
                    .col_expr(post::Column::Title, Expr::value("many"))
                    .filter(post::Column::Id.eq(77))
                    .exec(db)
                    .await
                    .unwrap();
            }
            3 => {
                let text = "UPDATE post SET title = 'text' WHERE id = 77";
                db.execute_unprepared(text).await.unwrap();
            }
            4 => {
                let transaction = db.begin().await.unwrap();
                let text = "UPDATE post SET title = 'in a transaction' WHERE id = 77";
                transaction.execute_unprepared(text).await.unwrap();
                transaction.commit().await.unwrap();
            }
            5 => {
                // It leaves the author.
                let text = "UPDATE post SET author_id = 4 WHERE id = 77";
                db.execute_unprepared(text).await.unwrap();
            }
            6 => {
                let text = "UPDATE post SET author_id = 3 WHERE id = 77";
                db.execute_unprepared(text).await.unwrap();
            }
            _ => {
                post::Entity::delete_by_id(77).exec(db).await.unwrap();
            }
        }
    }
    let (_, outcome) = ask(&lab.larder, "page", page(db)).await;
    assert_eq!(outcome, MemoOutcome::Stored);
}

async fn a_write_of_other_rows_leaves_a_memo(backend: Backend) {
    let lab = Lab::start(backend).await;
    let stored = ask(&lab.larder, "page", titles(&lab.db, 3)).await;
    assert_eq!(stored.1, MemoOutcome::Stored);
    for text in [
        "UPDATE post SET title = 'other' WHERE id = 5",
        "UPDATE tag SET name = 'other' WHERE id = 1",
    ] {
        lab.db.execute_unprepared(text).await.unwrap();
        let again = ask(&lab.larder, "page", titles(&lab.db, 3)).await;
        assert_eq!(again.1, MemoOutcome::Hit, "{text}");
    }
}

async fn a_read_past_the_cache_is_tracked(backend: Backend) {
    let lab = Lab::start(backend).await;
    let ways = [0, 1, 2];
    for way in ways {
        let body = || async {
            let db = &lab.db;
            let find = <post::Entity as EntityTrait>::find_by_id(1);
            let found = match way {
                0 => find.one(db).await,
                1 => find.cached().ttl(Duration::ZERO).one(db).await,
                _ => {
                    let text = "SELECT * FROM post WHERE id = 1";
                    let statement =
                        Statement::from_string(ConnectionTrait::get_database_backend(db), text);
                    <post::Entity as EntityTrait>::find()
                        .from_raw_sql(statement)
                        .one(db)
                        .await
                }
            };
            found.unwrap().unwrap().title
        };
        let name = format!("way {way}");
        let stored = ask(&lab.larder, &name, body()).await;
        assert_eq!(stored.1, MemoOutcome::Stored, "{name}");
        assert_eq!(ask(&lab.larder, &name, body()).await.1, MemoOutcome::Hit);
        let text = format!("UPDATE post SET title = '{name}' WHERE id = 1");
        lab.db.execute_unprepared(&text).await.unwrap();
        let fresh = ask(&lab.larder, &name, body()).await;
        assert_eq!(fresh, (name, MemoOutcome::Stored));
    }
}

async fn a_stream_is_tracked(backend: Backend) {
    let lab = Lab::start(backend).await;
    let body = || async {
        let text = "SELECT title FROM post WHERE id = 1";
        let statement =
            Statement::from_string(ConnectionTrait::get_database_backend(&lab.db), text);
        let rows = lab.db.stream_raw(statement).await.unwrap();
        let rows: Vec<_> = rows.try_collect().await.unwrap();
        rows[0].try_get_by_index::<String>(0).unwrap()
    };
    assert_eq!(ask(&lab.larder, "s", body()).await.1, MemoOutcome::Stored);
    assert_eq!(ask(&lab.larder, "s", body()).await.1, MemoOutcome::Hit);
    let text = "UPDATE post SET title = 'new' WHERE id = 1";
    lab.db.execute_unprepared(text).await.unwrap();
    let fresh = ask(&lab.larder, "s", body()).await;
    assert_eq!(fresh, ("new".to_owned(), MemoOutcome::Stored));
}

async fn an_operation_of_several_statements_is_tracked(backend: Backend) {
    let lab = Lab::start(backend).await;
    let body = || async {
        let posts = post::Entity::find().find_also_related(author::Entity);
        let posts = posts.all(&lab.db).await.unwrap();
        let comments = comment::Entity::find().all(&lab.db).await.unwrap();
        format!("{posts:?} {comments:?}")
    };
    for (round, text) in [
        "UPDATE author SET name = 'Ada L.' WHERE id = 3",
        "UPDATE comment SET body = 'new' WHERE id = 1",
        "UPDATE post SET title = 'new' WHERE id = 1",
    ]
    .into_iter()
    .enumerate()
    {
        let before = ask(&lab.larder, "page", body()).await;
        assert_eq!(before.1, MemoOutcome::Stored, "round {round}");
        // The reads inside are hits now, with the stamps of their entries.
        lab.larder.invalidate_memo("page").await;
        let again = ask(&lab.larder, "page", body()).await;
        assert_eq!(again, before);
        assert_eq!(ask(&lab.larder, "page", body()).await.1, MemoOutcome::Hit);
        lab.db.execute_unprepared(text).await.unwrap();
        let after = ask(&lab.larder, "page", body()).await;
        assert_ne!(after.0, before.0, "{text}");
        lab.larder.invalidate_memo("page").await;
    }
}

async fn a_memo_of_many_rows_is_stored_and_dropped_by_each(backend: Backend) {
    let lab = Lab::start(backend).await;
    let body = || async {
        let mut titles = Vec::new();
        for id in 1..=150 {
            let found = post::Entity::find_by_id(id).one(&lab.db).await.unwrap();
            titles.extend(found.map(|post| post.title));
        }
        titles
    };
    // Some are kept apart, others rest on the whole table.
    for id in [1, 5, 149] {
        let stored = ask(&lab.larder, "rows", body()).await;
        assert_eq!(stored.1, MemoOutcome::Stored, "{id}");
        assert_eq!(ask(&lab.larder, "rows", body()).await.1, MemoOutcome::Hit);
        let text = match id {
            149 => "INSERT INTO post (id, author_id, title, status, published, views) VALUES \
                    (149, 3, 'late', 'draft', false, 0)"
                .to_owned(),
            id => format!("UPDATE post SET title = 'row {id}' WHERE id = {id}"),
        };
        lab.db.execute_unprepared(&text).await.unwrap();
        let fresh = ask(&lab.larder, "rows", body()).await;
        assert_ne!(fresh.0, stored.0, "{id}");
        lab.larder.invalidate_memo("rows").await;
    }
}

async fn a_write_between_the_read_and_the_end_is_not_hidden(backend: Backend) {
    let lab = Lab::start(backend).await;
    let writer = lab.another_handle().await;
    for (round, warm) in [false, true].into_iter().enumerate() {
        if warm {
            // The read inside is a hit.
            titles(&lab.db, 3).await;
        }
        let name = format!("round {round}");
        let body = async {
            let titles = titles(&lab.db, 3).await;
            // In a task of its own, as another request would: the memo does not write.
            let writer = writer.clone();
            let text = format!("UPDATE post SET title = 'round {round}' WHERE id = 1");
            let write = async move { writer.execute_unprepared(&text).await.unwrap() };
            tokio::spawn(write).await.unwrap();
            titles
        };
        let old = ask(&lab.larder, &name, body).await;
        assert_eq!(old.1, MemoOutcome::Stored);
        let fresh = ask(&lab.larder, &name, titles(&lab.db, 3)).await;
        assert_eq!(fresh.1, MemoOutcome::Stored, "dead on arrival");
        assert!(fresh.0.contains(&name), "{:?}", fresh.0);
    }
}

async fn reads_side_by_side_are_tracked(backend: Backend) {
    let lab = Lab::start(backend).await;
    let body = || async {
        let (db, name) = (&lab.db, "inner");
        let inner = ask(&lab.larder, name, titles(db, 4));
        tokio::join!(titles(db, 3), plain_titles(db, 3), inner)
    };
    for (id, author) in [(1, 3), (3, 4)] {
        let (stored, outcome) = ask(&lab.larder, "page", async { page_of(body().await) }).await;
        assert_eq!(outcome, MemoOutcome::Stored, "author {author}");
        let again = ask(&lab.larder, "page", async { page_of(body().await) }).await;
        assert_eq!(again.1, MemoOutcome::Hit);
        let text = format!("UPDATE post SET title = 'new' WHERE id = {id}");
        lab.db.execute_unprepared(&text).await.unwrap();
        let fresh = ask(&lab.larder, "page", async { page_of(body().await) }).await;
        assert_ne!(fresh.0, stored, "author {author}");
        lab.larder.invalidate_memo("page").await;
    }
}

/// What is on the page, whoever was asked.
fn page_of<T>((one, plain, (inner, _)): (T, T, (T, MemoOutcome))) -> [T; 3] {
    [one, plain, inner]
}
