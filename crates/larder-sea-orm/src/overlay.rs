//! SeaORM under its own names, with the few that must know of the cache put in place of SeaORM's.
//!
//! `#[sea_orm::model]` generates code that names `sea_orm::Select` and SeaORM's loaders. A module
//! that begins with `use larder::sea_orm;` gives that code [`CachedSelect`](crate::CachedSelect) and
//! larder's loaders, so that `Entity::find_by_<unique>` and `Entity::load()` are cached too. Also for
//! modules whose own code names `Select<E>`.

pub use ::sea_orm::*;

pub use self::entity::prelude;
pub use crate::{
    LoaderTrait,
    loader::{LoaderTraitEx, NestedLoaderTrait},
    query::CachedSelect as Select,
};

/// `sea_orm::entity`, with the cache's `Select` and loaders in its prelude.
pub mod entity {
    pub use ::sea_orm::entity::*;

    /// `sea_orm::entity::prelude`, with the cache's `Select` and loaders.
    pub mod prelude {
        pub use ::sea_orm::entity::prelude::*;

        pub use crate::{LoaderTrait, query::CachedSelect as Select};
    }
}

/// `sea_orm::query`, with the cache's `Select` and loaders.
pub mod query {
    pub use ::sea_orm::query::*;

    pub use crate::{
        LoaderTrait,
        loader::{LoaderTraitEx, NestedLoaderTrait},
        query::CachedSelect as Select,
    };
}
