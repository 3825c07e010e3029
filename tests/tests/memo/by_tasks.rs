//! Memos of what connections of diesel-async read.

use diesel::{ExpressionMethods as _, QueryDsl as _, SqliteConnection};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
use larder::{
    MemoOutcome, Untracked,
    diesel::{CachedAsyncConnection, WrappedAsyncConnection},
    prelude::CacheDsl as _,
};
use larder_tests::lab::{Backend, Lab, wrap_config};

use crate::{
    bench::ask,
    by_diesel::{BEFORE, post, untracked, url},
};

/// What tasks read; `uncached` and typed ones too.
async fn tasks<C: WrappedAsyncConnection>(backend: Backend)
where
    CachedAsyncConnection<C>: Titles,
{
    let lab = Lab::start(backend).await;
    let inner = C::establish(&url(&lab)).await.unwrap();
    let mut db = CachedAsyncConnection::wrap(&lab.larder, inner, &wrap_config(&lab.url));
    for way in 0..4 {
        let name = format!("way {way}");
        db.write("one").await;
        for _ in 0..2 {
            let stored = ask(&lab.larder, &name, db.titles(way)).await;
            assert_eq!(stored.1, MemoOutcome::Stored, "{name}");
            assert_eq!(stored.0, BEFORE);
            lab.larder.invalidate_memo(&name).await;
        }
        ask(&lab.larder, &name, db.titles(way)).await;
        let hit = ask(&lab.larder, &name, db.titles(way)).await;
        assert_eq!(hit.1, MemoOutcome::Hit, "{name}");
        db.write("new").await;
        let fresh = ask(&lab.larder, &name, db.titles(way)).await;
        assert_eq!(fresh.1, MemoOutcome::Stored, "{name}");
        assert_eq!(fresh.0, ["new", "two"]);
    }
    let outcome = ask(&lab.larder, "writes", db.write("x")).await.1;
    assert_eq!(outcome, untracked(Untracked::Write));
    let outcome = ask(&lab.larder, "inside", db.inside()).await.1;
    assert_eq!(outcome, untracked(Untracked::Transaction));
}

/// What differs by connection, since Diesel's bounds on queries are hard to write down.
trait Titles {
    fn titles(&mut self, way: usize) -> impl Future<Output = Vec<String>> + Send;
    fn write(&mut self, title: &str) -> impl Future<Output = ()> + Send;
    fn inside(&mut self) -> impl Future<Output = Vec<String>> + Send;
}

macro_rules! by_tasks {
    ($name:ident, $connection:ty, $backend:ident) => {
        impl Titles for CachedAsyncConnection<$connection> {
            async fn titles(&mut self, way: usize) -> Vec<String> {
                let query = post::table.filter(post::author_id.eq(3)).order(post::id);
                let query = query.select(post::title);
                match way {
                    0 => query.load(self).await.unwrap(),
                    1 => query.load(&mut *self.uncached()).await.unwrap(),
                    2 => query.cached().load(self).await.unwrap(),
                    _ => query.load(&mut *self.refreshed()).await.unwrap(),
                }
            }

            async fn write(&mut self, title: &str) {
                let row = diesel::update(post::table.find(1));
                row.set(post::title.eq(title)).execute(self).await.unwrap();
            }

            async fn inside(&mut self) -> Vec<String> {
                self.begin_test_transaction().await.unwrap();
                self.titles(0).await
            }
        }

        #[tokio::test]
        async fn $name() {
            tasks::<$connection>(Backend::$backend).await;
        }
    };
}

by_tasks!(
    what_tasks_read_on_postgres_is_tracked,
    diesel_async::AsyncPgConnection,
    Postgres
);
by_tasks!(
    what_tasks_read_on_sqlite_is_tracked,
    diesel_async::sync_connection_wrapper::SyncConnectionWrapper<SqliteConnection>,
    Sqlite
);
