//! Where things lie in Redis.
//!
//! ```text
//! {table}:t            the table record, a hash: shape -> the shape's stamp
//! {table}:d:<digest>   the stamp of one dependency value
//! {table}:q:<digest>   an entry
//! {table}:l:<digest>   the claim of a process that fills the entry
//!
//! {ns:@reports}:r:<instance>   what a process has counted
//! {ns:@reports}:i:<hour>       a hash: the instances that have reported in this hour since 1970
//! ```
//! `table` is a [`TableKey`], which begins with the namespace; braces are the hash tags of Redis
//! Cluster, so that everything of one table lies in one slot. With N shards the tag is
//! `{table:i/N}`, and i follows from the entry (P12).

use std::{
    io::{self, Write},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use crc::{CRC_16_XMODEM, Crc};
use larder_core::{Digest, TableKey};
use redis::{RedisWrite, ToRedisArgs};

/// Slots of a cluster.
pub(crate) const SLOTS: u16 = 16_384;

/// The field of a record that says when it was made. No shape has such a name.
pub(crate) const CREATED: &str = "@created";

/// Bytes of a digest in a key: 160 bits, as many as keep two apart for good.
const DIGEST_BYTES: usize = 20;

/// Characters of a digest in a key.
const DIGEST_CHARS: usize = 27;

/// Over how many shards the tables are spread.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    shards: u16,
    /// Other numbers of shards, whose records are dropped as well.
    others: Vec<u16>,
}

/// The hash tag of one table, or of one of its shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    table: Arc<str>,
    /// Which one of how many.
    shard: Option<(u16, u16)>,
}

/// A key, which is written down nowhere but in the command that names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    tag: &'a Tag,
    kind: &'static str,
    digest: Option<&'a Digest>,
}

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
        Some(Self {
            table: tag.strip_prefix('{')?.strip_suffix('}')?.into(),
            shard: None,
        })
    }

    /// The tag of all reports of a namespace. No table has it: a table's has another `:`.
    pub(crate) fn of_reports(namespace: &str) -> Self {
        Self {
            table: format!("{}@reports", TableKey::start(namespace)).into(),
            shard: None,
        }
    }

    /// The report of an instance.
    pub(crate) fn report(&self, instance: &[u8]) -> Vec<u8> {
        [format!("{{{}}}:r:", self.table).as_bytes(), instance].concat()
    }

    /// Who has reported in an hour.
    pub(crate) fn reporters(&self, hour: u64) -> String {
        format!("{{{}}}:i:{hour}", self.table)
    }

    pub(crate) fn record(&self) -> Key<'_> {
        self.key(":t", None)
    }

    pub(crate) fn stamp<'a>(&'a self, digest: &'a Digest) -> Key<'a> {
        self.key(":d:", Some(digest))
    }

    pub(crate) fn entry<'a>(&'a self, digest: &'a Digest) -> Key<'a> {
        self.key(":q:", Some(digest))
    }

    pub(crate) fn claim<'a>(&'a self, digest: &'a Digest) -> Key<'a> {
        self.key(":l:", Some(digest))
    }

    /// The slot of a cluster in which its keys lie.
    pub(crate) fn slot(&self) -> u16 {
        const CRC16: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);
        let mut crc = CRC16.digest();
        crc.update(self.table.as_bytes());
        if let Some((shard, shards)) = self.shard {
            crc.update(format!(":{shard}/{shards}").as_bytes());
        }
        crc.finalize() % SLOTS
    }

    fn key<'a>(&'a self, kind: &'static str, digest: Option<&'a Digest>) -> Key<'a> {
        let tag = self;
        Key { tag, kind, digest }
    }
}

impl Key<'_> {
    /// How long it is, or a little less.
    pub(crate) fn len(&self) -> usize {
        let digest = if self.digest.is_some() {
            DIGEST_CHARS
        } else {
            0
        };
        self.tag.table.len() + 2 + self.kind.len() + digest
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"{")?;
        out.write_all(self.tag.table.as_bytes())?;
        if let Some((shard, shards)) = self.tag.shard {
            write!(out, ":{shard}/{shards}")?;
        }
        out.write_all(b"}")?;
        out.write_all(self.kind.as_bytes())?;
        let Some(digest) = self.digest else {
            return Ok(());
        };
        let mut text = [0; DIGEST_CHARS];
        URL_SAFE_NO_PAD
            .encode_slice(digest.0.get(..DIGEST_BYTES).unwrap_or_default(), &mut text)
            .map_err(io::Error::other)?;
        out.write_all(&text)
    }
}

impl ToRedisArgs for Key<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        // Commands are written in memory, where there is room.
        let _ = self.write(&mut out.writer_for_next_arg());
    }
}

/// What the keys of all records of a namespace match, in every layout.
pub(crate) fn records_pattern(namespace: &str) -> String {
    format!("{{{}*}}:t", literal(&TableKey::start(namespace)))
}

/// A pattern that matches this text alone.
pub(crate) fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

fn tags(table: &TableKey, shards: u16) -> impl Iterator<Item = Tag> {
    (0..shards.max(1)).map(move |shard| tag(table, shard, shards))
}

fn tag(table: &TableKey, shard: u16, shards: u16) -> Tag {
    Tag {
        table: table.0.clone(),
        shard: (shards > 1).then_some((shard, shards)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TableKey {
        TableKey("shop:db:public.post".into())
    }

    fn written(key: Key<'_>) -> String {
        String::from_utf8(key.to_redis_args().concat()).unwrap()
    }

    #[test]
    fn everything_of_one_table_lies_under_one_tag() {
        let tag = Layout::new(1, &[]).tag(&table(), 77);
        let digest = Digest([0xff; 32]);
        assert_eq!(written(tag.record()), "{shop:db:public.post}:t");
        assert_eq!(
            written(tag.stamp(&digest)),
            format!("{{shop:db:public.post}}:d:{}", "_".repeat(26) + "8")
        );
        let entry = tag.entry(&digest);
        assert!(written(entry).starts_with("{shop:db:public.post}:q:"));
        assert_eq!(written(entry).len(), entry.len());
    }

    #[test]
    fn the_slot_is_that_of_the_server() {
        // `CLUSTER KEYSLOT` of Redis 7 says so.
        let slot = |text: &str| Layout::new(1, &[]).tag(&TableKey(text.into()), 0).slot();
        assert_eq!(slot("123456789"), 12_739);
        assert_eq!(slot("foo"), 12_182);
        let shard = Layout::new(4, &[]).tag(&TableKey("foo".into()), 3);
        assert_eq!(shard.slot(), slot("foo:3/4"));
    }

    #[test]
    fn a_tag_is_read_back_from_its_record() {
        let tag = Layout::new(4, &[]).tag(&table(), 3);
        let record = written(tag.record());
        assert_eq!(record, "{shop:db:public.post:3/4}:t");
        let read = Tag::of_record(record.as_bytes()).unwrap();
        assert_eq!(read.slot(), tag.slot());
        assert_eq!(written(read.record()), record);
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
    fn reports_lie_where_no_sweep_of_records_finds_them() {
        let tag = Tag::of_reports("shop");
        let report = tag.report(b"0f");
        assert_eq!(report, b"{shop:@reports}:r:0f");
        assert_eq!(tag.reporters(7), "{shop:@reports}:i:7");
        assert_eq!(Tag::of_record(&report), None);
        assert_eq!(Tag::of_record(tag.reporters(7).as_bytes()), None);
    }

    #[test]
    fn the_pattern_of_a_namespace_is_no_pattern_itself() {
        assert_eq!(records_pattern("shop"), "{shop:*}:t");
        assert_eq!(records_pattern("a*[b"), "{a\\*\\[b:*}:t");
    }
}
