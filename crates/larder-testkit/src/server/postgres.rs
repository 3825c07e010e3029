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
    process::{Folder, ServerProcess, Start},
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
        let initdb = binary::find(&["initdb"], PACKAGE)?;
        let postgres = binary::find(&["postgres"], PACKAGE)?;
        let createdb = binary::find(&["createdb"], "postgresql-client")?;
        let folder = Folder::create("pg", "postgres")?;
        let data = folder.path.join("data");
        let mut init = Command::new(initdb);
        init.arg("-D")
            .arg(&data)
            .args(["-U", "larder", "-A", "trust", "-E", "UTF8"]);
        init.args(["--locale=C", "--no-sync"]);
        folder.run(init)?;
        let command = |port: u16| {
            let mut command = Command::new(&postgres);
            command
                .arg("-D")
                .arg(&data)
                .args(["-h", "127.0.0.1", "-k", "", "-p"]);
            command.arg(port.to_string());
            command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
            command
        };
        // SIGQUIT is PostgreSQL's immediate shutdown.
        let ready = "database system is ready to accept connections";
        let start = Start {
            name: "PostgreSQL",
            command: &command,
            ready,
            stop: "QUIT",
        };
        let process = ServerProcess::start(folder, &start)?;
        let server = Self {
            process,
            createdb,
            databases: AtomicU64::new(0),
        };
        server.create_named("larder")?;
        Ok(server)
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
