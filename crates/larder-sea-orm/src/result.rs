//! What a result type tells of itself, and how large it is.

use std::{io, marker::PhantomData, sync::Arc};

use larder_core::{
    Codec, ResultCodec,
    codec::{Reader, Unreadable, Unwritable, Writer},
};
use serde::{Serialize, de::DeserializeOwned};

mod built_in;
mod part;
mod weigh;

pub use part::{
    Part, PartOf, ReadsOption, ReadsResult, ReadsSerde, WritesOption, WritesResult, WritesSerde,
};
pub use weigh::{Weigh, Weighs};

/// A type whose values may be stored. `#[derive(Cacheable)]` implements it for models,
/// `#[derive(CachedResult)]` for other rows (`FromQueryResult`, `DerivePartialModel`); built in are
/// numbers, text, bytes, dates, times, UUIDs, decimals, JSON, `Option`, `Vec`, and tuples of up to
/// twelve.
///
/// A row is written down field by field, for stores outside the process: it needs no serde itself,
/// and what its serde attributes say of it (`skip`, `rename`, `with`) is no matter. Fields of other
/// types than those above need serde, unless the row says `local`:
///
/// ```compile_fail,E0277
/// use larder_sea_orm::Cacheable;
/// use sea_orm::entity::prelude::*;
///
/// #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
/// #[sea_orm(rs_type = "i32", db_type = "Integer")]
/// pub enum State {
///     #[sea_orm(num_value = 0)]
///     Draft,
/// }
///
/// #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Cacheable)]
/// #[sea_orm(table_name = "post")]
/// #[larder(ttl = "15m", crate = "larder_sea_orm")]
/// pub struct Model {
///     #[sea_orm(primary_key)]
///     pub id: i32,
///     pub state: State,
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

    /// Whether values have a written form. Those without stay in process memory. Default: no.
    const STORABLE: bool = false;

    /// About how many bytes a value takes in memory, itself included.
    fn result_bytes(&self) -> usize;

    /// Writes a value for a store outside the process.
    ///
    /// # Errors
    /// It has no written form.
    fn write_result(&self, _to: &mut Writer<'_>) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    /// Reads a value back.
    ///
    /// # Errors
    /// The bytes are not those of such a value.
    fn read_result(_from: &mut Reader<'_>) -> Result<Self, Unreadable> {
        Err(Unreadable)
    }

    /// Writes a list of values.
    ///
    /// # Errors
    /// One of them has no written form.
    fn write_results(values: &[Self], to: &mut Writer<'_>) -> Result<(), Unwritable> {
        to.list(values.len())?;
        values.iter().try_for_each(|value| value.write_result(to))
    }

    /// Reads a list of values back.
    ///
    /// # Errors
    /// The bytes are not those of such a list.
    fn read_results(from: &mut Reader<'_>) -> Result<Vec<Self>, Unreadable> {
        let len = from.list()?;
        let mut values = from.room(len);
        for _ in 0..len {
            values.push(Self::read_result(from)?);
        }
        Ok(values)
    }
}

/// A type that a shared store can keep as part of a row.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in a shared store: it has no serde",
    label = "`Serialize` or `Deserialize` is missing",
    note = "add `serde::Serialize` and `serde::Deserialize` to its derives",
    note = "or write `#[larder(local)]`: its results then stay in process memory"
)]
pub trait Storable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Storable for T {}

/// The length of the written form, without making it, but never less than the value's own size.
/// `None` = it cannot be written.
pub fn written_bytes<T: CachedResult>(value: &T) -> Option<usize> {
    let mut counter = Counter(0);
    let mut writer = Writer::new(Codec::MessagePack, &mut counter);
    value.write_result(&mut writer).ok()?;
    Some(counter.0.max(size_of::<T>()))
}

/// How results of a type are written down, where they can be.
pub(crate) fn codec<T: CachedResult>() -> Option<&'static ResultCodec> {
    T::STORABLE.then_some(CodecOf::<T>::CODEC)
}

struct CodecOf<T>(PhantomData<T>);

impl<T: CachedResult> CodecOf<T> {
    const CODEC: &'static ResultCodec = &ResultCodec {
        fingerprint: T::SCHEMA_FINGERPRINT,
        write: |value, to| match value.downcast_ref::<T>() {
            Some(value) => value.write_result(to),
            None => Err(Unwritable),
        },
        read: |from| Ok(Arc::new(T::read_result(from)?)),
    };
}

/// For types without a serialized form: what their fields weigh, but never less than their own size.
pub fn local_bytes<T>(_value: &T, fields: &[usize]) -> usize {
    let fields = fields.iter().copied();
    fields.fold(0, usize::saturating_add).max(size_of::<T>())
}

/// What a field of a `#[larder(local)]` row is taken to weigh where its type is none of those that
/// [`CachedResult`] is built in for, nor a derived one: this many times its own size.
pub const LOCAL_FACTOR: usize = 4;

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
