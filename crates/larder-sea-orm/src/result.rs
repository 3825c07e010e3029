//! What a result type tells of itself, and how large it is.

use std::io;

use serde::{Serialize, de::DeserializeOwned};

/// A type whose values may be stored. Implemented by `#[derive(Cacheable)]`, which asks for serde
/// unless the model says `local`:
///
/// ```compile_fail,E0277
/// use larder_sea_orm::Cacheable;
/// use sea_orm::entity::prelude::*;
///
/// #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Cacheable)]
/// #[sea_orm(table_name = "post")]
/// #[larder(ttl = "15m", crate = "larder_sea_orm")]
/// pub struct Model {
///     #[sea_orm(primary_key)]
///     pub id: i32,
/// }
///
/// #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// pub enum Relation {}
///
/// impl ActiveModelBehavior for ActiveModel {}
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` may not be cached",
    note = "derive `larder::Cacheable` on the entity's `Model`, or call `.uncached()`"
)]
pub trait CachedResult: Clone + Send + Sync + Sized + 'static {
    /// Changes whenever the type changes, so that an entry of another version is never read.
    const SCHEMA_FINGERPRINT: u64;

    /// About how many bytes a stored value takes.
    fn result_bytes(&self) -> usize;
}

/// The length of the serialized form, without making it. A value that does not serialize counts
/// as larger than any entry and is therefore not stored.
pub fn serialized_bytes<T: Serialize + DeserializeOwned>(value: &T) -> usize {
    let mut counter = Counter(0);
    match rmp_serde::encode::write_named(&mut counter, value) {
        Ok(()) => counter.0,
        Err(_) => UNSERIALIZABLE,
    }
}

/// For types without a serialized form: their own size times [`LOCAL_FACTOR`].
pub const fn local_bytes<T>(_value: &T) -> usize {
    size_of::<T>().saturating_mul(LOCAL_FACTOR)
}

/// What `#[larder(local)]` rows are taken to weigh, in multiples of their own size: the text and
/// the vectors that they own are not seen.
pub const LOCAL_FACTOR: usize = 4;

/// Far above any entry, and small enough that a million rows of it do not overflow.
const UNSERIALIZABLE: usize = 1 << 40;

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
