//! Random schemas, rows, queries and writes through a wrapped and a plain connection to the same
//! database: every cached answer equals the database's at that moment.
//!
//! `LARDER_SEEDS=<n>` runs more seeds than CI does. A failure prints its seed; `LARDER_SEED=<seed> cargo test -p larder-tests --test differential`
//! replays it.

mod drive;

use drive::{Totals, drive};
use larder_tests::lab::Backend;

/// Seeds x steps = 20,000 on SQLite.
const SQLITE: (u64, usize) = (50, 400);
const SERVER: (u64, usize) = (8, 200);

async fn run(backend: Backend, (seeds, steps): (u64, usize)) {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let chosen = number("LARDER_SEED");
    let seeds = number("LARDER_SEEDS").unwrap_or(seeds);
    let mut totals = Totals::default();
    for seed in chosen.map_or(1..=seeds, |seed| seed..=seed) {
        totals.add(drive(backend, seed, steps).await);
    }
    println!("{backend:?}: {totals:?}");
    // The check cannot pass by caching nothing, nor by queries that all fail.
    if chosen.is_none() {
        assert!(
            totals.hits * 10 > totals.reads,
            "{backend:?} hardly hits: {totals:?}"
        );
        assert!(
            totals.errors * 4 < totals.reads,
            "{backend:?} mostly fails: {totals:?}"
        );
        assert!(totals.writes > 0 && totals.changed > 0, "{totals:?}");
    }
}

#[tokio::test]
async fn cached_answers_equal_the_database_on_sqlite() {
    run(Backend::Sqlite, SQLITE).await;
}

#[tokio::test]
async fn cached_answers_equal_the_database_on_postgres() {
    run(Backend::Postgres, SERVER).await;
}

#[tokio::test]
async fn cached_answers_equal_the_database_on_mariadb() {
    run(Backend::MariaDb, SERVER).await;
}
