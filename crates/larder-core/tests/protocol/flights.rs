//! Single flight (P8): waiters share values, never errors.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use crate::limited;
use larder_core::{Cache, CacheOptions, DiscardReason, Fill, Limits, MemoryStore, ReadOutcome};
use larder_testkit::fixture::{Posts, Query};

fn cache(limits: Limits) -> Cache {
    let mut options = CacheOptions::default();
    options.limits = limits;
    Cache::new(MemoryStore::with_capacity_bytes(1 << 20), options)
}

fn lead(cache: &Cache, query: &Query) -> Fill {
    match cache.read_blocking(query.read()) {
        ReadOutcome::Fill(fill) => fill,
        other => panic!("expected to lead, got {other:?}"),
    }
}

fn value(outcome: &ReadOutcome) -> Option<u64> {
    match outcome {
        ReadOutcome::Hit(value) => value.downcast_ref::<u64>().copied(),
        _ => None,
    }
}

/// Lets a task and a thread wait for a leader that ends in this way; returns what they got.
fn with_waiters(end: impl FnOnce(Fill)) -> (ReadOutcome, Cache, Query) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let cache = cache(Limits::default());
    let query = Posts::default().by_author(1);
    let leader = lead(&cache, &query);
    let outcome = runtime.block_on(async {
        let waiting = tokio::spawn({
            let (cache, query) = (cache.clone(), query.clone());
            async move { cache.read(query.read()).await }
        });
        // One turn of the runtime: the task runs until it waits.
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "it must wait for the leader");
        end(leader);
        waiting.await.expect("no panic")
    });
    (outcome, cache, query)
}

#[test]
fn a_waiter_gets_the_value_of_its_leader() {
    let (outcome, ..) = with_waiters(|leader| {
        leader.store_blocking(Arc::new(7_u64), 8);
    });
    assert_eq!(value(&outcome), Some(7));
}

#[test]
fn a_waiter_gets_a_value_that_is_too_large_to_store() {
    let (outcome, ..) = with_waiters(|leader| {
        leader.store_blocking(Arc::new(7_u64), usize::MAX);
    });
    assert_eq!(value(&outcome), Some(7));
}

#[test]
fn p8_a_waiter_takes_over_when_the_query_fails() {
    let (outcome, cache, query) = with_waiters(|leader| leader.discard(DiscardReason::QueryFailed));
    let ReadOutcome::Fill(fill) = outcome else {
        panic!("expected to take over: {outcome:?}")
    };
    fill.store_blocking(Arc::new(8_u64), 8);
    assert_eq!(value(&cache.read_blocking(query.read())), Some(8));
}

#[test]
fn p8_a_waiter_takes_over_when_the_leader_is_cancelled() {
    let (outcome, ..) = with_waiters(drop);
    assert!(matches!(outcome, ReadOutcome::Fill(_)));
}

#[test]
fn p8_a_waiter_takes_over_when_the_leader_panics() {
    let (outcome, ..) = with_waiters(|leader| {
        let panicked = thread::spawn(move || {
            let _leader = leader;
            std::panic::resume_unwind(Box::new("the query panicked"));
        });
        assert!(panicked.join().is_err());
    });
    assert!(matches!(outcome, ReadOutcome::Fill(_)));
}

#[test]
fn waiting_threads_take_over_and_all_get_a_value() {
    let cache = cache(Limits::default());
    let query = Posts::default().by_author(1);
    let leader = lead(&cache, &query);
    let (started, starts) = mpsc::channel();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (cache, query, started) = (cache.clone(), query.clone(), started.clone());
            thread::spawn(move || {
                started.send(()).expect("the test listens");
                match cache.read_blocking(query.read()) {
                    ReadOutcome::Fill(fill) => {
                        fill.store_blocking(Arc::new(9_u64), 8);
                        (true, 9)
                    }
                    other => (false, value(&other).expect("a value")),
                }
            })
        })
        .collect();
    (0..8).for_each(|_| starts.recv().expect("eight threads start"));
    drop(leader);
    let ends: Vec<_> = threads
        .into_iter()
        .map(|t| t.join().expect("no panic"))
        .collect();
    assert!(ends.iter().all(|(_, value)| *value == 9));
    assert!(ends.iter().any(|(led, _)| *led));
}

#[test]
fn a_waiter_that_waited_long_enough_runs_alone() {
    let cache = cache(limited(|limits| {
        limits.wait_max = Duration::from_millis(1);
    }));
    let query = Posts::default().by_author(1);
    let leader = lead(&cache, &query);
    let alone = lead(&cache, &query);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let task = runtime.block_on(cache.read(query.read()));
    let ReadOutcome::Fill(task) = task else {
        panic!("expected to run alone: {task:?}")
    };
    // Both know the very same stamps; what either stores is a hit.
    alone.store_blocking(Arc::new(3_u64), 8);
    assert_eq!(value(&cache.read_blocking(query.read())), Some(3));
    drop((leader, task));
}

#[test]
fn readers_run_alone_when_there_is_no_room() {
    let query = Posts::default().by_author(1);
    for limits in [
        limited(|limits| {
            limits.flights_max = 0;
        }),
        limited(|limits| {
            limits.waiters_max = 0;
        }),
    ] {
        let cache = cache(limits);
        let fills = (lead(&cache, &query), lead(&cache, &query));
        drop(fills);
    }
}

#[test]
fn a_dropped_waiter_leaves_its_place() {
    let cache = cache(limited(|limits| {
        limits.waiters_max = 1;
    }));
    let query = Posts::default().by_author(1);
    let leader = lead(&cache, &query);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..3 {
        let mut reading = Box::pin(cache.read(query.read()));
        assert!(reading.as_mut().poll(&mut context).is_pending());
    }
    leader.store_blocking(Arc::new(1_u64), 8);
    assert_eq!(value(&cache.read_blocking(query.read())), Some(1));
}

#[test]
fn reading_futures_can_be_spawned() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let cache = cache(Limits::default());
    let posts = Posts::default();
    let query = posts.by_author(1);
    drop(is_send(cache.read(query.read())));
    let changes = [posts.retitled(1)];
    drop(is_send(
        cache.invalidate(&changes, larder_core::Cause::Write),
    ));
    drop(is_send(lead(&cache, &query).store(Arc::new(1_u64), 8)));
}
