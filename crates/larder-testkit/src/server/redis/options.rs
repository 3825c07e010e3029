use std::{fmt::Write as _, path::Path};

use super::tls::RedisTls;
use crate::server::process::Kind;

/// How a private Redis server is started. The default is a server without persistence, password
/// and TLS.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RedisOptions {
    settings: Vec<(String, String)>,
    pub(super) files: Vec<(String, String)>,
    unix_socket: bool,
    pub(super) tls: bool,
    role: Role,
}

#[derive(Clone, Copy, Debug, Default)]
enum Role {
    #[default]
    Server,
    Sentinel,
}

impl RedisOptions {
    /// A sentinel, for those who need one by itself; [`RedisSentinel`](super::RedisSentinel) starts
    /// them together with what they watch.
    pub fn sentinel() -> Self {
        Self {
            role: Role::Sentinel,
            ..Self::default()
        }
    }

    /// Adds lines of `redis.conf`: a name, and the value as it would stand in that file. They come
    /// after the defaults and so replace them. With `requirepass`, [`url`](super::RedisServer::url)
    /// and [`command`](super::RedisServer::command) use the password.
    pub fn settings(mut self, settings: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.settings.extend(settings.iter().map(owned));
        self
    }

    /// Puts a file into the server's folder, which is its working folder: what `aclfile` names.
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Listens on a Unix socket too.
    pub fn unix_socket(mut self) -> Self {
        self.unix_socket = true;
        self
    }

    /// Speaks TLS on the server's port and nothing else, with certificates made for this server. A
    /// client may show its certificate or not; `tls-auth-clients yes` makes it obligatory.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// What `redis.conf` holds for a server in this folder.
    pub(super) fn conf(&self, folder: &Path) -> String {
        let mut conf = String::from("bind 127.0.0.1\n");
        if matches!(self.role, Role::Server) {
            conf.push_str(NOT_DURABLE);
        }
        if let Some(socket) = self.socket(folder) {
            // Writing to a string does not fail.
            let _ = writeln!(conf, "unixsocket {}", socket.display());
        }
        if self.tls {
            conf.push_str(&RedisTls::conf(folder));
        }
        for (name, value) in &self.settings {
            let _ = writeln!(conf, "{name} {value}");
        }
        conf
    }

    /// The arguments that come after the configuration.
    pub(super) fn arguments(&self, port: u16) -> Vec<String> {
        let port = port.to_string();
        let words: &[&str] = match self.role {
            Role::Server if self.tls => &["--port", "0", "--tls-port", &port],
            Role::Server => &["--port", &port],
            Role::Sentinel if self.tls => &["--port", "0", "--tls-port", &port, "--sentinel"],
            Role::Sentinel => &["--port", &port, "--sentinel"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Where the Unix socket is. A server with TLS has one for its own test's commands.
    pub(super) fn socket(&self, folder: &Path) -> Option<std::path::PathBuf> {
        (self.unix_socket || self.tls).then(|| folder.join("redis.sock"))
    }

    pub(super) fn password(&self) -> Option<&str> {
        let mut latest_first = self.settings.iter().rev();
        latest_first
            .find(|(name, _)| name == "requirepass")
            .map(|(_, password)| password.as_str())
    }

    pub(super) fn kind(&self) -> Kind {
        match self.role {
            Role::Server => Kind {
                name: "Redis",
                ready: "Ready to accept connections",
                stop: "KILL",
            },
            Role::Sentinel => Kind {
                name: "Redis Sentinel",
                ready: "Sentinel ID is",
                stop: "KILL",
            },
        }
    }
}

const NOT_DURABLE: &str = "save \"\"\nappendonly no\n";
