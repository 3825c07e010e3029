//! One database with the table `item`, two wrapped handles on it and a plain one.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use larder::{CachedConnection, Event, Larder, Observer, Policy};
use larder_testkit::server;
use larder_tests::{
    lab::{Backend, builder, wrap_config},
    row::{Cell, Row, cached},
};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, ExecResult,
    FromQueryResult, Statement, Value,
};

use crate::gate::{Control, DEADLINE, Gate, GatedConnection, within};

pub type Wrapped = CachedConnection<GatedConnection>;

/// A wrapped connection with the control of what is inside.
#[derive(Clone)]
pub struct Handle {
    pub db: Wrapped,
    pub control: Arc<Control>,
}

pub struct Yard {
    pub backend: Backend,
    pub url: String,
    pub larder: Larder,
    /// Both on one source.
    pub one: Handle,
    pub two: Handle,
    pub plain: DatabaseConnection,
    seen: Arc<Seen>,
    _folder: Option<Folder>,
}

/// Items 1 and 2 in group 1, item 3 in group 2.
const ITEMS: [&str; 2] = [
    "CREATE TABLE item (id INTEGER NOT NULL PRIMARY KEY, grp INTEGER NOT NULL, n BIGINT NOT NULL)",
    "INSERT INTO item (id, grp, n) VALUES (1, 1, 0), (2, 1, 0), (3, 2, 0)",
];

impl Yard {
    pub async fn new(backend: Backend) -> Self {
        Self::with(backend, 4, &[]).await
    }

    /// A yard whose pools have so many connections, with more statements run before all.
    pub async fn with(backend: Backend, connections: u32, more: &[&str]) -> Self {
        let (url, folder) = match backend {
            Backend::Sqlite => {
                let folder = Folder::new();
                let url = format!("sqlite://{}/yard.db?mode=rwc", folder.0.display());
                (url, Some(folder))
            }
            Backend::Postgres => {
                let server = server::shared_postgres().unwrap();
                (server.create_database().unwrap(), None)
            }
            Backend::MariaDb => {
                let server = server::shared_mariadb().unwrap();
                (server.create_database().unwrap(), None)
            }
        };
        Self::on(backend, url, folder, connections, more).await
    }

    pub async fn on(
        backend: Backend,
        url: String,
        folder: Option<Folder>,
        connections: u32,
        more: &[&str],
    ) -> Self {
        let plain = connect(&url, 4).await;
        if backend == Backend::Sqlite {
            // Readers and a writer at a time.
            plain
                .execute_unprepared("PRAGMA journal_mode = WAL")
                .await
                .unwrap();
        }
        for sql in ITEMS.iter().chain(more) {
            plain.execute_unprepared(sql).await.unwrap();
        }
        let seen = Arc::new(Seen::default());
        let larder = builder()
            .default_policy(Policy::new().with_ttl(Duration::from_secs(600)))
            .observer(seen.clone())
            .build()
            .unwrap();
        let one = handle(&larder, &url, connect(&url, connections).await);
        let two = handle(&larder, &url, connect(&url, connections).await);
        let yard = Self {
            backend,
            url,
            larder,
            one,
            two,
            plain,
            seen,
            _folder: folder,
        };
        // Reads the catalogs, so that traps meet nothing of them.
        for handle in [&yard.one, &yard.two] {
            handle.db.execute_unprepared("SELECT 1").await.unwrap();
        }
        yard
    }

    /// A statement of this database: `?` stands for the parameters.
    pub fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        statement(&self.plain, sql, values)
    }

    /// What the observer heard so far.
    pub fn events(&self) -> Vec<String> {
        self.seen.0.lock().unwrap().clone()
    }

    /// Reads items and groups through both handles until they are hits.
    pub async fn warm(&self) {
        // Tables with an invalidation that waits for delivery are bypassed: nothing would be a hit.
        self.larder.flush(DEADLINE).await.unwrap();
        let last = tokio::time::Instant::now() + DEADLINE;
        for handle in [&self.one, &self.two] {
            for read in &READS {
                // A write whose future was dropped may have been on its way to its statement still,
                // and drop what the first read has stored.
                loop {
                    handle.read(read).await;
                    let before = handle.control.reads();
                    handle.read(read).await;
                    if handle.control.reads() == before {
                        break;
                    }
                    assert!(
                        tokio::time::Instant::now() < last,
                        "{read} is never a hit: {:#?}",
                        self.events()
                    );
                }
            }
        }
    }

    /// Every read through both handles says what the database says.
    pub async fn assert_fresh(&self, what: &str) {
        for read in &READS {
            let truth = rows(&self.plain, self.statement(read, [])).await;
            for (number, handle) in [&self.one, &self.two].into_iter().enumerate() {
                let cached = handle.read(read).await;
                assert_eq!(
                    cached,
                    truth,
                    "{:?}: {what}: handle {number}: {read}: {:#?}",
                    self.backend,
                    self.events()
                );
            }
        }
    }

    /// For writes whose caller is gone: nobody knows when they end.
    pub async fn eventually_fresh(&self, what: &str) {
        self.eventually_fresh_through(&[&self.one, &self.two], what)
            .await;
    }

    /// [`Self::eventually_fresh`], asking these handles alone.
    pub async fn eventually_fresh_through(&self, handles: &[&Handle], what: &str) {
        let settled = || self.one.control.running() + self.two.control.running() == 0;
        eventually(async || settled()).await;
        let last = tokio::time::Instant::now() + DEADLINE;
        loop {
            let mut stale = None;
            for read in &READS {
                let truth = rows(&self.plain, self.statement(read, [])).await;
                for handle in handles {
                    let cached = handle.read(read).await;
                    if cached != truth {
                        stale = Some((*read, cached, truth.clone()));
                    }
                }
            }
            let Some(stale) = stale else { return };
            assert!(
                tokio::time::Instant::now() < last,
                "{:?}: {what}: {stale:?}: {:#?}",
                self.backend,
                self.events()
            );
            tokio::task::yield_now().await;
        }
    }

    /// Whether a read through the handle costs no query.
    pub async fn hits(&self, handle: &Handle, read: &str) -> bool {
        let before = handle.control.reads();
        handle.read(read).await;
        handle.control.reads() == before
    }
}

/// What the tests keep asking.
pub const READS: [&str; 5] = [
    "SELECT id, grp, n FROM item WHERE id = 1",
    "SELECT id, grp, n FROM item WHERE id = 3",
    "SELECT id, n FROM item WHERE grp = 1 ORDER BY id",
    "SELECT id, n FROM item WHERE grp = 2 ORDER BY id",
    "SELECT count(*) FROM item",
];

impl Handle {
    pub async fn read(&self, sql: &str) -> Vec<Row> {
        self.try_read(sql).await.unwrap()
    }

    pub async fn try_read(&self, sql: &str) -> Result<Vec<Row>, DbErr> {
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        within(cached::<Row>(statement).all(&self.db)).await
    }

    pub async fn write(&self, sql: &str) -> Result<ExecResult, DbErr> {
        within(self.db.execute_unprepared(sql)).await
    }
}

pub fn statement(
    db: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    let backend = db.get_database_backend();
    let mut text = String::new();
    let mut next = 0;
    for letter in sql.chars() {
        if letter == '?' && backend == sea_orm::DbBackend::Postgres {
            next += 1;
            text.push_str(&format!("${next}"));
        } else {
            text.push(letter);
        }
    }
    Statement::from_sql_and_values(backend, text, values)
}

pub fn handle(larder: &Larder, url: &str, inner: DatabaseConnection) -> Handle {
    let control = Arc::new(Control::default());
    let gate = Gate {
        inner,
        control: control.clone(),
    };
    Handle {
        db: CachedConnection::wrap_other(larder, gate, wrap_config(url)),
        control,
    }
}

pub async fn connect(url: &str, connections: u32) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

pub async fn rows(db: &impl ConnectionTrait, statement: Statement) -> Vec<Row> {
    Row::find_by_statement(statement).all(db).await.unwrap()
}

/// The one number of a result.
pub fn number(rows: &[Row]) -> i64 {
    match rows {
        [row] => match row.0.last() {
            Some(Cell::Int(Some(number))) => *number,
            other => panic!("no number: {other:?}"),
        },
        _ => panic!("not one row: {rows:?}"),
    }
}

/// Waits for a condition that must come true.
pub async fn eventually(mut condition: impl AsyncFnMut() -> bool) {
    within(async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Polls a future so many times, each when it was woken, and drops it; `Some` when it came to
/// its end.
pub async fn poll_times<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    if times == 0 {
        return None;
    }
    let mut future = pin!(future);
    let mut left = times;
    within(std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => {
            left -= 1;
            if left == 0 {
                Poll::Ready(None)
            } else {
                Poll::Pending
            }
        }
    }))
    .await
}

#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn on_event(&self, event: &Event<'_>) {
        let mut seen = self.0.lock().unwrap();
        if seen.len() > 40 {
            seen.remove(0);
        }
        seen.push(format!("{event:?}"));
    }
}

/// A temporary folder that goes when it is dropped.
pub struct Folder(std::path::PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("larder-yard-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
