//! The servers that were met, by address: their connections outlive a look at the topology.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo,
    io::tcp::TcpSettings,
};

use crate::{
    config::{Address, HostPort, RedisConfig, SentinelConfig},
    node::{Failure, NodeRef, Settings},
};

pub(super) struct Registry {
    dialer: Dialer,
    settings: Arc<Settings>,
    nodes: Mutex<HashMap<Address, NodeRef>>,
}

/// Makes clients for addresses.
struct Dialer {
    servers: RedisConnectionInfo,
    sentinels: RedisConnectionInfo,
    tls: Option<Certificates>,
    sentinel_tls: bool,
}

/// PEM, as the files hold it.
struct Certificates {
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "refused before"))]
    authority: Option<Vec<u8>>,
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "refused before"))]
    client: Option<(Vec<u8>, Vec<u8>)>,
}

impl Registry {
    pub(super) fn new(config: &RedisConfig, settings: &Arc<Settings>) -> Result<Self, Failure> {
        Ok(Self {
            dialer: Dialer::new(config)?,
            settings: settings.clone(),
            nodes: Mutex::default(),
        })
    }

    pub(super) fn node(&self, address: &Address) -> Result<NodeRef, Failure> {
        let mut nodes = crate::lock(&self.nodes);
        if let Some(known) = nodes.get(address) {
            return Ok(known.clone());
        }
        let client = self.dialer.client(address, false)?;
        let node = NodeRef::new(address.clone(), client, &self.settings);
        nodes.insert(address.clone(), node.clone());
        Ok(node)
    }

    pub(super) fn node_at(&self, address: &HostPort) -> Result<NodeRef, Failure> {
        self.node(&Address::Tcp(address.clone()))
    }

    /// A sentinel, which holds nothing and is asked now and then.
    pub(super) fn sentinel(&self, address: &HostPort) -> Result<NodeRef, Failure> {
        let address = Address::Tcp(address.clone());
        let client = self.dialer.client(&address, true)?;
        Ok(NodeRef::new(address, client, &self.settings))
    }

    /// Forgets all servers but these, and closes their connections.
    pub(super) fn keep(&self, masters: &[NodeRef]) {
        crate::lock(&self.nodes).retain(|_, node| masters.iter().any(|it| it.is_same(node)));
    }
}

impl Dialer {
    fn new(config: &RedisConfig) -> Result<Self, Failure> {
        let mut servers = RedisConnectionInfo::default().set_db(config.database.into());
        if let Some(password) = &config.password {
            servers = servers.set_password(password.expose());
        }
        if let Some(username) = &config.username {
            servers = servers.set_username(username);
        }
        let mut sentinels = RedisConnectionInfo::default();
        let mut sentinel_tls = false;
        if let crate::config::Topology::Sentinel(SentinelConfig {
            username,
            password,
            tls,
            ..
        }) = &config.servers
        {
            if let Some(password) = password {
                sentinels = sentinels.set_password(password.expose());
            }
            if let Some(username) = username {
                sentinels = sentinels.set_username(username);
            }
            sentinel_tls = *tls;
        }
        Ok(Self {
            servers,
            sentinels,
            tls: certificates(config)?,
            sentinel_tls,
        })
    }

    fn client(&self, address: &Address, sentinel: bool) -> Result<Client, Failure> {
        let tls = self.tls.as_ref().filter(|_| !sentinel || self.sentinel_tls);
        let settings = if sentinel {
            &self.sentinels
        } else {
            &self.servers
        };
        let address = match (address, tls) {
            (Address::Unix(path), _) => ConnectionAddr::Unix(path.clone()),
            (Address::Tcp(HostPort { host, port, .. }), None) => {
                ConnectionAddr::Tcp(host.clone(), *port)
            }
            (Address::Tcp(HostPort { host, port, .. }), Some(_)) => ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: false,
                tls_params: None,
            },
        };
        let info = address
            .into_connection_info()?
            .set_redis_settings(settings.clone())
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        open(info, tls)
    }
}

#[cfg(feature = "tls")]
fn open(info: ConnectionInfo, tls: Option<&Certificates>) -> Result<Client, Failure> {
    let Some(Certificates { authority, client }) = tls else {
        return Ok(Client::open(info)?);
    };
    // Two crypto libraries in one program leave the choice to whoever asks first; without a choice,
    // rustls would panic.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client_tls = client
        .as_ref()
        .map(|(certificate, key)| redis::ClientTlsConfig {
            client_cert: certificate.clone(),
            client_key: key.clone(),
        });
    let certificates = redis::TlsCertificates {
        client_tls,
        root_cert: authority.clone(),
    };
    Client::build_with_tls(info, certificates).map_err(|_| Failure::wrong(BAD_CERTIFICATES))
}

#[cfg(not(feature = "tls"))]
fn open(info: ConnectionInfo, _tls: Option<&Certificates>) -> Result<Client, Failure> {
    Ok(Client::open(info)?)
}

fn certificates(config: &RedisConfig) -> Result<Option<Certificates>, Failure> {
    let Some(tls) = &config.tls else {
        return Ok(None);
    };
    if cfg!(not(feature = "tls")) {
        return Err(Failure::wrong(NO_TLS));
    }
    let read = |file: &Option<PathBuf>, wrong| match file {
        Some(file) => fs::read(file).map(Some).map_err(|_| Failure::wrong(wrong)),
        None => Ok(None),
    };
    let client = read(&tls.client_cert_file, NO_CERTIFICATE)?;
    let key = read(&tls.client_key_file, NO_KEY)?;
    Ok(Some(Certificates {
        authority: read(&tls.ca_file, NO_AUTHORITY)?,
        client: client.zip(key),
    }))
}

const NO_TLS: &str = "TLS needs larder's feature redis-tls: switch it on, or write redis instead \
                      of rediss";
const NO_AUTHORITY: &str = "the file of ca_file cannot be read";
const NO_CERTIFICATE: &str = "the file of client_cert_file cannot be read";
const NO_KEY: &str = "the file of client_key_file cannot be read";
#[cfg(feature = "tls")]
const BAD_CERTIFICATES: &str =
    "ca_file, client_cert_file or client_key_file holds no PEM that can be used";
