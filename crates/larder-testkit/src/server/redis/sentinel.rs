use super::{RedisOptions, RedisServer};
use crate::server::{Result, ServerError, wait_until};

/// A private master with one replica, and three sentinels that watch them under the name
/// [`SERVICE`](Self::SERVICE). Two of them agree that a master is down, after one second.
///
/// Waiting regards the sentinels that serve.
#[derive(Debug)]
pub struct RedisSentinel {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
}

/// Passwords of what [`RedisSentinel`] starts; none by default.
#[derive(Clone, Debug, Default)]
pub struct SentinelOptions {
    /// What the master and the replica ask for.
    pub server_password: Option<String>,
    /// What the sentinels ask for.
    pub sentinel_password: Option<String>,
}

impl RedisSentinel {
    /// The name under which the sentinels know the master.
    pub const SERVICE: &'static str = "larder";

    /// Starts servers and sentinels without passwords.
    ///
    /// # Errors
    ///
    /// As [`start_with`](Self::start_with).
    pub fn start() -> Result<Self> {
        Self::start_with(&SentinelOptions::default())
    }

    /// Starts servers and sentinels, and waits until the replica is in sync and the sentinels
    /// know it and each other.
    ///
    /// # Errors
    ///
    /// As [`RedisServer::start`], and when they do not find each other.
    pub fn start_with(options: &SentinelOptions) -> Result<Self> {
        let server = server_options(options);
        let master = RedisServer::start_with(&server)?;
        let primary = format!("127.0.0.1 {}", master.port());
        let replica = server.settings(&[("replicaof", &primary)]);
        let servers = vec![master, RedisServer::start_with(&replica)?];
        let port = servers.first().map_or(0, RedisServer::port);
        let sentinel = sentinel_options(options, port);
        let sentinels = (0..SENTINELS)
            .map(|_| RedisServer::start_with(&sentinel))
            .collect::<Result<Vec<_>>>()?;
        for sentinel in &sentinels {
            sentinel.command(&[&["SENTINEL", "DEBUG"], IMPATIENCE].concat())?;
        }
        let group = Self { servers, sentinels };
        wait_until("the sentinels know the servers and each other", || {
            group.is_complete()
        })?;
        Ok(group)
    }

    /// The servers: the first master, and the first replica.
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The servers, to be hurt.
    pub fn servers_mut(&mut self) -> &mut [RedisServer] {
        &mut self.servers
    }

    /// The sentinels.
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// The sentinels, to be hurt.
    pub fn sentinels_mut(&mut self) -> &mut [RedisServer] {
        &mut self.sentinels
    }

    /// The TCP ports of the sentinels.
    pub fn sentinel_ports(&self) -> Vec<u16> {
        self.sentinels.iter().map(RedisServer::port).collect()
    }

    /// The port of the master, as all sentinels that serve say it.
    ///
    /// # Errors
    ///
    /// When they do not agree, as happens during a failover.
    pub fn master_port(&self) -> Result<u16> {
        let serving = self.sentinels.iter().filter(|s| s.is_serving());
        let mut ports = serving.map(master_port_at).collect::<Result<Vec<u16>>>()?;
        ports.dedup();
        match ports[..] {
            [port] => Ok(port),
            _ => Err(ServerError::new(format!(
                "the sentinels name these masters: {ports:?}"
            ))),
        }
    }

    /// Kills the master and gives its port.
    ///
    /// # Errors
    ///
    /// When the sentinels do not agree on the master, or it does not run.
    pub fn kill_master(&mut self) -> Result<u16> {
        let port = self.master_port()?;
        let master = self.servers.iter_mut().find(|s| s.port() == port);
        master
            .ok_or_else(|| ServerError::new(format!("no server has port {port}")))?
            .kill()?;
        Ok(port)
    }

    /// Waits until all sentinels name a server as the master that serves and knows that it is the
    /// master; gives its port. To be called after the old master was killed or paused.
    ///
    /// # Errors
    ///
    /// When there is no failover.
    pub fn wait_for_failover(&self) -> Result<u16> {
        wait_until("another server is the master", || {
            let port = self.master_port()?;
            let master = self.servers.iter().find(|s| s.port() == port);
            let Some(master) = master.filter(|s| s.is_serving()) else {
                return Ok(false);
            };
            Ok(master.info("role")? == "master")
        })?;
        self.master_port()
    }

    /// Starts the servers that were killed again, and waits until they are replicas in sync with
    /// the master, which the sentinels make of them.
    ///
    /// # Errors
    ///
    /// As [`RedisServer::restart`], and when they do not become replicas.
    pub fn restart_as_replica(&mut self) -> Result<()> {
        for server in self.servers.iter_mut().filter(|s| !s.is_serving()) {
            server.restart()?;
        }
        wait_until("the restarted server is a replica", || self.is_complete())
    }

    /// Whether every other server follows the master, and the sentinels know all that.
    fn is_complete(&self) -> Result<bool> {
        let port = self.master_port()?;
        for server in self.servers.iter().filter(|s| s.port() != port) {
            let follows = server.info("role")? == "slave"
                && server.info("master_port")? == port.to_string()
                && server.info("master_link_status")? == "up";
            if !follows {
                return Ok(false);
            }
        }
        for sentinel in self.sentinels.iter().filter(|s| s.is_serving()) {
            let master = sentinel.command(&["SENTINEL", "MASTER", Self::SERVICE])?;
            let knows = pair(&master, "flags") == Some("master")
                && pair(&master, "num-slaves") == Some("1")
                && pair(&master, "num-other-sentinels") == Some("2");
            if !knows {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn server_options(options: &SentinelOptions) -> RedisOptions {
    let server = RedisOptions::default().settings(&[("repl-diskless-sync-delay", "0")]);
    match &options.server_password {
        Some(password) => server.settings(&[("requirepass", password), ("masterauth", password)]),
        None => server,
    }
}

fn sentinel_options(options: &SentinelOptions, port: u16) -> RedisOptions {
    let name = RedisSentinel::SERVICE;
    let mut sentinel = RedisOptions::sentinel().settings(&[
        ("sentinel monitor", &format!("{name} 127.0.0.1 {port} 2")),
        // More than the second between two pings: a new master that was not asked yet is not down.
        ("sentinel down-after-milliseconds", &format!("{name} 2000")),
        ("sentinel failover-timeout", &format!("{name} 3000")),
    ]);
    if let Some(password) = &options.server_password {
        let login = format!("{name} {password}");
        sentinel = sentinel.settings(&[("sentinel auth-pass", &login)]);
    }
    if let Some(password) = &options.sentinel_password {
        sentinel = sentinel.settings(&[
            ("requirepass", password),
            ("sentinel sentinel-pass", password),
        ]);
    }
    sentinel
}

fn master_port_at(sentinel: &RedisServer) -> Result<u16> {
    let name = RedisSentinel::SERVICE;
    let address = sentinel.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name])?;
    let port = address.lines().nth(1).and_then(|port| port.parse().ok());
    port.ok_or_else(|| ServerError::new(format!("a sentinel says the master is at {address}")))
}

/// The value after a name, in a reply that alternates the two.
fn pair<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut lines = text.lines();
    while let (Some(key), value) = (lines.next(), lines.next()) {
        if key == name {
            return value;
        }
    }
    None
}

const SENTINELS: usize = 3;

/// How often sentinels look (every 2 and 10 seconds of old), and for how long a busy machine
/// makes them distrust their own clocks (30 seconds): milliseconds.
const IMPATIENCE: &[&str] = &[
    "INFO-PERIOD",
    "200",
    "PUBLISH-PERIOD",
    "200",
    "TILT-PERIOD",
    "1000",
];
