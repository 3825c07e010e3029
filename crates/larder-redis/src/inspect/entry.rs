//! What is known of one entry without reading its result.

use std::time::Duration;

use larder_core::{CallDigest, Moment};
use redis::{Value, cmd};

use super::at;
use crate::{
    call::{Answer, Call},
    node::NodeRef,
    wire,
};

/// One entry, by its header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryReport {
    /// The digest in its key.
    pub digest: String,
    /// Bytes of the value in Redis.
    pub bytes: u64,
    /// How long Redis still keeps it; `None` = it never expires, which larder never writes.
    pub ttl: Option<Duration>,
    /// What its header says; `None` = another version of larder has written it.
    pub header: Option<EntryHeader>,
}

/// What the header of an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryHeader {
    /// When its stamps were read.
    pub created: Moment,
    /// When it is not served any more.
    pub expires: Moment,
    /// How long its query took.
    pub cost: Duration,
    /// Bytes of the result before compression.
    pub result_bytes: u64,
    /// How many dependencies it rests on.
    pub dependencies: usize,
    /// Which call stored it: the statement and its parameters.
    pub call: CallDigest,
}

/// Commands per entry.
pub(super) const QUESTIONS: usize = 3;

pub(super) fn questions(node: &NodeRef, key: &[u8]) -> [Call; QUESTIONS] {
    let [mut length, mut ttl, mut start] = [cmd("STRLEN"), cmd("PTTL"), cmd("GETRANGE")];
    length.arg(key);
    ttl.arg(key);
    start.arg(key).arg(0).arg(wire::HEADER_BYTES - 1);
    [length, ttl, start].map(|command| at(node, command))
}

/// `None` = it is gone.
pub(super) fn read(key: &[u8], answers: &[Answer]) -> Option<EntryReport> {
    let [length, ttl, start] = answers else {
        return None;
    };
    let bytes = match length.value {
        Value::Int(bytes) => u64::try_from(bytes).ok().filter(|bytes| *bytes > 0)?,
        _ => return None,
    };
    let header = match &start.value {
        Value::BulkString(start) => wire::header(start),
        _ => None,
    };
    let key = String::from_utf8_lossy(key);
    Some(EntryReport {
        digest: key.rsplit(':').next().unwrap_or_default().to_owned(),
        bytes,
        ttl: left(&ttl.value),
        header,
    })
}

/// What `PTTL` says.
pub(super) fn left(answer: &Value) -> Option<Duration> {
    match answer {
        Value::Int(milliseconds) => u64::try_from(*milliseconds).ok().map(Duration::from_millis),
        _ => None,
    }
}
