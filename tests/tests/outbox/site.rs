//! A database with the outbox on every table, a cache in front of it, and a writer that the cache
//! does not see.

use larder::{CachedConnection, Outbox, Relay, RelayConfig, RelayOutcome, RelayRound};
use larder_sql::Dialect;
use larder_tests::{
    lab::{Backend, Lab},
    row::{Row, cached},
};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

/// The database and its relay.
pub struct Site {
    pub lab: Lab,
    pub relay: Relay<DatabaseConnection>,
}

/// Reads on the tables of the common schema, each with conditions of its own.
pub const READS: &[&str] = &[
    "SELECT id, author_id, views FROM post WHERE id = 1",
    "SELECT id, author_id, views FROM post WHERE id = 2",
    "SELECT id, views FROM post WHERE author_id = 3 ORDER BY id",
    "SELECT id, views FROM post WHERE author_id = 4 ORDER BY id",
    "SELECT id, published FROM post WHERE author_id = 5 ORDER BY id",
    "SELECT id, approved FROM comment WHERE post_id = 1 ORDER BY id",
    "SELECT id, approved FROM comment WHERE post_id = 3 ORDER BY id",
    "SELECT count(*) FROM post",
    "SELECT count(*) FROM tag",
    "SELECT id, active FROM author WHERE id = 3",
    "SELECT id, active FROM author ORDER BY id",
    "SELECT id, quantity FROM order_line WHERE order_id = 1 ORDER BY id",
];

pub const fn dialect(backend: Backend) -> Dialect {
    match backend {
        Backend::Sqlite => Dialect::Sqlite,
        Backend::Postgres => Dialect::Postgres,
        Backend::MariaDb => Dialect::MySql,
    }
}

/// Creates the outbox and installs its triggers on every table.
pub async fn install(lab: &Lab) {
    run(&lab.plain, Outbox::new(dialect(lab.backend)).create()).await;
    install_triggers(lab).await;
}

/// Installs the triggers on every table.
pub async fn install_triggers(lab: &Lab) {
    let outbox = Outbox::new(dialect(lab.backend));
    lab.db.refresh_catalog().await;
    for table in lab.db.catalog().await.unwrap().tables.values() {
        for sql in outbox.install(table) {
            run(&lab.plain, &sql).await;
        }
    }
    lab.db.refresh_catalog().await;
}

pub async fn run<C: ConnectionTrait>(db: &C, sql: &str) {
    let done = db.execute_unprepared(sql).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

pub async fn ask(db: &CachedConnection<DatabaseConnection>, sql: &str) -> Vec<Row> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = cached::<Row>(statement).all(db).await;
    rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

impl Site {
    pub async fn start(backend: Backend) -> Self {
        Self::on(Lab::start(backend).await).await
    }

    /// On a database that was prepared.
    pub async fn on(lab: Lab) -> Self {
        install(&lab).await;
        let relay = lab.db.relay(RelayConfig::new());
        Self { lab, relay }
    }

    /// Runs a statement that the cache does not see.
    pub async fn outside(&self, sql: &str) {
        run(&self.lab.plain, sql).await;
    }

    /// Makes every read a hit.
    pub async fn warm(&self) {
        for read in READS {
            ask(&self.lab.db, read).await;
            assert!(self.is_hit(read).await, "{:?}: {read}", self.lab.backend);
        }
    }

    pub async fn is_hit(&self, read: &str) -> bool {
        let before = self.lab.sent(read);
        ask(&self.lab.db, read).await;
        self.lab.sent(read) == before
    }

    /// What the database says.
    pub async fn truth(&self, read: &str) -> Vec<Row> {
        use sea_orm::FromQueryResult;
        let statement = Statement::from_string(self.lab.plain.get_database_backend(), read);
        Row::find_by_statement(statement)
            .all(&self.lab.plain)
            .await
            .unwrap()
    }

    pub async fn is_fresh(&self, read: &str) -> bool {
        ask(&self.lab.db, read).await == self.truth(read).await
    }

    /// One round, which must find something.
    pub async fn round(&self) -> RelayRound {
        let round = self.relay.round().await.unwrap();
        assert_eq!(
            round.outcome,
            RelayOutcome::Trimmed,
            "{:?}",
            self.lab.backend
        );
        round
    }

    /// Rows in the outbox.
    pub async fn recorded(&self) -> usize {
        self.truth("SELECT id FROM larder_outbox").await.len()
    }

    /// Runs statements that the cache does not see, and a round: every read is fresh afterwards,
    /// and those in `kept` cost no query.
    pub async fn check(&self, what: &str, statements: &[&str], kept: &[&str]) {
        self.warm().await;
        for sql in statements {
            self.outside(sql).await;
        }
        self.round().await;
        assert_eq!(self.recorded().await, 0, "{what}");
        let backend = self.lab.backend;
        for read in kept {
            assert!(READS.contains(read), "{read} is none of the reads");
        }
        for read in READS {
            let before = self.lab.sent(read);
            assert!(
                self.is_fresh(read).await,
                "{backend:?}: {read} is stale after {what}"
            );
            let queried = self.lab.sent(read) > before;
            assert!(
                !(queried && kept.contains(read)),
                "{backend:?}: {what} dropped {read}"
            );
        }
    }
}
