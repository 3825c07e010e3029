//! Which life of which server is at the other end (P6).
//!
//! A restart changes the run id. A replica that becomes a master takes a new replication id, and a
//! master that becomes a replica takes its master's: so a server that was demoted, filled from
//! another and promoted again is another life, though its process is the same.

use larder_core::{Fault, FaultKind, entry::Incarnation};
use redis::{Cmd, Value, cmd};
use sha2::{Digest as _, Sha256};

use super::Failure;
use crate::{call::protocol, exchange::Lost};

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    run_id: String,
    replication_id: String,
    /// What stands for the two.
    incarnation: Incarnation,
    /// The major version.
    pub(super) version: u32,
}

/// Asked when a connection is made; the answer to the first never changes while it lasts.
pub(super) fn questions() -> [Cmd; 2] {
    let mut server = cmd("INFO");
    server.arg("server");
    [server, question()]
}

/// Asked again and again.
pub(super) fn question() -> Cmd {
    let mut replication = cmd("INFO");
    replication.arg("replication");
    replication
}

impl Identity {
    /// From the answers to [`questions`].
    pub(super) fn new(server: &Value, replication: &Value) -> Result<Self, Fault> {
        let server = text(server)?;
        let version = field(&server, "redis_version").and_then(|version| {
            let major = version.split('.').next()?;
            major.parse().ok()
        });
        let mut identity = Self {
            run_id: field(&server, "run_id").ok_or_else(protocol)?.to_owned(),
            replication_id: String::new(),
            incarnation: Incarnation(0),
            version: version.ok_or_else(protocol)?,
        };
        identity.renew(replication)?;
        Ok(identity)
    }

    /// From another answer to [`question`].
    pub(super) fn renew(&mut self, replication: &Value) -> Result<(), Fault> {
        let replication = text(replication)?;
        // A replica may lag behind the writes, and takes none.
        if field(&replication, "role") != Some("master") {
            let replica = Lost("the server is a replica");
            return Err(Fault::new(FaultKind::Unavailable).because(replica));
        }
        let id = field(&replication, "master_replid").ok_or_else(protocol)?;
        if *id != self.replication_id {
            id.clone_into(&mut self.replication_id);
            self.incarnation = self.hashed();
        }
        Ok(())
    }

    pub(super) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    fn hashed(&self) -> Incarnation {
        let mut hash = Sha256::new();
        hash.update(self.run_id.as_bytes());
        hash.update([0]);
        hash.update(self.replication_id.as_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(hash.first_chunk::<16>().unwrap_or(&[0; 16]));
        Incarnation(u128::from_le_bytes(id))
    }
}

/// Whether the server is of the kind that the URL says, from its answer to the first question.
pub(super) fn check_kind(server: &Value, in_cluster: bool) -> Result<(), Failure> {
    let server = text(server)?;
    // Valkey says it in words of its own.
    let mode = field(&server, "redis_mode").or_else(|| field(&server, "server_mode"));
    match mode {
        // It would answer for its own slots, and nobody would drop anything in the others.
        Some("cluster") if !in_cluster => Err(Failure::wrong(IS_CLUSTER)),
        Some("sentinel") => Err(Failure::wrong(IS_SENTINEL)),
        _ => Ok(()),
    }
}

fn text(value: &Value) -> Result<String, Fault> {
    match value {
        Value::BulkString(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        Value::VerbatimString { text, .. } => Ok(text.clone()),
        Value::ServerError(error) => Err(crate::exchange::fault_of(error)),
        _ => Err(protocol()),
    }
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

const IS_CLUSTER: &str =
    "the redis server is a node of a cluster: write redis+cluster:// instead of redis://";
const IS_SENTINEL: &str = "the redis server is a sentinel: write redis+sentinel:// and the name \
                           of its service";
