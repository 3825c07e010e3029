use std::hash::{Hash, Hasher};

use crate::Digest;

/// A digest as a map key. Its bytes are uniform already, so eight of them are hash enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(pub(super) Digest);

impl Hash for Slot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}
