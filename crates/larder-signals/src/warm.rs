//! Filling the cache before the first visitor does: queries that are run for their results to be
//! stored, a few at a time.
//!
//! Nothing here knows of an ORM: a query is a closure that runs it through a wrapped connection,
//! and what is cached of it is decided where it always is. No runtime is needed: [`Warm`] polls its
//! queries itself, in the task that awaits it, as `scope` does.

use std::{
    any::Any,
    error::Error,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use crate::Larder;

mod blocking;

pub use blocking::{WarmBlocking, WarmCall};

/// How many queries run at a time, where nobody says.
const CONCURRENCY: usize = 4;

/// What a query failed with.
type Failure = Box<dyn Error + Send + Sync>;
type Run<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

impl Larder {
    /// Runs queries so that their results are in the cache before somebody asks: after a
    /// deployment, or after [`invalidate_all`](Larder::invalidate_all). What is still cached is a
    /// hit and costs no query.
    ///
    /// Awaiting runs them, in their order, a few at a time. One that fails or panics is told in the
    /// end and stops no other. While caching is disabled, or the store is down, no further one is
    /// begun: its result would not be kept.
    ///
    /// # Cancel safety
    /// Dropping the future drops the queries that run, as dropping each of them would; what was
    /// stored stays.
    ///
    /// # Examples
    /// ```
    /// # use larder_core::MemoryStore;
    /// use larder_signals::{Larder, WarmQuery};
    ///
    /// # async fn all_posts() -> Result<Vec<u32>, std::fmt::Error> { Ok(Vec::new()) }
    /// # async fn run() -> Result<(), larder_core::Error> {
    /// # let larder = Larder::builder().namespace("blog")
    /// #     .store(MemoryStore::with_capacity_bytes(1 << 20)).build()?;
    /// let warmed = larder
    ///     .warm([WarmQuery::new("all posts", all_posts)])
    ///     .concurrency(8)
    ///     .on_progress(|progress| println!("{} of {}", progress.done, progress.total))
    ///     .await;
    /// for failure in &warmed.failures {
    ///     eprintln!("{failure}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn warm<'a>(&self, queries: impl IntoIterator<Item = WarmQuery<'a>>) -> Warm<'a> {
        let mut queries: Vec<_> = queries.into_iter().collect();
        let tally = Tally::new(self, queries.len());
        // Taken from the end.
        queries.reverse();
        Warm {
            queries,
            running: Vec::new(),
            concurrency: CONCURRENCY,
            tally,
        }
    }
}

/// One query to be warmed, by the name that failures have.
#[must_use]
pub struct WarmQuery<'a> {
    name: String,
    begin: Box<dyn FnOnce() -> Run<'a> + Send + 'a>,
}

impl<'a> WarmQuery<'a> {
    /// A query that is begun when its turn comes. What it yields is dropped.
    pub fn new<F, T, E>(name: impl Into<String>, query: impl FnOnce() -> F + Send + 'a) -> Self
    where
        F: Future<Output = Result<T, E>> + Send + 'a,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let begin = move || -> Run<'a> {
            let query = query();
            Box::pin(async move { query.await.map(drop).map_err(Into::into) })
        };
        Self {
            name: name.into(),
            begin: Box::new(begin),
        }
    }
}

/// Queries on their way into the cache: what [`Larder::warm`] returns, to be awaited.
#[must_use = "nothing runs unless it is awaited"]
pub struct Warm<'a> {
    /// The next one is the last.
    queries: Vec<WarmQuery<'a>>,
    running: Vec<(String, Run<'a>)>,
    concurrency: usize,
    tally: Tally<'a>,
}

impl<'a> Warm<'a> {
    /// How many queries run at a time: no more than the pool of connections can spare. Default: 4.
    /// Zero counts as one.
    pub fn concurrency(mut self, queries: usize) -> Self {
        self.concurrency = queries.max(1);
        self
    }

    /// Calls `hook` after each query. A panic in it is swallowed. Default: nobody is told.
    pub fn on_progress(mut self, hook: impl FnMut(WarmProgress) + Send + 'a) -> Self {
        self.tally.hook = Some(Box::new(hook));
        self
    }
}

impl Future for Warm<'_> {
    type Output = Warmed;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Warmed> {
        let this = self.get_mut();
        loop {
            while this.running.len() < this.concurrency
                && let Some(query) = this.queries.pop()
            {
                if !this.tally.is_worth_it() {
                    this.tally.skip();
                    continue;
                }
                match caught(query.begin) {
                    Ok(run) => this.running.push((query.name, run)),
                    Err(failure) => this.tally.ended(query.name, Err(failure)),
                }
            }
            if this.running.is_empty() {
                return Poll::Ready(this.tally.take());
            }
            let tally = &mut this.tally;
            let before = this.running.len();
            this.running.retain_mut(|(name, run)| {
                let polled = caught(|| run.as_mut().poll(context));
                let outcome = match polled {
                    Ok(Poll::Pending) => return true,
                    Ok(Poll::Ready(outcome)) => outcome,
                    Err(failure) => Err(failure),
                };
                tally.ended(std::mem::take(name), outcome);
                false
            });
            // There is room for others, which must be polled once to be woken.
            if this.running.len() == before {
                return Poll::Pending;
            }
        }
    }
}

/// How far a warming is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WarmProgress {
    /// Queries in all.
    pub total: usize,
    /// Those that have ended, however.
    pub done: usize,
    /// Those of them that failed.
    pub failed: usize,
}

/// What came of a warming.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Warmed {
    /// Queries that ran to their end. Whether their results are cached is their policies' to say.
    pub succeeded: usize,
    /// Those that failed, in the order in which they did.
    pub failures: Vec<WarmFailure>,
    /// Those that were not begun, since caching was disabled or the store down.
    pub skipped: usize,
}

/// A query that could not be warmed.
#[derive(Debug)]
#[non_exhaustive]
pub struct WarmFailure {
    /// The name of the query.
    pub name: String,
    /// Its own error, or that it panicked.
    pub error: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for WarmFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "warming `{}`: {}", self.name, self.error)
    }
}

impl Error for WarmFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.error)
    }
}

/// Counts, and tells who wants to know.
struct Tally<'a> {
    larder: Larder,
    total: usize,
    warmed: Warmed,
    hook: Option<Box<dyn FnMut(WarmProgress) + Send + 'a>>,
}

impl Tally<'_> {
    fn new(larder: &Larder, total: usize) -> Self {
        Self {
            larder: larder.clone(),
            total,
            warmed: Warmed::default(),
            hook: None,
        }
    }

    fn is_worth_it(&self) -> bool {
        self.larder.is_enabled() && !self.larder.cache().is_store_down()
    }

    fn ended(&mut self, name: String, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => self.warmed.succeeded += 1,
            Err(error) => self.warmed.failures.push(WarmFailure { name, error }),
        }
        self.tell();
    }

    fn skip(&mut self) {
        self.warmed.skipped += 1;
        self.tell();
    }

    fn tell(&mut self) {
        let failed = self.warmed.failures.len();
        let progress = WarmProgress {
            total: self.total,
            done: self.warmed.succeeded + failed + self.warmed.skipped,
            failed,
        };
        if let Some(hook) = &mut self.hook {
            // A panic of the hook is its own affair.
            let _ = catch_unwind(AssertUnwindSafe(|| hook(progress)));
        }
    }

    fn take(&mut self) -> Warmed {
        std::mem::take(&mut self.warmed)
    }
}

/// Runs code of the caller's; its panic is a failure like others.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = message(&*panic);
        Failure::from(format!("the query panicked: {text}"))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

impl fmt::Debug for WarmQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WarmQuery").field(&self.name).finish()
    }
}

impl fmt::Debug for Warm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warm")
            .field("waiting", &self.queries.len())
            .field("running", &self.running.len())
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
