//! The assertions of applications' own tests, on both ORMs.

use std::{future::Future, panic::AssertUnwindSafe};

use ::diesel::{
    ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _, connection::SimpleConnection as _,
};
use futures_util::FutureExt as _;
use larder::testing::{
    assert_cached, assert_cached_blocking, assert_invalidates, assert_invalidates_blocking,
    assert_keeps, assert_keeps_blocking,
};
use larder_examples::entity::post as model;
use larder_tests::lab::{Backend, Lab};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use crate::diesel::{db, post};

fn retitled(id: i32) -> sea_orm::UpdateMany<model::Entity> {
    model::Entity::update_many()
        .col_expr(model::Column::Title, Expr::value("other"))
        .filter(model::Column::Id.eq(id))
}

/// What it panics with.
async fn panic_of(assertion: impl Future<Output = ()>) -> String {
    let ended = AssertUnwindSafe(assertion).catch_unwind().await;
    *ended
        .expect_err("it must fail")
        .downcast::<String>()
        .unwrap()
}

#[tokio::test]
async fn assertions_hold_where_they_should_and_say_why_where_not() {
    let lab = Lab::start(Backend::Sqlite).await;
    let (db, larder) = (&lab.db, &lab.larder);
    assert_cached!(larder, model::Entity::find_by_id(1).one(db).await.unwrap());
    assert_invalidates!(
        larder,
        model::Entity::find_by_id(1).one(db).await.unwrap(),
        retitled(1).exec(db).await.unwrap(),
    );
    assert_keeps!(
        larder,
        model::Entity::find_by_id(1).one(db).await.unwrap(),
        retitled(2).exec(db).await.unwrap(),
    );

    let uncached = panic_of(async {
        let read = || model::Entity::find_by_id(1).ttl(std::time::Duration::ZERO);
        assert_cached!(larder, read().one(db).await.unwrap());
    });
    let uncached = uncached.await;
    assert!(
        uncached.contains("past the cache") && uncached.contains("ttl is zero"),
        "{uncached}"
    );
    let unwrapped = panic_of(async {
        assert_cached!(
            larder,
            model::Entity::find_by_id(1).one(&lab.plain).await.unwrap()
        );
    });
    assert!(unwrapped.await.contains("is its connection a wrapped one?"));
    let kept = panic_of(async {
        assert_invalidates!(
            larder,
            model::Entity::find_by_id(1).one(db).await.unwrap(),
            retitled(2).exec(db).await.unwrap(),
        );
    });
    let kept = kept.await;
    assert!(
        kept.contains("still answered from the cache after `retitled(2)"),
        "{kept}"
    );
    let dropped = panic_of(async {
        assert_keeps!(
            larder,
            model::Entity::find_by_id(1).one(db).await.unwrap(),
            retitled(1).exec(db).await.unwrap(),
        );
    });
    let dropped = dropped.await;
    assert!(dropped.contains("a miss of"), "{dropped}");
}

#[test]
fn assertions_on_threads_hold_where_they_should() {
    let (larder, mut db) = db();
    let db = &mut db;
    let one = || post::table.find(1);
    db.batch_execute("INSERT INTO author (id, name) VALUES (3, 'Ada')")
        .unwrap();
    ::diesel::insert_into(post::table)
        .values((post::id.eq(1), post::author_id.eq(3), post::title.eq("x")))
        .execute(db)
        .unwrap();
    let retitle = |id: i32| ::diesel::update(post::table.find(id)).set(post::title.eq("y"));
    type Row = (i32, i32, String, i32);
    assert_cached_blocking!(larder, one().load::<Row>(db).unwrap());
    assert_invalidates_blocking!(
        larder,
        one().load::<Row>(db).unwrap(),
        retitle(1).execute(db).unwrap(),
    );
    assert_keeps_blocking!(
        larder,
        one().load::<Row>(db).unwrap(),
        retitle(2).execute(db).unwrap(),
    );
}
