//! `.cached()` on queries: results that are kept as they are.

use std::{sync::Arc, time::Duration};

use diesel::{
    Connection as _, ExpressionMethods, PgConnection, QueryDsl, QueryResult, Queryable,
    SqliteConnection,
    deserialize::{FromSql, FromSqlRow},
    dsl::sql,
    result::Error,
    sql_types::{Integer, Text},
    sqlite::{Sqlite, SqliteValue},
};
use diesel_async::{
    AsyncConnection as _, AsyncMysqlConnection, AsyncPgConnection,
    sync_connection_wrapper::SyncConnectionWrapper,
};
use larder::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{connections, lab::Backend, model::schema::post, tasks};

#[derive(Clone, Debug, Deserialize, PartialEq, Queryable, Serialize)]
struct Titled {
    id: i32,
    title: String,
}

#[diesel::dsl::auto_type]
fn of_3() -> _ {
    post::table.filter(post::author_id.eq(3_i32))
}

#[diesel::dsl::auto_type]
fn titles() -> _ {
    let columns: (post::id, post::title) = (post::id, post::title);
    of_3().order(post::id).select(columns)
}

/// The lab, the DSL that runs writes, and what an answer is followed by.
macro_rules! answered_and_dropped_like_rows {
    ($lab:expr, $dsl:path $(, $wait:tt)*) => {{
        use $dsl as Dsl;
        let mut it = $lab;
        macro_rules! titles {
            () => {
                titles().cached().load::<Titled, _>(&mut it.db)$(.$wait)*.unwrap()
            };
        }
        let first = titles!();
        assert_eq!(first.len(), 2);
        let before = it.counter.count();
        assert_eq!(titles!(), first);
        let shared = titles().cached().load_shared::<Titled, _>(&mut it.db)$(.$wait)*.unwrap();
        let same = titles().cached().load_shared::<Titled, _>(&mut it.db)$(.$wait)*.unwrap();
        assert_eq!(*shared, first);
        assert!(Arc::ptr_eq(&shared, &same) || larder_tests::lab::is_remote());
        assert_eq!(it.counter.count(), before);

        let one = titles().cached().first::<Titled, _>(&mut it.db)$(.$wait)*.unwrap();
        assert_eq!(one, first[0]);
        assert_eq!(of_3().cached().count(&mut it.db)$(.$wait)*.unwrap(), 2);
        let title = post::table.find(1).select(post::title);
        let one = title.cached().get_result::<String, _>(&mut it.db)$(.$wait)*.unwrap();
        assert_eq!(one, "one");
        let missing = post::table.find(99).select(post::title).cached();
        let none = missing.get_result::<String, _>(&mut it.db)$(.$wait)*;
        assert_eq!(none, Err(Error::NotFound));

        let update = diesel::update(post::table.find(1)).set(post::title.eq("changed"));
        Dsl::execute(update, &mut it.db)$(.$wait)*.unwrap();
        assert_eq!(titles!()[0].title, "changed");
        let one = title.cached().first::<String, _>(&mut it.db)$(.$wait)*.unwrap();
        assert_eq!(one, "changed");

        it.base.run(["UPDATE post SET title = 'outside' WHERE id = 1"]);
        assert_eq!(titles!()[0].title, "changed", "nobody told the cache");
        let never = titles().cached().ttl(Duration::ZERO);
        let anew = never.load::<Titled, _>(&mut it.db)$(.$wait)*.unwrap();
        assert_eq!(anew[0].title, "outside");
        assert_eq!(titles!()[0].title, "changed");
        let refresh = titles().cached().refresh();
        refresh.load::<Titled, _>(&mut it.db)$(.$wait)*.unwrap();
        assert_eq!(titles!()[0].title, "outside");

        let bad = sql::<Text>("nowhere");
        let bad = post::table.select(bad).cached();
        let error = bad.load::<String, _>(&mut it.db)$(.$wait)*.unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
        assert_eq!(titles!()[0].title, "outside");
        it
    }};
}

/// An UPDATE that answers with what it wrote, and is never answered from the cache.
macro_rules! writes_that_return {
    ($it:expr $(, $wait:tt)*) => {{
        let mut it = $it;
        for title in ["returned", "returned again"] {
            let update = diesel::update(post::table.find(1))
                .set(post::title.eq(title))
                .returning(post::title)
                .cached();
            let told = update.get_result::<String, _>(&mut it.db)$(.$wait)*.unwrap();
            assert_eq!(told, title);
            let list = titles().cached().load::<Titled, _>(&mut it.db)$(.$wait)*.unwrap();
            assert_eq!(list[0].title, title);
        }
    }};
}

#[test]
fn typed_results_are_answered_and_dropped_like_rows() {
    let mut it = answered_and_dropped_like_rows!(
        connections::Lab::<SqliteConnection>::start(Backend::Sqlite),
        diesel::RunQueryDsl
    );
    // In a transaction it reads what that has written.
    it.db
        .transaction(|db| {
            let update = diesel::update(post::table.find(1)).set(post::title.eq("inside"));
            diesel::RunQueryDsl::execute(update, db)?;
            let list = titles().cached().load::<Titled, _>(db)?;
            assert_eq!(list[0].title, "inside");
            QueryResult::Ok(())
        })
        .unwrap();
    writes_that_return!(it);
    let it = answered_and_dropped_like_rows!(
        connections::Lab::<PgConnection>::start(Backend::Postgres),
        diesel::RunQueryDsl
    );
    writes_that_return!(it);
    answered_and_dropped_like_rows!(
        connections::Lab::<diesel::MysqlConnection>::start(Backend::MariaDb),
        diesel::RunQueryDsl
    );
}

#[tokio::test]
async fn typed_results_are_answered_and_dropped_like_rows_by_tasks() {
    let mut it = answered_and_dropped_like_rows!(
        tasks::Lab::<SyncConnectionWrapper<SqliteConnection>>::start(Backend::Sqlite).await,
        diesel_async::RunQueryDsl,
        await
    );
    it.db
        .transaction(async |db| {
            let update = diesel::update(post::table.find(1)).set(post::title.eq("inside"));
            diesel_async::RunQueryDsl::execute(update, db).await?;
            let list = titles().cached().load::<Titled, _>(db).await?;
            assert_eq!(list[0].title, "inside");
            QueryResult::Ok(())
        })
        .await
        .unwrap();
    writes_that_return!(it, await);
    let it = answered_and_dropped_like_rows!(
        tasks::Lab::<AsyncPgConnection>::start(Backend::Postgres).await,
        diesel_async::RunQueryDsl,
        await
    );
    writes_that_return!(it, await);
    answered_and_dropped_like_rows!(
        tasks::Lab::<AsyncMysqlConnection>::start(Backend::MariaDb).await,
        diesel_async::RunQueryDsl,
        await
    );
}

#[tokio::test]
async fn typed_results_are_asked_for_through_scopes_and_by_other_tasks() {
    let mut it = tasks::Lab::<AsyncPgConnection>::start(Backend::Postgres).await;
    let loaded = titles().cached().load::<Titled, _>(&mut it.db).await;
    let first = loaded.unwrap();
    it.base
        .run(["UPDATE post SET title = 'outside' WHERE id = 1"]);
    let mut scope = it.db.uncached();
    let anew = titles().cached().load::<Titled, _>(&mut scope).await;
    assert_eq!(anew.unwrap()[0].title, "outside");
    drop(scope);
    // A future of it may move to another thread.
    let mut db = it.db;
    let task = tokio::spawn(async move { titles().cached().load::<Titled, _>(&mut db).await });
    assert_eq!(task.await.unwrap().unwrap(), first);
    // Connections that block find what tasks have kept.
    let inner = PgConnection::establish(&it.base.url).unwrap();
    let mut blocking = it.larder.wrap(inner);
    let loaded = titles().cached().load::<Titled, _>(&mut blocking);
    assert_eq!(loaded.unwrap(), first);
}

/// Reads numbers in another way than words.
#[derive(Clone, Debug, Deserialize, FromSqlRow, PartialEq, Serialize)]
struct Told(String);

impl FromSql<Integer, Sqlite> for Told {
    fn from_sql(_: SqliteValue<'_, '_, '_>) -> diesel::deserialize::Result<Self> {
        Ok(Self("a number".to_owned()))
    }
}

impl FromSql<Text, Sqlite> for Told {
    fn from_sql(_: SqliteValue<'_, '_, '_>) -> diesel::deserialize::Result<Self> {
        Ok(Self("words".to_owned()))
    }
}

#[tokio::test]
async fn one_text_and_type_with_columns_of_other_types_is_another_query() {
    let mut it = connections::Lab::<SqliteConnection>::start(Backend::Sqlite);
    let mut other =
        tasks::Lab::<SyncConnectionWrapper<SqliteConnection>>::start(Backend::Sqlite).await;
    let row = post::table.find(1);
    for _ in 0..2 {
        let query = row.select(sql::<Integer>("id")).cached();
        let told: Told = query.get_result(&mut it.db).unwrap();
        assert_eq!(told.0, "a number");
        let query = row.select(sql::<Text>("id")).cached();
        let told: Told = query.get_result(&mut it.db).unwrap();
        assert_eq!(told.0, "words");
        let query = row.select(sql::<Integer>("id")).cached();
        let told: Told = query.get_result(&mut other.db).await.unwrap();
        assert_eq!(told.0, "a number");
        let query = row.select(sql::<Text>("id")).cached();
        let told: Told = query.get_result(&mut other.db).await.unwrap();
        assert_eq!(told.0, "words");
    }
}
