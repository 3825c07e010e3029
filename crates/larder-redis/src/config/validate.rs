//! What the settings must satisfy, alone and together.

use std::{ops::RangeInclusive, time::Duration};

use larder_core::Error;

use super::{Address, HostPort, RedisConfig, Secret, SentinelConfig, Topology};

impl RedisConfig {
    /// Whether the settings are possible, alone and together. [`from_url`](Self::from_url) asks
    /// this by itself, and so does connecting.
    ///
    /// # Errors
    /// Which setting is wrong, and what to do about it. The text contains no values.
    pub fn validate(&self) -> Result<(), Error> {
        self.validate_servers()?;
        credentials("", self.username.as_deref(), self.password.as_ref())?;
        self.validate_client_name()?;
        self.validate_tls()?;
        for (name, timeout) in [
            ("connect_timeout", self.connect_timeout),
            ("response_timeout", self.response_timeout),
            ("hit_timeout", self.hit_timeout),
        ] {
            validate_timeout(name, timeout)?;
        }
        self.validate_shards()?;
        self.validate_replicas()
    }

    fn validate_servers(&self) -> Result<(), Error> {
        match &self.servers {
            Topology::Standalone(Address::Tcp(server)) => server.validate(),
            Topology::Standalone(Address::Unix(path)) => {
                // A relative path depends on where the process was started, and as text it would be
                // a host.
                ensure(path.is_absolute(), RELATIVE_SOCKET)
            }
            Topology::Sentinel(sentinels) => sentinels.validate(),
            Topology::Cluster { nodes } => {
                ensure(self.database == 0, DATABASE_IN_CLUSTER)?;
                ensure(!nodes.is_empty(), NO_NODES)?;
                nodes.iter().try_for_each(HostPort::validate)
            }
        }
    }

    fn validate_client_name(&self) -> Result<(), Error> {
        let Some(name) = &self.client_name else {
            return Ok(());
        };
        let is_visible = name.bytes().all(|byte| byte.is_ascii_graphic());
        ensure(!name.is_empty() && is_visible, CLIENT_NAME)
    }

    fn validate_tls(&self) -> Result<(), Error> {
        let Some(tls) = &self.tls else {
            return Ok(());
        };
        let is_socket = matches!(self.servers, Topology::Standalone(Address::Unix(_)));
        ensure(!is_socket, TLS_OVER_SOCKET)?;
        let is_paired = tls.client_cert_file.is_some() == tls.client_key_file.is_some();
        ensure(is_paired, UNPAIRED_FILES)
    }

    fn validate_shards(&self) -> Result<(), Error> {
        let also = &self.also_invalidate_shards;
        ensure(SHARDS.contains(&self.table_shards), TABLE_SHARDS)?;
        ensure(also.len() <= ALSO_SHARDS_MAX, ALSO_SHARDS)?;
        ensure(also.iter().all(|n| SHARDS.contains(n)), ALSO_SHARDS)
    }

    fn validate_replicas(&self) -> Result<(), Error> {
        let Some(acknowledge) = &self.acknowledge_replicas else {
            return Ok(());
        };
        ensure(acknowledge.replicas > 0, NO_REPLICAS)?;
        // Redis takes milliseconds, and zero for "forever".
        validate_timeout("acknowledge_replicas.timeout", acknowledge.timeout)
    }
}

impl SentinelConfig {
    fn validate(&self) -> Result<(), Error> {
        ensure(!self.sentinels.is_empty(), NO_SENTINELS)?;
        self.sentinels.iter().try_for_each(HostPort::validate)?;
        ensure(!self.service.is_empty(), NO_SERVICE)?;
        let is_foreign = |c: char| c.is_whitespace() || c.is_control();
        ensure(!self.service.contains(is_foreign), BAD_SERVICE)?;
        let (username, password) = (self.username.as_deref(), self.password.as_ref());
        credentials("sentinel ", username, password)
    }
}

/// A client with a user name alone would not log in at all, and an empty password is a variable
/// that was not set.
fn credentials(
    whose: &str,
    username: Option<&str>,
    password: Option<&Secret>,
) -> Result<(), Error> {
    match (username, password) {
        (Some(""), _) => Err(Error::config(format!(
            "the {whose}user name is empty: leave it away for the default user"
        ))),
        (_, Some(password)) if password.expose().is_empty() => Err(Error::config(format!(
            "the {whose}password is empty: leave it away, or set the variable that it comes from"
        ))),
        (Some(_), None) => Err(Error::config(format!(
            "the {whose}user name has no password: give both, or the password alone for the \
             default user (:password@ in a URL)"
        ))),
        _ => Ok(()),
    }
}

fn validate_timeout(name: &str, timeout: Duration) -> Result<(), Error> {
    if TIMEOUTS.contains(&timeout) {
        return Ok(());
    }
    Err(Error::config(format!(
        "{name} is not between 1ms and 1h: take a time in between"
    )))
}

fn ensure(holds: bool, message: &'static str) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    Err(Error::config(message))
}

const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3600);
const SHARDS: RangeInclusive<u16> = 1..=1024;
const ALSO_SHARDS_MAX: usize = 8;

const RELATIVE_SOCKET: &str = "the path of the unix socket is not absolute: begin it with /";
const NO_SENTINELS: &str = "no sentinel is given: name at least one as host:port";
const NO_SERVICE: &str = "no sentinel service is given: name the one that the sentinels watch, \
                          in a URL as redis+sentinel://host/service";
const BAD_SERVICE: &str = "the sentinel service has a space or a control character: \
                           give the name that the sentinels have";
const NO_NODES: &str = "no node of the cluster is given: name at least one as host:port";
const DATABASE_IN_CLUSTER: &str = "a cluster has only database 0: leave the database away, and \
                                   keep applications apart by their namespaces";
const CLIENT_NAME: &str = "client_name is empty or has a character that redis forbids: \
                           take visible ASCII without spaces";
const TLS_OVER_SOCKET: &str = "tls does not go with a unix socket: leave tls away";
const UNPAIRED_FILES: &str = "tls has a client certificate without its key, or a key without its \
                              certificate: give both files or neither";
const TABLE_SHARDS: &str = "table_shards is not between 1 and 1024: take 1 unless a table is too \
                            busy for one server";
const ALSO_SHARDS: &str = "also_invalidate_shards is not a list of at most 8 numbers from 1 to \
                           1024: name the table_shards of the deploy that is going away";
const NO_REPLICAS: &str = "acknowledge_replicas.replicas is zero: take at least 1, or leave \
                           acknowledge_replicas away";
