//! Keys, dependencies, version stamps and stores: the part of larder that knows neither an ORM
//! nor a database driver.

pub mod change;
pub mod key;
pub mod value;

pub use change::{Change, ChangeScope, Image, RowChange};
pub use key::{DependencyKey, Digest, EntryKey, ShapeName, Stamp, TableKey};
pub use value::{Param, Value};
