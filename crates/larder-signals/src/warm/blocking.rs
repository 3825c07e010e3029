//! Warming on threads.

use std::{
    error::Error,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use super::{CONCURRENCY, Failure, Tally, WarmProgress, Warmed, caught};
use crate::Larder;

impl Larder {
    /// [`warm`](Larder::warm) for threads: [`WarmBlocking::run`] runs the queries, on a few threads
    /// at a time, and returns when all have ended.
    pub fn warm_blocking<'a>(
        &self,
        queries: impl IntoIterator<Item = WarmCall<'a>>,
    ) -> WarmBlocking<'a> {
        let mut queries: Vec<_> = queries.into_iter().collect();
        let tally = Tally::new(self, queries.len());
        queries.reverse();
        WarmBlocking {
            queries,
            concurrency: CONCURRENCY,
            tally,
        }
    }
}

/// One query to be warmed by a thread, by the name that failures have.
#[must_use]
pub struct WarmCall<'a> {
    name: String,
    run: Box<dyn FnOnce() -> Result<(), Failure> + Send + 'a>,
}

impl<'a> WarmCall<'a> {
    /// A query that takes a connection of its own, from a pool. What it yields is dropped.
    pub fn new<T, E>(
        name: impl Into<String>,
        query: impl FnOnce() -> Result<T, E> + Send + 'a,
    ) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self {
            name: name.into(),
            run: Box::new(move || query().map(drop).map_err(Into::into)),
        }
    }
}

/// What [`Larder::warm_blocking`] returns, to be run.
#[must_use = "nothing runs unless it is told to"]
pub struct WarmBlocking<'a> {
    /// The next one is the last.
    queries: Vec<WarmCall<'a>>,
    concurrency: usize,
    tally: Tally<'a>,
}

impl<'a> WarmBlocking<'a> {
    /// How many queries run at a time: no more than the pool of connections can spare. Default: 4.
    /// Zero counts as one. The calling thread is one of those that run them.
    pub fn concurrency(mut self, queries: usize) -> Self {
        self.concurrency = queries.max(1);
        self
    }

    /// Calls `hook` after each query, from one thread at a time. A panic in it is swallowed.
    /// Default: nobody is told.
    pub fn on_progress(mut self, hook: impl FnMut(WarmProgress) + Send + 'a) -> Self {
        self.tally.hook = Some(Box::new(hook));
        self
    }

    /// Runs the queries. Where the system gives no further thread, fewer run at a time.
    pub fn run(mut self) -> Warmed {
        let others = self.concurrency.min(self.queries.len()).saturating_sub(1);
        let queries = Mutex::new(std::mem::take(&mut self.queries));
        let tally = Mutex::new(self.tally);
        thread::scope(|scope| {
            for _ in 0..others {
                let builder = thread::Builder::new().name("larder-warm".to_owned());
                if builder
                    .spawn_scoped(scope, || work(&queries, &tally))
                    .is_err()
                {
                    break;
                }
            }
            work(&queries, &tally);
        });
        locked(&tally).take()
    }
}

fn work(queries: &Mutex<Vec<WarmCall<'_>>>, tally: &Mutex<Tally<'_>>) {
    loop {
        let Some(query) = locked(queries).pop() else {
            return;
        };
        if !locked(tally).is_worth_it() {
            locked(tally).skip();
            continue;
        }
        let outcome = caught(query.run).and_then(|outcome| outcome);
        locked(tally).ended(query.name, outcome);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for WarmCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WarmCall").field(&self.name).finish()
    }
}

impl fmt::Debug for WarmBlocking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WarmBlocking")
            .field("waiting", &self.queries.len())
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}
