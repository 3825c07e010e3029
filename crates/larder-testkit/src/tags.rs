//! Where the keys of a table lie in Redis, worked out apart from the store: processes of all
//! versions must agree.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use crc::{CRC_64_XZ, Crc};
use larder_core::TableKey;

/// The hash tag of the keys of this table when it is not spread over shards, in braces.
#[must_use]
pub fn redis_tag(table: &TableKey) -> String {
    let namespace = table.0.split(':').next().unwrap_or_default();
    let hash = Crc::<u64>::new(&CRC_64_XZ).checksum(table.0.as_bytes());
    let short = URL_SAFE_NO_PAD.encode(hash.to_le_bytes());
    format!("{{{namespace}:{short}}}")
}
