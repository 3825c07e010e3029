use std::{
    fs,
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

/// A private MariaDB server with an account `root` (no password) and a database `larder`.
#[derive(Debug)]
pub struct MariaDbServer {
    process: ServerProcess,
    client: PathBuf,
    databases: AtomicU64,
}

impl MariaDbServer {
    /// Starts a server.
    ///
    /// # Errors
    ///
    /// When the Debian package `mariadb-server` is missing or the server does not start; the
    /// message holds the end of its log.
    pub fn start() -> Result<Self> {
        let install = binary::find(&["mariadb-install-db", "mysql_install_db"], PACKAGE)?;
        let mariadbd = binary::find(&["mariadbd"], PACKAGE)?;
        let client = binary::find(&["mariadb"], "mariadb-client")?;
        let folder = Folder::create("my", "mysql")?;
        let data = folder.path.join("data");
        let init_file = folder.path.join("init.sql");
        fs::write(&init_file, INIT).map_err(|e| ServerError::io("write", &init_file, &e))?;
        let mut init = Command::new(install);
        init.arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()));
        init.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        init.args(["--skip-name-resolve", "--innodb-log-file-size=8M"]);
        init.args([
            "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=16M",
            "--innodb-use-native-aio=0",
        ]);
        folder.run(init)?;
        let temporary = folder.path.clone();
        let socket = folder.path.join("socket");
        let pid_file = folder.path.join("pid");
        let command = |port: u16| {
            let mut command = Command::new(&mariadbd);
            command
                .arg("--no-defaults")
                .arg(format!("--datadir={}", data.display()));
            // A server that starts deletes the temporary tables of all others in its folder for them.
            command.arg(format!("--tmpdir={}", temporary.display()));
            command.arg(format!("--socket={}", socket.display()));
            command.arg(format!("--pid-file={}", pid_file.display()));
            command.arg(format!("--init-file={}", init_file.display()));
            command.arg(format!("--port={port}")).args(SETTINGS);
            command
        };
        // Nothing here needs the orderly shutdown that SIGTERM starts.
        let kind = Kind {
            name: "MariaDB",
            ready: "ready for connections",
            stop: "KILL",
        };
        let process = ServerProcess::start(folder, kind, &command)?;
        Ok(Self {
            process,
            client,
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
        let mut command = Command::new(&self.client);
        command.args(["--no-defaults", "--protocol=TCP", "-h127.0.0.1", "-uroot"]);
        command.arg(format!("-P{}", self.process.port));
        command
            .arg("-e")
            .arg(format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"));
        super::process::run(command)?;
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
        format!("mysql://root@127.0.0.1:{}/{database}", self.process.port)
    }
}

/// One server for the whole process, started at the first call.
///
/// # Errors
///
/// As [`MariaDbServer::start`]; a failure is kept and reported to every caller.
pub fn shared_mariadb() -> Result<&'static MariaDbServer> {
    static SERVER: OnceLock<Result<MariaDbServer>> = OnceLock::new();
    SERVER
        .get_or_init(MariaDbServer::start)
        .as_ref()
        .map_err(ServerError::clone)
}

const PACKAGE: &str = "mariadb-server";

/// Names are not resolved, so 127.0.0.1 is an account host of its own.
const INIT: &str = "CREATE DATABASE IF NOT EXISTS larder CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS root@'127.0.0.1';
GRANT ALL PRIVILEGES ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
";

const SETTINGS: &[&str] = &[
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--max-connections=200",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
    // Many servers on one machine run out of the kernel's queues.
    "--innodb-use-native-aio=0",
    "--innodb-log-file-size=8M",
    "--innodb-buffer-pool-size=32M",
    // With these, `NOT IN (SELECT ..)` over NULLs has one answer now and another a moment later
    // (10.11), and only one of them is right.
    "--optimizer-switch=partial_match_rowid_merge=off,partial_match_table_scan=off",
    "--character-set-server=utf8mb4",
    "--log-warnings=1",
];
