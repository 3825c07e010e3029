use std::{process::Command, sync::OnceLock};

use super::{
    Result, ServerError, binary,
    process::{Folder, ServerProcess, Start},
};

/// A private Redis server without persistence.
#[derive(Debug)]
pub struct RedisServer {
    process: ServerProcess,
}

impl RedisServer {
    /// Starts a server.
    ///
    /// # Errors
    ///
    /// When the Debian package `redis-server` is missing or the server does not start; the
    /// message holds the end of its log.
    pub fn start() -> Result<Self> {
        let redis = binary::find(&["redis-server"], "redis-server")?;
        let folder = Folder::create("redis", "redis")?;
        let command = |port: u16| {
            let mut command = Command::new(&redis);
            command.args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--port",
            ]);
            command.arg(port.to_string());
            command
        };
        let ready = "Ready to accept connections";
        let start = Start {
            name: "Redis",
            command: &command,
            ready,
            stop: "KILL",
        };
        Ok(Self {
            process: ServerProcess::start(folder, &start)?,
        })
    }

    /// The URL of the server's first database.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.process.port)
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.process.port
    }

    /// The process id of the supervisor that holds the server.
    pub fn supervisor_pid(&self) -> u32 {
        self.process.supervisor_pid()
    }
}

/// One server for the whole process, started at the first call.
///
/// # Errors
///
/// As [`RedisServer::start`]; a failure is kept and reported to every caller.
pub fn shared_redis() -> Result<&'static RedisServer> {
    static SERVER: OnceLock<Result<RedisServer>> = OnceLock::new();
    SERVER
        .get_or_init(RedisServer::start)
        .as_ref()
        .map_err(ServerError::clone)
}
