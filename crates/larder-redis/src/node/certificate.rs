//! Which failures of TLS come from a setting.

use std::{error::Error, io, sync::Arc};

use redis::RedisError;
use rustls::{AlertDescription, CertificateError};

/// The setting that is wrong. A certificate that ran out, or that is not valid yet by a clock that
/// goes wrong, is no setting of ours: its server is unavailable.
pub(super) fn wrong(error: &RedisError) -> Option<&'static str> {
    use CertificateError as Bad;
    match tls_error(error)? {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::UnknownIssuer | Bad::BadSignature => Some(UNKNOWN_AUTHORITY),
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Some(OTHER_NAME),
            _ => None,
        },
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            // What TLS 1.2 says where 1.3 says that a certificate is required.
            | AlertDescription::HandshakeFailure,
        ) => Some(NOT_TRUSTED),
        _ => None,
    }
}

/// It lies in an I/O error, which lies in the client's.
fn tls_error(error: &RedisError) -> Option<&rustls::Error> {
    let shared = error
        .source()?
        .downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    let io = shared.downcast_ref::<io::Error>()?;
    io.get_ref()?.downcast_ref()
}

const UNKNOWN_AUTHORITY: &str = "the certificate of the redis server is signed by no authority \
                                 that is trusted: set ca_file to that of its own";
const OTHER_NAME: &str = "the certificate of the redis server is for another host: write a host \
                          that it names, or set server_name to one";
const NOT_TRUSTED: &str = "the redis server asks for a client certificate that it trusts: set \
                           client_cert_file and client_key_file (in a URL cert_file and key_file)";
