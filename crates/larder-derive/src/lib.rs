//! `#[derive(Cacheable)]`: marks a SeaORM model whose results larder may cache.
//!
//! The attribute and its options are documented on [`macro@Cacheable`].

mod attributes;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Marks a SeaORM model as cacheable. Stands beside `DeriveEntityModel` on the `Model` struct.
///
/// It gives the entity an inherent `find` and `find_by_id` that return a cache-aware select, so
/// that user code reads as before, and declares the table's policy:
///
/// ```ignore
/// #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize, Cacheable)]
/// #[sea_orm(table_name = "post")]
/// #[larder(ttl = "15m", ops(get, fetch, count))]
/// pub struct Model { #[sea_orm(primary_key)] pub id: i32, pub title: String }
/// ```
///
/// | option | meaning |
/// |---|---|
/// | `ttl = "15m"` | how long a result may be served: a whole number and `ms`, `s`, `m`, `h` or `d`. Without it the builder's default policy must give one |
/// | `ops(..)` | which of `get`, `fetch`, `count`, `aggregate`, `exists` are cached; default all |
/// | `never` | no query that names this table is cached; stands alone |
/// | `local` | the model has no serde; its results stay in process memory |
/// | `crate = "path"` | where larder's adapter lives; default `::larder` |
#[proc_macro_derive(Cacheable, attributes(larder))]
pub fn derive_cacheable(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::cacheable(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
