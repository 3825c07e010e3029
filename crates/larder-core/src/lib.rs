//! Keys, dependencies, version stamps and stores: the part of larder that knows neither an ORM
//! nor a database driver.

mod asked;
mod bind;
pub mod breaker;
pub mod bypass;
pub mod cache;
pub mod change;
pub mod clock;
pub mod codec;
pub mod counters;
pub mod entropy;
pub mod entry;
pub mod error;
#[cfg(test)]
mod fixture;
pub mod flight;
pub mod key;
pub mod limits;
pub mod machine;
mod memo;
pub mod memory;
pub mod observer;
pub mod pending;
pub mod policy;
pub mod prepared;
pub mod recorder;
pub mod shape;
mod slots;
pub mod source;
mod statement;
pub mod stats;
pub mod store;
mod summary;
mod sync;
pub mod value;

pub use asked::AskedColumns;
pub use bypass::MarkId;
pub use cache::{Cache, CacheOptions, Fill, Invalidation, MemoFill, MemoStep, ReadOutcome};
pub use change::{Change, ChangeScope, Image, RowChange};
pub use clock::{Clock, Moment, SystemClock};
pub use codec::{Codec, ResultCodec};
pub use counters::Counters;
pub use entropy::Entropy;
pub use error::{Error, ErrorKind};
pub use key::{DependencyKey, Digest, EntryKey, Stamp, TableKey};
pub use limits::Limits;
pub use machine::{ReadMode, ReadRequest};
pub use memo::{MemoKey, MemoName};
pub use memory::MemoryStore;
pub use observer::{
    BypassReason, Cause, DiscardReason, Dropped, Event, FillOutcome, HitSource, MissCause,
    Observer, Untracked,
};
pub use policy::{EffectivePolicy, Operations, Policy, effective_policy};
pub use prepared::{BoundRead, Condition, Prepared, RestsOn, ResultIdentity, Widened, WidenedWhy};
pub use recorder::{Recorded, Recorder};
pub use shape::{Affected, ShapeName};
pub use source::{FunctionLists, Source, SourceLimits};
pub use statement::{CallDigest, NamedCall, NotAStatementId, Statement, StatementId};
pub use stats::{ReadStats, StatementStats, Stats, TableStats};
pub use store::{BlockingStore, Fault, FaultKind, Store, Stores};
pub use summary::ReadSummary;
pub use value::{Param, Value};
