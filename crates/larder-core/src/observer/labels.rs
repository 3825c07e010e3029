//! Short names for what events say, as metrics and counters use them. They never change: dashboards
//! know them.

use super::{BypassReason, Cause, DiscardReason, FillOutcome, HitSource, MissCause};
use crate::FaultKind;

impl HitSource {
    /// Its name in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Near => "near",
            Self::Flight => "flight",
            Self::Stale => "stale",
        }
    }
}

impl MissCause {
    /// Its name in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NoEntry => "no_entry",
            Self::Expired => "expired",
            Self::Stamps => "stamps",
            Self::Incarnation => "incarnation",
            Self::Refresh => "refresh",
            Self::Early => "early",
            Self::Undecodable => "undecodable",
        }
    }
}

impl FillOutcome {
    /// Its name in metrics: `stored`, or why not.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Discarded(reason) => reason.label(),
        }
    }
}

impl DiscardReason {
    /// Its name in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::QueryFailed => "query_failed",
            Self::Cancelled => "cancelled",
            Self::TooLarge => "too_large",
            Self::Expired => "expired",
            Self::Fault => "fault",
            Self::NotCacheable => "not_cacheable",
            Self::Dependencies => "dependencies",
            Self::NotWritable => "not_writable",
            Self::Untracked(_) => "untracked",
        }
    }
}

impl BypassReason {
    /// The names of all reasons, by number.
    pub(crate) const LABELS: [&'static str; 12] = [
        "disabled",
        "no_policy",
        "uncacheable",
        "transaction",
        "session",
        "replica",
        "dependencies",
        "uncertain",
        "undelivered",
        "unavailable",
        "fault",
        "stamps_vanished",
    ];

    pub(crate) fn number(&self) -> usize {
        match self {
            Self::Disabled => 0,
            Self::NoPolicy => 1,
            Self::Uncacheable(_) => 2,
            Self::Transaction => 3,
            Self::Session => 4,
            Self::Replica => 5,
            Self::Dependencies => 6,
            Self::Uncertain => 7,
            Self::Undelivered => 8,
            Self::Unavailable => 9,
            Self::Fault => 10,
            Self::StampsVanished => 11,
        }
    }

    /// Its name in metrics and stats. Why a text cannot be cached is not part of it.
    #[must_use]
    pub fn label(&self) -> &'static str {
        Self::LABELS.get(self.number()).copied().unwrap_or_default()
    }
}

impl FaultKind {
    /// Its name in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Full => "full",
        }
    }
}

impl Cause {
    /// The names of all causes, by number.
    pub(crate) const LABELS: [&'static str; 6] = [
        "write",
        "uncertain",
        "schema",
        "manual",
        "outbox",
        "delivery",
    ];

    pub(crate) fn number(self) -> usize {
        match self {
            Self::Write => 0,
            Self::Uncertain => 1,
            Self::Schema => 2,
            Self::Manual => 3,
            Self::Outbox => 4,
            Self::Delivery => 5,
        }
    }

    /// Its name in metrics and stats.
    #[must_use]
    pub fn label(self) -> &'static str {
        Self::LABELS.get(self.number()).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_reasons_or_causes_share_a_label() {
        for labels in [&BypassReason::LABELS[..], &Cause::LABELS] {
            let mut sorted = labels.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), labels.len());
        }
        assert_eq!(BypassReason::StampsVanished.label(), "stamps_vanished");
        assert_eq!(Cause::Delivery.label(), "delivery");
    }
}
