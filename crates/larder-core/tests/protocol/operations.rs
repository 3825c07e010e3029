//! Operations of several statements, stored as one entry; and reads that store nothing.

use std::{sync::Arc, time::Duration};

use larder_core::{
    BypassReason, Cache, CacheOptions, Cause, Change, DiscardReason, Fill, FillOutcome, Limits,
    MemoryStore, ReadMode, ReadOutcome,
};
use larder_testkit::fixture::{Posts, Query};

use crate::limited;

fn cache(limits: Limits) -> Cache {
    let mut options = CacheOptions::default();
    options.limits = limits;
    Cache::new(MemoryStore::with_capacity_bytes(1 << 20), options)
}

fn ask(cache: &Cache, query: &Query, mode: ReadMode) -> ReadOutcome {
    let mut read = query.read();
    read.mode = mode;
    cache.read_blocking(read)
}

fn fill(cache: &Cache, query: &Query, mode: ReadMode) -> Fill {
    match ask(cache, query, mode) {
        ReadOutcome::Fill(fill) => fill,
        other => panic!("expected a fill, got {other:?}"),
    }
}

fn write(cache: &Cache, change: Change) {
    let _ = cache.invalidate_blocking(&[change], Cause::Write);
}

/// An operation whose first statement reads posts and whose second reads tags.
struct Operation {
    cache: Cache,
    posts: Posts,
    tags: Posts,
    first: Query,
    second: Query,
}

impl Operation {
    fn new(limits: Limits) -> Self {
        let (posts, tags) = (Posts::default(), Posts::named("tag"));
        Self {
            cache: cache(limits),
            first: posts.by_author(1),
            second: tags.by_author(2),
            posts,
            tags,
        }
    }

    /// Runs it, with a write between each of its statements and after the last.
    fn run(&self, writes: [Option<Change>; 2]) -> FillOutcome {
        let [between, after] = writes;
        let mut operation = fill(&self.cache, &self.first, ReadMode::Alone);
        if let Some(change) = between {
            write(&self.cache, change);
        }
        operation.rest_on(fill(&self.cache, &self.second, ReadMode::Part));
        if let Some(change) = after {
            write(&self.cache, change);
        }
        operation.store_blocking(Arc::new(7_u64), 8)
    }

    /// The stored result, by the name of the entry: what it rests on is written in it.
    fn stored(&self) -> Option<u64> {
        match self
            .cache
            .revisit_now(&self.first.entry, Duration::MAX, None)?
        {
            ReadOutcome::Hit(value) => value.downcast_ref::<u64>().copied(),
            other => panic!("a revisit says hit or nothing, not {other:?}"),
        }
    }
}

#[test]
fn an_operation_is_dropped_by_a_write_to_any_of_its_statements() {
    let touching: [fn(&Operation) -> Change; 2] = [|o| o.posts.retitled(1), |o| o.tags.moved(2, 3)];
    for change in touching {
        let operation = Operation::new(Limits::default());
        assert_eq!(operation.run([None, None]), FillOutcome::Stored);
        write(&operation.cache, operation.tags.retitled(9));
        assert_eq!(operation.stored(), Some(7), "nothing of it was touched");
        write(&operation.cache, change(&operation));
        assert_eq!(operation.stored(), None);
    }
}

#[test]
fn p2_an_operation_carries_the_stamps_read_before_each_statement() {
    for (between, after, stored) in [
        // Posts were read before: the result misses the write.
        (Some(Posts::default().retitled(1)), None, None),
        // Tags are read after: the result shows the write.
        (Some(Posts::named("tag").retitled(2)), None, Some(7)),
        (None, Some(Posts::named("tag").retitled(2)), None),
    ] {
        let operation = Operation::new(Limits::default());
        let _ = operation.run([between, after]);
        assert_eq!(operation.stored(), stored);
    }
}

#[test]
fn p2_a_dependency_that_two_statements_share_keeps_the_stamps_read_first() {
    let operation = Operation::new(Limits::default());
    let mut fill_of_all = fill(&operation.cache, &operation.first, ReadMode::Cached);
    write(&operation.cache, operation.posts.retitled(1));
    // The same rows again: their stamps are new, the first statement's result is old.
    fill_of_all.rest_on(fill(&operation.cache, &operation.first, ReadMode::Part));
    fill_of_all.store_blocking(Arc::new(7_u64), 8);
    assert_eq!(operation.stored(), None);
}

/// What a reader of the same operation gets that comes before or after the leader's second
/// statement, once the leader has stored its result.
fn beside_a_leader(comes_late: bool) -> ReadOutcome {
    let operation = Operation::new(Limits::default());
    let mut leader = fill(&operation.cache, &operation.first, ReadMode::Cached);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let reader = || {
            let (cache, query) = (operation.cache.clone(), operation.first.clone());
            tokio::spawn(async move { cache.read(query.read()).await })
        };
        let early = reader();
        tokio::task::yield_now().await;
        assert!(!early.is_finished(), "it must wait for the leader");
        leader.rest_on(fill(&operation.cache, &operation.second, ReadMode::Part));
        // Tags are written now; what the leader has read of them is nobody else's.
        write(&operation.cache, operation.tags.retitled(2));
        let late = reader();
        tokio::task::yield_now().await;
        leader.store_blocking(Arc::new(7_u64), 8);
        let outcomes = (early.await.expect("no panic"), late);
        if comes_late {
            // The early one leads now, and gives up.
            drop(outcomes.0);
            outcomes.1.await.expect("no panic")
        } else {
            outcomes.0
        }
    })
}

#[test]
fn p8_nobody_waits_for_an_operation_of_several_statements() {
    let late = beside_a_leader(true);
    assert!(matches!(late, ReadOutcome::Fill(_)), "{late:?}");
}

#[test]
fn p8_an_operation_neither_leads_nor_waits() {
    let operation = Operation::new(Limits::default());
    let alone = || fill(&operation.cache, &operation.first, ReadMode::Alone);
    // A wait would end this test in a deadlock: they are all on one thread.
    let (first, second) = (alone(), alone());
    let single = fill(&operation.cache, &operation.first, ReadMode::Cached);
    drop((first, single));
    second.store_blocking(Arc::new(7_u64), 8);
    let again = ask(&operation.cache, &operation.first, ReadMode::Alone);
    assert!(matches!(again, ReadOutcome::Hit(_)), "{again:?}");
}

#[test]
fn p8_waiters_of_the_first_statement_take_over_at_the_second() {
    let early = beside_a_leader(false);
    assert!(matches!(early, ReadOutcome::Fill(_)), "{early:?}");
}

#[test]
fn an_operation_that_rests_on_too_much_is_not_stored() {
    let operation = Operation::new(limited(|limits| limits.dependencies_max = 1));
    let reason = DiscardReason::Dependencies;
    assert_eq!(operation.run([None, None]), FillOutcome::Discarded(reason));
    assert_eq!(operation.stored(), None);
}

#[test]
fn a_part_is_neither_stored_nor_answered_from_the_store() {
    let operation = Operation::new(Limits::default());
    let part = fill(&operation.cache, &operation.second, ReadMode::Cached);
    part.store_blocking(Arc::new(1_u64), 8);
    drop(fill(&operation.cache, &operation.second, ReadMode::Part));
    let again = ask(&operation.cache, &operation.second, ReadMode::Cached);
    assert!(matches!(again, ReadOutcome::Hit(_)), "{again:?}");
}

#[test]
fn p9_a_peek_takes_what_is_stored_and_stores_nothing() {
    let operation = Operation::new(Limits::default());
    let peek = || ask(&operation.cache, &operation.first, ReadMode::Peek);
    let missed = peek();
    assert!(
        matches!(missed, ReadOutcome::Bypass(BypassReason::Replica)),
        "{missed:?}"
    );
    let primary = fill(&operation.cache, &operation.first, ReadMode::Cached);
    primary.store_blocking(Arc::new(7_u64), 8);
    assert!(matches!(peek(), ReadOutcome::Hit(_)));
    write(&operation.cache, operation.posts.retitled(1));
    assert!(matches!(peek(), ReadOutcome::Bypass(BypassReason::Replica)));
}
