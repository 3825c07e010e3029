//! Where things lie in Redis.
//!
//! ```text
//! {table}:t            the table record, a hash: shape -> the shape's stamp
//! {table}:d:<digest>   the stamp of one dependency value
//! {table}:q:<digest>   an entry
//! {table}:l:<digest>   the claim of a process that fills the entry
//! ```
//! `table` is a [`TableKey`], which begins with the namespace; braces are the hash tags of Redis
//! Cluster, so that everything of one table lies in one slot. With N shards the tag is
//! `{table:i/N}`, and i follows from the entry (P12).

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use crc::{CRC_16_XMODEM, Crc};
use larder_core::{Digest, TableKey};

/// Slots of a cluster.
pub(crate) const SLOTS: u16 = 16_384;

/// The field of a record that says when it was made. No shape has such a name.
pub(crate) const CREATED: &str = "@created";

/// Bytes of a digest in a key: 160 bits, as many as keep two apart for good.
const DIGEST_BYTES: usize = 20;

/// Over how many shards the tables are spread.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    shards: u16,
    /// Other numbers of shards, whose records are dropped as well.
    others: Vec<u16>,
}

/// The hash tag of one table, or of one of its shards, with its braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag(Arc<str>);

impl Layout {
    pub(crate) fn new(shards: u16, others: &[u16]) -> Self {
        let mut others = others.to_vec();
        others.sort_unstable();
        others.dedup();
        others.retain(|other| *other != shards);
        Self { shards, others }
    }

    /// The shard of a table that this spread falls on.
    pub(crate) fn tag(&self, table: &TableKey, spread: u16) -> Tag {
        tag(table, spread % self.shards.max(1), self.shards)
    }

    /// All shards of a table that any process may look at.
    pub(crate) fn tags_to_drop(&self, table: &TableKey) -> Vec<Tag> {
        let own = tags(table, self.shards);
        let others = self.others.iter().flat_map(|shards| tags(table, *shards));
        own.chain(others).collect()
    }
}

impl Tag {
    /// The tag of a record's key.
    pub(crate) fn of_record(key: &[u8]) -> Option<Self> {
        let tag = std::str::from_utf8(key).ok()?.strip_suffix(":t")?;
        (tag.starts_with('{') && tag.ends_with('}')).then(|| Self(tag.into()))
    }

    pub(crate) fn record(&self) -> Vec<u8> {
        self.key(":t", "")
    }

    pub(crate) fn stamp(&self, digest: &Digest) -> Vec<u8> {
        self.key(":d:", &text(digest))
    }

    pub(crate) fn entry(&self, digest: &Digest) -> Vec<u8> {
        self.key(":q:", &text(digest))
    }

    pub(crate) fn claim(&self, digest: &Digest) -> Vec<u8> {
        self.key(":l:", &text(digest))
    }

    /// The slot of a cluster in which its keys lie.
    pub(crate) fn slot(&self) -> u16 {
        const CRC16: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);
        let inside = self.0.get(1..self.0.len().saturating_sub(1));
        CRC16.checksum(inside.unwrap_or_default().as_bytes()) % SLOTS
    }

    fn key(&self, kind: &str, rest: &str) -> Vec<u8> {
        let parts = [&*self.0, kind, rest];
        let mut key = Vec::with_capacity(parts.map(str::len).iter().sum());
        parts
            .iter()
            .for_each(|part| key.extend_from_slice(part.as_bytes()));
        key
    }
}

/// What the keys of all records of a namespace match, in every layout.
pub(crate) fn records_pattern(namespace: &str) -> String {
    let start = TableKey::start(namespace);
    let mut pattern = String::from("{");
    for c in start.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push_str("*}:t");
    pattern
}

fn tags(table: &TableKey, shards: u16) -> impl Iterator<Item = Tag> {
    (0..shards.max(1)).map(move |shard| tag(table, shard, shards))
}

fn tag(table: &TableKey, shard: u16, shards: u16) -> Tag {
    Tag(match shards {
        0 | 1 => format!("{{{}}}", table.0),
        _ => format!("{{{}:{shard}/{shards}}}", table.0),
    }
    .into())
}

fn text(digest: &Digest) -> String {
    URL_SAFE_NO_PAD.encode(digest.0.get(..DIGEST_BYTES).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TableKey {
        TableKey("shop:db:public.post".into())
    }

    #[test]
    fn everything_of_one_table_lies_under_one_tag() {
        let tag = Layout::new(1, &[]).tag(&table(), 77);
        let digest = Digest([0xff; 32]);
        assert_eq!(tag.record(), b"{shop:db:public.post}:t");
        assert_eq!(
            tag.stamp(&digest),
            format!("{{shop:db:public.post}}:d:{}", "_".repeat(26) + "8").as_bytes()
        );
        assert!(tag.entry(&digest).starts_with(b"{shop:db:public.post}:q:"));
    }

    #[test]
    fn the_slot_is_that_of_the_server() {
        // `CLUSTER KEYSLOT` of Redis 7 says so.
        let slot = |text: &str| Tag(format!("{{{text}}}").into()).slot();
        assert_eq!(slot("123456789"), 12_739);
        assert_eq!(slot("foo"), 12_182);
    }

    #[test]
    fn shards_are_told_apart_and_other_layouts_are_dropped_as_well() {
        let layout = Layout::new(4, &[1, 2, 4, 2]);
        assert_eq!(layout.tag(&table(), 6), tag(&table(), 2, 4));
        assert_eq!(layout.tags_to_drop(&table()).len(), 4 + 1 + 2);
        let all = layout.tags_to_drop(&table());
        assert!(
            all.iter()
                .all(|one| all.iter().filter(|it| *it == one).count() == 1)
        );
    }

    #[test]
    fn the_pattern_of_a_namespace_is_no_pattern_itself() {
        assert_eq!(records_pattern("shop"), "{shop:*}:t");
        assert_eq!(records_pattern("a*[b"), "{a\\*\\[b:*}:t");
    }
}
