//! The way of a read through a larder: switch, policy, binding; then the cache.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use larder_core::{
    BoundRead, BypassReason, CallDigest, EffectivePolicy, NamedCall, Param, Prepared, ReadMode,
    ReadOutcome, ReadRequest, ResultCodec, ResultIdentity, Source, Statement, machine::Leeway,
    recorder,
};

use crate::Larder;

/// What the caller of one query asks for besides the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// How long the result may be served, instead of the policy's TTL: one that is stored longer
    /// already does not answer. Zero: not cached.
    pub ttl: Option<Duration>,
    /// Whether a stored result will do.
    pub mode: ReadMode,
    /// How long ago a result may have been valid that is served while another reader replaces it,
    /// instead of what the policies say.
    pub allow_stale: Option<Duration>,
}

/// One execution of a read outside any transaction.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "built by adapters, field by field"
)]
pub struct ReadCall<'a> {
    /// The source, from [`Larder::attach`].
    pub source: &'a Source,
    /// The text, as that source planned it.
    pub prepared: &'a Prepared,
    /// The parameters, in the order in which the driver sends them.
    pub params: &'a [Param<'a>],
    /// What the result is decoded into.
    pub result: &'a ResultIdentity,
    /// How it is written down for a store outside the process; `None` = it cannot be.
    pub codec: Option<&'static ResultCodec>,
    /// What the caller asks for.
    pub options: ReadOptions,
    /// Whose rows the session sees, as the user says.
    pub scope: Option<&'a str>,
}

/// A read that may be answered from the cache.
#[derive(Clone, Debug)]
#[must_use]
pub struct CachedRead {
    bound: BoundRead,
    ttl: Duration,
    mode: ReadMode,
    codec: Option<&'static ResultCodec>,
    leeway: Leeway,
    statement: Arc<Statement>,
    digest: CallDigest,
}

impl CachedRead {
    fn request(&self) -> ReadRequest<'_> {
        ReadRequest {
            entry: &self.bound.entry,
            dependencies: &self.bound.dependencies,
            ttl: self.ttl,
            mode: self.mode,
            codec: self.codec,
            leeway: self.leeway,
            call: Some(NamedCall {
                statement: &self.statement,
                digest: self.digest,
            }),
        }
    }
}

impl Larder {
    /// Decides whether a read outside any transaction may be cached, and binds it.
    ///
    /// # Errors
    ///
    /// Why the query must go to the database and its result must not be stored. The observer has
    /// been told.
    pub fn begin_read(&self, call: &ReadCall<'_>) -> Result<CachedRead, BypassReason> {
        self.bind(call)
            .inspect_err(|reason| self.bypassed(call.prepared, reason))
    }

    /// A hit, found by the name of the entry alone: the short way before
    /// [`begin_read`](Self::begin_read). `None` says nothing about the read.
    pub fn revisit_now(&self, call: &ReadCall<'_>) -> Option<ReadOutcome> {
        let enabled = self.inner.enabled.load(Ordering::Relaxed);
        if !enabled || !call.options.mode.takes_stored() {
            return None;
        }
        // What may not be cached now may have been stored under another wish, and for longer.
        let ttl = self.policy(call).ok()?.ttl(call.options.ttl).ok()?;
        let entry = call
            .prepared
            .entry_key(call.params, call.result, call.scope)
            .ok()?;
        let statement = call.prepared.statement();
        let hit = self.inner.cache.revisit_now(&entry, ttl, Some(statement))?;
        recorder::note_scope(call.scope);
        Some(hit)
    }

    /// Counts and reports a bypass that the adapter decided on (a transaction, a changed session).
    pub fn bypassed(&self, prepared: &Prepared, reason: &BypassReason) {
        // What is no read (a change of the session) has no name among the reads.
        let statement = prepared.read().map(|_| &**prepared.statement());
        self.inner.cache.bypassed(statement, None, reason);
    }

    /// A hit or a bypass, if that can be said without waiting.
    pub fn read_now(&self, read: &CachedRead) -> Option<ReadOutcome> {
        self.inner.cache.read_now(read.request())
    }

    /// Answers the read, or says what to do: run and store, or run.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the read and harms nothing.
    pub async fn read(&self, read: &CachedRead) -> ReadOutcome {
        self.inner.cache.read(read.request()).await
    }

    /// [`Larder::read`] for threads.
    pub fn read_blocking(&self, read: &CachedRead) -> ReadOutcome {
        self.inner.cache.read_blocking(read.request())
    }

    /// Policies are fixed for the life of a larder, so each plan keeps what they come to.
    fn policy(&self, call: &ReadCall<'_>) -> Result<EffectivePolicy, BypassReason> {
        self.policy_of(call.source, call.prepared, call.params)
    }

    pub(crate) fn policy_of(
        &self,
        source: &Source,
        prepared: &Prepared,
        params: &[Param<'_>],
    ) -> Result<EffectivePolicy, BypassReason> {
        prepared.policy(params, |plan, operation| {
            let catalog = source.catalog();
            let ignore_case = catalog.is_some_and(|catalog| catalog.table_names_ignore_case);
            self.inner.policies.of_read(plan, operation, ignore_case)
        })
    }

    fn bind(&self, call: &ReadCall<'_>) -> Result<CachedRead, BypassReason> {
        if !self.inner.enabled.load(Ordering::Relaxed) {
            return Err(BypassReason::Disabled);
        }
        let policy = self.policy(call)?;
        let ttl = match call.options.mode {
            ReadMode::Part => policy.ttl_of_part(call.options.ttl)?,
            _ => policy.ttl(call.options.ttl)?,
        };
        let bound = call
            .prepared
            .bind(call.params, call.result, call.scope)
            .map_err(BypassReason::Uncacheable)?;
        recorder::note_scope(call.scope);
        let mut leeway = policy.leeway;
        if let Some(asked) = call.options.allow_stale {
            leeway.allow_stale = asked;
        }
        let digest = call.prepared.call_digest(call.params);
        Ok(CachedRead {
            statement: call.prepared.statement().clone(),
            // Without one there is no entry either.
            digest: digest.unwrap_or_default(),
            leeway,
            bound,
            ttl,
            mode: call.options.mode,
            codec: call.codec.filter(|_| !policy.local),
        })
    }
}
