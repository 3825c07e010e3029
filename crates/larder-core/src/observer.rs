//! What happened, for those who want to know.

mod labels;

use std::{fmt, time::Duration};

use larder_sql::plan::Reason;

use crate::{Fault, StatementId, TableKey};

/// Hears of events. Called inline and without locks held: be quick. A panic in it is swallowed.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn on_event(&self, event: &Event<'_>);
}

/// One event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A read was answered from the store, or from another reader's fill.
    Hit {
        /// First table of the query.
        table: &'a TableKey,
        /// Which statement; `None` = one without a name.
        statement: Option<StatementId>,
        /// Who gave the answer.
        source: HitSource,
        /// What the query took whose result answers: what the hit spared. Zero for another reader's
        /// fill.
        saved: Duration,
    },
    /// A read must run its query and may store the result.
    Miss {
        /// First table of the query.
        table: &'a TableKey,
        /// Which statement; `None` = one without a name.
        statement: Option<StatementId>,
        /// Why.
        cause: MissCause,
    },
    /// A fill ended.
    Fill {
        /// First table of the query.
        table: &'a TableKey,
        /// Which statement; `None` = one without a name.
        statement: Option<StatementId>,
        /// How.
        outcome: FillOutcome,
        /// Size of the result.
        bytes: usize,
        /// From the lookup to the end.
        took: Duration,
    },
    /// A read goes to the database and nothing is stored.
    Bypass {
        /// First table of the query, where there is one.
        table: Option<&'a TableKey>,
        /// Which statement; `None` = one without a name, or none at all.
        statement: Option<StatementId>,
        /// Why.
        reason: &'a BypassReason,
    },
    /// A write or a command dropped what may be stale in one table.
    Invalidate {
        /// What for.
        cause: Cause,
        /// The table; `None` = all.
        table: Option<&'a TableKey>,
        /// What was asked to be dropped.
        dropped: Dropped,
    },
    /// Invalidations could not be delivered and wait (G2).
    Pending {
        /// How many changes wait now.
        changes: usize,
    },
    /// All waiting invalidations were delivered.
    Delivered,
    /// A relay has looked at the outbox: one round, with or without rows.
    Relay {
        /// Rows that were claimed.
        rows: usize,
        /// How long ago the oldest of them was recorded, by the server's clock; zero without rows.
        lag: Duration,
        /// Whether the store has acknowledged what they invalidate. If not, they stay and are
        /// claimed again.
        delivered: bool,
    },
    /// The store failed.
    Fault {
        /// How.
        fault: &'a Fault,
    },
    /// The store failed too often in a row: it is not asked any more, but once in a while.
    BreakerOpened,
    /// The store has answered again.
    BreakerClosed,
}

/// Who answered a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HitSource {
    /// The store.
    Store,
    /// This process: a decoded result whose stamps the store has confirmed.
    Near,
    /// Another reader's fill.
    Flight,
    /// A result that is not valid any more, while another reader replaces it: the policy allows
    /// it.
    Stale,
}

/// Why a read missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissCause {
    /// No entry.
    NoEntry,
    /// The entry expired.
    Expired,
    /// A stamp differs or is gone: invalidated, expired or evicted.
    Stamps,
    /// The server was restarted or replaced since (P6).
    Incarnation,
    /// A refresh was asked for.
    Refresh,
    /// The result is replaced before it expires: the policy asks for it.
    Early,
    /// The stored bytes were damaged, or written by a build that this one does not understand; the
    /// entry was removed.
    Undecodable,
}

/// How a fill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FillOutcome {
    /// Stored.
    Stored,
    /// Not stored.
    Discarded(DiscardReason),
}

/// Why a finished fill was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiscardReason {
    /// The query failed.
    QueryFailed,
    /// The fill was dropped without an end: cancellation or panic.
    Cancelled,
    /// The result exceeds the limit.
    TooLarge,
    /// It expired before it was finished (P7).
    Expired,
    /// The store failed.
    Fault,
    /// The caller found that it must not be stored.
    NotCacheable,
    /// An operation of several statements rests on more dependencies than the limit.
    Dependencies,
    /// It has no written form for a store outside the process, and nothing is kept near.
    NotWritable,
    /// Of a memo: something ran inside of which it is not known what it rests on.
    Untracked(Untracked),
}

/// Why it is not known what a memo's result rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Untracked {
    /// Something was written inside.
    Write,
    /// A read inside a transaction (P9).
    Transaction,
    /// A read in a session that was changed.
    Session,
    /// A read of a replica, or of a server that became one (P9).
    Replica,
    /// A read that cannot be cached, or that a policy forbids to cache.
    Uncacheable,
    /// A read of a table whose last write has no known outcome yet, or is not delivered (G2, W4).
    Unsettled,
    /// The store failed at a read, or lost a stamp.
    Store,
    /// A read was answered with a result that was not valid any more: it allowed that.
    Stale,
    /// More dependencies than an entry may have.
    Dependencies,
    /// A read of the rows of another scope than the memo's.
    Scope,
    /// A memo that is not tracked itself.
    Memo,
    /// The cache was switched off meanwhile.
    Disabled,
    /// A statement that larder could not look into.
    Unseen,
}

impl Untracked {
    /// What a read that went past the cache makes of what it is a part of.
    pub fn of(reason: &BypassReason) -> Self {
        match reason {
            BypassReason::Disabled => Self::Disabled,
            BypassReason::NoPolicy | BypassReason::Uncacheable(_) => Self::Uncacheable,
            BypassReason::Transaction => Self::Transaction,
            BypassReason::Session => Self::Session,
            BypassReason::Replica => Self::Replica,
            BypassReason::Dependencies => Self::Dependencies,
            BypassReason::Uncertain | BypassReason::Undelivered => Self::Unsettled,
            BypassReason::Unavailable | BypassReason::Fault | BypassReason::StampsVanished => {
                Self::Store
            }
        }
    }
}

impl fmt::Display for Untracked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write => "something was written inside",
            Self::Transaction => "a read inside a transaction",
            Self::Session => "a read in a changed session",
            Self::Replica => "a read of a replica",
            Self::Uncacheable => "a read that cannot be cached",
            Self::Unsettled => "a read of a table with an unsettled write",
            Self::Store => "the store failed at a read",
            Self::Stale => "a read that allowed stale results got one",
            Self::Dependencies => "more dependencies than an entry may have",
            Self::Scope => "a read of another scope than the memo's",
            Self::Memo => "an untracked memo inside",
            Self::Disabled => "larder was disabled meanwhile",
            Self::Unseen => "a statement that larder cannot look into",
        })
    }
}

/// Why a read bypasses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BypassReason {
    /// Switched off.
    Disabled,
    /// No policy caches this operation on this table.
    NoPolicy,
    /// The statement cannot be cached.
    Uncacheable(Reason),
    /// Inside a transaction (P9).
    Transaction,
    /// The session of the handle was changed.
    Session,
    /// The handle reads a replica, and no stored result answers (P9).
    Replica,
    /// More dependencies than the limit, or none.
    Dependencies,
    /// A write on one of its tables has no known outcome yet (W4).
    Uncertain,
    /// An invalidation of one of its tables waits for delivery (G2).
    Undelivered,
    /// The breaker is open.
    Unavailable,
    /// The store failed during the lookup.
    Fault,
    /// A stamp vanished while it was being registered (P3).
    StampsVanished,
}

impl fmt::Display for BypassReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "larder is disabled",
            Self::NoPolicy => "no policy caches this operation",
            Self::Uncacheable(reason) => return reason.fmt(f),
            Self::Transaction => "inside a transaction",
            Self::Session => "the session was changed",
            Self::Replica => "a replica's answers are not stored",
            Self::Dependencies => "too many dependencies, or none",
            Self::Uncertain => "a write has no known outcome yet",
            Self::Undelivered => "an invalidation waits for delivery",
            Self::Unavailable => "the store is unavailable",
            Self::Fault => "the store failed",
            Self::StampsVanished => "stamps vanished while being registered",
        })
    }
}

/// What an invalidation was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// A write whose outcome is known.
    Write,
    /// A write whose outcome is not known (W4).
    Uncertain,
    /// A schema change.
    Schema,
    /// A command of the user.
    Manual,
    /// Rows that the outbox has recorded: writes of other programs.
    Outbox,
    /// An invalidation that waited for delivery.
    Delivery,
}

/// What one invalidation drops in one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Dropped {
    /// Whether the record drops, and with it all entries of the table.
    pub record: bool,
    /// Shapes dropped whole.
    pub shapes: usize,
    /// Stamps of single values.
    pub stamps: usize,
    /// How many of all these were in the store.
    pub existed: usize,
}
