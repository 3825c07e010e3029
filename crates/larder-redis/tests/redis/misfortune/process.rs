//! Caches that share servers as if they were in processes of their own.

use std::{
    fmt,
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
};

use larder_core::{
    BypassReason, Cache, CacheOptions, Cause, Change, Event, FaultKind, Fill, FillOutcome,
    Invalidation, Limits, MissCause, Moment, Observer, ReadOutcome,
};
use larder_redis::{RedisConfig, RedisStore};
use larder_testkit::fixture::Query;
use tokio::runtime::Runtime;

use super::Rows;

/// One process.
pub(super) struct Process {
    name: &'static str,
    pub(super) cache: Cache,
    /// `None` = it consists of threads.
    tasks: Option<Runtime>,
    heard: Arc<Heard>,
}

/// How a read ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Hit(u64),
    Filled(FillOutcome),
    Bypass(BypassReason),
}

/// What an observer heard of.
#[derive(Default)]
pub(super) struct Heard {
    events: Mutex<Vec<What>>,
    /// Why there were faults, for tests that fail.
    causes: Mutex<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Fault(FaultKind),
    Miss(MissCause),
    Pending,
    Delivered,
}

/// A process of each kind: of threads and of tasks, each with and without results kept near.
pub(super) fn processes(config: &RedisConfig) -> Vec<Process> {
    processes_within(config, &Limits::default())
}

pub(super) fn processes_within(config: &RedisConfig, limits: &Limits) -> Vec<Process> {
    [
        ("threads", false, false),
        ("threads, near", false, true),
        ("tasks", true, false),
        ("tasks, near", true, true),
    ]
    .into_iter()
    .map(|(name, tasks, near)| {
        let mut options = CacheOptions::default();
        options.limits = limits.clone();
        if !near {
            options.near_bytes = 0;
        }
        Process::new(name, config, options, tasks)
    })
    .collect()
}

/// A breaker that does not open, so that every operation meets the server.
pub(super) fn never_opening() -> Limits {
    let mut limits = Limits::default();
    limits.breaker_faults = 0;
    limits
}

impl Process {
    pub(super) fn new(
        name: &'static str,
        config: &RedisConfig,
        mut options: CacheOptions,
        tasks: bool,
    ) -> Self {
        let heard = Arc::new(Heard::default());
        options.observers = vec![heard.clone()];
        let store = RedisStore::connect_blocking(config.clone()).unwrap();
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(2).enable_all().build().unwrap()
        };
        Self {
            name,
            cache: Cache::new(store, options),
            tasks: tasks.then(runtime),
            heard,
        }
    }

    /// Reads the row of an author; one that is not answered runs its query and fills.
    pub(super) fn read(&self, rows: &Rows, author: usize) -> Answer {
        let number = i128::try_from(author).unwrap();
        self.read_query(rows, author, &rows.posts.by_author(number))
    }

    pub(super) fn read_query(&self, rows: &Rows, author: usize, query: &Query) -> Answer {
        let delivered = rows.delivered[author].load(SeqCst);
        match self.ask(query) {
            ReadOutcome::Hit(value) => {
                let version = *value.downcast_ref::<u64>().unwrap();
                assert!(
                    version >= delivered,
                    "stale: {self:?} read version {version} of author {author} after {delivered} \
                     was delivered"
                );
                rows.hits.fetch_add(1, SeqCst);
                Answer::Hit(version)
            }
            ReadOutcome::Fill(fill) => {
                let version = rows.versions[author].load(SeqCst);
                Answer::Filled(self.store(fill, version))
            }
            ReadOutcome::Bypass(reason) => Answer::Bypass(reason),
            other => panic!("a read ends with {other:?}"),
        }
    }

    /// The lookup alone.
    pub(super) fn ask(&self, query: &Query) -> ReadOutcome {
        match &self.tasks {
            Some(tasks) => tasks.block_on(self.cache.read(query.read())),
            None => self.cache.read_blocking(query.read()),
        }
    }

    pub(super) fn store(&self, fill: Fill, version: u64) -> FillOutcome {
        match &self.tasks {
            Some(tasks) => tasks.block_on(fill.store(Arc::new(version), 8)),
            None => fill.store_blocking(Arc::new(version), 8),
        }
    }

    /// Writes the row of an author. `true` = its invalidation was delivered.
    pub(super) fn write(&self, rows: &Rows, author: usize) -> bool {
        let change = rows.posts.retitled(i128::try_from(author).unwrap());
        let version = rows.versions[author].fetch_add(1, SeqCst) + 1;
        let delivered = self.invalidate(&[change]);
        if delivered {
            rows.delivered[author].fetch_max(version, SeqCst);
        }
        delivered
    }

    pub(super) fn invalidate(&self, changes: &[Change]) -> bool {
        let done = match &self.tasks {
            Some(tasks) => tasks.block_on(self.cache.invalidate(changes, Cause::Write)),
            None => self.cache.invalidate_blocking(changes, Cause::Write),
        };
        matches!(done, Invalidation::Delivered(_))
    }

    /// Drops everything of its namespace. `true` = that was delivered.
    pub(super) fn invalidate_all(&self) -> bool {
        let done = match &self.tasks {
            Some(tasks) => tasks.block_on(self.cache.invalidate_all(Cause::Manual)),
            None => self.cache.invalidate_all_blocking(Cause::Manual),
        };
        matches!(done, Invalidation::Delivered(_))
    }

    pub(super) fn now(&self) -> Moment {
        self.cache.now()
    }

    /// What was heard since the last time.
    pub(super) fn heard(&self) -> Vec<What> {
        std::mem::take(&mut *self.heard.events.lock().unwrap())
    }

    /// Fails if a fault was heard of.
    pub(super) fn has_no_fault(&self) {
        let heard = self.heard();
        let faults = heard.iter().filter(|it| matches!(it, What::Fault(_)));
        assert_eq!(faults.count(), 0, "{self:?} heard of {heard:?}");
    }
}

/// Its name, and the latest faults.
impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let causes = self.heard.causes.lock().unwrap();
        let latest = causes.iter().rev().take(3).collect::<Vec<_>>();
        write!(f, "{} {latest:?}", self.name)
    }
}

impl Answer {
    pub(super) fn is_hit(&self) -> bool {
        matches!(self, Self::Hit(_))
    }
}

impl Observer for Heard {
    fn on_event(&self, event: &Event<'_>) {
        let what = match event {
            Event::Fault { fault } => {
                self.causes.lock().unwrap().push(format!("{fault:?}"));
                What::Fault(fault.kind())
            }
            Event::Miss { cause, .. } => What::Miss(*cause),
            Event::Pending { .. } => What::Pending,
            Event::Delivered => What::Delivered,
            _ => return,
        };
        self.events.lock().unwrap().push(what);
    }
}
