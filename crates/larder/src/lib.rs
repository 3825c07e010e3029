#![doc = include_str!("../README.md")]

#[cfg(not(any(feature = "sea-orm", feature = "_diesel")))]
compile_error!(
    "larder serves an ORM: switch one on, e.g. `larder = { version = \"0.1\", features = [\"sea-orm\"] }` \
     or `features = [\"diesel-postgres\"]`"
);

#[cfg(feature = "config")]
mod configured;

#[cfg(all(feature = "config", feature = "redis"))]
pub use configured::redis_config;
#[cfg(feature = "config")]
pub use configured::{configured, configured_blocking};
pub use larder_core::{
    BypassReason, CallDigest, Cause, Clock, Codec, DiscardReason, Dropped, Error, ErrorKind, Event,
    FillOutcome, FunctionLists, HitSource, Limits, MemoryStore, MissCause, Moment, Observer,
    Operations, Policy, ReadStats, ReadSummary, SourceLimits, StatementId, StatementStats, Stats,
    Store, SystemClock, TableStats, Untracked,
};
pub use larder_signals::{
    Blocking, CachedEntity, CachedModel, ChangeLimits, Changes, Explanation, HookId,
    InvalidateEvent, Larder, LarderBuilder, Memo, MemoOutcome, Memoized, ReadAnswer, ReadEvent,
    ReadOptions, RelayConfig, RelayOutcome, RelayPace, RelayRound, Replica, TracingObserver,
    Undelivered, Warm, WarmBlocking, WarmCall, WarmFailure, WarmProgress, WarmQuery, Warmed, Wrap,
    WrapConfig, WriteEvent,
};
#[cfg(feature = "config")]
pub use larder_signals::{EffectiveSetting, SettingOrigin, Settings};
pub use larder_sql::{outbox::Outbox, plan::Operation};

#[cfg(feature = "metrics")]
pub use larder_signals::{Metric, MetricKind, MetricsObserver};

#[cfg(feature = "redis")]
pub use larder_redis::{
    AcknowledgeReplicas, Address, HostPort, RedisConfig, RedisStore, Secret, SentinelConfig,
    TlsConfig, Topology,
};

#[cfg(all(feature = "_diesel", not(feature = "sea-orm")))]
pub use larder_diesel::Cacheable;

#[cfg(feature = "sea-orm")]
pub use larder_sea_orm::{
    CacheLoader, CacheQuery, Cacheable, Cached, CachedConnection, CachedCursor, CachedEntityLoader,
    CachedPaginator, CachedResult, CachedSelect, CachedStream, CachedTransaction, LOCAL_FACTOR,
    LoaderSource, LoaderTrait, Paged, RawRows, Relay, RelayWaker, Repeat, RowStream, Rows, SeaOrm,
    Shaped, SingleRow, Storable, overlay as sea_orm,
};

#[cfg(feature = "rbac")]
pub use larder_sea_orm::{CachedRestrictedConnection, CachedRestrictedTransaction};

/// Diesel: `larder.wrap(connection)` gives a [`CachedConnection`](diesel::CachedConnection).
#[cfg(feature = "_diesel")]
pub mod diesel {
    pub use larder_diesel::*;
}

/// What an [`Explanation`] is made of.
pub mod explain {
    pub use larder_core::{Condition, RestsOn, Value, Widened, WidenedWhy, shape::ShapeWords};
    pub use larder_signals::{
        Drops, Explanation, OtherStatement, ReadExplanation, ShapeEffect, StatementExplanation,
        TableDrops, TableEffect, Verdict, WriteExplanation,
    };
}

/// Assertions for applications' own tests.
#[cfg(feature = "testing")]
pub mod testing {
    pub use larder_signals::{
        assert_cached, assert_cached_blocking, assert_invalidates, assert_invalidates_blocking,
        assert_keeps, assert_keeps_blocking,
    };
}

/// The traits that add methods to an ORM's types: `use larder::prelude::*;`.
pub mod prelude {
    #[cfg(feature = "_diesel")]
    pub use larder_diesel::CacheDsl;
    #[cfg(feature = "sea-orm")]
    pub use larder_sea_orm::{CacheLoader, CacheQuery};
}

/// What the derives expand to; not for use by hand.
#[cfg(feature = "sea-orm")]
#[doc(hidden)]
pub use larder_sea_orm::__private;
