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
#[derive(Debug)]
#[non_exhaustive]
pub struct DeclaredPolicy {
    /// The schema, where the model names one.
    pub schema: Option<&'static str>,
    /// The table.
    pub table: &'static str,
    /// The policy.
    pub policy: fn() -> Policy,
}

impl DeclaredPolicy {
    /// A declaration; the derive macro submits it.
    #[must_use]
    pub const fn new(
        schema: Option<&'static str>,
        table: &'static str,
        policy: fn() -> Policy,
    ) -> Self {
        Self {
            schema,
            table,
            policy,
        }
    }
}

inventory::collect!(DeclaredPolicy);
