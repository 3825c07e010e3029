//! Which operations on a table are cached, and for how long.

use std::time::Duration;

use larder_sql::plan::{Operation, Reason};

use crate::{BypassReason, machine::Leeway};

/// How results that rest on a table may be cached. Every setting starts at its most open value but
/// the TTL, which has none.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[must_use]
pub struct Policy {
    ttl: Option<Duration>,
    operations: Operations,
    never: bool,
    local: bool,
    shared_flight: bool,
    early_refresh: bool,
    allow_stale: Duration,
}

impl Policy {
    /// A policy that leaves the TTL to the default policy.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a result may be served. Default: the default policy's. Zero caches nothing.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Which operations are cached when this table is the first of a query. Default: all.
    pub fn with_operations(mut self, operations: impl Into<Operations>) -> Self {
        self.operations = operations.into();
        self
    }

    /// No query that names this table is cached.
    pub fn never() -> Self {
        Self {
            never: true,
            ..Self::default()
        }
    }

    /// Results stay in process memory: they have no encoding. Default: off.
    pub fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// Of several processes that share a store, one at a time fills a result whose first table this
    /// is; the others look again until it has. For queries so costly that one run per process is too
    /// many: a miss costs one more round trip, and while a process fills, the others' readers wait
    /// up to [`Limits::wait_max`](crate::Limits). Default: off; within a process fills are always
    /// shared.
    pub fn shared_flight(mut self) -> Self {
        self.shared_flight = true;
        self
    }

    /// Of the readers of a result whose first table this is, one replaces it shortly before it
    /// expires, the earlier the longer its query took, and the others are served meanwhile: a hot
    /// result never runs out for all of them at a time. Only with a store outside the process. Default:
    /// off.
    pub fn early_refresh(mut self) -> Self {
        self.early_refresh = true;
        self
    }

    /// While one reader replaces a result that a write has dropped, or that has expired, the others
    /// are served the old one instead of waiting, as long as it was valid no longer ago than this.
    /// Every table of a query must allow it; the shortest time counts. What this process has changed
    /// itself within that time is never served. Only with a store outside the process. Default:
    /// zero, nothing stale is served.
    ///
    /// # Staleness
    /// Up to the given time, for readers that meet a fill under way.
    pub fn allow_stale(mut self, at_most: Duration) -> Self {
        self.allow_stale = at_most;
        self
    }

    /// For how long what is not valid any more may be served.
    pub fn stale_at_most(&self) -> Duration {
        self.allow_stale
    }

    /// The TTL, where it has one of its own.
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// The cached operations.
    pub fn operations(&self) -> Operations {
        self.operations
    }

    /// Whether it forbids caching.
    pub fn is_never(&self) -> bool {
        self.never
    }

    /// Whether results stay in process memory.
    pub fn is_local(&self) -> bool {
        self.local
    }

    /// What it allows besides hits that are fresh.
    pub fn leeway(&self) -> Leeway {
        Leeway {
            shared_flight: self.shared_flight,
            early_refresh: self.early_refresh,
            allow_stale: self.allow_stale,
        }
    }
}

/// A set of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operations(u8);

impl Operations {
    /// Every operation, also those that a later version tells apart.
    pub const ALL: Self = Self(u8::MAX);
    /// No operation.
    pub const NONE: Self = Self(0);

    /// Whether the operation is in the set.
    pub fn contains(self, operation: Operation) -> bool {
        self.0 & bit(operation) != 0
    }

    /// The set with this operation.
    #[must_use]
    pub fn with(self, operation: Operation) -> Self {
        Self(self.0 | bit(operation))
    }
}

impl Default for Operations {
    fn default() -> Self {
        Self::ALL
    }
}

impl<I: IntoIterator<Item = Operation>> From<I> for Operations {
    fn from(operations: I) -> Self {
        operations.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The policy of one query, composed from those of its tables.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EffectivePolicy {
    /// Whether the result must stay in process memory.
    pub local: bool,
    /// What it allows besides hits that are fresh.
    pub leeway: Leeway,
    /// Whether the first table has a policy.
    governed: bool,
    /// Whether that policy has the operation.
    operation: bool,
    ttl: Option<Duration>,
    /// The smallest TTL of any table.
    smallest: Option<Duration>,
}

impl EffectivePolicy {
    /// How long the result may be served: as long as the query itself asks for, else as the
    /// policies say.
    ///
    /// # Errors
    /// Why the query is not cached: its operation is not in the policy, nobody gives a time, or it
    /// is zero.
    pub fn ttl(&self, asked: Option<Duration>) -> Result<Duration, BypassReason> {
        let uncacheable = |why| Err(BypassReason::Uncacheable(Reason::new(why)));
        match asked.or(self.ttl) {
            _ if !self.operation => uncacheable("operation not in the policy"),
            Some(Duration::ZERO) => uncacheable("ttl is zero"),
            Some(ttl) => Ok(ttl),
            None if self.governed => uncacheable("policy without a ttl"),
            None => Err(BypassReason::NoPolicy),
        }
    }

    /// [`ttl`](Self::ttl) of a later statement of an operation. Whether that is cached was its first
    /// statement's to say; each table shortens its time.
    ///
    /// # Errors
    /// A time is zero.
    pub fn ttl_of_part(&self, asked: Option<Duration>) -> Result<Duration, BypassReason> {
        match asked.or(self.smallest) {
            Some(Duration::ZERO) => Err(BypassReason::Uncacheable(Reason::new("ttl is zero"))),
            Some(ttl) => Ok(ttl),
            None => Ok(Duration::MAX),
        }
    }
}

/// Composes the policies of a query's tables, first table first: the first one governs, the TTL is
/// the smallest among them, `never` on any of them forbids. A table without a policy of its own has
/// `default`; without that it neither forbids nor shortens, and as the first table means that
/// nobody but the query itself asks for caching.
///
/// # Errors
///
/// Why the query is not cached, whatever it asks for.
pub fn effective_policy<'a>(
    tables: impl IntoIterator<Item = Option<&'a Policy>>,
    default: Option<&'a Policy>,
    operation: Operation,
) -> Result<EffectivePolicy, Reason> {
    let mut policies = tables.into_iter().map(|own| own.or(default));
    let governing = policies.next().flatten();
    let mut never = governing.is_some_and(Policy::is_never);
    let mut local = governing.is_some_and(Policy::is_local);
    let own = governing.and_then(|governing| ttl_of(governing, default));
    let mut smallest = own;
    let mut leeway = governing.map(Policy::leeway).unwrap_or_default();
    for policy in policies {
        let stale = policy.map(Policy::stale_at_most).unwrap_or_default();
        leeway.allow_stale = leeway.allow_stale.min(stale);
        let Some(policy) = policy else { continue };
        never |= policy.never;
        local |= policy.local;
        smallest = smallest.into_iter().chain(ttl_of(policy, default)).min();
    }
    if never {
        return Err(Reason::new("policy says never"));
    }
    Ok(EffectivePolicy {
        local,
        leeway,
        governed: governing.is_some(),
        operation: governing.is_none_or(|governing| governing.operations.contains(operation)),
        ttl: own.and(smallest),
        smallest,
    })
}

fn ttl_of(policy: &Policy, default: Option<&Policy>) -> Option<Duration> {
    policy.ttl.or_else(|| default?.ttl)
}

fn bit(operation: Operation) -> u8 {
    match operation {
        Operation::Get => 1,
        Operation::Fetch => 2,
        Operation::Count => 4,
        Operation::Aggregate => 8,
        Operation::Exists => 16,
        _ => 128,
    }
}

#[cfg(test)]
mod tests;
