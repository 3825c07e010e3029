use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::server::{Result, binary, folder::Folder};

/// The certificates of a private server: an authority of its own, a server certificate for
/// `localhost` and 127.0.0.1, and a client certificate.
#[derive(Debug)]
pub struct RedisTls {
    folder: PathBuf,
}

impl RedisTls {
    /// Makes the certificates. Keys on a curve, because they are quick to make.
    pub(super) fn create(folder: &Folder) -> Result<Self> {
        let openssl = binary::find(&["openssl"], "openssl")?;
        folder.write(SECTIONS_FILE, SECTIONS)?;
        for (name, subject) in [
            ("ca", "larder"),
            ("server", "localhost"),
            ("client", "client"),
        ] {
            let mut command = Command::new(&openssl);
            command.args(["req", "-x509", "-config", SECTIONS_FILE, "-days", "2"]);
            command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
            command.args(["-noenc", "-extensions", name, "-subj"]);
            command.arg(format!("/CN={subject}"));
            command.args([
                "-keyout",
                &format!("{name}.key"),
                "-out",
                &format!("{name}.pem"),
            ]);
            if name != "ca" {
                command.args(["-CA", "ca.pem", "-CAkey", "ca.key"]);
            }
            folder.run(command)?;
        }
        Ok(Self {
            folder: folder.path.clone(),
        })
    }

    /// The lines of `redis.conf` that name the files.
    pub(super) fn conf(folder: &Path) -> String {
        let folder = folder.display();
        format!(
            "tls-cert-file {folder}/server.pem\ntls-key-file {folder}/server.key\n\
             tls-ca-cert-file {folder}/ca.pem\ntls-auth-clients optional\n"
        )
    }

    /// The certificate of the authority that signed the others.
    pub fn ca_pem(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The certificate of a client.
    pub fn client_cert_pem(&self) -> PathBuf {
        self.folder.join("client.pem")
    }

    /// The private key of that client, as PKCS #8.
    pub fn client_key_pem(&self) -> PathBuf {
        self.folder.join("client.key")
    }
}

const SECTIONS_FILE: &str = "openssl.cnf";

/// Written out in full, so that the machine's own configuration does not matter.
const SECTIONS: &str = "[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
";
