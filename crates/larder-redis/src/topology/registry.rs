//! The servers that were met, by address: their connections outlive a look at the topology.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use crate::{
    config::{Address, HostPort, RedisConfig, SentinelConfig, Topology},
    node::{Door, Failure, Login, NodeRef, Settings, Tls},
};

pub(super) struct Registry {
    dialer: Dialer,
    settings: Arc<Settings>,
    nodes: Mutex<HashMap<Address, NodeRef>>,
    /// They hold nothing and are asked now and then.
    sentinels: Mutex<HashMap<Address, NodeRef>>,
}

/// Makes doors for addresses.
struct Dialer {
    servers: Login,
    sentinels: Login,
    tls: Option<Arc<Tls>>,
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
            tls: Tls::read(config)?.map(Arc::new),
            sentinel_tls: watched.tls,
        })
    }

    fn server(&self, address: Address, settings: &Arc<Settings>) -> Result<NodeRef, Failure> {
        let door = Door::new(&address, self.tls.as_ref())?;
        Ok(NodeRef::new(address, door, &self.servers, settings))
    }

    fn sentinel(&self, address: Address, settings: &Arc<Settings>) -> Result<NodeRef, Failure> {
        let tls = self.tls.as_ref().filter(|_| self.sentinel_tls);
        let door = Door::new(&address, tls)?;
        Ok(NodeRef::new(address, door, &self.sentinels, settings))
    }
}
