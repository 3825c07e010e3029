//! Databases with the common schema and rows, and connections to them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use diesel::{
    Connection, MysqlConnection, PgConnection, SqliteConnection,
    connection::{InstrumentationEvent, SimpleConnection},
};
use larder::{Larder, Policy, WrapConfig};
use larder_sql::Dialect;
use larder_testkit::{schema, server};
pub use larder_tests::lab::Backend;
use larder_tests::lab::{Folder, builder, is_remote};

/// A database of its own.
#[derive(Debug)]
pub struct Base {
    pub backend: Backend,
    /// As Diesel wants it.
    pub url: String,
    _folder: Option<Folder>,
}

impl Base {
    /// One with the schema of `migrations/` and some rows.
    pub fn start(backend: Backend) -> Self {
        let base = Self::start_empty(backend);
        let dialect = match backend {
            Backend::Sqlite => Dialect::Sqlite,
            Backend::Postgres => Dialect::Postgres,
            Backend::MariaDb => Dialect::MySql,
        };
        let statements = schema::statements(dialect);
        let rows = SEED.iter().copied();
        let sequences: &[&str] = match backend {
            // Rows with keys of their own do not move the identity sequences.
            Backend::Postgres => &[
                "ALTER TABLE author ALTER COLUMN id RESTART WITH 1000",
                "ALTER TABLE post ALTER COLUMN id RESTART WITH 1000",
                "ALTER TABLE comment ALTER COLUMN id RESTART WITH 1000",
                "ALTER TABLE tag ALTER COLUMN id RESTART WITH 1000",
            ],
            _ => &[],
        };
        base.run(
            statements
                .into_iter()
                .chain(rows)
                .chain(sequences.iter().copied()),
        );
        base
    }

    /// One without tables.
    pub fn start_empty(backend: Backend) -> Self {
        let (url, folder) = match backend {
            Backend::Sqlite => {
                let folder = Folder::new();
                let file = folder.0.join("lab.db");
                (file.display().to_string(), Some(folder))
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
        Self {
            backend,
            url,
            _folder: folder,
        }
    }

    /// Runs statements past every cache.
    pub fn run<'a>(&self, statements: impl IntoIterator<Item = &'a str>) {
        fn all<'a, C: SimpleConnection>(mut c: C, statements: impl IntoIterator<Item = &'a str>) {
            for statement in statements {
                c.batch_execute(statement)
                    .unwrap_or_else(|error| panic!("{statement}: {error}"));
            }
        }
        match self.backend {
            Backend::Sqlite => all(SqliteConnection::establish(&self.url).unwrap(), statements),
            Backend::Postgres => all(PgConnection::establish(&self.url).unwrap(), statements),
            Backend::MariaDb => all(MysqlConnection::establish(&self.url).unwrap(), statements),
        }
    }

    /// How its connections are wrapped: on a store outside the process SQLite needs a name.
    pub fn config(&self) -> WrapConfig {
        match self.backend {
            Backend::Sqlite if is_remote() => WrapConfig::new().source(self.url.as_str()),
            _ => WrapConfig::new(),
        }
    }
}

/// A larder that caches everything for ten minutes.
pub fn larder() -> Larder {
    builder()
        .default_policy(Policy::new().with_ttl(Duration::from_secs(600)))
        .build()
        .unwrap()
}

/// Counts the statements that reach a database.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// What a connection is instrumented with.
    pub fn instrumentation(&self) -> impl Fn(InstrumentationEvent<'_>) + Send + 'static {
        let counter = self.0.clone();
        move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

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
];
