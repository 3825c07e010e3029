//! `#[derive(Cacheable)]`: marks a model of SeaORM, or a struct of Diesel's, whose table larder may
//! cache.
//!
//! The attribute and its options are documented on [`macro@Cacheable`].

mod attributes;
mod diesel;
mod expand;
mod written;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Marks a SeaORM model, or a struct of Diesel's, as cacheable.
///
/// # SeaORM
///
/// Stands beside `DeriveEntityModel` on the `Model` struct.
///
/// It gives the entity an inherent `find` and `find_by_id`, and the model an inherent `find_related`
/// and `find_linked`, that return a cache-aware select, so that user code reads as before, and
/// declares the table's policy:
///
/// ```ignore
/// #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Cacheable)]
/// #[sea_orm(table_name = "post")]
/// #[larder(ttl = "15m", ops(get, fetch, count))]
/// pub struct Model { #[sea_orm(primary_key)] pub id: i32, pub title: String }
/// ```
///
/// | option | meaning |
/// |---|---|
/// | `ttl = "15m"` | how long a result may be served: a whole number and `ms`, `s`, `m`, `h` or `d` |
/// | `default_ttl` | in place of `ttl`: the builder's default policy gives it, or each query (`.ttl(..)`) |
/// | `ops(..)` | which of `get`, `fetch`, `count`, `aggregate`, `exists` are cached; default all |
/// | `never` | no query that names this table is cached; stands alone |
/// | `local` | a field's type has no serde; results stay in process memory |
/// | `shared_flight` | of several processes, one at a time fills a result |
/// | `early_refresh` | one reader replaces a result shortly before it expires |
/// | `allow_stale = "10s"` | readers that meet a fill are served what was valid so long ago at most |
/// | `crate = "path"` | where larder's adapter lives; default `::larder` |
///
/// On an entity in SeaORM's dense format (`#[sea_orm::model]`) the module must begin with
/// `use larder::sea_orm;`, since the code that SeaORM generates names its own `Select` otherwise.
///
/// # Diesel
///
/// Stands on a struct that names its table. It declares the table's policy, with the same options,
/// and lets rows be invalidated by hand (`larder.blocking().invalidate_row::<Post>(1)`); queries need
/// nothing, since the wrapped connection answers them. Of several structs of one table the strictest
/// policy counts.
///
/// ```ignore
/// #[derive(Queryable, Selectable, Identifiable, Cacheable)]
/// #[diesel(table_name = posts)]
/// #[larder(ttl = "15m")]
/// struct Post { id: i32, title: String }
/// ```
#[proc_macro_derive(Cacheable, attributes(larder))]
pub fn derive_cacheable(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let expanded = if diesel::is_meant(&input) || diesel::lacks_table(&input) {
        diesel::cacheable(&input)
    } else {
        expand::cacheable(&input)
    };
    expanded
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Marks a type that is no model as one whose values may be cached: row types (`FromQueryResult`,
/// `DerivePartialModel`) of `into_model`, `into_partial_model` and statements as text, enums and
/// newtypes in the tuples of `into_tuple`.
///
/// ```ignore
/// #[derive(Clone, FromQueryResult, CachedResult)]
/// struct Sales { author: String, copies: i64 }
/// ```
///
/// | option | meaning |
/// |---|---|
/// | `local` | a field's type has no serde; values stay in process memory |
/// | `crate = "path"` | where larder's adapter lives; default `::larder` |
///
/// The type must be `Clone + Send + Sync`. Its fields as written are part of the key, with those of
/// fields marked `#[sea_orm(nested)]`, which must be cached results themselves.
#[proc_macro_derive(CachedResult, attributes(larder))]
pub fn derive_cached_result(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::cached_result(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
