//! A database with the common schema, a cache of it in Redis, and the command beside both.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use larder::{CachedConnection, Larder, Policy, RedisConfig, RedisStore, WrapConfig};
use larder_examples::entity::{author, comment, post, tag};
use larder_sql::Dialect;
use larder_testkit::{schema, server};
use sea_orm::{
    ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, QueryFilter,
    QueryOrder, Statement,
};

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// All of it, for a snapshot.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("exit {}\n", self.code);
        for (name, said) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !said.is_empty() {
                text += &format!("--- {name}\n{said}");
            }
        }
        text
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The command without anything from the environment.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    for name in [
        "LARDER_STORE",
        "LARDER_NAMESPACE",
        "DATABASE_URL",
        "LARDER_ENABLED",
    ] {
        command.env_remove(name);
    }
    // Help is wrapped by the width of the terminal.
    command.env("COLUMNS", "100").stdin(Stdio::null());
    command.args(arguments);
    command
}

pub(crate) fn end(mut command: Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs it with these arguments and nothing else.
pub(crate) fn bare(arguments: &[&str]) -> Ended {
    end(command(arguments))
}

/// A port on which nobody listens.
pub(crate) fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The URL of a server, patient with a busy machine.
pub(crate) fn patient(url: &str) -> String {
    format!("{url}?connect_timeout=10s&response_timeout=10s")
}

pub(crate) struct Lab {
    pub(crate) redis: String,
    pub(crate) database: String,
    pub(crate) namespace: String,
    /// Goes past the cache.
    pub(crate) plain: DatabaseConnection,
    /// Goes through it.
    pub(crate) db: CachedConnection<DatabaseConnection>,
    pub(crate) dialect: Dialect,
    selects: Arc<AtomicUsize>,
    _folder: Option<Folder>,
}

/// What the reads of a lab ask, by name.
pub(crate) const READS: &[&str] = &[
    "post 1",
    "post 2",
    "posts of 3",
    "posts of 4",
    "drafts",
    "posts",
    "author 3",
    "comments of 1",
    "comments of 3",
    "tags",
];

impl Lab {
    pub(crate) async fn start(dialect: Dialect) -> Self {
        let redis = server::shared_redis().unwrap().url();
        Self::on(dialect, &redis, "").await
    }

    /// On this Redis, with these parameters of its URL.
    pub(crate) async fn on(dialect: Dialect, redis: &str, parameters: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let namespace = format!("cli-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let (database, folder) = match dialect {
            Dialect::MySql => (
                server::shared_mariadb().unwrap().create_database().unwrap(),
                None,
            ),
            Dialect::Sqlite => {
                let folder = Folder::new(&namespace);
                let url = format!("sqlite://{}/lab.db?mode=rwc", folder.0.display());
                (url, Some(folder))
            }
            _ => (
                server::shared_postgres()
                    .unwrap()
                    .create_database()
                    .unwrap(),
                None,
            ),
        };
        let plain = connect(&database).await;
        let statements = schema::statements(dialect);
        for sql in statements.iter().chain(SEED) {
            plain.execute_unprepared(sql).await.unwrap();
        }
        let redis = format!("{}{parameters}", patient(redis));
        let config = RedisConfig::from_url(&redis)
            .unwrap()
            .with_hit_timeout(Duration::from_secs(10));
        let larder = Larder::builder()
            .namespace(namespace.as_str())
            .store(RedisStore::connect(config).await.unwrap())
            .default_policy(Policy::new().with_ttl(Duration::from_secs(600)))
            .build()
            .unwrap();
        let (counted, selects) = counted(&database).await;
        let wrapping = match dialect {
            Dialect::Sqlite => WrapConfig::new().source(SOURCE),
            _ => WrapConfig::new(),
        };
        Self {
            db: CachedConnection::wrap(&larder, counted, wrapping),
            redis,
            database,
            namespace,
            plain,
            dialect,
            selects,
            _folder: folder,
        }
    }

    /// The command, with all that it needs to know in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.without_database(arguments);
        command.env("DATABASE_URL", &self.database);
        if self.dialect == Dialect::Sqlite {
            command.args(["--source", SOURCE]);
        }
        command
    }

    /// The same, not knowing the database.
    pub(crate) fn without_database(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command
            .env("LARDER_STORE", &self.redis)
            .env("LARDER_NAMESPACE", &self.namespace);
        command
    }

    /// Runs it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        end(self.command(arguments))
    }

    /// Asks everything, until all of it is a hit.
    pub(crate) async fn fill(&self) {
        for name in READS {
            self.read(&self.db, name).await;
            assert!(self.is_hit(name).await, "{name} is not cached");
        }
    }

    /// The reads that are no hits any more.
    pub(crate) async fn dropped(&self) -> BTreeSet<&'static str> {
        let mut dropped = BTreeSet::new();
        for name in READS {
            if !self.is_hit(name).await {
                dropped.insert(*name);
            }
        }
        dropped
    }

    /// The reads whose answer is not what the database says.
    pub(crate) async fn stale(&self) -> BTreeSet<&'static str> {
        let mut stale = BTreeSet::new();
        for name in READS {
            if self.read(&self.db, name).await != self.read(&self.plain, name).await {
                stale.insert(*name);
            }
        }
        stale
    }

    pub(crate) async fn outside(&self, sql: &str) {
        self.plain.execute_unprepared(sql).await.unwrap();
    }

    async fn is_hit(&self, name: &str) -> bool {
        let before = self.selects.load(Ordering::SeqCst);
        self.read(&self.db, name).await;
        self.selects.load(Ordering::SeqCst) == before
    }

    async fn read(&self, db: &impl ConnectionTrait, name: &str) -> String {
        let posts = || post::Entity::find().order_by_asc(post::Column::Id);
        let comments = |post: i32| {
            comment::Entity::find()
                .filter(comment::Column::PostId.eq(post))
                .order_by_asc(comment::Column::Id)
        };
        match name {
            "post 1" => told(post::Entity::find_by_id(1).one(db).await),
            "post 2" => told(post::Entity::find_by_id(2).one(db).await),
            "posts of 3" => told(posts().filter(post::Column::AuthorId.eq(3)).all(db).await),
            "posts of 4" => told(posts().filter(post::Column::AuthorId.eq(4)).all(db).await),
            "drafts" => told(
                posts()
                    .filter(post::Column::Status.eq(post::Status::Draft))
                    .all(db)
                    .await,
            ),
            "posts" => told(posts().all(db).await),
            "author 3" => told(author::Entity::find_by_id(3).one(db).await),
            "comments of 1" => told(comments(1).all(db).await),
            "comments of 3" => told(comments(3).all(db).await),
            "tags" => told(
                tag::Entity::find()
                    .order_by_asc(tag::Column::Id)
                    .all(db)
                    .await,
            ),
            other => panic!("no read is called {other}"),
        }
    }

    /// What a `SELECT` of one column says.
    pub(crate) async fn column(&self, sql: &str) -> Vec<String> {
        let statement = Statement::from_string(self.plain.get_database_backend(), sql);
        let rows = self.plain.query_all_raw(statement).await.unwrap();
        rows.iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .collect()
    }
}

/// What the application calls a SQLite file.
const SOURCE: &str = "shop";

fn told<T: std::fmt::Debug>(result: Result<T, sea_orm::DbErr>) -> String {
    format!("{:?}", result.unwrap())
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(4).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

/// A connection that counts the application's reads.
async fn counted(url: &str) -> (DatabaseConnection, Arc<AtomicUsize>) {
    let mut connection = connect(url).await;
    let selects = Arc::new(AtomicUsize::new(0));
    let counter = selects.clone();
    connection.set_metric_callback(move |info| {
        let sql = info.statement.sql.to_ascii_lowercase();
        let entity = ["author", "post", "comment", "tag"].iter().any(|table| {
            sql.contains(&format!("from \"{table}\"")) || sql.contains(&format!("from `{table}`"))
        });
        if sql.starts_with("select") && entity {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    (connection, selects)
}

/// Rows that every read has something to say about.
const SEED: &[&str] = &[
    "INSERT INTO author (id, name, email, active) VALUES
        (3, 'Ada', 'ada@example.org', true), (4, 'Grace', NULL, true)",
    "INSERT INTO post (id, author_id, title, body, status, published, views) VALUES
        (1, 3, 'one', 'text', 'published', true, 5), (2, 3, 'two', NULL, 'draft', false, 0),
        (3, 4, 'three', 'text', 'published', true, 7)",
    "INSERT INTO comment (id, post_id, author_id, body, approved) VALUES
        (1, 1, 4, 'nice', true), (2, 3, 3, 'yes', true)",
    "INSERT INTO tag (id, name) VALUES (1, 'rust'), (2, 'sql')",
];

/// A temporary folder that goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("larder-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Compares with a snapshot, whatever differs from run to run masked. `INSTA_UPDATE=always` writes it
/// anew.
macro_rules! snapshot {
    ($name:expr, $text:expr) => {
        insta::with_settings!({
            omit_expression => true,
            prepend_module_to_snapshot => false,
            snapshot_path => "snapshots",
            filters => $crate::lab::MASKS.to_vec(),
        }, {
            insta::assert_snapshot!($name, $text);
        })
    };
}
pub(crate) use snapshot;

/// Ports, versions, databases, times and digests.
pub(crate) const MASKS: &[(&str, &str)] = &[
    (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
    (r"Redis \d+\.\d+\.\d+", "Redis [version]"),
    (r"larder \d+\.\d+\.\d+", "larder [version]"),
    (r"\(source [^,)]+", "(source [database]"),
    (r"source `[^`]+`", "source `[database]`"),
    (r#""source": "[^"]+""#, r#""source": "[database]""#),
    (r"namespace (`?)cli-\d+", "namespace ${1}[namespace]"),
    (
        r"record: .* old, lives .* more",
        "record: [age] old, lives [ttl] more",
    ),
    (
        r", [^,]+ old, lives [^,]+ more, query [^,]+,",
        ", [age] old, lives [ttl] more, query [time],",
    ),
    (r"[A-Za-z0-9_-]{27}  ", "[digest]  "),
    (r"\d+(\.\d+)? (B|KiB)\b", "[bytes]"),
    (r"lag [0-9a-z]+", "lag [time]"),
    (
        r#""(\w*(bytes\w*|seconds|micros|lag_ms))": \d+"#,
        r#""$1": 0"#,
    ),
    (r#""digest": "[^"]+""#, r#""digest": "[digest]""#),
];
