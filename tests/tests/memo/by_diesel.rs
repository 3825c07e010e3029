//! Memos of what Diesel's connections read.

use diesel::{
    Connection as _, ExpressionMethods as _, PgConnection, QueryDsl as _, RunQueryDsl as _,
    SqliteConnection, connection::SimpleConnection as _,
};
use larder::{
    DiscardReason, Larder, MemoOutcome, Untracked, diesel::CachedConnection, prelude::CacheDsl as _,
};
use larder_tests::lab::{Backend, Lab, wrap_config};

diesel::table! {
    post (id) {
        id -> Integer,
        author_id -> Integer,
        title -> Text,
        views -> Integer,
    }
}

fn ask<T: larder::Memoized>(
    larder: &Larder,
    name: &str,
    body: impl FnOnce() -> T,
) -> (T, MemoOutcome) {
    let mut outcome = MemoOutcome::default();
    let value = larder.memo(name, &()).told(&mut outcome).run_blocking(body);
    (value, outcome)
}

pub fn untracked(why: Untracked) -> MemoOutcome {
    MemoOutcome::Discarded(DiscardReason::Untracked(why), None)
}

/// Where Diesel finds the lab's database.
pub fn url(lab: &Lab) -> String {
    let file = lab.url.strip_prefix("sqlite://").unwrap_or(&lab.url);
    file.split('?').next().unwrap_or(file).to_owned()
}

pub const BEFORE: [&str; 2] = ["one", "two"];

macro_rules! by_threads {
    ($module:ident, $connection:ty, $backend:ident) => {
        mod $module {
            use super::*;

            struct Site {
                lab: Lab,
                db: CachedConnection<$connection>,
            }

            async fn site() -> Site {
                let lab = Lab::start(Backend::$backend).await;
                let inner = <$connection>::establish(&url(&lab)).unwrap();
                let config = wrap_config(&lab.url);
                let db = CachedConnection::wrap(&lab.larder, inner, &config);
                Site { lab, db }
            }

            fn load(db: &mut CachedConnection<$connection>) -> Vec<String> {
                let query = post::table.filter(post::author_id.eq(3)).order(post::id);
                query.select(post::title).load(db).unwrap()
            }

            fn write(db: &mut CachedConnection<$connection>, title: &str) {
                let row = diesel::update(post::table.find(1));
                row.set(post::title.eq(title)).execute(db).unwrap();
            }

            #[tokio::test]
            async fn each_way_to_read_is_tracked() {
                let Site { lab, mut db } = site().await;
                let larder = &lab.larder;
                type Way = fn(&mut CachedConnection<$connection>) -> Vec<String>;
                let ways: [(&str, Way); 5] = [
                    ("load", load),
                    ("uncached", |db| db.uncached(load)),
                    ("refreshed", |db| db.refreshed(load)),
                    ("typed", |db| {
                        let query = post::table.filter(post::author_id.eq(3)).order(post::id);
                        query.select(post::title).cached().load(db).unwrap()
                    }),
                    ("text", |db| {
                        #[derive(diesel::QueryableByName)]
                        struct Title {
                            #[diesel(sql_type = diesel::sql_types::Text)]
                            title: String,
                        }
                        let text = "SELECT title FROM post WHERE author_id = 3 ORDER BY id";
                        let rows: Vec<Title> = diesel::sql_query(text).load(db).unwrap();
                        rows.into_iter().map(|row| row.title).collect()
                    }),
                ];
                for (name, way) in ways {
                    write(&mut db, "one");
                    // Twice: what is read inside may be a hit the second time.
                    for round in 0..2 {
                        let stored = ask(larder, name, || way(&mut db));
                        assert_eq!(stored.1, MemoOutcome::Stored, "{name} {round}");
                        assert_eq!(stored.0, BEFORE);
                        larder.blocking().invalidate_memo(name);
                    }
                    ask(larder, name, || way(&mut db));
                    assert_eq!(ask(larder, name, Vec::<String>::new).1, MemoOutcome::Hit);
                    write(&mut db, "new");
                    let fresh = ask(larder, name, || way(&mut db));
                    assert_eq!(fresh.1, MemoOutcome::Stored, "{name}");
                    assert_eq!(fresh.0, ["new", "two"]);
                }
            }

            #[tokio::test]
            async fn what_writes_or_cannot_be_seen_is_not_stored() {
                let Site { lab, mut db } = site().await;
                let larder = &lab.larder;
                let (_, outcome) = ask(larder, "writes", || write(&mut db, "new"));
                assert_eq!(outcome, untracked(Untracked::Write));
                let (_, outcome) = ask(larder, "transaction", || {
                    let read = |db: &mut _| Ok::<_, diesel::result::Error>(load(db));
                    db.transaction(read).unwrap()
                });
                assert_eq!(outcome, untracked(Untracked::Transaction));
                let (_, outcome) = ask(larder, "batch", || {
                    db.batch_execute("SELECT * FROM post").unwrap();
                });
                assert_eq!(outcome, untracked(Untracked::Unseen));
                let (_, outcome) = ask(larder, "random", || {
                    let text = "SELECT title FROM post ORDER BY random()";
                    diesel::sql_query(text).execute(&mut db).unwrap()
                });
                assert!(outcome.to_string().contains("random"), "{outcome}");
                assert_ne!(outcome, MemoOutcome::Stored);
            }

            #[tokio::test]
            async fn an_error_and_a_panic_are_not_stored() {
                let Site { lab, mut db } = site().await;
                let memo = || lab.larder.memo("page", &());
                let failed = memo().try_run_blocking(|| {
                    load(&mut db);
                    Err::<Vec<String>, _>("no")
                });
                assert_eq!(failed, Err("no"));
                let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    memo().run_blocking(|| {
                        assert!(load(&mut db).is_empty(), "on purpose");
                        Vec::<String>::new()
                    })
                }));
                assert!(panicked.is_err());
                let (_, outcome) = ask(&lab.larder, "page", || load(&mut db));
                assert_eq!(outcome, MemoOutcome::Stored);
            }
        }
    };
}

by_threads!(sqlite, SqliteConnection, Sqlite);
by_threads!(postgres, PgConnection, Postgres);

#[tokio::test]
async fn rows_that_arrive_one_by_one_are_tracked() {
    use diesel::pg::PgRowByRowLoadingMode;
    let lab = Lab::start(Backend::Postgres).await;
    let inner = PgConnection::establish(&url(&lab)).unwrap();
    let mut db = CachedConnection::wrap(&lab.larder, inner, &wrap_config(&lab.url));
    let read = |db: &mut CachedConnection<PgConnection>| {
        let query = post::table.filter(post::author_id.eq(3)).order(post::id);
        let rows = query
            .select(post::title)
            .load_iter::<String, PgRowByRowLoadingMode>(db)
            .unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap()
    };
    let (_, outcome) = ask(&lab.larder, "page", || read(&mut db));
    assert_eq!(outcome, MemoOutcome::Stored);
    let row = diesel::update(post::table.find(1));
    row.set(post::title.eq("new")).execute(&mut db).unwrap();
    let fresh = ask(&lab.larder, "page", || read(&mut db));
    assert_eq!(fresh.0, ["new", "two"]);
}
