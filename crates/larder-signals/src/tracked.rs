//! Reads that go past the cache while a memo runs: it rests on them all the same.

use std::time::Duration;

use larder_core::{BypassReason, DependencyKey, Param, Prepared, Source, Untracked, recorder};

use crate::Larder;

/// One execution of a read that goes past the cache, outside any transaction.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "built by adapters, field by field"
)]
pub struct PassingRead<'a> {
    /// The source, from [`Larder::attach`].
    pub source: &'a Source,
    /// The text, as that source planned it.
    pub prepared: &'a Prepared,
    /// The parameters, in the order in which the driver sends them.
    pub params: &'a [Param<'a>],
    /// Whose rows the session sees, as the user says.
    pub scope: Option<&'a str>,
}

impl Larder {
    /// Whether a memo runs here that is to rest on every read: then each one that goes past the
    /// cache must be [tracked](Self::track), or be told of as [not trackable](Self::untracked).
    #[must_use]
    pub fn is_recording(&self) -> bool {
        recorder::is_recording()
    }

    /// Tells the memo that runs here, if any, of a read that it cannot rest on, and why.
    pub fn untracked(&self, why: &BypassReason) {
        recorder::note_bypass(why);
    }

    /// Tells the memo that runs here, if any, of a statement that nobody can look into.
    pub fn unseen(&self) {
        recorder::note_untracked(Untracked::Unseen, None);
    }

    /// Lets the memo that runs here, if any, rest on a read. Call it before the read is sent: its
    /// stamps must be older (P2).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future harms nothing, as long as the read is not sent then.
    pub async fn track(&self, read: &PassingRead<'_>) {
        if let Some((dependencies, ttl)) = self.recordable(read) {
            self.inner.cache.record(&dependencies, ttl).await;
        }
    }

    /// [`Larder::track`] for threads.
    pub fn track_blocking(&self, read: &PassingRead<'_>) {
        if let Some((dependencies, ttl)) = self.recordable(read) {
            self.inner.cache.record_blocking(&dependencies, ttl);
        }
    }

    /// Whose stamps are to be read before it; `None` = nothing records, or it was told why it cannot.
    fn recordable(&self, read: &PassingRead<'_>) -> Option<(Vec<DependencyKey>, Duration)> {
        if !self.is_recording() {
            return None;
        }
        recorder::note_scope(read.scope);
        let dependencies = self.dependencies_of(read);
        dependencies.inspect_err(recorder::note_bypass).ok()
    }

    fn dependencies_of(
        &self,
        read: &PassingRead<'_>,
    ) -> Result<(Vec<DependencyKey>, Duration), BypassReason> {
        if !self.is_enabled() {
            return Err(BypassReason::Disabled);
        }
        let policy = self.policy_of(read.source, read.prepared, read.params)?;
        // Whether it is cached is the memo's to say; each table shortens its time.
        let ttl = policy.ttl_of_part(None)?;
        let bound = read.prepared.bind_stamps(read.params, read.scope);
        Ok((bound.map_err(BypassReason::Uncacheable)?, ttl))
    }
}
