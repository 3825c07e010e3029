//! From write events to invalidation, and [`Larder`] itself: what adapters for ORMs are built on.
//!
//! A write is classified by its plan. [`changes_of`] says what it may have changed, with cascades,
//! triggers and table families; a [`TransactionBuffer`] keeps that until COMMIT; a [`WriteGuard`]
//! sees to it that it is delivered, whatever happens to the caller. Deciding which stamps drop is
//! larder-core's.

mod builder;
mod by_hand;
mod cascade;
mod change_set;
mod changes;
mod config;
mod delivery;
mod entity;
mod event;
mod explain;
mod family;
mod hooks;
mod image;
mod keeper;
mod larder;
mod manual;
mod memo;
#[cfg(feature = "metrics")]
mod metrics;
mod planned;
mod policy;
mod read;
mod read_hooks;
mod relay;
mod reporting;
mod scope;
#[cfg(feature = "config")]
mod settings;
mod sources;
#[cfg(feature = "testing")]
pub mod testing;
mod tracing_observer;
mod tracked;
mod transaction;
mod transaction_log;
mod undelivered;
mod wanted;
mod warm;
mod watching;
mod write;

pub use builder::LarderBuilder;
pub use by_hand::{ByHand, changes_by_hand};
pub use change_set::{ChangeLimits, Changes};
pub use changes::{Matched, Returned, changes_of};
pub use config::{Replica, WrapConfig};
pub use entity::{CachedEntity, CachedModel, DeclaredPolicy};
pub use explain::{
    Drops, ExplainCall, Explanation, OtherStatement, PoliciesKnown, ReadExplanation, ShapeEffect,
    StatementExplanation, TableDrops, TableEffect, Verdict, WriteExplanation,
};
pub use hooks::{HookId, InvalidateEvent, RowImages, TableWrite, WriteEvent, WrittenOperation};
pub use keeper::{CatalogKeeper, CatalogReading};
pub use larder::{Larder, Wrap};
pub use manual::Blocking;
pub use memo::{Memo, MemoOutcome, Memoized};
#[cfg(feature = "metrics")]
pub use metrics::{Metric, MetricKind, MetricsObserver};
pub use planned::Planned;
pub use read::{CachedRead, ReadCall, ReadOptions};
pub use read_hooks::{ReadAnswer, ReadEvent};
pub use relay::{RelayConfig, RelayOutcome, RelayPace, RelayRound, Relaying};
#[cfg(feature = "config")]
pub use settings::{EffectiveSetting, SettingOrigin, Settings};
pub use sources::SchemaEpoch;
pub use tracing_observer::TracingObserver;
pub use tracked::PassingRead;
pub use transaction::{StatementOutcome, TransactionBuffer};
pub use transaction_log::{Recorded, TransactionLog};
pub use undelivered::Undelivered;
pub use wanted::{RowsBefore, Wanted};
pub use warm::{Warm, WarmBlocking, WarmCall, WarmFailure, WarmProgress, WarmQuery, Warmed};
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
