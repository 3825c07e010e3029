//! Entries as bytes.
//!
//! ```text
//! "lrd" | format | codec | flags | stamps u16 | created u64 | expires u64 | cost u32
//!   | fingerprint u64 | call u64 | length of the payload before compression u32 | checksum u32
//!   | number of incarnations u8 | incarnations, 16 bytes each
//!   | per stamp: flags u8, incarnation u8, shape 16 bytes, value 0 or 16 bytes
//!   | the dependencies, where a reader cannot know them | payload
//! ```
//! Numbers are little-endian, times microseconds since 1970. The checksum, CRC-32, covers everything
//! but itself. The call is a digest of normalized text and parameters, for those who look for the
//! entries of a statement.

use std::{sync::Arc, time::Duration};

use larder_core::{
    CallDigest, Codec, DependencyKey, Digest, Moment, ShapeName, Stamp, TableKey,
    entry::{Content, Encoded, Entry, Incarnation, Issued},
};

use crate::inspect::EntryHeader;

const MAGIC: &[u8; 3] = b"lrd";
const FORMAT: u8 = 2;
const CHECKSUM_AT: usize = 48;
pub(crate) const HEADER_BYTES: usize = 52;
/// Up to here the header says what a later one must know of an earlier one.
pub(crate) const AGE_BYTES: usize = 16;
const CREATED_AT: usize = 8;

const COMPRESSED: u8 = 1;
const EXTENDED: u8 = 2;
const WIDENED: u8 = 1;
const HAS_VALUE: u8 = 2;

/// What is read is believed to be so large at most, whatever it says.
const PAYLOAD_BYTES_MAX: usize = 64 << 20;

/// What bytes were found to be.
#[derive(Debug)]
pub(crate) enum Found {
    /// An entry.
    Entry(Arc<Entry>),
    /// One of another format, which another version of this crate can read.
    Foreign,
    /// None.
    Damaged,
}

/// Writes an entry, its payload compressed when it is larger than that. `None` = it has no written
/// form.
pub(crate) fn write(entry: &Entry, compress_above: Option<usize>) -> Option<Vec<u8>> {
    let Content::Encoded(encoded) = &entry.content else {
        return None;
    };
    let raw = &encoded.bytes;
    if raw.len() > PAYLOAD_BYTES_MAX {
        return None;
    }
    let compressed = compress_above
        .filter(|above| *above > 0 && raw.len() > *above)
        .map(|_| lz4_flex::block::compress(raw))
        // What does not shrink is not worth the time of those who read it.
        .filter(|smaller| smaller.len() < raw.len());
    let flags = if compressed.is_some() { COMPRESSED } else { 0 }
        | if entry.extended { EXTENDED } else { 0 };
    let payload = compressed.as_deref().unwrap_or(raw);
    let mut out = Vec::with_capacity(payload.len() + HEADER_BYTES + 64 * entry.stamps.len() + 32);
    out.extend_from_slice(MAGIC);
    out.extend([FORMAT, encoded.codec.id(), flags]);
    out.extend(u16::try_from(entry.stamps.len()).ok()?.to_le_bytes());
    out.extend(entry.created.0.to_le_bytes());
    out.extend(entry.expires.0.to_le_bytes());
    let cost = u32::try_from(entry.cost.as_micros()).unwrap_or(u32::MAX);
    out.extend(cost.to_le_bytes());
    out.extend(encoded.fingerprint.to_le_bytes());
    out.extend(entry.call.0);
    out.extend(u32::try_from(raw.len()).ok()?.to_le_bytes());
    out.extend([0; 4]);
    write_stamps(&mut out, &entry.stamps)?;
    if entry.extended {
        write_dependencies(&mut out, &entry.dependencies)?;
    }
    out.extend_from_slice(payload);
    let checksum = checksum(&out)?;
    out.get_mut(CHECKSUM_AT..HEADER_BYTES)?
        .copy_from_slice(&checksum.to_le_bytes());
    Some(out)
}

/// Reads an entry for a reader who rests it on these dependencies.
pub(crate) fn read(bytes: &[u8], dependencies: &[DependencyKey]) -> Found {
    match bytes.get(..4) {
        Some([m0, m1, m2, format]) if [*m0, *m1, *m2] == *MAGIC && *format != FORMAT => {
            Found::Foreign
        }
        _ => entry(bytes, dependencies).map_or(Found::Damaged, |entry| {
            entry.map_or(Found::Foreign, |entry| Found::Entry(Arc::new(entry)))
        }),
    }
}

/// When the entry was created whose first bytes these are.
pub(crate) fn created(start: &[u8]) -> Option<Moment> {
    let mut input = Input(start);
    let known = input.take(4)? == [MAGIC.as_slice(), &[FORMAT]].concat();
    input.take(CREATED_AT - 4)?;
    input.number().map(Moment).filter(|_| known)
}

/// What the header of an entry says whose first bytes these are, for people: nothing vouches for it
/// but the magic.
pub(crate) fn header(start: &[u8]) -> Option<EntryHeader> {
    let mut input = Input(start);
    let known = input.take(4)? == [MAGIC.as_slice(), &[FORMAT]].concat();
    input.take(2)?;
    let dependencies = u16::from_le_bytes(input.array()?).into();
    let (created, expires) = (Moment(input.number()?), Moment(input.number()?));
    let cost = Duration::from_micros(u32::from_le_bytes(input.array()?).into());
    input.take(8)?;
    let call = CallDigest(input.array()?);
    let result_bytes = u32::from_le_bytes(input.array()?).into();
    known.then_some(EntryHeader {
        created,
        expires,
        cost,
        result_bytes,
        dependencies,
        call,
    })
}

/// `Some(None)` = whole, but in a codec that this build does not have.
fn entry(bytes: &[u8], dependencies: &[DependencyKey]) -> Option<Option<Entry>> {
    let said = u32::from_le_bytes(bytes.get(CHECKSUM_AT..HEADER_BYTES)?.try_into().ok()?);
    if bytes.get(..3)? != MAGIC || checksum(bytes)? != said {
        return None;
    }
    let mut input = Input(bytes.get(4..)?);
    let [codec, flags] = input.array()?;
    let count = usize::from(u16::from_le_bytes(input.array()?));
    let (created, expires) = (Moment(input.number()?), Moment(input.number()?));
    let cost = u32::from_le_bytes(input.array()?);
    let fingerprint = input.number()?;
    let call = CallDigest(input.array()?);
    let raw = usize::try_from(u32::from_le_bytes(input.array()?)).ok()?;
    input.take(4)?;
    let stamps = read_stamps(&mut input, count)?;
    let extended = flags & EXTENDED != 0;
    let dependencies = if extended {
        read_dependencies(&mut input, count)?
    } else {
        known_dependencies(dependencies, &stamps)
    };
    let payload: Arc<[u8]> = match flags & COMPRESSED {
        0 => input.0.into(),
        _ if raw > PAYLOAD_BYTES_MAX => return None,
        _ => lz4_flex::block::decompress(input.0, raw).ok()?.into(),
    };
    if payload.len() != raw {
        return None;
    }
    let Some(codec) = Codec::of_id(codec) else {
        return Some(None);
    };
    let encoded = Encoded {
        codec,
        fingerprint,
        bytes: payload,
    };
    Some(Some(Entry {
        content: Content::Encoded(encoded),
        dependencies,
        stamps: stamps.into(),
        created,
        expires,
        cost: Duration::from_micros(cost.into()),
        call,
        extended,
        validated: Default::default(),
    }))
}

fn write_stamps(out: &mut Vec<u8>, stamps: &[Issued]) -> Option<()> {
    let mut incarnations: Vec<Incarnation> = Vec::new();
    for issued in stamps {
        if !incarnations.contains(&issued.incarnation) {
            incarnations.push(issued.incarnation);
        }
    }
    out.push(u8::try_from(incarnations.len()).ok()?);
    for incarnation in &incarnations {
        out.extend(incarnation.0.to_le_bytes());
    }
    for issued in stamps {
        let at = incarnations
            .iter()
            .position(|it| *it == issued.incarnation)?;
        let widened = if issued.widened { WIDENED } else { 0 };
        let value = if issued.value.is_some() { HAS_VALUE } else { 0 };
        out.extend([widened | value, u8::try_from(at).ok()?]);
        out.extend(issued.shape.0);
        out.extend(issued.value.iter().flat_map(|stamp| stamp.0));
    }
    Some(())
}

fn read_stamps(input: &mut Input<'_>, count: usize) -> Option<Vec<Issued>> {
    let [incarnations] = input.array()?;
    let mut known = Vec::with_capacity(incarnations.into());
    for _ in 0..incarnations {
        known.push(Incarnation(u128::from_le_bytes(input.array()?)));
    }
    let mut stamps = Vec::with_capacity(count.min(input.0.len()));
    for _ in 0..count {
        let [flags, at] = input.array()?;
        let shape = Stamp(input.array()?);
        let value = match flags & HAS_VALUE {
            0 => None,
            _ => Some(Stamp(input.array()?)),
        };
        stamps.push(Issued {
            incarnation: *known.get(usize::from(at))?,
            shape,
            value,
            widened: flags & WIDENED != 0,
        });
    }
    Some(stamps)
}

/// A reader of the same statement rests it on the same dependencies, but for what was widened.
fn known_dependencies(dependencies: &[DependencyKey], stamps: &[Issued]) -> Arc<[DependencyKey]> {
    let pairs = dependencies.iter().zip(stamps);
    pairs
        .map(|(dependency, issued)| match issued.widened {
            true => dependency.widened(),
            false => dependency.clone(),
        })
        .collect()
}

fn write_dependencies(out: &mut Vec<u8>, dependencies: &[DependencyKey]) -> Option<()> {
    for dependency in dependencies {
        let DependencyKey {
            table,
            shape,
            value,
            spread,
        } = dependency;
        for text in [&table.0, &shape.0] {
            out.extend(u16::try_from(text.len()).ok()?.to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        out.extend(spread.to_le_bytes());
        out.push(u8::from(value.is_some()));
        out.extend(value.iter().flat_map(|digest| digest.0));
    }
    Some(())
}

fn read_dependencies(input: &mut Input<'_>, count: usize) -> Option<Arc<[DependencyKey]>> {
    (0..count)
        .map(|_| {
            let (table, shape) = (TableKey(input.text()?), ShapeName(input.text()?));
            let spread = u16::from_le_bytes(input.array()?);
            let value = match input.array()? {
                [0] => None,
                [_] => Some(Digest(input.array()?)),
            };
            Some(DependencyKey {
                table,
                shape,
                value,
                spread,
            })
        })
        .collect()
}

fn checksum(bytes: &[u8]) -> Option<u32> {
    let mut hash = crc32fast::Hasher::new();
    hash.update(bytes.get(..CHECKSUM_AT)?);
    hash.update(bytes.get(HEADER_BYTES..)?);
    Some(hash.finalize())
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<Arc<str>> {
        let len = u16::from_le_bytes(self.array()?);
        std::str::from_utf8(self.take(len.into())?)
            .ok()
            .map(Arc::from)
    }
}

#[cfg(test)]
mod tests;
