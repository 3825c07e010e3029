//! Redis in every topology: one server, a cluster, and servers watched by sentinels.

mod cluster;
mod command;
mod options;
mod sentinel;
mod tls;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use self::command::Reply;
pub use self::{
    cluster::{RedisCluster, shared_redis_cluster},
    options::RedisOptions,
    sentinel::{RedisSentinel, SentinelOptions},
    tls::RedisTls,
};
use super::{Result, ServerError, binary, folder::Folder, process::ServerProcess};

/// A private Redis server.
///
/// What hurts it takes `&mut self`, so that no test hurts the server that it shares with others.
#[derive(Debug)]
pub struct RedisServer {
    process: ServerProcess,
    password: Option<String>,
    socket: Option<PathBuf>,
    tls: Option<RedisTls>,
}

impl RedisServer {
    /// Starts a server without persistence.
    ///
    /// # Errors
    ///
    /// When the Debian package `redis-server` is missing or the server does not start; the
    /// message holds the end of its log.
    pub fn start() -> Result<Self> {
        Self::start_with(&RedisOptions::default())
    }

    /// Starts a server.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start); for TLS also when the Debian package `openssl` is missing.
    pub fn start_with(options: &RedisOptions) -> Result<Self> {
        let redis = binary::find(&["redis-server"], "redis-server")?;
        let folder = Folder::create("redis", "redis")?;
        for (name, text) in &options.files {
            folder.write(name, text)?;
        }
        let tls = match options.tls {
            true => Some(RedisTls::create(&folder)?),
            false => None,
        };
        let socket = options.socket(&folder.path);
        // Redis itself rewrites the file (a sentinel, CONFIG REWRITE), so restarts keep it.
        let conf = folder.write("redis.conf", options.conf(&folder.path))?;
        let command = |port: u16| {
            let mut command = Command::new(&redis);
            command.arg(&conf).args(options.arguments(port));
            command
        };
        Ok(Self {
            process: ServerProcess::start(folder, options.kind(), &command)?,
            password: options.password().map(str::to_owned),
            socket,
            tls,
        })
    }

    /// The URL of the server's first database; `rediss` when it speaks TLS.
    pub fn url(&self) -> String {
        let (scheme, host) = match self.tls {
            Some(_) => ("rediss", "localhost"),
            None => ("redis", "127.0.0.1"),
        };
        let password = self.password.as_deref();
        let login = password.map(|p| format!(":{p}@")).unwrap_or_default();
        format!("{scheme}://{login}{host}:{}/", self.process.port)
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.process.port
    }

    /// The path of the Unix socket, if the server was started with one.
    pub fn unix_socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// The certificates, if the server speaks TLS.
    pub fn tls(&self) -> Option<&RedisTls> {
        self.tls.as_ref()
    }

    /// The process id of the server in its latest run.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The process id of the supervisor that holds the server and its folder.
    pub fn supervisor_pid(&self) -> u32 {
        self.process.supervisor_pid()
    }

    /// Whether the server can answer: it has not ended and is not paused.
    pub fn is_serving(&self) -> bool {
        self.process.is_serving()
    }

    /// Kills the server with SIGKILL and waits until it is gone. Its folder stays, with what it
    /// has written to disk.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts the server again on the same port, in the same folder and with the same settings,
    /// and waits until it accepts connections. Kills it first if it still runs.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and when another process has taken the port.
    pub fn restart(&mut self) -> Result<()> {
        self.process.restart()
    }

    /// Stops the process from running (SIGSTOP): connections stay open and get no answer.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn pause(&mut self) -> Result<()> {
        self.process.pause()
    }

    /// Lets a paused process run on; it answers what has been asked meanwhile.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn resume(&mut self) -> Result<()> {
        self.process.resume()
    }

    /// Sends one command on a connection of its own. The elements of an array are lines, nothing
    /// is `(nil)`.
    ///
    /// # Errors
    ///
    /// When the server does not answer within five seconds, or answers with an error: the
    /// message is then the error as Redis words it.
    pub fn command(&self, command: &[&str]) -> Result<String> {
        let words: Vec<&[u8]> = command.iter().map(|word| word.as_bytes()).collect();
        self.call(&words).map(Reply::into_string)
    }

    /// One field of what `INFO` says.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command), and when there is no such field.
    pub fn info(&self, name: &str) -> Result<String> {
        field(&self.command(&["INFO", "all"])?, name)
    }

    fn call(&self, command: &[&[u8]]) -> Result<Reply> {
        let password = self.password.as_deref();
        match &self.socket {
            Some(socket) if self.tls.is_some() => command::over_socket(socket, password, command),
            _ => command::over_tcp(self.process.port, password, command),
        }
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

/// The value in the line `name:value`.
fn field(text: &str, name: &str) -> Result<String> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::to_owned)
        .ok_or_else(|| ServerError::new(format!("Redis says nothing about {name}")))
}
