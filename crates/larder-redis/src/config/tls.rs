//! TLS to the servers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// TLS to the servers: whom to trust and who we are. All files are PEM, and are read when the store
/// is made.
///
/// The certificate of a server must bear [`server_name`](Self::server_name), or else the host as it
/// is written in the URL: of a service that sentinels watch, and of a cluster, as they announce it
/// (`sentinel announce-hostnames`, `cluster-announce-hostname` with
/// `cluster-preferred-endpoint-type hostname`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[must_use]
pub struct TlsConfig {
    /// The authorities to trust. Default: those of the system.
    pub ca_file: Option<PathBuf>,
    /// Our certificate, with its [key](Self::client_key_file). Default: none.
    pub client_cert_file: Option<PathBuf>,
    /// The key of our [certificate](Self::client_cert_file). Default: none.
    pub client_key_file: Option<PathBuf>,
    /// The name, or address, that the certificates of all servers bear, sentinels among them: for
    /// those that are reached by another one. Default: each the host by which it is reached.
    pub server_name: Option<String>,
}

impl TlsConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// See [`ca_file`](Self::ca_file). Default: the authorities of the system.
    pub fn with_ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// See [`server_name`](Self::server_name). Default: the host.
    pub fn with_server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Our certificate and its key. Default: none.
    pub fn with_client_files(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.client_cert_file = Some(certificate.into());
        self.client_key_file = Some(key.into());
        self
    }
}
