use std::{
    path::PathBuf,
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Result, ServerError, binary,
    folder::Folder,
    process::{Kind, ServerProcess},
};

/// A private PostgreSQL server with one superuser `larder` (no password) and a database `larder`.
#[derive(Debug)]
pub struct PostgresServer {
    process: ServerProcess,
    createdb: PathBuf,
    databases: AtomicU64,
}

impl PostgresServer {
    /// Starts a server.
    ///
    /// # Errors
    ///
    /// When the Debian package `postgresql` is missing or the server does not start; the message
    /// holds the end of its log.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// Starts a server that [`standby`](Self::standby) can copy.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_primary() -> Result<Self> {
        Self::start_with(REPLICATION)
    }

    /// Starts a server that syncs to disk before it acknowledges, as an installed one does.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_durable() -> Result<Self> {
        Self::start_with(DURABLE)
    }

    fn start_with(settings: &[&str]) -> Result<Self> {
        let folder = Folder::create("pg", "postgres")?;
        let mut init = Command::new(binary::find(&["initdb"], PACKAGE)?);
        init.arg("-D")
            .arg(folder.path.join("data"))
            .args(["-U", "larder", "-A", "trust", "-E", "UTF8"]);
        init.args(["--locale=C", "--no-sync"]);
        folder.run(init)?;
        let ready = "database system is ready to accept connections";
        let server = Self::serve(folder, settings, ready)?;
        server.create_named("larder")?;
        Ok(server)
    }

    /// Starts a standby of this server: a copy as of now, which replays what is committed from
    /// here on an hour later, so that it lags for as long as a test runs.
    ///
    /// # Errors
    ///
    /// When this server was not started as a primary, or the standby does not start.
    pub fn standby(&self) -> Result<Self> {
        let folder = Folder::create("pg", "postgres")?;
        let mut copy = Command::new(binary::find(&["pg_basebackup"], PACKAGE)?);
        copy.arg("-D").arg(folder.path.join("data"));
        copy.args([
            "-h",
            "127.0.0.1",
            "-U",
            "larder",
            "-w",
            "-R",
            "-X",
            "stream",
        ]);
        copy.args(["-c", "fast", "--no-sync", "-p"])
            .arg(self.process.port.to_string());
        folder.run(copy)?;
        let settings = [REPLICATION, &["recovery_min_apply_delay=1h"]].concat();
        let ready = "database system is ready to accept read-only connections";
        Self::serve(folder, &settings, ready)
    }

    /// Runs a server on the data in this folder.
    fn serve(folder: Folder, settings: &[&str], ready: &'static str) -> Result<Self> {
        let postgres = binary::find(&["postgres"], PACKAGE)?;
        let createdb = binary::find(&["createdb"], "postgresql-client")?;
        let data = folder.path.join("data");
        let command = |port: u16| {
            let mut command = Command::new(&postgres);
            command
                .arg("-D")
                .arg(&data)
                .args(["-h", "127.0.0.1", "-k", "", "-p"]);
            command.arg(port.to_string());
            let settings = SETTINGS.iter().chain(settings);
            command.args(settings.flat_map(|setting| ["-c", setting]));
            command
        };
        // SIGQUIT is PostgreSQL's immediate shutdown.
        let kind = Kind {
            name: "PostgreSQL",
            ready,
            stop: "QUIT",
        };
        Ok(Self {
            process: ServerProcess::start(folder, kind, &command)?,
            createdb,
            databases: AtomicU64::new(0),
        })
    }

    /// The URL of the database `larder`.
    pub fn url(&self) -> String {
        self.url_of("larder")
    }

    /// Creates an empty database with a name of its own and gives its URL.
    ///
    /// # Errors
    ///
    /// When the server refuses.
    pub fn create_database(&self) -> Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.create_named(&name)?;
        Ok(self.url_of(&name))
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.process.port
    }

    /// The process id of the supervisor that holds the server.
    pub fn supervisor_pid(&self) -> u32 {
        self.process.supervisor_pid()
    }

    fn url_of(&self, database: &str) -> String {
        format!(
            "postgres://larder@127.0.0.1:{}/{database}",
            self.process.port
        )
    }

    fn create_named(&self, name: &str) -> Result<()> {
        let mut command = Command::new(&self.createdb);
        command.args([
            "-h",
            "127.0.0.1",
            "-U",
            "larder",
            "-w",
            "--maintenance-db=postgres",
            "-p",
        ]);
        command
            .arg(self.process.port.to_string())
            .args(["-T", "template0", name]);
        super::process::run(command)
    }
}

/// One server for the whole process, started at the first call.
///
/// # Errors
///
/// As [`PostgresServer::start`]; a failure is kept and reported to every caller.
pub fn shared_postgres() -> Result<&'static PostgresServer> {
    static SERVER: OnceLock<Result<PostgresServer>> = OnceLock::new();
    SERVER
        .get_or_init(PostgresServer::start)
        .as_ref()
        .map_err(ServerError::clone)
}

const PACKAGE: &str = "postgresql";

/// A standby refuses to start with less than its primary has.
const REPLICATION: &[&str] = &["wal_level=replica", "max_wal_senders=4"];

const DURABLE: &[&str] = &["fsync=on", "synchronous_commit=on", "full_page_writes=on"];

const SETTINGS: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_connections=200",
    "max_prepared_transactions=10",
    "shared_buffers=32MB",
    "logging_collector=off",
    "log_destination=stderr",
];
