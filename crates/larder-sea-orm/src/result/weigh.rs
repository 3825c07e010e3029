//! What a field weighs, by the most that is known of its type.

use sea_orm::{
    EntityTrait,
    entity::prelude::{BelongsTo, HasMany, HasOne},
};

use super::{CachedResult, LOCAL_FACTOR};

/// A field on the scales. Derived code asks `(&&&&Weigh(&field)).bytes()`: of the implementations
/// below, method lookup takes the one with the most references whose bounds hold.
#[derive(Debug)]
pub struct Weigh<'a, T>(pub &'a T);

/// See [`Weigh`].
pub trait Weighs {
    /// About how many bytes the field takes in memory, itself included.
    fn bytes(&self) -> usize;
}

impl<T: CachedResult> Weighs for &&&Weigh<'_, T> {
    fn bytes(&self) -> usize {
        self.0.result_bytes()
    }
}

/// Relations of a nested model: they own the related models.
impl<E: EntityTrait<ModelEx: CachedResult>> Weighs for &&Weigh<'_, HasMany<E>> {
    fn bytes(&self) -> usize {
        owned(self.0, self.0.iter())
    }
}

impl<E: EntityTrait<ModelEx: CachedResult>> Weighs for &&Weigh<'_, HasOne<E>> {
    fn bytes(&self) -> usize {
        owned(self.0, self.0.as_ref())
    }
}

impl<E: EntityTrait<ModelEx: CachedResult>> Weighs for &&Weigh<'_, BelongsTo<E>> {
    fn bytes(&self) -> usize {
        owned(self.0, self.0.as_ref())
    }
}

/// Apart: for all that the compiler knows, `Option` could be an entity.
impl<E: EntityTrait<ModelEx: CachedResult>> Weighs for &Weigh<'_, BelongsTo<Option<E>>> {
    fn bytes(&self) -> usize {
        let loaded = match self.0 {
            BelongsTo::Loaded(model) => model.as_deref(),
            BelongsTo::Unloaded => None,
        };
        owned(self.0, loaded)
    }
}

impl<T> Weighs for Weigh<'_, T> {
    fn bytes(&self) -> usize {
        size_of::<T>().saturating_mul(LOCAL_FACTOR)
    }
}

fn owned<'a, T, M>(field: &T, models: impl IntoIterator<Item = &'a M>) -> usize
where
    M: CachedResult,
{
    models
        .into_iter()
        .map(CachedResult::result_bytes)
        .fold(size_of_val(field), usize::saturating_add)
}
