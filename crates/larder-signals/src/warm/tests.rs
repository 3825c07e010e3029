use std::{
    convert::Infallible,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
};

use larder_core::MemoryStore;
use tokio::sync::Semaphore;

use super::*;

fn larder() -> Larder {
    Larder::builder()
        .namespace("blog")
        .store(MemoryStore::with_capacity_bytes(1 << 20))
        .build()
        .expect("it is complete")
}

/// How many run, and how many ever ran at a time.
#[derive(Default)]
struct Load {
    now: AtomicUsize,
    most: AtomicUsize,
    begun: AtomicUsize,
}

impl Load {
    fn enter(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Runs until it gets a permit.
fn gated<'a>(load: &'a Load, gate: &'a Semaphore) -> WarmQuery<'a> {
    WarmQuery::new("gated", move || async move {
        load.enter();
        let permit = gate.acquire().await;
        load.leave();
        permit.map(tokio::sync::SemaphorePermit::forget)
    })
}

#[tokio::test]
async fn so_many_run_at_a_time_and_all_run_in_the_end() {
    for (asked, most) in [(None, 4), (Some(2), 2), (Some(0), 1), (Some(99), 9)] {
        let (larder, load, gate) = (larder(), Load::default(), Semaphore::new(0));
        let warm = larder.warm((0..9).map(|_| gated(&load, &gate)));
        let warm = match asked {
            Some(asked) => warm.concurrency(asked),
            None => warm,
        };
        let mut warm = std::pin::pin!(warm);
        assert!(futures(&mut warm).is_pending());
        assert_eq!(load.begun.load(Ordering::SeqCst), most, "{asked:?}");
        gate.add_permits(9);
        let warmed = warm.await;
        assert_eq!((warmed.succeeded, warmed.skipped), (9, 0));
        assert_eq!(load.most.load(Ordering::SeqCst), most, "{asked:?}");
    }
}

/// Polls once.
fn futures<F: Future>(future: &mut Pin<&mut F>) -> Poll<F::Output> {
    let waker = std::task::Waker::noop();
    future.as_mut().poll(&mut Context::from_waker(waker))
}

#[tokio::test]
async fn a_failure_or_a_panic_is_told_and_stops_no_other() {
    let larder = larder();
    let mut told = Vec::new();
    let warmed = larder
        .warm([
            WarmQuery::new("fails", || async { Err::<(), _>("no such table") }),
            WarmQuery::new("panics", || async {
                let rows: Vec<Result<(), Infallible>> = Vec::new();
                rows.into_iter().next().expect("a row")
            }),
            WarmQuery::new(
                "does not begin",
                || -> std::future::Ready<Result<(), Infallible>> { panic!("at once") },
            ),
            WarmQuery::new("works", || async { Ok::<_, Infallible>(vec![1, 2]) }),
        ])
        .concurrency(1)
        .on_progress(|progress| {
            told.push((progress.total, progress.done, progress.failed));
            assert!(told.len() > 1, "a panic of the hook harms nothing");
        })
        .await;
    let failures: Vec<_> = warmed.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        failures,
        [
            "warming `fails`: no such table",
            "warming `panics`: the query panicked: a row",
            "warming `does not begin`: the query panicked: at once",
        ]
    );
    assert_eq!(warmed.succeeded, 1);
    assert_eq!(told, [(4, 1, 1), (4, 2, 2), (4, 3, 3), (4, 4, 3)]);
}

#[tokio::test]
async fn while_caching_is_off_nothing_is_run_for_nothing() {
    let larder = larder();
    let load = Load::default();
    let query = |switch: bool| {
        let (load, larder) = (&load, larder.clone());
        WarmQuery::new("any", move || async move {
            load.enter();
            if switch {
                larder.disable();
            }
            Ok::<_, Infallible>(())
        })
    };
    let queries = [query(false), query(true), query(false), query(false)];
    let warmed = larder.warm(queries).concurrency(1).await;
    assert_eq!((warmed.succeeded, warmed.skipped), (2, 2));
    assert_eq!(load.begun.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn nothing_to_warm_is_done_at_once() {
    let warmed = larder().warm([]).await;
    assert_eq!((warmed.succeeded, warmed.skipped), (0, 0));
    let warmed = larder().warm_blocking([]).run();
    assert_eq!((warmed.succeeded, warmed.skipped), (0, 0));
}

#[test]
fn dropping_the_future_drops_the_queries_and_begins_no_other() {
    let (larder, load, gate) = (larder(), Arc::new(Load::default()), Semaphore::new(0));
    struct Leaves(Arc<Load>);
    impl Drop for Leaves {
        fn drop(&mut self) {
            self.0.leave();
        }
    }
    let query = || {
        let (load, gate) = (load.clone(), &gate);
        WarmQuery::new("held", move || async move {
            load.enter();
            let _leaves = Leaves(load);
            gate.acquire().await.map(drop)
        })
    };
    {
        let mut warm = std::pin::pin!(larder.warm([query(), query(), query()]).concurrency(2));
        assert!(futures(&mut warm).is_pending());
        assert_eq!(load.now.load(Ordering::SeqCst), 2);
    }
    assert_eq!(load.now.load(Ordering::SeqCst), 0);
    assert_eq!(load.begun.load(Ordering::SeqCst), 2);
}

#[test]
fn threads_run_so_many_at_a_time() {
    let (larder, load, both) = (larder(), Load::default(), Barrier::new(2));
    // Each waits for another one that runs with it.
    let queries = (0..6).map(|_| {
        WarmCall::new("paired", || {
            load.enter();
            both.wait();
            load.leave();
            both.wait();
            Ok::<_, Infallible>(())
        })
    });
    let warmed = larder.warm_blocking(queries).concurrency(2).run();
    assert_eq!(warmed.succeeded, 6);
    assert_eq!(load.most.load(Ordering::SeqCst), 2);
}

#[test]
fn on_threads_too_a_failure_or_a_panic_stops_no_other() {
    let larder = larder();
    let mut last = None;
    let queries = (0..20).map(|n| {
        WarmCall::new(format!("query {n}"), move || match n {
            3 => Err("no such table"),
            5 => panic!("at once"),
            _ => Ok(n),
        })
    });
    let warm = larder.warm_blocking(queries);
    let warmed = warm.on_progress(|progress| last = Some(progress)).run();
    let mut failed: Vec<_> = warmed.failures.iter().map(ToString::to_string).collect();
    failed.sort();
    let expected = [
        "warming `query 3`: no such table",
        "warming `query 5`: the query panicked: at once",
    ];
    assert_eq!(failed, expected);
    assert_eq!(warmed.succeeded, 18);
    let last = last.expect("it was told");
    assert_eq!((last.total, last.done, last.failed), (20, 20, 2));
}
