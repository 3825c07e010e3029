//! From write events to invalidation, and [`Larder`] itself: what adapters for ORMs are built on.
//!
//! A write is classified by its plan. [`changes_of`] says what it may have changed, with cascades,
//! triggers and table families; a [`TransactionBuffer`] keeps that until COMMIT; a [`WriteGuard`]
//! sees to it that it is delivered, whatever happens to the caller. Deciding which stamps drop is
//! larder-core's.

mod builder;
mod cascade;
mod change_set;
mod changes;
mod config;
mod delivery;
mod entity;
mod event;
mod family;
mod hooks;
mod image;
mod keeper;
mod larder;
mod manual;
mod memo;
mod planned;
mod policy;
mod read;
mod relay;
mod scope;
mod sources;
mod tracked;
mod transaction;
mod transaction_log;
mod undelivered;
mod wanted;
mod write;

pub use builder::LarderBuilder;
pub use change_set::{ChangeLimits, Changes};
pub use changes::{Matched, Returned, changes_of};
pub use config::{Replica, WrapConfig};
pub use entity::{CachedEntity, CachedModel, DeclaredPolicy};
pub use hooks::{HookId, InvalidateEvent, RowImages, TableWrite, WriteEvent, WrittenOperation};
pub use keeper::{CatalogKeeper, CatalogReading};
pub use larder::{Larder, Wrap};
pub use manual::Blocking;
pub use memo::{Memo, MemoOutcome, Memoized};
pub use planned::Planned;
pub use read::{CachedRead, ReadCall, ReadOptions};
pub use relay::{RelayConfig, RelayOutcome, RelayPace, RelayRound, Relaying};
pub use sources::SchemaEpoch;
pub use tracked::PassingRead;
pub use transaction::{StatementOutcome, TransactionBuffer};
pub use transaction_log::{Recorded, TransactionLog};
pub use undelivered::Undelivered;
pub use wanted::{RowsBefore, Wanted};
pub use write::{Failure, StatementEnd, WriteGuard};

/// What `#[derive(Cacheable)]` expands to; not for use by hand.
#[doc(hidden)]
pub mod export {
    pub use inventory;
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod scenario;
