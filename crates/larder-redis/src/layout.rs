//! Where things lie in Redis.
//!
//! ```text
//! {ns:short}:t:table       the table record, a hash: shape -> the shape's stamp
//! {ns:short}:d:<digest>    the stamp of one dependency value
//! {ns:short}:q:<digest>    an entry
//! {ns:short}:l:<digest>    the claim of a process that fills the entry
//!
//! {ns:@reports}:r:<instance>   what a process has counted
//! {ns:@reports}:i:<hour>       a hash: the instances that have reported in this hour since 1970
//! ```
//! `ns:table` is a [`TableKey`], and `short` stands for it: of what there is much, the keys are short.
//! Two tables of one `short` would share a slot and nothing else, since records name their table and
//! digests are over it. Braces are the hash tags of Redis Cluster, so that everything of one table
//! lies in one slot. With N shards the tag is `{ns:short:i/N}`, and i follows from the entry (P12).

use std::io::{self, Write};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use crc::{CRC_16_XMODEM, CRC_64_XZ, Crc, Table};
use larder_core::{Digest, TableKey};
use redis::{RedisWrite, ToRedisArgs};

/// Slots of a cluster.
pub(crate) const SLOTS: u16 = 16_384;

/// The field of a record that says when it was made. No shape has such a name.
pub(crate) const CREATED: &str = "@created";

/// Bytes of a digest in the key of an entry: 160 bits, as many as keep two apart for good.
const ENTRY_BYTES: usize = 20;

/// Bytes of a digest in the key of a stamp. Two values that shared one would drop each other's
/// results, and nothing worse.
const STAMP_BYTES: usize = 12;

/// Characters of a digest in a key, at most.
const DIGEST_CHARS: usize = 27;

/// Characters that stand for a table: 64 bits.
const SHORT_CHARS: usize = 11;

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
    table: TableKey,
    /// Bytes of the table's key that say the namespace.
    namespace: usize,
    short: Short,
    /// Which one of how many.
    shard: Option<(u16, u16)>,
}

/// What stands for a table in its tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Short {
    Of([u8; SHORT_CHARS]),
    /// The reports are no table.
    Reports,
}

/// A key, which is written down nowhere but in the command that names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    tag: &'a Tag,
    kind: Kind<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    Record,
    Stamp(&'a Digest),
    Entry(&'a Digest),
    Claim(&'a Digest),
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
        Tag::new(table, self.shard(spread))
    }

    /// Whether it is the tag of this shard.
    pub(crate) fn is_tag(&self, tag: &Tag, table: &TableKey, spread: u16) -> bool {
        tag.table == *table && tag.shard == self.shard(spread)
    }

    fn shard(&self, spread: u16) -> Option<(u16, u16)> {
        of_several(spread % self.shards.max(1), self.shards)
    }

    /// All shards of a table that any process may look at.
    pub(crate) fn tags_to_drop(&self, table: &TableKey) -> Vec<Tag> {
        let own = tags(table, self.shards);
        let others = self.others.iter().flat_map(|shards| tags(table, *shards));
        own.chain(others).collect()
    }
}

impl Tag {
    fn new(table: &TableKey, shard: Option<(u16, u16)>) -> Self {
        Self {
            table: table.clone(),
            namespace: table.0.find(':').map_or(0, |at| at + 1),
            short: Short::Of(short(table)),
            shard,
        }
    }

    /// The tag of a record's key, which says its table.
    pub(crate) fn of_record(key: &[u8]) -> Option<Self> {
        let key = std::str::from_utf8(key).ok()?;
        let (tag, name) = key.strip_prefix('{')?.split_once("}:t:")?;
        let (namespace, short) = tag.split_once(':')?;
        let shard = match short.split_once(':') {
            None => None,
            Some((_, shard)) => {
                let (at, shards) = shard.split_once('/')?;
                let (at, shards): (u16, u16) = (at.parse().ok()?, shards.parse().ok()?);
                of_several(at, shards).filter(|_| at < shards)
            }
        };
        let tag = Self::new(&TableKey(format!("{namespace}:{name}").into()), shard);
        // Numbers have several spellings, and anyone may write a key.
        (tag.record().to_redis_args() == [key.as_bytes()]).then_some(tag)
    }

    /// The tag of all reports of a namespace. No table has it: what stands for one has no `@`.
    pub(crate) fn of_reports(namespace: &str) -> Self {
        let start = TableKey::start(namespace);
        Self {
            namespace: start.len(),
            table: TableKey(start.into()),
            short: Short::Reports,
            shard: None,
        }
    }

    /// The table.
    pub(crate) fn table(&self) -> &TableKey {
        &self.table
    }

    /// Over how many shards the table is spread; 1 = it is not.
    pub(crate) fn shards(&self) -> u16 {
        self.shard.map_or(1, |(_, shards)| shards)
    }

    /// The report of an instance.
    pub(crate) fn report(&self, instance: &[u8]) -> Vec<u8> {
        [self.braced().as_bytes(), b":r:", instance].concat()
    }

    /// Who has reported in an hour.
    pub(crate) fn reporters(&self, hour: u64) -> String {
        format!("{}:i:{hour}", self.braced())
    }

    pub(crate) fn record(&self) -> Key<'_> {
        self.key(Kind::Record)
    }

    pub(crate) fn stamp<'a>(&'a self, digest: &'a Digest) -> Key<'a> {
        self.key(Kind::Stamp(digest))
    }

    pub(crate) fn entry<'a>(&'a self, digest: &'a Digest) -> Key<'a> {
        self.key(Kind::Entry(digest))
    }

    pub(crate) fn claim<'a>(&'a self, digest: &'a Digest) -> Key<'a> {
        self.key(Kind::Claim(digest))
    }

    /// What kind of key of this tag's table it is, under any layout.
    pub(crate) fn kind_of(&self, key: &[u8]) -> Option<Kept> {
        let key = std::str::from_utf8(key).ok()?;
        let of_table = key.strip_prefix(self.start().as_str())?;
        let (shard, rest) = of_table.split_once('}')?;
        let kind = rest.strip_prefix(':')?;
        (shard.is_empty() || shard.starts_with(':')).then_some(())?;
        match kind.split_once(':')? {
            ("t", name) => (self.names().1 == name).then_some(Kept::Record),
            ("d", _) => Some(Kept::Stamp),
            ("q", _) => Some(Kept::Entry),
            ("l", _) => Some(Kept::Claim),
            _ => None,
        }
    }

    /// What the keys of its table match, in every layout.
    pub(crate) fn pattern(&self) -> String {
        literal(&self.start()) + "*"
    }

    /// The slot of a cluster in which its keys lie.
    pub(crate) fn slot(&self) -> u16 {
        const CRC16: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);
        let mut crc = CRC16.digest();
        crc.update(self.names().0.as_bytes());
        crc.update(self.short.as_bytes());
        if let Some((shard, shards)) = self.shard {
            crc.update(format!(":{shard}/{shards}").as_bytes());
        }
        crc.finalize() % SLOTS
    }

    /// The namespace as keys begin with it, and what the table is called there.
    fn names(&self) -> (&str, &str) {
        self.table
            .0
            .split_at_checked(self.namespace)
            .unwrap_or_default()
    }

    /// How every tag of its table starts.
    fn start(&self) -> String {
        let whole = Self {
            shard: None,
            ..self.clone()
        };
        let mut start = whole.braced();
        start.pop();
        start
    }

    fn braced(&self) -> String {
        let mut braced = Vec::new();
        // Writing to memory does not fail.
        let _ = self.write(&mut braced);
        String::from_utf8(braced).unwrap_or_default()
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"{")?;
        out.write_all(self.names().0.as_bytes())?;
        out.write_all(self.short.as_bytes())?;
        if let Some((shard, shards)) = self.shard {
            write!(out, ":{shard}/{shards}")?;
        }
        out.write_all(b"}")
    }

    fn len(&self) -> usize {
        1 + self.namespace + SHORT_CHARS + 1
    }

    fn key<'a>(&'a self, kind: Kind<'a>) -> Key<'a> {
        Key { tag: self, kind }
    }
}

impl Short {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Of(short) => short,
            Self::Reports => b"@reports",
        }
    }
}

impl Key<'_> {
    /// How long it is, roughly.
    pub(crate) fn len(&self) -> usize {
        let tag = self.tag.len();
        match self.kind {
            Kind::Record => tag + self.tag.table.0.len() + 3,
            _ => tag + DIGEST_CHARS + 3,
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.tag.write(out)?;
        let (kind, digest, bytes) = match self.kind {
            Kind::Record => {
                out.write_all(b":t:")?;
                return out.write_all(self.tag.names().1.as_bytes());
            }
            Kind::Stamp(digest) => (b":d:", digest, STAMP_BYTES),
            Kind::Entry(digest) => (b":q:", digest, ENTRY_BYTES),
            Kind::Claim(digest) => (b":l:", digest, ENTRY_BYTES),
        };
        out.write_all(kind)?;
        let mut text = [0; DIGEST_CHARS];
        let written = URL_SAFE_NO_PAD
            .encode_slice(digest.0.get(..bytes).unwrap_or_default(), &mut text)
            .map_err(io::Error::other)?;
        out.write_all(text.get(..written).unwrap_or_default())
    }
}

/// What a key of a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Record,
    Stamp,
    Entry,
    Claim,
}

impl ToRedisArgs for Key<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        // Commands are written in memory, where there is room.
        let _ = self.write(&mut out.writer_for_next_arg());
    }
}

/// What the keys of all records of a namespace match, in every layout.
pub(crate) fn records_pattern(namespace: &str) -> String {
    format!("{{{}*}}:t:*", literal(&TableKey::start(namespace)))
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
    Tag::new(table, of_several(shard, shards))
}

/// Which shard of how many, where there are several.
fn of_several(shard: u16, shards: u16) -> Option<(u16, u16)> {
    (shards > 1).then_some((shard, shards))
}

/// What stands for a table: its CRC-64.
fn short(table: &TableKey) -> [u8; SHORT_CHARS] {
    const CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);
    let mut short = [b'-'; SHORT_CHARS];
    let hash = CRC64.checksum(table.0.as_bytes()).to_le_bytes();
    // Eight bytes fill it exactly.
    let _ = URL_SAFE_NO_PAD.encode_slice(hash, &mut short);
    short
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
        let of = |rest: &str| format!("{{shop:T-5q5kIS62A}}:{rest}");
        assert_eq!(written(tag.record()), of("t:db:public.post"));
        assert_eq!(written(tag.stamp(&digest)), of("d:________________"));
        let entry = tag.entry(&digest);
        assert_eq!(written(entry), of(&format!("q:{}", "_".repeat(26) + "8")));
        assert_eq!(written(entry).len(), entry.len());
    }

    #[test]
    fn the_slot_is_that_of_the_server() {
        // `CLUSTER KEYSLOT` of Redis 7 says so.
        let slot = |shards| Layout::new(shards, &[]).tag(&table(), 3).slot();
        assert_eq!((slot(1), slot(4)), (15_228, 14_879));
    }

    #[test]
    fn a_tag_is_read_back_from_its_record() {
        for shards in [1, 4] {
            let tag = Layout::new(shards, &[]).tag(&table(), 3);
            let record = written(tag.record());
            let read = Tag::of_record(record.as_bytes()).unwrap();
            assert_eq!(
                (&read, read.table(), read.shards()),
                (&tag, &table(), shards)
            );
        }
        let record = written(tag(&table(), 3, 4).record());
        for other in [
            record.replace("3/4", "03/4"),
            record.replace("3/4", "4/4"),
            record.replace("public.post", "public.posts"),
            record.replace(":t:", ":d:"),
            record.replace('{', ""),
        ] {
            assert_eq!(Tag::of_record(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_key_says_what_it_is_for() {
        let whole = tag(&table(), 0, 1);
        let digest = Digest([7; 32]);
        for shards in [1, 3] {
            let tag = tag(&table(), 0, shards);
            let kind = |key: Key<'_>| whole.kind_of(written(key).as_bytes());
            assert_eq!(kind(tag.record()), Some(Kept::Record));
            assert_eq!(kind(tag.stamp(&digest)), Some(Kept::Stamp));
            assert_eq!(kind(tag.entry(&digest)), Some(Kept::Entry));
            assert_eq!(kind(tag.claim(&digest)), Some(Kept::Claim));
        }
        let record = written(whole.record());
        for other in [
            record.replace("post", "tag"),
            record.replace(":t:", ":z:"),
            record.replace("}:t:db", "x}:t:db"),
            "shop".into(),
        ] {
            assert_eq!(whole.kind_of(other.as_bytes()), None, "{other}");
        }
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
        assert_eq!(records_pattern("shop"), "{shop:*}:t:*");
        assert_eq!(records_pattern("a*[b"), "{a\\*\\[b:*}:t:*");
    }
}
