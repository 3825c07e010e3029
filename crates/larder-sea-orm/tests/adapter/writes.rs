//! What every kind of write drops and keeps, outside transactions.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait,
    IntoActiveModel, ModelTrait, QueryFilter, QueryOrder, Statement, sea_query::OnConflict,
};

use crate::{
    entities::{comment, post},
    fixture::{Fixture, assert_hit, assert_miss},
};

fn by_author(author: i32) -> larder_sea_orm::CachedSelect<post::Entity> {
    post::Entity::find()
        .filter(post::Column::AuthorId.eq(author))
        .order_by_asc(post::Column::Id)
}

/// Fills the rows 1 and 3 and the lists of both authors.
async fn filled() -> Fixture {
    let f = Fixture::new().await;
    for id in [1, 3] {
        assert_miss!(f, post::Entity::find_by_id(id).one(&f.db));
    }
    for author in [3, 4] {
        assert_miss!(f, by_author(author).all(&f.db));
    }
    f
}

/// Whether the row of author 4 and the list of author 4 are still hits.
async fn others_are_kept(f: &Fixture) {
    assert_hit!(f, post::Entity::find_by_id(3).one(&f.db));
    assert_hit!(f, by_author(4).all(&f.db));
}

fn draft(author: i32, title: &str) -> post::ActiveModel {
    post::ActiveModel {
        author_id: Set(author),
        title: Set(title.into()),
        ..Default::default()
    }
}

#[tokio::test]
async fn update_of_a_model_drops_its_row_and_its_list() {
    let f = filled().await;
    let change = post::ActiveModel {
        id: Set(1),
        title: Set("new".into()),
        ..Default::default()
    };
    let updated = change.update(&f.db).await.unwrap();
    assert_eq!(updated.title, "new");
    others_are_kept(&f).await;
    let row = assert_miss!(f, post::Entity::find_by_id(1).one(&f.db));
    assert_eq!(row.unwrap().title, "new");
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db))[0].title, "new");
}

#[tokio::test]
async fn row_that_moves_drops_the_list_it_leaves_and_the_one_it_joins() {
    let f = filled().await;
    let mut row = post::Entity::find_by_id(1)
        .one(&f.db)
        .await
        .unwrap()
        .unwrap()
        .into_active_model();
    row.author_id = Set(4);
    row.save(&f.db).await.unwrap();
    assert_hit!(f, post::Entity::find_by_id(3).one(&f.db));
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db)).len(), 1);
    assert_eq!(assert_miss!(f, by_author(4).all(&f.db)).len(), 3);
}

#[tokio::test]
async fn insert_drops_the_list_it_joins_and_no_row() {
    let f = filled().await;
    assert_miss!(f, post::Entity::find_by_id(5).one(&f.db));
    let inserted = draft(3, "e").insert(&f.db).await.unwrap();
    assert_eq!(inserted.id, 5);
    others_are_kept(&f).await;
    assert_hit!(f, post::Entity::find_by_id(1).one(&f.db));
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db)).len(), 3);
    assert!(assert_miss!(f, post::Entity::find_by_id(5).one(&f.db)).is_some());
}

#[tokio::test]
async fn insert_many_and_insert_without_returning_are_seen() {
    let f = filled().await;
    post::Entity::insert_many([draft(3, "e"), draft(3, "f")])
        .exec(&f.db)
        .await
        .unwrap();
    assert_hit!(f, by_author(4).all(&f.db));
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db)).len(), 4);
    post::Entity::insert(draft(3, "g"))
        .exec_without_returning(&f.db)
        .await
        .unwrap();
    assert_hit!(f, by_author(4).all(&f.db));
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db)).len(), 5);
}

#[tokio::test]
async fn upsert_is_never_served_stale() {
    let f = filled().await;
    let title = OnConflict::column(post::Column::Title)
        .update_column(post::Column::AuthorId)
        .to_owned();
    post::Entity::insert(draft(4, "a"))
        .on_conflict(title)
        .exec(&f.db)
        .await
        .unwrap();
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db)).len(), 1);
    assert_eq!(assert_miss!(f, by_author(4).all(&f.db)).len(), 3);
}

#[tokio::test]
async fn update_many_and_delete_many_drop_what_their_conditions_name() {
    let f = filled().await;
    post::Entity::update_many()
        .col_expr(post::Column::Note, "x".into())
        .filter(post::Column::AuthorId.eq(3))
        .exec(&f.db)
        .await
        .unwrap();
    assert_hit!(f, by_author(4).all(&f.db));
    assert_eq!(
        assert_miss!(f, by_author(3).all(&f.db))[0].note.as_deref(),
        Some("x")
    );
    let deleted = post::Entity::delete_many()
        .filter(post::Column::AuthorId.eq(3))
        .exec(&f.db)
        .await
        .unwrap();
    assert_eq!(deleted.rows_affected, 2);
    assert_hit!(f, by_author(4).all(&f.db));
    assert!(assert_miss!(f, by_author(3).all(&f.db)).is_empty());
    assert_eq!(
        assert_miss!(f, post::Entity::find_by_id(1).one(&f.db)),
        None
    );
}

#[tokio::test]
async fn delete_of_a_row_drops_it_and_what_goes_with_it() {
    let f = filled().await;
    let comments = |post: i32| comment::Entity::find().filter(comment::Column::PostId.eq(post));
    assert_eq!(assert_miss!(f, comments(1).all(&f.db)).len(), 2);
    assert_eq!(assert_miss!(f, comments(2).all(&f.db)).len(), 1);
    let approved = || comment::Entity::find().filter(comment::Column::Approved.eq(true));
    assert_eq!(assert_miss!(f, approved().all(&f.db)).len(), 2);
    let row = post::Entity::find_by_id(1)
        .one(&f.db)
        .await
        .unwrap()
        .unwrap();
    row.delete(&f.db).await.unwrap();
    assert_hit!(f, post::Entity::find_by_id(3).one(&f.db));
    assert_eq!(
        assert_miss!(f, post::Entity::find_by_id(1).one(&f.db)),
        None
    );
    // ON DELETE CASCADE, W1.
    assert!(assert_miss!(f, comments(1).all(&f.db)).is_empty());
    assert_eq!(assert_hit!(f, comments(2).all(&f.db)).len(), 1);
    assert_eq!(assert_miss!(f, approved().all(&f.db)).len(), 1);
}

#[tokio::test]
async fn raw_statements_are_seen_whatever_method_carries_them() {
    let f = filled().await;
    let statement = |sql: &str| {
        let title: sea_orm::Value = "raw".into();
        Statement::from_sql_and_values(DbBackend::Sqlite, sql, [title, 1.into()])
    };
    // With every column in RETURNING the author is known.
    let returning = "UPDATE post SET title = ? WHERE id = ? RETURNING *";
    assert_eq!(
        f.db.query_all_raw(statement(returning))
            .await
            .unwrap()
            .len(),
        1
    );
    others_are_kept(&f).await;
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db))[0].title, "raw");
    let returning = "UPDATE post SET note = ? WHERE id = ? RETURNING *";
    assert!(
        f.db.query_one_raw(statement(returning))
            .await
            .unwrap()
            .is_some()
    );
    others_are_kept(&f).await;
    assert_eq!(
        assert_miss!(f, by_author(3).all(&f.db))[0].note.as_deref(),
        Some("raw")
    );
    // Without, the row is read first.
    f.db.execute_raw(statement("UPDATE post SET title = ? || '!' WHERE id = ?"))
        .await
        .unwrap();
    others_are_kept(&f).await;
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db))[0].title, "raw!");
    f.db.execute_unprepared("UPDATE post SET title = 'u' WHERE id = 1")
        .await
        .unwrap();
    others_are_kept(&f).await;
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db))[0].title, "u");
}

#[tokio::test]
async fn text_of_several_statements_counts_each_of_them() {
    let f = filled().await;
    let text = "UPDATE post SET title = 'x' WHERE id = 1; DELETE FROM post WHERE id = 3";
    f.db.execute_unprepared(text).await.unwrap();
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db))[0].title, "x");
    assert_eq!(assert_miss!(f, by_author(4).all(&f.db)).len(), 1);
    assert_eq!(
        assert_miss!(f, post::Entity::find_by_id(3).one(&f.db)),
        None
    );
}

#[tokio::test]
async fn refused_write_keeps_everything() {
    let f = filled().await;
    // The title is taken.
    assert!(draft(3, "a").insert(&f.db).await.is_err());
    others_are_kept(&f).await;
    assert_hit!(f, by_author(3).all(&f.db));
}

#[tokio::test]
async fn schema_change_through_the_wrapper_is_noticed_at_once() {
    let f = filled().await;
    f.db.execute_unprepared("ALTER TABLE post RENAME COLUMN note TO remark")
        .await
        .unwrap();
    assert!(by_author(3).all(&f.db).await.is_err());
    f.db.execute_unprepared("ALTER TABLE post RENAME COLUMN remark TO note")
        .await
        .unwrap();
    assert_eq!(by_author(3).all(&f.db).await.unwrap().len(), 2);
    assert_hit!(f, by_author(3).all(&f.db));
}

#[tokio::test]
async fn write_whose_caller_is_gone_still_invalidates() {
    let f = filled().await;
    {
        let mut write = Box::pin(draft(3, "gone").insert(&f.db));
        // Polled once, so that it was sent; then dropped.
        let waker = std::task::Waker::noop();
        let mut cx = std::task::Context::from_waker(waker);
        assert!(write.as_mut().poll(&mut cx).is_pending());
    }
    // The task goes on; its end shows in the number of rows, past the cache.
    let deadline = std::time::Duration::from_secs(10);
    tokio::time::timeout(deadline, async {
        while by_author(3).uncached().all(&f.db).await.unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
        while by_author(3).all(&f.db).await.unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn session_statement_on_a_pool_makes_the_handle_bypass() {
    let f = filled().await;
    f.db.execute_unprepared("PRAGMA case_sensitive_like = ON")
        .await
        .unwrap();
    assert_miss!(f, by_author(3).all(&f.db));
    assert_miss!(f, by_author(3).all(&f.db));
    assert!(
        f.events().iter().any(|event| event.contains("Session")),
        "{:#?}",
        f.events()
    );
}

#[tokio::test]
async fn manual_invalidation_drops_what_it_names() {
    let f = filled().await;
    f.larder.invalidate_row::<post::Entity>(1).await;
    assert_hit!(f, post::Entity::find_by_id(3).one(&f.db));
    assert_miss!(f, post::Entity::find_by_id(1).one(&f.db));
    // Only the key is known, so lists by another column drop as a whole.
    assert_miss!(f, by_author(4).all(&f.db));
    let row = post::Entity::find_by_id(3)
        .one(&f.db)
        .await
        .unwrap()
        .unwrap();
    assert_miss!(f, by_author(3).all(&f.db));
    f.larder.invalidate_model(&row).await;
    assert_hit!(f, by_author(3).all(&f.db));
    assert_miss!(f, by_author(4).all(&f.db));
    f.larder.invalidate_table::<post::Entity>().await;
    assert_miss!(f, by_author(3).all(&f.db));
}

#[tokio::test]
async fn bulk_scope_does_not_invalidate_and_says_so_in_its_name() {
    let f = filled().await;
    let write = draft(3, "bulk").insert(&f.db);
    f.larder
        .without_invalidation_stale_reads_possible(write)
        .await
        .unwrap();
    assert_eq!(assert_hit!(f, by_author(3).all(&f.db)).len(), 2);
    f.larder.invalidate_all().await;
    assert_eq!(assert_miss!(f, by_author(3).all(&f.db)).len(), 3);
}
