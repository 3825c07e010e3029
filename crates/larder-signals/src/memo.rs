//! Memos: results of the application's own functions, dropped with everything that was read inside.
//!
//! A memo is stored under the stamps of every read that ran inside of it, each read before its query,
//! and under one of its own. So it is a hit as long as each of these reads would be.

mod kept;
mod outcome;

use std::{convert::Infallible, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use larder_core::{
    BypassReason, Cause, Change, ChangeScope, DiscardReason, FillOutcome, MemoFill, MemoKey,
    MemoName, MemoStep, ReadMode, ReadRequest, Recorder, Untracked, machine::Leeway, recorder,
};
use larder_sql::plan::Reason;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Blocking, Larder};
use kept::Kept;

pub use outcome::MemoOutcome;

/// A result that a memo can keep.
#[diagnostic::on_unimplemented(
    message = "results of `{Self}` cannot be kept by a memo",
    note = "derive `Clone`, `serde::Serialize` and `serde::Deserialize` for it"
)]
pub trait Memoized: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Memoized for T {}

/// A function of the application whose result is cached: see [`Larder::memo`].
#[must_use = "a memo does nothing until it is run"]
pub struct Memo<'a, A: ?Sized> {
    larder: &'a Larder,
    name: &'a str,
    arguments: &'a A,
    call: Call<'a>,
}

/// All of a memo but its name.
struct Call<'a> {
    ttl: Option<Duration>,
    mode: ReadMode,
    scope: Option<Arc<str>>,
    tracked: bool,
    told: Option<&'a mut MemoOutcome>,
}

/// How a memo goes on.
enum Found<T> {
    Hit(T),
    Run(MemoFill),
    Bypass,
}

impl Call<'_> {
    fn request<'k, T: Memoized>(&self, key: &'k MemoKey) -> ReadRequest<'k> {
        // An outer memo hears of it before anything runs.
        recorder::note_scope(self.scope.as_deref());
        if !self.tracked {
            recorder::note_untracked(Untracked::Memo, None);
        }
        ReadRequest {
            entry: &key.entry,
            dependencies: std::slice::from_ref(&key.dependency),
            ttl: self.ttl.unwrap_or(Duration::MAX),
            mode: self.mode,
            codec: Some(Kept::<T>::CODEC),
            leeway: Leeway::default(),
            call: None,
        }
    }

    fn found<T: Memoized>(&mut self, step: MemoStep) -> Found<T> {
        match step {
            MemoStep::Hit(value) => match value.downcast::<T>() {
                Ok(value) => {
                    self.tell(MemoOutcome::Hit);
                    Found::Hit(Arc::unwrap_or_clone(value))
                }
                // The type is part of the key.
                Err(_) => Found::Bypass,
            },
            MemoStep::Run(fill) => Found::Run(fill),
            MemoStep::Bypass(reason) => {
                self.tell(MemoOutcome::Bypassed(reason));
                Found::Bypass
            }
            _ => Found::Bypass,
        }
    }

    fn recorder(&self, fill: &MemoFill) -> Option<Recorder> {
        let recorder = fill.recorder().clone().of_scope(self.scope.clone());
        self.tracked.then_some(recorder)
    }

    fn failed(&mut self, fill: MemoFill) {
        fill.discard(DiscardReason::QueryFailed);
        self.tell(MemoOutcome::Discarded(DiscardReason::QueryFailed, None));
    }

    fn stored(&mut self, stored: FillOutcome, recorder: Option<Recorder>) {
        if self.told.is_none() {
            return;
        }
        let untracked = recorder.and_then(|recorder| recorder.recorded().untracked);
        self.tell(match stored {
            FillOutcome::Discarded(reason) => {
                MemoOutcome::Discarded(reason, untracked.and_then(|(_, reason)| reason))
            }
            _ => MemoOutcome::Stored,
        });
    }

    fn tell(&mut self, outcome: MemoOutcome) {
        if let Some(told) = &mut self.told {
            **told = outcome;
        }
    }
}

impl<A: ?Sized> fmt::Debug for Memo<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Larder {
    /// A function of the application whose result is cached and dropped by itself: of every read
    /// through a wrapped connection that runs inside, larder records what it rests on, and the memo
    /// is dropped when any of them would be.
    ///
    /// `arguments` must tell everything that the result depends on besides the data: parameters,
    /// language, user, and which database where there are several. `name` should be the function's
    /// own. The result's type is part of the key.
    ///
    /// Callers of one memo at a time wait for the one that runs it, and look again. What another
    /// connection, a spawned task or the connection *inside* a wrapped one reads is not seen; a memo
    /// in which something runs that cannot be tracked (a write, a transaction, an uncacheable read)
    /// is not stored: see [`MemoOutcome`].
    ///
    /// # Staleness
    ///
    /// That of the reads inside: none where every write goes through larder.
    ///
    /// # Examples
    ///
    /// ```
    /// # use larder_core::MemoryStore;
    /// # let larder = larder_signals::Larder::builder()
    /// #     .namespace("docs")
    /// #     .store(MemoryStore::with_capacity_bytes(1 << 20))
    /// #     .build()?;
    /// # let (user, language) = (7, "en");
    /// let arguments = (user, language);
    /// let memo = || larder.memo("greeting", &arguments);
    /// let first = memo().run_blocking(|| format!("read of {user}"));
    /// let again: String = memo().run_blocking(|| unreachable!());
    /// assert_eq!(first, again);
    /// # Ok::<(), larder_core::Error>(())
    /// ```
    pub fn memo<'a, A>(&'a self, name: &'a str, arguments: &'a A) -> Memo<'a, A>
    where
        A: Serialize + ?Sized,
    {
        Memo {
            larder: self,
            name,
            arguments,
            call: Call {
                ttl: self.inner.policies.default_ttl(),
                mode: ReadMode::Cached,
                scope: None,
                tracked: true,
                told: None,
            },
        }
    }

    /// The value that is stored under this name for these arguments, or what `body` gives, stored
    /// for so long whatever is written: an [untracked](Memo::untracked) memo.
    ///
    /// # Staleness
    ///
    /// Up to the TTL.
    pub fn get_or_set<'a, A, T, F>(
        &'a self,
        name: &'a str,
        arguments: &'a A,
        ttl: Duration,
        body: F,
    ) -> impl Future<Output = T> + use<'a, A, T, F>
    where
        A: Serialize + ?Sized,
        T: Memoized,
        F: Future<Output = T> + Send,
    {
        self.memo(name, arguments).untracked().ttl(ttl).run(body)
    }

    /// Drops all results of the memos with this name, whatever their arguments.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it done or not done.
    pub async fn invalidate_memo(&self, name: &str) {
        let change = self.memo_change(name);
        let delivered = self.inner.cache.invalidate(&[change], Cause::Manual).await;
        self.noticed(&delivered);
    }

    fn memo_change(&self, name: &str) -> Change {
        // What drops something while it runs does not rest on what it drops.
        recorder::note_untracked(Untracked::Write, None);
        Change {
            table_key: MemoKey::table(self.namespace(), name),
            table: None,
            scope: ChangeScope::Record,
        }
    }
}

impl Blocking<'_> {
    /// [`Larder::invalidate_memo`].
    pub fn invalidate_memo(&self, name: &str) {
        let larder = self.larder();
        let change = larder.memo_change(name);
        let cache = &larder.inner.cache;
        let delivered = cache.invalidate_blocking(&[change], Cause::Manual);
        larder.noticed(&delivered);
    }
}

impl<'a, A: Serialize + ?Sized> Memo<'a, A> {
    /// How long the result may be served; the reads inside shorten it to their own time. Default:
    /// the default policy's TTL; without one, as long as the reads inside may be served. Zero: it is
    /// not cached.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.call.ttl = Some(ttl);
        self
    }

    /// Whose rows the reads inside see, as in
    /// [`WrapConfig::scope`](crate::WrapConfig::scope): part of the key. Reads of another scope
    /// keep the memo from being stored. Default: none.
    pub fn scope(mut self, scope: impl Into<Arc<str>>) -> Self {
        self.call.scope = Some(scope.into());
        self
    }

    /// Records nothing: the result is stored until its TTL ends, and must have one. A tracked memo
    /// around it is not stored.
    ///
    /// # Staleness
    ///
    /// Up to the TTL; [`Larder::invalidate_memo`] ends it.
    pub fn untracked(mut self) -> Self {
        self.call.tracked = false;
        self
    }

    /// Runs the body and replaces what is stored.
    pub fn refresh(mut self) -> Self {
        self.call.mode = ReadMode::Refresh;
        self
    }

    /// Leaves here what it came to.
    pub fn told(mut self, outcome: &'a mut MemoOutcome) -> Self {
        *outcome = MemoOutcome::Unfinished;
        self.call.told = Some(outcome);
        self
    }

    /// The stored result, or that of the body.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the body, and another caller runs his own.
    pub fn run<T, F>(self, body: F) -> impl Future<Output = T> + use<'a, A, T, F>
    where
        T: Memoized,
        F: Future<Output = T> + Send,
    {
        let running = self.running(Box::pin(async { Ok::<T, Infallible>(body.await) }));
        async { running.await.unwrap_or_else(|never| match never {}) }
    }

    /// The stored result, or that of the body, of which an error is not stored.
    ///
    /// # Errors
    ///
    /// Those of the body.
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run).
    pub fn try_run<T, E, F>(
        self,
        body: F,
    ) -> impl Future<Output = Result<T, E>> + use<'a, A, T, E, F>
    where
        T: Memoized,
        F: Future<Output = Result<T, E>> + Send,
    {
        self.running(Box::pin(body))
    }

    /// The body is on the heap: memos are nested, and each would hold the inner ones several times.
    fn running<T, E, F>(
        self,
        body: Pin<Box<F>>,
    ) -> impl Future<Output = Result<T, E>> + use<'a, A, T, E, F>
    where
        T: Memoized,
        F: Future<Output = Result<T, E>> + Send,
    {
        let key = self.key::<T>();
        let Self {
            larder, mut call, ..
        } = self;
        async move {
            let found = match &key {
                Ok(key) => larder.inner.cache.memo(call.request::<T>(key)).await,
                Err(reason) => MemoStep::Bypass(reason.clone()),
            };
            let fill = match call.found(found) {
                Found::Hit(value) => return Ok(value),
                Found::Run(fill) => fill,
                Found::Bypass => return body.await,
            };
            let recorder = call.recorder(&fill);
            let ran = match &recorder {
                Some(recorder) => recorder.scope(body).await,
                None => recorder::unrecorded(body).await,
            };
            match ran {
                Err(error) => {
                    call.failed(fill);
                    Err(error)
                }
                Ok(value) => {
                    let value = Arc::new(value);
                    let bytes = Kept::weight(&*value);
                    let stored = fill.store(Arc::clone(&value) as _, bytes).await;
                    call.stored(stored, recorder);
                    Ok(Arc::unwrap_or_clone(value))
                }
            }
        }
    }

    /// [`run`](Self::run) for threads.
    pub fn run_blocking<T: Memoized>(self, body: impl FnOnce() -> T) -> T {
        let ran = self.try_run_blocking(|| Ok::<T, Infallible>(body()));
        ran.unwrap_or_else(|never| match never {})
    }

    /// [`try_run`](Self::try_run) for threads.
    ///
    /// # Errors
    ///
    /// Those of the body.
    pub fn try_run_blocking<T: Memoized, E>(
        self,
        body: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let key = self.key::<T>();
        let Self {
            larder, mut call, ..
        } = self;
        let found = match &key {
            Ok(key) => larder.inner.cache.memo_blocking(call.request::<T>(key)),
            Err(reason) => MemoStep::Bypass(reason.clone()),
        };
        let fill = match call.found(found) {
            Found::Hit(value) => return Ok(value),
            Found::Run(fill) => fill,
            Found::Bypass => return body(),
        };
        let recorder = call.recorder(&fill);
        let ran = match &recorder {
            Some(recorder) => recorder.scope_blocking(body),
            None => recorder::unrecorded_blocking(body),
        };
        match ran {
            Err(error) => {
                call.failed(fill);
                Err(error)
            }
            Ok(value) => {
                let value = Arc::new(value);
                let bytes = Kept::weight(&*value);
                let stored = fill.store_blocking(Arc::clone(&value) as _, bytes);
                call.stored(stored, recorder);
                Ok(Arc::unwrap_or_clone(value))
            }
        }
    }

    /// Where the result lies, or why it is not cached.
    fn key<T: Memoized>(&self) -> Result<MemoKey, BypassReason> {
        let uncacheable = |why| BypassReason::Uncacheable(Reason::new(why));
        let (inner, call) = (&self.larder.inner, &self.call);
        if !self.larder.is_enabled() {
            return Err(BypassReason::Disabled);
        }
        match call.ttl {
            Some(Duration::ZERO) => return Err(uncacheable("ttl is zero")),
            None if !call.tracked => return Err(uncacheable("an untracked memo without a ttl")),
            _ => {}
        }
        let name = MemoName {
            namespace: &inner.namespace,
            version: &inner.entry_version,
            scope: call.scope.as_deref(),
            name: self.name,
        };
        MemoKey::new(&name, self.arguments, &Kept::<T>::identity())
            .map_err(|_| uncacheable("the arguments have no written form"))
    }
}

#[cfg(test)]
mod tests;
