//! Connections that do not block: cancellation, pools, types of the server's own, streams, scopes.

use std::{
    future::Future,
    task::{Context, Waker},
    time::Duration,
};

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, result::Error};
use diesel_async::{
    AsyncConnection, AsyncMigrationHarness, AsyncMysqlConnection, AsyncPgConnection, RunQueryDsl,
    SimpleAsyncConnection,
    pooled_connection::{AsyncDieselConnectionManager, bb8, deadpool},
    sync_connection_wrapper::SyncConnectionWrapper,
};
use diesel_migrations::MigrationHarness;
use futures_util::{StreamExt, TryStreamExt};
use larder::{
    Larder, ReadOptions, WrapConfig,
    diesel::{CachedAsyncConnection, WrappedAsyncConnection, cached_manager_config},
};

use crate::{
    connections::MIGRATIONS,
    lab::{Backend, Base, Counter, larder},
    model::{Post, schema::post},
};

/// A wrapped connection that has looked at the catalog, with a count of what reaches the database.
pub struct Lab<C: WrappedAsyncConnection> {
    pub base: Base,
    pub larder: Larder,
    pub db: CachedAsyncConnection<C>,
    pub counter: Counter,
}

impl<C: WrappedAsyncConnection> Lab<C> {
    pub async fn start(backend: Backend) -> Self {
        let base = Base::start(backend);
        let larder = larder();
        let db = wrapped::<C>(&larder, &base).await;
        let mut it = Self {
            base,
            larder,
            db,
            counter: Counter::default(),
        };
        it.db.batch_execute("SELECT 1").await.unwrap();
        it.db.set_instrumentation(it.counter.instrumentation());
        it
    }
}

async fn wrapped<C: WrappedAsyncConnection>(
    larder: &Larder,
    base: &Base,
) -> CachedAsyncConnection<C> {
    let inner = C::establish(&base.url).await.unwrap();
    CachedAsyncConnection::wrap(larder, inner, &base.config())
}

macro_rules! title {
    ($db:expr) => {{
        let query = post::table.find(1).select(post::title);
        query
            .first::<String>($db)
            .await
            .optional()
            .unwrap()
            .unwrap_or_default()
    }};
}

/// Polls a future so often, waiting in between for what it waits for, and drops it. Whether it was
/// over before.
async fn cancelled<T>(work: impl Future<Output = T>, polls: usize) -> bool {
    let mut work = Box::pin(work);
    for _ in 0..polls {
        let mut polled = false;
        let done = std::future::poll_fn(|cx| {
            if polled {
                // Somebody has woken this task: there is something new to see.
                return std::task::Poll::Ready(false);
            }
            polled = true;
            work.as_mut().poll(cx).map(|_| true)
        });
        match tokio::time::timeout(Duration::from_secs(10), done).await {
            Ok(true) => return true,
            Ok(false) => {}
            Err(_) => panic!("a poll led to nothing"),
        }
    }
    false
}

macro_rules! cancellation {
    ($name:ident, $connection:ty, $backend:ident, $change:expr, commits $commits:literal) => {
        /// Whatever was cancelled where: another connection reads what the database says, now and
        /// once the work has come to its end.
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let change = $change;
            let lab = Lab::<$connection>::start(Backend::$backend).await;
            let mut other = wrapped::<$connection>(&lab.larder, &lab.base).await;
            let mut plain = <$connection>::establish(&lab.base.url).await.unwrap();
            let mut finished = false;
            let mut polls = 0;
            while !finished {
                assert!(polls < 200, "the work never ends");
                title!(&mut other);
                title!(&mut other);
                let mut db = wrapped::<$connection>(&lab.larder, &lab.base).await;
                finished = cancelled(change(&mut db), polls).await;
                // The connection answers: what it was sent before has ended.
                let alive = db.batch_execute("SELECT 1").await.is_ok();
                if alive {
                    let first = title!(&mut other);
                    assert_eq!(first, title!(&mut plain), "after {polls} polls");
                    // MySQL's client is out of step.
                    if $commits {
                        // No transaction of the wrapper's own is left open.
                        let views = 1_000 + i32::try_from(polls).unwrap();
                        let later = format!("UPDATE post SET views = {views} WHERE id = 5");
                        db.batch_execute(&later).await.unwrap();
                        let seen = post::table.find(5).select(post::views);
                        let seen = seen.first::<i32>(&mut plain).await.unwrap();
                        assert_eq!(seen, views, "after {polls} polls");
                    }
                }
                drop(db);
                // What the server still had to do is done when a lock on the row is to be had.
                let locked = "SELECT 1 FROM post WHERE id = 1 FOR UPDATE";
                diesel::sql_query(locked).execute(&mut plain).await.unwrap();
                assert_eq!(
                    title!(&mut other),
                    title!(&mut plain),
                    "after {polls} polls"
                );
                polls += 1;
            }
            assert!(polls > 1, "nothing was cancelled");
        }
    };
}

type Change<'a> = futures_util::future::BoxFuture<'a, QueryResult<()>>;

fn fresh_title() -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("title {}", NEXT.fetch_add(1, Ordering::Relaxed))
}

macro_rules! changes {
    ($statement:ident, $looked:ident, $text:ident, $transaction:ident, $connection:ty) => {
        /// Reads the row first, in a transaction of its own.
        fn $looked(db: &mut CachedAsyncConnection<$connection>) -> Change<'_> {
            Box::pin(async move {
                let update = diesel::update(post::table.filter(post::views.eq(5)));
                update
                    .set(post::title.eq(fresh_title()))
                    .execute(db)
                    .await?;
                Ok(())
            })
        }

        fn $statement(db: &mut CachedAsyncConnection<$connection>) -> Change<'_> {
            Box::pin(async move {
                let update = diesel::update(post::table.find(1));
                update
                    .set(post::title.eq(fresh_title()))
                    .execute(db)
                    .await?;
                Ok(())
            })
        }

        fn $text(db: &mut CachedAsyncConnection<$connection>) -> Change<'_> {
            Box::pin(async move {
                let text = format!("UPDATE post SET title = '{}' WHERE id = 1", fresh_title());
                db.batch_execute(&text).await
            })
        }

        fn $transaction(db: &mut CachedAsyncConnection<$connection>) -> Change<'_> {
            Box::pin(async move {
                db.transaction(async |db| {
                    let update = diesel::update(post::table.find(1));
                    update
                        .set(post::title.eq(fresh_title()))
                        .execute(db)
                        .await?;
                    db.transaction(async |db| {
                        let update = diesel::update(post::table.find(1));
                        update.set(post::title.eq(fresh_title())).execute(db).await
                    })
                    .await?;
                    Ok::<_, Error>(())
                })
                .await
            })
        }
    };
}

changes!(
    pg_statement,
    pg_looked,
    pg_text,
    pg_transaction,
    AsyncPgConnection
);
changes!(
    my_statement,
    my_looked,
    my_text,
    my_transaction,
    AsyncMysqlConnection
);

cancellation!(
    statement_may_be_cancelled_anywhere_on_postgres,
    AsyncPgConnection,
    Postgres,
    pg_statement,
    commits true
);
macro_rules! cancelled_read {
    ($name:ident, $connection:ty, $backend:ident) => {
        /// MySQL's client answers the next query with what the one before had asked for: nobody else
        /// is to hear of it, neither from this wrapper nor from the next around the connection.
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let base = Base::start(Backend::$backend);
            let mut plain = <$connection>::establish(&base.url).await.unwrap();
            let title = |id: i32| post::table.filter(post::id.eq(id)).select(post::title);
            // Where it is dropped is for the scheduler to say, so it is dropped often.
            for round in 0..30 {
                let polls = 1 + round % 2;
                let larder = larder();
                let mut other = wrapped::<$connection>(&larder, &base).await;
                let inner = <$connection>::establish(&base.url).await.unwrap();
                let mut db = CachedAsyncConnection::wrap(&larder, inner, &base.config());
                title(4).load::<String>(&mut db).await.unwrap();
                let read = async { title(1).load::<String>(&mut db).await };
                cancelled(read, polls).await;
                if round % 4 < 2 {
                    let _ = title(2).load::<String>(&mut db).await;
                }
                let mut db = CachedAsyncConnection::wrap(&larder, db.into_inner(), &base.config());
                let _ = title(3).load::<String>(&mut db).await;
                for id in 1..=4 {
                    let truth = title(id).load::<String>(&mut plain).await.unwrap();
                    let cached = title(id).load::<String>(&mut other).await.unwrap();
                    assert_eq!(cached, truth, "round {round}");
                }
            }
        }
    };
}

cancelled_read!(
    cancelled_read_poisons_nothing_on_postgres,
    AsyncPgConnection,
    Postgres
);
cancelled_read!(
    cancelled_read_poisons_nothing_on_mariadb,
    AsyncMysqlConnection,
    MariaDb
);

cancellation!(
    look_may_be_cancelled_anywhere_on_postgres,
    AsyncPgConnection,
    Postgres,
    pg_looked,
    commits true
);
cancellation!(
    look_may_be_cancelled_anywhere_on_mariadb,
    AsyncMysqlConnection,
    MariaDb,
    my_looked,
    commits false
);
cancellation!(
    text_may_be_cancelled_anywhere_on_postgres,
    AsyncPgConnection,
    Postgres,
    pg_text,
    commits true
);
cancellation!(
    transaction_may_be_cancelled_anywhere_on_postgres,
    AsyncPgConnection,
    Postgres,
    pg_transaction,
    commits false
);
cancellation!(
    statement_may_be_cancelled_anywhere_on_mariadb,
    AsyncMysqlConnection,
    MariaDb,
    my_statement,
    commits false
);
cancellation!(
    text_may_be_cancelled_anywhere_on_mariadb,
    AsyncMysqlConnection,
    MariaDb,
    my_text,
    commits false
);
cancellation!(
    transaction_may_be_cancelled_anywhere_on_mariadb,
    AsyncMysqlConnection,
    MariaDb,
    my_transaction,
    commits false
);

#[tokio::test]
async fn hit_is_there_at_the_first_poll() {
    let mut it = Lab::<AsyncPgConnection>::start(Backend::Postgres).await;
    title!(&mut it.db);
    if larder_tests::lab::is_remote() {
        return;
    }
    let query = post::table.find(1).select(post::title);
    let mut hit = Box::pin(query.first::<String>(&mut it.db));
    let polled = hit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_ready());
}

#[tokio::test]
async fn pools_of_wrapped_connections_and_wrapped_ones_of_pools_share_one_cache() {
    let base = Base::start(Backend::Postgres);
    let larder = larder();
    let config = || cached_manager_config::<AsyncPgConnection>(&larder, &WrapConfig::new());
    let manager = AsyncDieselConnectionManager::new_with_config(&base.url, config());
    let outside = deadpool::Pool::builder(manager)
        .max_size(2)
        .build()
        .unwrap();
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(&base.url);
    let inside = deadpool::Pool::builder(manager)
        .max_size(2)
        .build()
        .unwrap();
    let manager = AsyncDieselConnectionManager::new_with_config(&base.url, config());
    let bb8 = bb8::Pool::builder()
        .max_size(2)
        .build(manager)
        .await
        .unwrap();

    let mut one = outside.get().await.unwrap();
    let mut two = larder.wrap(inside.get().await.unwrap());
    let mut three = bb8.get().await.unwrap();
    let set = |title| diesel::update(post::table.find(1)).set(post::title.eq(title));
    assert_eq!(title!(&mut one), "one");
    assert_eq!(title!(&mut two), "one");
    assert_eq!(title!(&mut three), "one");
    set("by the first").execute(&mut one).await.unwrap();
    assert_eq!(title!(&mut two), "by the first");
    assert_eq!(title!(&mut three), "by the first");
    two.transaction(async |db| set("by the second").execute(db).await)
        .await
        .unwrap();
    assert_eq!(title!(&mut one), "by the second");
    set("by the third").execute(&mut three).await.unwrap();
    assert_eq!(title!(&mut one), "by the third");
}

#[tokio::test]
async fn connections_that_block_and_those_that_do_not_share_results() {
    use diesel::Connection as _;
    let mut it = Lab::<AsyncPgConnection>::start(Backend::Postgres).await;
    let inner = diesel::PgConnection::establish(&it.base.url).unwrap();
    let mut blocking = it.larder.wrap(inner);
    let title = |db: &mut _| {
        let query = post::table.find(1).select(post::title);
        diesel::RunQueryDsl::first::<String>(query, db).unwrap()
    };
    assert_eq!(title(&mut blocking), "one");
    assert_eq!(title!(&mut it.db), "one");
    let update = diesel::update(post::table.find(1)).set(post::title.eq("blocking"));
    diesel::RunQueryDsl::execute(update, &mut blocking).unwrap();
    assert_eq!(title!(&mut it.db), "blocking");
    let update = diesel::update(post::table.find(1)).set(post::title.eq("task"));
    update.execute(&mut it.db).await.unwrap();
    assert_eq!(title(&mut blocking), "task");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_run_through_the_wrapper_and_drop_what_they_change() {
    let mut it = Lab::<AsyncPgConnection>::start(Backend::Postgres).await;
    let mut other = wrapped::<AsyncPgConnection>(&it.larder, &it.base).await;
    assert_eq!(title!(&mut it.db), "one");
    assert_eq!(title!(&mut other), "one");
    let mut harness = AsyncMigrationHarness::new(it.db);
    let done = harness.run_pending_migrations(MIGRATIONS).unwrap();
    assert_eq!(done.len(), 1);
    it.db = harness.into_inner();
    assert_eq!(title!(&mut it.db), "ONE");
    assert_eq!(title!(&mut other), "ONE");
    let before = it.counter.count();
    assert_eq!(title!(&mut it.db), "ONE");
    assert_eq!(it.counter.count(), before, "a hit");
}

#[tokio::test]
async fn scopes_and_streams_go_through_the_wrapper() {
    let mut it =
        Lab::<SyncConnectionWrapper<diesel::SqliteConnection>>::start(Backend::Sqlite).await;
    assert_eq!(title!(&mut it.db), "one");
    it.base
        .run(["UPDATE post SET title = 'outside' WHERE id = 1"]);
    assert_eq!(title!(&mut it.db), "one", "nobody told the cache");
    assert_eq!(title!(&mut *it.db.uncached()), "outside");
    assert_eq!(title!(&mut it.db), "one");
    let mut never = ReadOptions::default();
    never.ttl = Some(Duration::ZERO);
    assert_eq!(title!(&mut it.db.with_options(never)), "outside");
    assert_eq!(title!(&mut it.db.refreshed()), "outside");
    assert_eq!(title!(&mut it.db), "outside");
    let query = post::table.order(post::id);
    for _ in 0..2 {
        let rows = query.load_stream::<Post>(&mut it.db).await.unwrap();
        let rows: Vec<Post> = rows.try_collect().await.unwrap();
        assert_eq!(rows.len(), 5);
        let mut some = query.load_stream::<Post>(&mut it.db).await.unwrap();
        assert_eq!(some.next().await.unwrap().unwrap().id, 1);
    }
}

mod custom {
    use diesel::{
        deserialize::{self, FromSql, FromSqlRow},
        expression::AsExpression,
        pg::{Pg, PgValue},
        query_builder::QueryId,
        serialize::{self, IsNull, Output, ToSql},
        sql_types::SqlType,
    };
    use std::io::Write as _;

    #[derive(QueryId, SqlType)]
    #[diesel(postgres_type(name = "post_status"))]
    pub struct PostStatus;

    #[derive(AsExpression, Clone, Debug, FromSqlRow, PartialEq)]
    #[diesel(sql_type = PostStatus)]
    pub struct Status(pub String);

    impl ToSql<PostStatus, Pg> for Status {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            out.write_all(self.0.as_bytes())?;
            Ok(IsNull::No)
        }
    }

    impl FromSql<PostStatus, Pg> for Status {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            Ok(Self(String::from_utf8(value.as_bytes().to_vec())?))
        }
    }

    pub mod schema {
        diesel::table! {
            use diesel::sql_types::*;
            use super::super::PostStatus;
            post (id) {
                id -> Integer,
                status -> PostStatus,
            }
        }
    }
}

#[tokio::test]
async fn parameters_of_types_of_the_servers_own_are_sent_as_the_server_calls_them() {
    use custom::{Status, schema::post};
    let mut it = Lab::<AsyncPgConnection>::start(Backend::Postgres).await;
    let status = |it: &str| Status(it.to_owned());
    let drafts = || {
        let rows = post::table.filter(post::status.eq(status("draft")));
        rows.order(post::id).select((post::id, post::status))
    };
    // An array of them holds their number in its bytes.
    let some = || {
        let rows =
            post::table.filter(post::status.eq_any(vec![status("draft"), status("archived")]));
        rows.order(post::id).select(post::id)
    };
    let load = async |db: &mut CachedAsyncConnection<AsyncPgConnection>| {
        let rows: Vec<(i32, Status)> = drafts().load(db).await.unwrap();
        let ids: Vec<i32> = some().load(db).await.unwrap();
        (rows.into_iter().map(|row| row.0).collect::<Vec<_>>(), ids)
    };
    assert_eq!(load(&mut it.db).await, (vec![2, 5], vec![2, 4, 5]));
    let before = it.counter.count();
    assert_eq!(load(&mut it.db).await, (vec![2, 5], vec![2, 4, 5]));
    assert_eq!(it.counter.count(), before);
    let update = diesel::update(post::table.find(1)).set(post::status.eq(status("draft")));
    update.execute(&mut it.db).await.unwrap();
    assert_eq!(load(&mut it.db).await, (vec![1, 2, 5], vec![1, 2, 4, 5]));
}
