//! What a result type tells of itself, and how large it is.

use std::io;

use serde::{Serialize, de::DeserializeOwned};

mod built_in;
mod weigh;

pub use weigh::{Weigh, Weighs};

/// A type whose values may be stored. `#[derive(Cacheable)]` implements it for models,
/// `#[derive(CachedResult)]` for other rows (`FromQueryResult`, `DerivePartialModel`); built in are
/// numbers, text, bytes, dates, times, UUIDs, decimals, JSON, `Option`, `Vec`, and tuples of up to
/// twelve.
///
/// The derives ask for serde unless the type says `local`:
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
    message = "results with `{Self}` in them may not be cached",
    label = "not a cached result",
    note = "an entity's `Model` gets `#[derive(larder::Cacheable)]`, any other row type `#[derive(larder::CachedResult)]`",
    note = "or go past the cache: `.uncached()` before the terminal gives SeaORM's own query, and `sea_orm::LoaderTrait` by its full name SeaORM's own loaders"
)]
pub trait CachedResult: Clone + Send + Sync + Sized + 'static {
    /// Changes whenever the type changes, so that an entry of another version is never read.
    const SCHEMA_FINGERPRINT: u64;

    /// About how many bytes a value takes in memory, itself included.
    fn result_bytes(&self) -> usize;
}

/// A type that a shared store can keep.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in a shared store: it has no serde",
    label = "`Serialize` or `Deserialize` is missing",
    note = "add `serde::Serialize` and `serde::Deserialize` to its derives",
    note = "or write `#[larder(local)]`: its results then stay in process memory"
)]
pub trait Storable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Storable for T {}

/// The length of the serialized form, without making it, but never less than the value's own size.
/// A value that does not serialize counts as larger than any entry and is therefore not stored.
pub fn serialized_bytes<T: Storable>(value: &T) -> usize {
    let mut counter = Counter(0);
    match rmp_serde::encode::write_named(&mut counter, value) {
        Ok(()) => counter.0.max(size_of::<T>()),
        Err(_) => UNSERIALIZABLE,
    }
}

/// For types without a serialized form: what their fields weigh, but never less than their own size.
pub fn local_bytes<T>(_value: &T, fields: &[usize]) -> usize {
    let fields = fields.iter().copied();
    fields.fold(0, usize::saturating_add).max(size_of::<T>())
}

/// What a field of a `#[larder(local)]` row is taken to weigh where its type is none of those that
/// [`CachedResult`] is built in for, nor a derived one: this many times its own size.
pub const LOCAL_FACTOR: usize = 4;

/// Far above any entry, and small enough that a million rows of it do not overflow.
const UNSERIALIZABLE: usize = 1 << 40;

/// Combines the fingerprints of a type's parts.
pub const fn combined_fingerprint(kind: u64, parts: &[u64]) -> u64 {
    let mut hash = FNV_OFFSET ^ kind;
    let mut position = 0;
    while position < parts.len() {
        // In bounds by the loop's condition.
        hash = (hash.rotate_left(5) ^ parts[position]).wrapping_mul(FNV_PRIME);
        position += 1;
    }
    hash
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

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
