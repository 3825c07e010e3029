//! How results are written down for a store outside the process.
//!
//! A result is written part by part: lists and records by their length, what has no form of its
//! own by serde. The types say which parts they have, not serde, so that `#[serde(skip)]` on a
//! field of a row loses nothing.

use std::{any::Any, fmt, io, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use crate::entry::{Encoded, Payload};

/// An encoding of results. Entries say in which they are written, so that processes with different
/// settings read each other's as long as they know both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// MessagePack with named fields.
    #[default]
    MessagePack,
    /// `bincode` 2 with its standard configuration: smaller, but without names. Types whose serde
    /// needs a self-describing format (JSON values, `flatten`, `untagged`, `skip_serializing_if`)
    /// are not stored: a result is stored only if it is read back as what was written.
    ///
    /// `bincode` is no longer maintained (RUSTSEC-2025-0141).
    #[cfg(feature = "bincode")]
    Bincode,
}

/// How results of one type are written and read.
pub struct ResultCodec {
    /// Fingerprint of the type: bytes of another one are never read.
    pub fingerprint: u64,
    /// Writes a value of that type.
    pub write: fn(&(dyn Any + Send + Sync), &mut Writer<'_>) -> Result<(), Unwritable>,
    /// Reads one.
    pub read: fn(&mut Reader<'_>) -> Result<Arc<dyn Any + Send + Sync>, Unreadable>,
}

/// A value that has no written form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwritable;

/// Bytes that are not what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Writes the parts of a result.
pub struct Writer<'a> {
    codec: Codec,
    out: &'a mut dyn io::Write,
}

/// Reads what a [`Writer`] has written.
#[derive(Debug)]
pub struct Reader<'a> {
    codec: Codec,
    input: &'a [u8],
}

impl Codec {
    /// The number under which entries name it.
    pub fn id(self) -> u8 {
        match self {
            Self::MessagePack => 1,
            #[cfg(feature = "bincode")]
            Self::Bincode => 2,
        }
    }

    /// The codec of this number, when this build knows it.
    pub fn of_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::MessagePack),
            #[cfg(feature = "bincode")]
            2 => Some(Self::Bincode),
            _ => None,
        }
    }
}

impl ResultCodec {
    /// Writes a result down.
    ///
    /// # Errors
    /// It has no written form in this codec.
    pub fn encode(
        &self,
        value: &(dyn Any + Send + Sync),
        codec: Codec,
    ) -> Result<Encoded, Unwritable> {
        let mut bytes = Vec::new();
        (self.write)(value, &mut Writer::new(codec, &mut bytes))?;
        // What names nothing may come back as something else, or not at all.
        if codec != Codec::MessagePack && !self.comes_back(codec, &bytes) {
            return Err(Unwritable);
        }
        Ok(Encoded {
            codec,
            fingerprint: self.fingerprint,
            bytes: bytes.into(),
        })
    }

    /// Whether these bytes are read as what is written as them.
    fn comes_back(&self, codec: Codec, bytes: &[u8]) -> bool {
        let mut reader = Reader::new(codec, bytes);
        let Ok(value) = (self.read)(&mut reader) else {
            return false;
        };
        let mut again = Vec::with_capacity(bytes.len());
        let written = (self.write)(value.as_ref(), &mut Writer::new(codec, &mut again));
        written.is_ok() && reader.finish().is_ok() && again == bytes
    }

    /// Reads a result back; in memory it counts as large as it was written.
    ///
    /// # Errors
    /// The bytes are those of another type, or damaged.
    pub fn decode(&self, encoded: &Encoded) -> Result<Payload, Unreadable> {
        if encoded.fingerprint != self.fingerprint {
            return Err(Unreadable);
        }
        let mut reader = Reader::new(encoded.codec, &encoded.bytes);
        let value = (self.read)(&mut reader)?;
        reader.finish()?;
        Ok(Payload {
            value,
            bytes: encoded.bytes.len(),
        })
    }
}

impl<'a> Writer<'a> {
    /// A writer to this place.
    pub fn new(codec: Codec, out: &'a mut dyn io::Write) -> Self {
        Self { codec, out }
    }

    /// Writes a value by its serde form.
    ///
    /// # Errors
    /// It has none in this codec.
    pub fn serde<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        match self.codec {
            Codec::MessagePack => {
                rmp_serde::encode::write_named(&mut self.out, value).map_err(|_| Unwritable)
            }
            #[cfg(feature = "bincode")]
            Codec::Bincode => bincode::serde::encode_into_std_write(value, &mut self.out, BINCODE)
                .map(|_| ())
                .map_err(|_| Unwritable),
        }
    }

    /// Writes bytes as such.
    ///
    /// # Errors
    /// There are too many.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Unwritable> {
        match self.codec {
            Codec::MessagePack => {
                rmp::encode::write_bin(&mut self.out, bytes).map_err(|_| Unwritable)
            }
            #[cfg(feature = "bincode")]
            Codec::Bincode => self.serde(bytes),
        }
    }

    /// Begins a list of so many parts.
    ///
    /// # Errors
    /// It is too long.
    pub fn list(&mut self, len: usize) -> Result<(), Unwritable> {
        let len = u32::try_from(len).map_err(|_| Unwritable)?;
        match self.codec {
            Codec::MessagePack => rmp::encode::write_array_len(&mut self.out, len)
                .map(|_| ())
                .map_err(|_| Unwritable),
            #[cfg(feature = "bincode")]
            Codec::Bincode => self.serde(&len),
        }
    }

    /// Begins a record of so many named parts.
    ///
    /// # Errors
    /// It has too many.
    pub fn record(&mut self, len: usize) -> Result<(), Unwritable> {
        let len = u32::try_from(len).map_err(|_| Unwritable)?;
        match self.codec {
            Codec::MessagePack => rmp::encode::write_map_len(&mut self.out, len)
                .map(|_| ())
                .map_err(|_| Unwritable),
            #[cfg(feature = "bincode")]
            Codec::Bincode => Ok(()),
        }
    }

    /// Names the part of a record that follows.
    ///
    /// # Errors
    /// The place is full.
    pub fn name(&mut self, name: &str) -> Result<(), Unwritable> {
        match self.codec {
            Codec::MessagePack => self.serde(name),
            #[cfg(feature = "bincode")]
            Codec::Bincode => Ok(()),
        }
    }
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub fn new(codec: Codec, input: &'a [u8]) -> Self {
        Self { codec, input }
    }

    /// Reads a value by its serde form.
    ///
    /// # Errors
    /// The bytes say something else.
    pub fn serde<T: DeserializeOwned>(&mut self) -> Result<T, Unreadable> {
        match self.codec {
            Codec::MessagePack => {
                let mut source = rmp_serde::Deserializer::new(&mut self.input);
                T::deserialize(&mut source).map_err(|_| Unreadable)
            }
            #[cfg(feature = "bincode")]
            Codec::Bincode => {
                let (value, read) = bincode::serde::decode_from_slice(self.input, BINCODE)
                    .map_err(|_| Unreadable)?;
                self.input = self.input.get(read..).ok_or(Unreadable)?;
                Ok(value)
            }
        }
    }

    /// The bytes that follow.
    ///
    /// # Errors
    /// Something else follows, or not all of them.
    pub fn bytes(&mut self) -> Result<Vec<u8>, Unreadable> {
        match self.codec {
            Codec::MessagePack => {
                let len = rmp::decode::read_bin_len(&mut self.input).map_err(|_| Unreadable)?;
                Ok(self.take(len)?.to_vec())
            }
            #[cfg(feature = "bincode")]
            Codec::Bincode => self.serde(),
        }
    }

    /// The length of the list that follows.
    ///
    /// # Errors
    /// None follows, or not all of it.
    pub fn list(&mut self) -> Result<usize, Unreadable> {
        let len = match self.codec {
            Codec::MessagePack => {
                rmp::decode::read_array_len(&mut self.input).map_err(|_| Unreadable)?
            }
            #[cfg(feature = "bincode")]
            Codec::Bincode => self.serde::<u32>()?,
        };
        usize::try_from(len).map_err(|_| Unreadable)
    }

    /// Room for a list of this length, but never more than the bytes that are left could fill.
    pub fn room<T>(&self, len: usize) -> Vec<T> {
        let most = self.input.len() / size_of::<T>().max(1);
        Vec::with_capacity(len.min(most + 1))
    }

    /// Expects a record of so many named parts.
    ///
    /// # Errors
    /// Something else follows.
    pub fn record(&mut self, len: usize) -> Result<(), Unreadable> {
        match self.codec {
            Codec::MessagePack => {
                let found = rmp::decode::read_map_len(&mut self.input).map_err(|_| Unreadable)?;
                (usize::try_from(found) == Ok(len))
                    .then_some(())
                    .ok_or(Unreadable)
            }
            #[cfg(feature = "bincode")]
            Codec::Bincode => Ok(()),
        }
    }

    /// Expects this name.
    ///
    /// # Errors
    /// Something else follows.
    pub fn name(&mut self, name: &str) -> Result<(), Unreadable> {
        match self.codec {
            Codec::MessagePack => {
                let len = rmp::decode::read_str_len(&mut self.input).map_err(|_| Unreadable)?;
                let found = self.take(len)?;
                (found == name.as_bytes()).then_some(()).ok_or(Unreadable)
            }
            #[cfg(feature = "bincode")]
            Codec::Bincode => Ok(()),
        }
    }

    fn take(&mut self, len: u32) -> Result<&'a [u8], Unreadable> {
        let len = usize::try_from(len).map_err(|_| Unreadable)?;
        let (taken, rest) = self.input.split_at_checked(len).ok_or(Unreadable)?;
        self.input = rest;
        Ok(taken)
    }

    fn finish(self) -> Result<(), Unreadable> {
        self.input.is_empty().then_some(()).ok_or(Unreadable)
    }
}

/// Damaged lengths must not reserve memory without bound.
#[cfg(feature = "bincode")]
const BINCODE: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<BINCODE_BYTES_MAX>,
> = bincode::config::standard().with_limit::<BINCODE_BYTES_MAX>();

/// The longest result that `bincode` writes or reads.
#[cfg(feature = "bincode")]
pub const BINCODE_BYTES_MAX: usize = 64 << 20;

impl fmt::Debug for ResultCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultCodec")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the result has no written form")
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes are not those of such a result")
    }
}

impl std::error::Error for Unwritable {}

impl std::error::Error for Unreadable {}

#[cfg(test)]
mod tests;
