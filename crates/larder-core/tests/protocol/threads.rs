//! Threads on the memory store, against an oracle.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use crate::limited;
use larder_core::{Cache, CacheOptions, Cause, Limits, MemoryStore, ReadOutcome};
use larder_testkit::fixture::Posts;

const AUTHORS: usize = 4;

/// The database: a version per author, and the version whose write was acknowledged.
#[derive(Default)]
struct Database {
    rows: [AtomicU64; AUTHORS],
    acknowledged: [AtomicU64; AUTHORS],
    hits: AtomicUsize,
}

#[test]
fn threads_on_a_roomy_store_are_never_stale() {
    let hits = run(MemoryStore::with_capacity_bytes(1 << 20), Limits::default());
    assert!(hits > 100, "only {hits} hits");
}

#[test]
fn threads_on_a_store_that_evicts_all_the_time_are_never_stale() {
    run(
        MemoryStore::with_bounds(2_000, 3, 1),
        limited(|limits| {
            limits.shapes_max = 1;
        }),
    );
}

fn run(store: MemoryStore, limits: Limits) -> usize {
    let mut options = CacheOptions::default();
    options.limits = limits;
    let cache = Cache::new(store, options);
    let database = Arc::new(Database::default());
    let threads: Vec<_> = (0..4)
        .map(|seed| {
            let (cache, database) = (cache.clone(), database.clone());
            thread::spawn(move || work(&cache, &database, seed))
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("no read was stale"));
    database.hits.load(SeqCst)
}

fn work(cache: &Cache, database: &Database, seed: u64) {
    let posts = Posts::default();
    let queries: Vec<_> = (0..AUTHORS)
        .map(|author| posts.by_author(author as i128))
        .collect();
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..5_000 {
        let author = random.usize(..AUTHORS);
        if random.u8(..8) == 0 {
            let version = database.rows[author].fetch_add(1, SeqCst) + 1;
            let change = match random.u8(..3) {
                0 => posts.retitled(author as i128),
                1 => posts.unknown_row(),
                _ => posts.unknown_rows(),
            };
            let _ = cache.invalidate_blocking(&[change], Cause::Write);
            database.acknowledged[author].fetch_max(version, SeqCst);
            continue;
        }
        let due = database.acknowledged[author].load(SeqCst);
        let outcome = match cache.read_now(queries[author].read()) {
            Some(outcome) => outcome,
            None => cache.read_blocking(queries[author].read()),
        };
        let value = match outcome {
            ReadOutcome::Hit(value) => {
                database.hits.fetch_add(1, SeqCst);
                *value.downcast_ref::<u64>().expect("what was stored")
            }
            ReadOutcome::Fill(fill) => {
                let value = database.rows[author].load(SeqCst);
                thread::yield_now();
                match random.u8(..10) {
                    0 => drop(fill),
                    _ => drop(fill.store_blocking(Arc::new(value), 64)),
                }
                value
            }
            _ => database.rows[author].load(SeqCst),
        };
        assert!(value >= due, "author {author}: got {value}, {due} was due");
    }
}
