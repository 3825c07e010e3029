//! Where Redis is and how it is spoken to: read from a URL, from a configuration file through
//! serde, or built in code. All three meet in [`RedisConfig::validate`].

use std::{fmt, str::FromStr, time::Duration};

use larder_core::Error;
use serde::{Deserialize, Serialize};

mod address;
mod builder;
mod form;
mod named;
mod secret;
mod servers;
mod text;
mod tls;
mod url;
mod validate;

pub use address::{Address, HostPort};
pub use secret::Secret;
pub use servers::{SentinelConfig, Topology};
pub use tls::TlsConfig;

/// Where Redis is and how it is spoken to.
///
/// Serde reads it from a URL as text or from a table with a setting per field, of which any may be
/// missing and none unknown. Durations are text such as `"500ms"`, `"2s"`, `"15m"`, `"1h"`.
/// Passwords are read and never written.
///
/// `Debug` shows neither passwords nor user names.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct RedisConfig {
    /// The servers. Default: one at 127.0.0.1, port 6379.
    pub servers: Topology,
    /// The ACL user of the servers, with [`password`](Self::password). Default: Redis's default
    /// user.
    pub username: Option<String>,
    /// The password of the servers. Default: none.
    pub password: Option<Secret>,
    /// The number of the database. Default: 0, the only one that a cluster has.
    pub database: u32,
    /// What `CLIENT LIST` calls the connections: visible ASCII without spaces. Default: none.
    pub client_name: Option<String>,
    /// TLS to the servers, and to the sentinels unless [`SentinelConfig::tls`] says no. Default:
    /// none.
    pub tls: Option<TlsConfig>,
    /// How long connecting may take, 1 ms to 1 h. Looking up the host is not part of it: that is the
    /// system's. Default: 500 ms.
    pub connect_timeout: Duration,
    /// How long a response may take, 1 ms to 1 h. Default: 500 ms.
    pub response_timeout: Duration,
    /// How long the response to a lookup may take, 1 ms to 1 h: past it the database is faster.
    /// Default: 100 ms.
    pub hit_timeout: Duration,
    /// Over how many records each table is spread, 1 to 1024 (P12). Every process that shares the
    /// cache must have the same number. Default: 1.
    pub table_shards: u16,
    /// Numbers of shards whose records are dropped as well, at most 8 of them: while a deploy that
    /// changes [`table_shards`](Self::table_shards) rolls, some processes still read the others
    /// (P12). Default: none.
    pub also_invalidate_shards: Vec<u16>,
    /// How many replicas must have an invalidation before it counts as delivered. Default: none.
    pub acknowledge_replicas: Option<AcknowledgeReplicas>,
    /// Entries of more bytes are compressed. Default: 1024. `None` and zero: never. In a file, zero
    /// is the way to write it.
    pub compress_above: Option<usize>,
    /// Connections per server that blocking callers leave open for each other. Default: 8. Zero:
    /// each call connects anew.
    pub blocking_connections_max: usize,
}

/// Replicas that must have received an invalidation before it counts as delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[must_use]
pub struct AcknowledgeReplicas {
    /// How many, at least 1. Default: 1.
    pub replicas: u32,
    /// How long they may take, 1 ms to 1 h. Default: 500 ms.
    #[serde(with = "form::duration")]
    pub timeout: Duration,
}

impl RedisConfig {
    /// The defaults, with these servers.
    pub fn new(servers: impl Into<Topology>) -> Self {
        Self {
            servers: servers.into(),
            username: None,
            password: None,
            database: 0,
            client_name: None,
            tls: None,
            connect_timeout: TIMEOUT,
            response_timeout: TIMEOUT,
            hit_timeout: HIT_TIMEOUT,
            table_shards: 1,
            also_invalidate_shards: Vec::new(),
            acknowledge_replicas: None,
            compress_above: Some(COMPRESS_ABOVE),
            blocking_connections_max: BLOCKING_CONNECTIONS_MAX,
        }
    }

    /// Reads a URL:
    ///
    /// | URL | servers |
    /// |---|---|
    /// | `redis://[user:password@]host[:port][/database]` | one |
    /// | `unix:///path/to/redis.sock`, `redis+unix:///path/to/redis.sock` | one, over its socket |
    /// | `redis+sentinel://[user:password@]host[:port][,host[:port]..]/service[/database]` | those that these sentinels name |
    /// | `redis+cluster://[user:password@]host[:port][,host[:port]..]` | a cluster |
    ///
    /// `rediss` instead of `redis` means TLS. Without a port it is 6379, for sentinels 26379. An
    /// IPv6 address stands in brackets. User and password are those of the servers; the user may be
    /// empty.
    ///
    /// After `?`, with `&` in between: `client_name`, `connect_timeout`, `response_timeout`,
    /// `hit_timeout`, `table_shards`, `compress_above`; with TLS `ca_file`, `cert_file`, `key_file`,
    /// `server_name`; with sentinels `sentinel_username`, `sentinel_password`; with a socket `db`, `user`, `pass`.
    /// They mean the fields of those names.
    ///
    /// Everything is percent-encoded: `@` `/` `?` `#` `%` are `%40` `%2F` `%3F` `%23` `%25`. A `+`
    /// is a plus.
    ///
    /// # Errors
    /// What is wrong with which part. The text contains nothing of the URL but names of known
    /// parameters, since a password with a character that should have been encoded may end up in
    /// any part.
    ///
    /// # Examples
    /// ```
    /// use larder_redis::RedisConfig;
    ///
    /// let config = RedisConfig::from_url("rediss://app:p%40ss@cache.example/2?hit_timeout=50ms")?;
    /// assert_eq!(config.database, 2);
    /// assert!(!format!("{config:?}").contains("p@ss"));
    /// # Ok::<(), larder_core::Error>(())
    /// ```
    pub fn from_url(url: &str) -> Result<Self, Error> {
        url::parse(url)
    }
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self::new(Topology::default())
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Taken apart, so that a new field does not compile before somebody has thought of it here.
        let Self {
            servers,
            username,
            password,
            database,
            client_name,
            tls,
            connect_timeout,
            response_timeout,
            hit_timeout,
            table_shards,
            also_invalidate_shards,
            acknowledge_replicas,
            compress_above,
            blocking_connections_max,
        } = self;
        f.debug_struct("RedisConfig")
            .field("servers", servers)
            .field("username", &secret::hidden(username))
            .field("password", &secret::hidden(password))
            .field("database", database)
            .field("client_name", client_name)
            .field("tls", tls)
            .field("connect_timeout", connect_timeout)
            .field("response_timeout", response_timeout)
            .field("hit_timeout", hit_timeout)
            .field("table_shards", table_shards)
            .field("also_invalidate_shards", also_invalidate_shards)
            .field("acknowledge_replicas", acknowledge_replicas)
            .field("compress_above", compress_above)
            .field("blocking_connections_max", blocking_connections_max)
            .finish()
    }
}

impl FromStr for RedisConfig {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        Self::from_url(url)
    }
}

impl TryFrom<&str> for RedisConfig {
    type Error = Error;

    fn try_from(url: &str) -> Result<Self, Error> {
        Self::from_url(url)
    }
}

impl TryFrom<String> for RedisConfig {
    type Error = Error;

    fn try_from(url: String) -> Result<Self, Error> {
        Self::from_url(&url)
    }
}

impl AcknowledgeReplicas {
    /// That many replicas, and how long they may take.
    pub fn new(replicas: u32, timeout: Duration) -> Self {
        Self { replicas, timeout }
    }
}

impl Default for AcknowledgeReplicas {
    fn default() -> Self {
        Self::new(1, TIMEOUT)
    }
}

const TIMEOUT: Duration = Duration::from_millis(500);
const HIT_TIMEOUT: Duration = Duration::from_millis(100);
const COMPRESS_ABOVE: usize = 1024;
const BLOCKING_CONNECTIONS_MAX: usize = 8;

#[cfg(test)]
mod tests;
