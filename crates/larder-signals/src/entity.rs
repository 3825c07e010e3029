//! What `#[derive(Cacheable)]` says about a model.

use larder_core::{Param, Policy};

/// An entity whose rows may be cached. Implemented by `#[derive(Cacheable)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cached entity",
    note = "add `#[derive(Cacheable)]` to its model"
)]
pub trait CachedEntity {
    /// The primary key; a tuple when it has several columns.
    type Key;

    /// The schema, where the model names one.
    fn schema_name() -> Option<&'static str>;

    /// The table.
    fn table_name() -> &'static str;

    /// The columns of a primary key with its values, as the ORM binds them.
    fn key_values(key: Self::Key) -> Vec<(&'static str, Param<'static>)>;

    /// The policy that the model declares.
    fn policy() -> Policy;
}

/// A model: one row of a cached entity. Implemented by `#[derive(Cacheable)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cached model",
    note = "add `#[derive(Cacheable)]` to it"
)]
pub trait CachedModel {
    /// Its entity.
    type Entity: CachedEntity;

    /// The columns of the row with their values, as the ORM binds them.
    fn column_values(&self) -> Vec<(&'static str, Param<'static>)>;
}

/// The policy of a model, collected from the whole program at start-up.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DeclaredPolicy {
    /// The schema, where the model names one.
    pub schema: fn() -> Option<&'static str>,
    /// The table.
    pub table: fn() -> &'static str,
    /// The policy.
    pub policy: fn() -> Policy,
}

impl DeclaredPolicy {
    /// What an entity declares; the derive macro submits it.
    #[must_use]
    pub const fn of<E: CachedEntity>() -> Self {
        Self {
            schema: E::schema_name,
            table: E::table_name,
            policy: E::policy,
        }
    }
}

inventory::collect!(DeclaredPolicy);
