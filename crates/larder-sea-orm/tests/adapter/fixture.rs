//! A wrapped database with rows, and the number of statements that reached it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use larder_core::{Event, MemoryStore, Observer};
use larder_sea_orm::CachedConnection;
use larder_signals::Larder;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};

/// A wrapped database with a few rows.
pub(crate) struct Fixture {
    pub(crate) larder: Larder,
    pub(crate) db: CachedConnection<DatabaseConnection>,
    /// The same database, past the cache.
    pub(crate) plain: DatabaseConnection,
    pub(crate) store: MemoryStore,
    statements: Arc<AtomicUsize>,
    seen: Arc<Seen>,
}

/// Two authors with two posts each; posts 1 and 2 have comments.
const SCHEMA: &str = "
    PRAGMA foreign_keys = ON;
    CREATE TABLE post (id INTEGER PRIMARY KEY AUTOINCREMENT, author_id INTEGER NOT NULL,
        title TEXT NOT NULL, note TEXT);
    CREATE UNIQUE INDEX post_title ON post (title);
    CREATE TABLE comment (id INTEGER PRIMARY KEY AUTOINCREMENT,
        post_id INTEGER NOT NULL REFERENCES post (id) ON DELETE CASCADE,
        approved BOOLEAN NOT NULL);
    CREATE TABLE secret (id INTEGER PRIMARY KEY AUTOINCREMENT, word TEXT NOT NULL);
    INSERT INTO post (id, author_id, title) VALUES (1, 3, 'a'), (2, 3, 'b'), (3, 4, 'c'), (4, 4, 'd');
    INSERT INTO comment (id, post_id, approved) VALUES (1, 1, 1), (2, 1, 0), (3, 2, 1);
    CREATE TABLE label (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
    CREATE TABLE post_label (post_id INTEGER NOT NULL, label_id INTEGER NOT NULL,
        PRIMARY KEY (post_id, label_id));
    INSERT INTO label (id, name) VALUES (1, 'red'), (2, 'blue');
    INSERT INTO post_label (post_id, label_id) VALUES (1, 1), (1, 2), (2, 2);
    INSERT INTO secret (id, word) VALUES (1, 'sesame');
";

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(SCHEMA).await
    }

    /// One with other tables.
    pub(crate) async fn with(schema: &str) -> Self {
        let statements = Arc::new(AtomicUsize::new(0));
        let mut options = ConnectOptions::new("sqlite::memory:");
        options.max_connections(1).sqlx_logging(false);
        let mut plain = Database::connect(options).await.unwrap();
        let counter = statements.clone();
        plain.set_metric_callback(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        plain.execute_unprepared(schema).await.unwrap();
        let seen = Arc::new(Seen::default());
        let store = MemoryStore::with_capacity_bytes(8 << 20);
        let larder = Larder::builder()
            .namespace("test")
            .store(store.clone())
            .observer(seen.clone())
            .build()
            .unwrap();
        let db = larder.wrap(plain.clone());
        let fixture = Self {
            larder,
            db,
            plain,
            store,
            statements,
            seen,
        };
        // The catalog is read with the first statement; nobody counts that.
        fixture.db.execute_unprepared("SELECT 1").await.unwrap();
        fixture
    }

    /// How many statements reach the database while the future runs, and what it gives.
    pub(crate) async fn counted<T>(&self, work: impl Future<Output = T>) -> (usize, T) {
        let before = self.statements.load(Ordering::Relaxed);
        let value = work.await;
        (self.statements.load(Ordering::Relaxed) - before, value)
    }

    /// What the observer heard so far, as text.
    pub(crate) fn events(&self) -> Vec<String> {
        self.seen.0.lock().unwrap().clone()
    }
}

#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn on_event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

/// The statement behind a query is answered from the cache.
macro_rules! assert_hit {
    ($fixture:expr, $query:expr) => {{
        let (statements, value) = $fixture.counted($query).await;
        assert_eq!(statements, 0, "not a hit: {:#?}", $fixture.events());
        value.unwrap()
    }};
}

/// The statement behind a query reaches the database, alone.
macro_rules! assert_miss {
    ($fixture:expr, $query:expr) => {{
        let (statements, value) = $fixture.counted($query).await;
        assert_eq!(statements, 1, "not one statement: {:#?}", $fixture.events());
        value.unwrap()
    }};
}

pub(crate) use {assert_hit, assert_miss};
