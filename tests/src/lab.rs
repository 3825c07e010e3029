//! One database with the common schema and rows, a wrapped connection and a plain one.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use larder::{
    CachedConnection, Larder, LarderBuilder, MemoryStore, Policy, RedisConfig, RedisStore,
    WrapConfig,
};
use larder_testkit::{schema, server};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};

/// The databases that the tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Embedded SQLite in a temporary file.
    Sqlite,
    /// A private PostgreSQL server.
    Postgres,
    /// A private MariaDB server.
    MariaDb,
}

/// A database, wrapped and plain.
#[derive(Debug)]
pub struct Lab {
    /// Which database it is.
    pub backend: Backend,
    /// Goes through the cache.
    pub db: CachedConnection<DatabaseConnection>,
    /// Goes past the cache, to ask for the truth.
    pub plain: DatabaseConnection,
    /// The cache.
    pub larder: Larder,
    /// Where the database is.
    pub url: String,
    selects: Arc<AtomicUsize>,
    sent: Arc<Mutex<HashMap<String, usize>>>,
    _folder: Option<Folder>,
}

/// A larder without policies on the store that the run is for: memory, or Redis with
/// `LARDER_TEST_STORE=redis`.
pub fn builder() -> LarderBuilder {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let larder = Larder::builder().namespace(format!("lab-{number}"));
    match std::env::var("LARDER_TEST_STORE").as_deref() {
        Ok("redis") => {
            // What is tested is not how fast a busy machine answers.
            let config = RedisConfig::from_url(&server::shared_redis().unwrap().url())
                .unwrap()
                .with_response_timeout(PATIENCE)
                .with_hit_timeout(PATIENCE);
            larder.store(RedisStore::connect_blocking(config).unwrap())
        }
        Ok(other) => panic!("LARDER_TEST_STORE={other} is no store"),
        Err(_) => larder.store(MemoryStore::with_capacity_bytes(64 << 20)),
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the run is for a store outside the process.
pub fn is_remote() -> bool {
    std::env::var_os("LARDER_TEST_STORE").is_some()
}

/// Wraps a connection. SQLite needs a name on a store outside the process.
pub fn wrap(
    larder: &Larder,
    connection: DatabaseConnection,
    url: &str,
) -> CachedConnection<DatabaseConnection> {
    CachedConnection::wrap(larder, connection, wrap_config(url))
}

/// How a connection to this database is wrapped.
pub fn wrap_config(url: &str) -> WrapConfig {
    match is_remote() && url.starts_with("sqlite") {
        true => WrapConfig::new().source(url),
        false => WrapConfig::new(),
    }
}

impl Lab {
    /// A database of its own with the schema of `migrations/` and the rows of `SEED`.
    pub async fn start(backend: Backend) -> Self {
        let lab = Self::start_empty(backend).await;
        let dialect = match backend {
            Backend::Sqlite => larder_sql::Dialect::Sqlite,
            Backend::Postgres => larder_sql::Dialect::Postgres,
            Backend::MariaDb => larder_sql::Dialect::MySql,
        };
        for statement in schema::statements(dialect) {
            lab.plain.execute_unprepared(statement).await.unwrap();
        }
        for statement in SEED {
            let quoted = if backend == Backend::MariaDb {
                statement.replace('"', "`")
            } else {
                (*statement).to_owned()
            };
            lab.plain.execute_unprepared(&quoted).await.unwrap();
        }
        if backend == Backend::Postgres {
            // Rows with keys of their own do not move the identity sequences.
            for table in [
                "author",
                "post",
                "comment",
                "tag",
                "customer",
                "product",
                "order_line",
            ] {
                let sql = format!("ALTER TABLE {table} ALTER COLUMN id RESTART WITH 1000");
                lab.plain.execute_unprepared(&sql).await.unwrap();
            }
        }
        lab
    }

    /// A database of its own without tables.
    pub async fn start_empty(backend: Backend) -> Self {
        let (url, folder) = match backend {
            Backend::Sqlite => {
                let folder = Folder::new();
                (
                    format!("sqlite://{}/lab.db?mode=rwc", folder.0.display()),
                    Some(folder),
                )
            }
            Backend::Postgres => (
                server::shared_postgres()
                    .unwrap()
                    .create_database()
                    .unwrap(),
                None,
            ),
            Backend::MariaDb => (
                server::shared_mariadb().unwrap().create_database().unwrap(),
                None,
            ),
        };
        let larder = builder()
            .default_policy(Policy::new().with_ttl(Duration::from_secs(600)))
            .build()
            .unwrap();
        let plain = Database::connect(options(&url)).await.unwrap();
        let mut counted = Database::connect(options(&url)).await.unwrap();
        let selects = Arc::new(AtomicUsize::new(0));
        let counter = selects.clone();
        let sent = Arc::new(Mutex::new(HashMap::new()));
        let texts = sent.clone();
        counted.set_metric_callback(move |info| {
            *texts
                .lock()
                .unwrap()
                .entry(info.statement.sql.clone())
                .or_insert(0) += 1;
            // What larder asks the catalog does not count as the application's read.
            let sql = info.statement.sql.to_ascii_lowercase();
            let catalog = [
                "pg_",
                "information_schema",
                "pragma",
                "sqlite_",
                "@@",
                "current_",
            ];
            let read = sql.starts_with("select") || sql.starts_with("with");
            if read && !catalog.iter().any(|word| sql.contains(word)) {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        let db = wrap(&larder, counted, &url);
        Self {
            backend,
            db,
            plain,
            larder,
            url,
            selects,
            sent,
            _folder: folder,
        }
    }

    /// How to connect to this database.
    pub fn options(&self) -> ConnectOptions {
        options(&self.url)
    }

    /// A second wrapped connection to this database under the same larder.
    pub async fn another_handle(&self) -> CachedConnection<DatabaseConnection> {
        let connection = Database::connect(self.options()).await.unwrap();
        wrap(&self.larder, connection, &self.url)
    }

    /// How many SELECTs of the application have reached the database through the wrapper.
    pub fn selects(&self) -> usize {
        self.selects.load(Ordering::SeqCst)
    }

    /// How often this text has reached the database through the wrapper.
    pub fn sent(&self, sql: &str) -> usize {
        self.sent.lock().unwrap().get(sql).copied().unwrap_or(0)
    }

    /// Whether writes come back with the new row.
    pub fn returns_rows(&self) -> bool {
        self.backend != Backend::MariaDb
    }
}

fn options(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(4).sqlx_logging(false);
    options
}

/// A temporary folder that goes when it is dropped.
#[derive(Debug)]
pub struct Folder(pub std::path::PathBuf);

impl Folder {
    /// A new one.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("larder-lab-{}-{number}", std::process::id());
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

/// Rows that every read of the matrix has something to say about.
const SEED: &[&str] = &[
    "INSERT INTO author (id, name, email, active) VALUES
        (3, 'Ada', 'ada@example.org', true), (4, 'Grace', NULL, true), (5, 'Edsger', NULL, false)",
    "INSERT INTO post (id, author_id, title, body, status, published, views) VALUES
        (1, 3, 'one', 'text', 'published', true, 5), (2, 3, 'two', NULL, 'draft', false, 0),
        (3, 4, 'three', 'text', 'published', true, 7), (4, 4, 'four', NULL, 'archived', false, 1),
        (5, 5, 'five', 'x', 'draft', false, 0)",
    "INSERT INTO comment (id, post_id, author_id, body, approved) VALUES
        (1, 1, 4, 'nice', true), (2, 1, 5, 'no', false), (3, 3, 3, 'yes', true),
        (4, 2, NULL, 'hm', true)",
    "INSERT INTO tag (id, name) VALUES (1, 'rust'), (2, 'sql')",
    "INSERT INTO post_tag (post_id, tag_id) VALUES (1, 1), (1, 2), (3, 2)",
    "INSERT INTO customer (id, name, email, vip, credit) VALUES
        (1, 'Barbara', 'b@example.org', true, 10.50), (2, 'Alan', 'a@example.org', false, NULL)",
    "UPDATE customer SET referred_by = 1 WHERE id = 2",
    "INSERT INTO friendship (customer_id, friend_id) VALUES (1, 2), (2, 1)",
    "INSERT INTO product (id, sku, name, price, stock) VALUES
        (1, 'tea', 'Tea', 4.50, 10), (2, 'jam', 'Jam', 3.20, 8)",
    "INSERT INTO \"order\" (id, customer_id, status) VALUES
        (1, 1, 'open'), (2, 1, 'paid'), (3, 2, 'open')",
    "INSERT INTO order_line (id, order_id, product_id, quantity, unit_price) VALUES
        (1, 1, 1, 2, 4.50), (2, 1, 2, 1, 3.20), (3, 3, 1, 5, 4.50)",
];
