//! Which servers hold the cache.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Address, HostPort, Secret, form, secret};

/// Which servers hold the cache, and how they are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Topology {
    /// One server.
    Standalone(Address),
    /// The servers of a service that sentinels watch.
    Sentinel(SentinelConfig),
    /// A cluster.
    Cluster {
        /// Some of its nodes; the others are learnt from them.
        #[serde(deserialize_with = "form::nodes")]
        nodes: Vec<HostPort>,
    },
}

/// Sentinels, and the service that they watch.
///
/// `Debug` shows neither the password nor the user name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[must_use]
pub struct SentinelConfig {
    /// The sentinels, at least one. Without a port it is 26379.
    #[serde(deserialize_with = "form::sentinels")]
    pub sentinels: Vec<HostPort>,
    /// The name of the service that they watch. Mandatory.
    pub service: String,
    /// The ACL user of the sentinels, with [`password`](Self::password). Default: Redis's default
    /// user.
    pub username: Option<String>,
    /// The password of the sentinels. Default: none.
    #[serde(skip_serializing)]
    pub password: Option<Secret>,
    /// Whether the sentinels are spoken to with the TLS of the servers, where these have any.
    /// Default: true.
    pub tls: bool,
}

impl Topology {
    /// One server.
    pub fn standalone(host: impl Into<String>, port: u16) -> Self {
        Self::Standalone(Address::Tcp(HostPort::new(host, port)))
    }

    /// One server, over its Unix socket.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::Standalone(Address::Unix(path.into()))
    }

    /// A cluster, found through some of its nodes.
    pub fn cluster(nodes: impl IntoIterator<Item = HostPort>) -> Self {
        Self::Cluster {
            nodes: nodes.into_iter().collect(),
        }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster { .. })
    }
}

impl Default for Topology {
    fn default() -> Self {
        Self::standalone("127.0.0.1", HostPort::SERVER_PORT)
    }
}

impl From<SentinelConfig> for Topology {
    fn from(sentinels: SentinelConfig) -> Self {
        Self::Sentinel(sentinels)
    }
}

impl SentinelConfig {
    /// The service of that name, watched by these sentinels.
    pub fn new(sentinels: impl IntoIterator<Item = HostPort>, service: impl Into<String>) -> Self {
        Self {
            sentinels: sentinels.into_iter().collect(),
            service: service.into(),
            ..Self::default()
        }
    }

    /// See [`username`](Self::username). Default: Redis's default user.
    pub fn with_username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// See [`password`](Self::password). Default: none.
    pub fn with_password(mut self, password: impl Into<Secret>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// The sentinels are spoken to without TLS, even if the servers have it.
    pub fn without_tls(mut self) -> Self {
        self.tls = false;
        self
    }
}

impl Default for SentinelConfig {
    fn default() -> Self {
        Self {
            sentinels: Vec::new(),
            service: String::new(),
            username: None,
            password: None,
            tls: true,
        }
    }
}

impl fmt::Debug for SentinelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sentinels,
            service,
            username,
            password,
            tls,
        } = self;
        f.debug_struct("SentinelConfig")
            .field("sentinels", sentinels)
            .field("service", service)
            .field("username", &secret::hidden(username))
            .field("password", &secret::hidden(password))
            .field("tls", tls)
            .finish()
    }
}
