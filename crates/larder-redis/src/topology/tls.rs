//! The files of TLS, read once.

use std::{fs, path::PathBuf};

use redis::{Client, ClientTlsConfig, ConnectionInfo, TlsCertificates};
use rustls::{
    RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};

use crate::{
    config::{RedisConfig, TlsConfig},
    node::Failure,
};

/// Whom to trust and who we are.
pub(super) struct Tls(TlsCertificates);

impl Tls {
    /// What the files hold. The client would take an authority's file without any certificate for
    /// one that trusts nobody, and say so at every connection.
    pub(super) fn read(config: &RedisConfig) -> Result<Option<Self>, Failure> {
        let Some(config) = &config.tls else {
            return Ok(None);
        };
        // Two crypto libraries in one program leave the choice to whoever asks first; without a
        // choice, rustls would panic.
        let _ = ring::default_provider().install_default();
        Ok(Some(Self(TlsCertificates {
            client_tls: client(config)?,
            root_cert: authority(config)?,
        })))
    }

    pub(super) fn open(&self, info: ConnectionInfo) -> Result<Client, Failure> {
        Ok(Client::build_with_tls(info, self.0.clone())?)
    }
}

fn authority(config: &TlsConfig) -> Result<Option<Vec<u8>>, Failure> {
    let Some(pem) = read(config.ca_file.as_ref(), NO_AUTHORITY)? else {
        return Ok(None);
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&pem, BAD_AUTHORITY)? {
        let added = roots.add(certificate);
        added.map_err(|_| Failure::wrong(BAD_AUTHORITY))?;
    }
    Ok(Some(pem))
}

fn client(config: &TlsConfig) -> Result<Option<ClientTlsConfig>, Failure> {
    let certificate = read(config.client_cert_file.as_ref(), NO_CERTIFICATE)?;
    let key = read(config.client_key_file.as_ref(), NO_KEY)?;
    let Some((certificate, key)) = certificate.zip(key) else {
        return Ok(None);
    };
    let chain = certificates(&certificate, BAD_CERTIFICATE)?;
    let parsed = PrivateKeyDer::from_pem_slice(&key).map_err(|_| Failure::wrong(BAD_KEY))?;
    CertifiedKey::from_der(chain, parsed, &ring::default_provider())
        .map_err(|_| Failure::wrong(OTHER_KEY))?;
    Ok(Some(ClientTlsConfig {
        client_cert: certificate,
        client_key: key,
    }))
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
