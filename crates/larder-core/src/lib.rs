//! Keys, dependencies, version stamps and stores: the part of larder that knows neither an ORM
//! nor a database driver.

pub mod change;
pub mod key;
pub mod policy;
pub mod shape;
pub mod value;

pub use change::{Change, ChangeScope, Image, RowChange};
pub use key::{DependencyKey, Digest, EntryKey, Stamp, TableKey};
pub use policy::{EffectivePolicy, Operations, Policy, effective_policy};
pub use shape::{Affected, ShapeName};
pub use value::{Param, Value};
