//! Hashing of tagged, length-prefixed fields.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::Digest;

/// SHA-256's block.
const BLOCK_BYTES: u64 = 64;

/// A hash over a sequence of fields, each of which says itself where it ends, so that two different
/// sequences never feed the same bytes. A clone is a midstate: what was written is not hashed again.
#[derive(Clone)]
pub(crate) struct Fields {
    hash: Sha256,
    written: u64,
}

impl Fields {
    /// Starts a digest of this purpose; digests of two purposes never meet.
    pub(crate) fn new(purpose: &str) -> Self {
        let mut fields = Self {
            hash: Sha256::new(),
            written: 0,
        };
        fields.text(purpose);
        fields.number(u64::from(super::FORMAT_VERSION));
        fields
    }

    pub(crate) fn tag(&mut self, tag: u8) {
        self.raw(&[tag]);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Bytes whose length the reader knows: fixed width, or announced before.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.written = self.written.wrapping_add(bytes.len() as u64);
    }

    /// Fills the current block with zeros, so that a clone starts on a fresh one: a short tail then
    /// costs one block instead of two. How many zeros follows from what was written.
    pub(crate) fn align(&mut self) {
        let used = usize::try_from(self.written % BLOCK_BYTES).unwrap_or(0);
        if used > 0
            && let Some(zeros) = [0; BLOCK_BYTES as usize].get(used..)
        {
            self.raw(zeros);
        }
    }

    pub(crate) fn digest(self) -> Digest {
        Digest(self.hash.finalize().into())
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}
