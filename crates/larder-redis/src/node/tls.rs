//! TLS, of threads and of tasks. The client library's own takes the host for the name that the
//! certificate must bear, whatever the certificate says.

use std::{
    fs,
    io::{self, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Parser, RedisConnectionInfo, RedisResult, Value,
    aio::MultiplexedConnection,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio_rustls::TlsConnector;

use super::Failure;
use crate::config::{HostPort, RedisConfig, TlsConfig};

/// Whom to trust, who we are, and what the servers are called.
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    /// `None` = each by its host.
    server_name: Option<ServerName<'static>>,
}

/// A connection for a thread.
pub(super) struct TlsLine {
    stream: Box<StreamOwned<ClientConnection, TcpStream>>,
    parser: Parser,
}

impl Tls {
    /// What the settings and their files say.
    pub(crate) fn read(config: &RedisConfig) -> Result<Option<Self>, Failure> {
        let Some(config) = &config.tls else {
            return Ok(None);
        };
        let server_name = config.server_name.clone().map(ServerName::try_from);
        Ok(Some(Self {
            config: Arc::new(rules(config)?),
            server_name: server_name
                .transpose()
                .map_err(|_| Failure::wrong(BAD_SERVER_NAME))?,
        }))
    }

    /// Connects and shakes hands. No step takes longer than this.
    pub(super) fn connect_blocking(
        &self,
        to: &HostPort,
        timeout: Duration,
    ) -> RedisResult<TlsLine> {
        let mut tcp = dial(to, timeout)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(timeout))?;
        tcp.set_write_timeout(Some(timeout))?;
        let connection = ClientConnection::new(self.config.clone(), self.name_of(to)?);
        let mut connection = connection.map_err(io::Error::other)?;
        connection.complete_io(&mut tcp)?;
        Ok(TlsLine {
            stream: Box::new(StreamOwned::new(connection, tcp)),
            parser: Parser::new(),
        })
    }

    /// Connects, shakes hands, and hands over to the client library.
    pub(super) async fn connect(
        &self,
        to: &HostPort,
        info: &RedisConnectionInfo,
        config: AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        let tcp = tokio::net::TcpStream::connect((to.host.as_str(), to.port)).await?;
        tcp.set_nodelay(true)?;
        let connector = TlsConnector::from(self.config.clone());
        let stream = connector.connect(self.name_of(to)?, tcp).await?;
        let (connection, driver) =
            MultiplexedConnection::new_with_config(info, stream, config).await?;
        // It ends with the last clone of the connection.
        tokio::spawn(driver);
        Ok(connection)
    }

    fn name_of(&self, to: &HostPort) -> io::Result<ServerName<'static>> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => ServerName::try_from(to.host.clone()).map_err(io::Error::other),
        }
    }
}

/// The first address of the host that answers.
fn dial(to: &HostPort, timeout: Duration) -> io::Result<TcpStream> {
    let mut failed = None;
    for address in (to.host.as_str(), to.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| io::Error::other("the host has no address")))
}

impl TlsLine {
    pub(super) fn send(&mut self, bytes: &[u8]) -> RedisResult<()> {
        self.stream.write_all(bytes)?;
        Ok(self.stream.flush()?)
    }

    pub(super) fn receive(&mut self) -> RedisResult<Value> {
        self.parser.parse_value(&mut self.stream)
    }

    pub(super) fn set_timeout(&mut self, timeout: Duration) -> RedisResult<()> {
        self.stream.sock.set_read_timeout(Some(timeout))?;
        Ok(self.stream.sock.set_write_timeout(Some(timeout))?)
    }
}

fn rules(config: &TlsConfig) -> Result<ClientConfig, Failure> {
    // Named, since two of them in one program would leave the choice to nobody.
    let provider = Arc::new(ring::default_provider());
    let rules = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Failure::wrong(NO_VERSION))?
        .with_root_certificates(authorities(config)?);
    match identity(config)? {
        Some((chain, key)) => rules
            .with_client_auth_cert(chain, key)
            .map_err(|_| Failure::wrong(OTHER_KEY)),
        None => Ok(rules.with_no_client_auth()),
    }
}

fn authorities(config: &TlsConfig) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    match read(config.ca_file.as_ref(), NO_AUTHORITY)? {
        Some(pem) => {
            for certificate in certificates(&pem, BAD_AUTHORITY)? {
                let added = roots.add(certificate);
                added.map_err(|_| Failure::wrong(BAD_AUTHORITY))?;
            }
        }
        // Where there are none, no server is trusted, which says so.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(config: &TlsConfig) -> Result<Option<Identity>, Failure> {
    let certificate = read(config.client_cert_file.as_ref(), NO_CERTIFICATE)?;
    let key = read(config.client_key_file.as_ref(), NO_KEY)?;
    let Some((certificate, key)) = certificate.zip(key) else {
        return Ok(None);
    };
    let chain = certificates(&certificate, BAD_CERTIFICATE)?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| Failure::wrong(BAD_KEY))?;
    Ok(Some((chain, key)))
}

fn read(file: Option<&PathBuf>, wrong: &'static str) -> Result<Option<Vec<u8>>, Failure> {
    let read = file.map(fs::read).transpose();
    read.map_err(|_| Failure::wrong(wrong))
}

/// At least one.
fn certificates(pem: &[u8], wrong: &'static str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = read.ok().filter(|certificates| !certificates.is_empty());
    certificates.ok_or_else(|| Failure::wrong(wrong))
}

const NO_AUTHORITY: &str = "the file of ca_file cannot be read";
const NO_CERTIFICATE: &str = "the file of client_cert_file cannot be read";
const NO_KEY: &str = "the file of client_key_file cannot be read";
const BAD_AUTHORITY: &str = "the file of ca_file holds no certificate in PEM: take that of the \
                             authority that signed the server's";
const BAD_CERTIFICATE: &str = "the file of client_cert_file holds no certificate in PEM";
const BAD_KEY: &str = "the file of client_key_file holds no private key in PEM";
const OTHER_KEY: &str = "the key of client_key_file does not belong to the certificate of \
                         client_cert_file, or is of a kind that cannot be used";
const BAD_SERVER_NAME: &str = "server_name is no host name and no address: write the name that the \
                               certificate of the redis servers bears";
const NO_VERSION: &str = "no version of TLS can be spoken";
