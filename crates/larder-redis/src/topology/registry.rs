//! The servers that were met, by address: their connections outlive a look at the topology.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use redis::{
    Client, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo, io::tcp::TcpSettings,
};

use super::tls::Tls;
use crate::{
    config::{Address, HostPort, RedisConfig, SentinelConfig, Topology},
    node::{Failure, Login, NodeRef, Settings},
};

pub(super) struct Registry {
    dialer: Dialer,
    settings: Arc<Settings>,
    nodes: Mutex<HashMap<Address, NodeRef>>,
    /// They hold nothing and are asked now and then.
    sentinels: Mutex<HashMap<Address, NodeRef>>,
}

/// Makes clients for addresses.
struct Dialer {
    servers: Login,
    sentinels: Login,
    tls: Option<Tls>,
    sentinel_tls: bool,
}

impl Registry {
    pub(super) fn new(config: &RedisConfig, settings: &Arc<Settings>) -> Result<Self, Failure> {
        Ok(Self {
            dialer: Dialer::new(config)?,
            settings: settings.clone(),
            nodes: Mutex::default(),
            sentinels: Mutex::default(),
        })
    }

    pub(super) fn node(&self, address: &Address) -> Result<NodeRef, Failure> {
        known(&self.nodes, address, || {
            self.dialer.server(address.clone(), &self.settings)
        })
    }

    pub(super) fn node_at(&self, address: &HostPort) -> Result<NodeRef, Failure> {
        self.node(&Address::Tcp(address.clone()))
    }

    pub(super) fn sentinels(&self, addresses: &[HostPort]) -> Result<Vec<NodeRef>, Failure> {
        let sentinel = |it: &HostPort| {
            let address = Address::Tcp(it.clone());
            known(&self.sentinels, &address, || {
                self.dialer.sentinel(address.clone(), &self.settings)
            })
        };
        addresses.iter().map(sentinel).collect()
    }

    /// Forgets all servers but these, and closes their connections.
    pub(super) fn keep(&self, masters: &[NodeRef]) {
        crate::lock(&self.nodes).retain(|_, node| masters.iter().any(|it| it.is_same(node)));
    }
}

fn known(
    nodes: &Mutex<HashMap<Address, NodeRef>>,
    address: &Address,
    make: impl FnOnce() -> Result<NodeRef, Failure>,
) -> Result<NodeRef, Failure> {
    let mut nodes = crate::lock(nodes);
    if let Some(known) = nodes.get(address) {
        return Ok(known.clone());
    }
    let node = make()?;
    nodes.insert(address.clone(), node.clone());
    Ok(node)
}

impl Dialer {
    fn new(config: &RedisConfig) -> Result<Self, Failure> {
        let servers = Login {
            username: config.username.clone(),
            password: config.password.clone(),
            database: config.database,
        };
        let watched = match &config.servers {
            Topology::Sentinel(sentinels) => sentinels,
            _ => &SentinelConfig::default(),
        };
        let sentinels = Login {
            username: watched.username.clone(),
            password: watched.password.clone(),
            database: 0,
        };
        Ok(Self {
            servers,
            sentinels,
            tls: Tls::read(config)?,
            sentinel_tls: watched.tls,
        })
    }

    fn server(&self, address: Address, settings: &Arc<Settings>) -> Result<NodeRef, Failure> {
        let client = client(&address, self.tls.as_ref())?;
        Ok(NodeRef::new(address, client, &self.servers, settings))
    }

    fn sentinel(&self, address: Address, settings: &Arc<Settings>) -> Result<NodeRef, Failure> {
        let tls = self.tls.as_ref().filter(|_| self.sentinel_tls);
        let client = client(&address, tls)?;
        Ok(NodeRef::new(address, client, &self.sentinels, settings))
    }
}

fn client(address: &Address, tls: Option<&Tls>) -> Result<Client, Failure> {
    let to = match address {
        Address::Unix(path) => ConnectionAddr::Unix(path.clone()),
        Address::Tcp(HostPort { host, port, .. }) if tls.is_some() => ConnectionAddr::TcpTls {
            host: host.clone(),
            port: *port,
            insecure: false,
            tls_params: None,
        },
        Address::Tcp(HostPort { host, port, .. }) => ConnectionAddr::Tcp(host.clone(), *port),
    };
    // Nothing is said by itself: logging in is ours, and the name of the client library would cost
    // a round trip and a permission.
    let silent = RedisConnectionInfo::default().set_skip_set_lib_name();
    let info = to
        .into_connection_info()?
        .set_redis_settings(silent)
        .set_tcp_settings(TcpSettings::default().set_nodelay(true));
    match tls {
        Some(tls) => tls.open(info),
        None => Ok(Client::open(info)?),
    }
}
