//! How results of memos are written down and weighed.

use std::{
    any::{Any, TypeId, type_name},
    io,
    marker::PhantomData,
    sync::Arc,
};

use larder_core::{
    Codec, ResultCodec, ResultIdentity,
    codec::{Reader, Unreadable, Unwritable, Writer},
};

use super::Memoized;

/// Results of this type.
pub(super) struct Kept<T>(PhantomData<T>);

impl<T: Memoized> Kept<T> {
    // The type is part of the key.
    pub(super) const CODEC: &'static ResultCodec = &ResultCodec {
        fingerprint: 0x4d65_0001,
        write: Self::write,
        read: Self::read,
    };

    pub(super) fn identity() -> ResultIdentity {
        ResultIdentity {
            adapter: "memo",
            terminal: "run",
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            schema_fingerprint: 0,
        }
    }

    fn write(value: &(dyn Any + Send + Sync), out: &mut Writer<'_>) -> Result<(), Unwritable> {
        out.serde(value.downcast_ref::<T>().ok_or(Unwritable)?)
    }

    fn read(from: &mut Reader<'_>) -> Result<Arc<dyn Any + Send + Sync>, Unreadable> {
        Ok(Arc::new(from.serde::<T>()?))
    }

    /// About the bytes that a value takes in memory: what it would be written as, and its place.
    pub(super) fn weight(value: &T) -> usize {
        let mut count = Counted(0);
        let _ = Writer::new(Codec::MessagePack, &mut count).serde(value);
        count.0.saturating_add(size_of::<T>())
    }
}

/// Counts what is written.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
