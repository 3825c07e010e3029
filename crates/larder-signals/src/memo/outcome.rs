//! What a memo came to, for whoever asks.

use std::fmt;

use larder_core::{BypassReason, DiscardReason};
use larder_sql::plan::Reason;

/// What a memo came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoOutcome {
    /// It has not ended: it was not run yet, or its body panicked or was dropped.
    #[default]
    Unfinished,
    /// The stored result.
    Hit,
    /// The body ran, and its result was stored.
    Stored,
    /// The body ran, and its result was not stored, with what the cache said of the read that is to
    /// blame, where one is.
    Discarded(DiscardReason, Option<Reason>),
    /// The body ran, and nothing was to be stored.
    Bypassed(BypassReason),
}

impl fmt::Display for MemoOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished => f.write_str("not finished"),
            Self::Hit => f.write_str("hit"),
            Self::Stored => f.write_str("stored"),
            Self::Discarded(DiscardReason::Untracked(why), None) => write!(f, "not stored: {why}"),
            Self::Discarded(DiscardReason::Untracked(why), Some(reason)) => {
                write!(f, "not stored: {why}: {reason}")
            }
            Self::Discarded(reason, _) => write!(f, "not stored: {reason:?}"),
            Self::Bypassed(reason) => write!(f, "not cached: {reason}"),
        }
    }
}
