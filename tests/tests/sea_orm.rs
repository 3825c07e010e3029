//! Read kinds x write kinds on three databases: every answer equals the database's after every
//! write, and what a write cannot have touched is still answered without a query.

mod matrix;

use larder_tests::lab::Backend;
use matrix::{
    check, handles,
    walk::{Totals, walk},
};

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_sqlite() {
    check(Backend::Sqlite).await;
}

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_postgres() {
    check(Backend::Postgres).await;
}

#[tokio::test]
async fn every_read_is_fresh_and_precise_after_every_write_on_mariadb() {
    check(Backend::MariaDb).await;
}

#[test]
fn every_read_of_the_matrix_is_kept_by_some_write() {
    matrix::every_read_is_kept_by_some_write();
}

#[test]
fn every_read_and_write_of_the_matrix_is_in_the_table_of_paths() {
    let page = std::fs::read_to_string("../docs/sea-orm.md").unwrap();
    let (reads, writes) = matrix::names();
    for name in reads.into_iter().chain(writes) {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/sea-orm.md lacks {name}"
        );
    }
}

#[tokio::test]
async fn a_schema_change_through_one_handle_is_known_to_the_others() {
    for backend in [Backend::Sqlite, Backend::Postgres, Backend::MariaDb] {
        handles::schema_changes_reach_other_handles(backend).await;
    }
}

#[tokio::test]
async fn handles_with_another_search_path_never_share_an_answer() {
    handles::search_paths_do_not_meet().await;
}

/// Seeds x steps. `LARDER_SEEDS=<n>` walks more; `LARDER_SEED=<seed>` replays one.
async fn walks(backend: Backend, seeds: u64, steps: usize) {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let chosen = number("LARDER_SEED");
    let seeds = number("LARDER_SEEDS").unwrap_or(seeds);
    let mut totals = Totals::default();
    for seed in chosen.map_or(1..=seeds, |seed| seed..=seed) {
        let run = walk(backend, seed, steps).await;
        totals.reads += run.reads;
        totals.hits += run.hits;
        totals.writes += run.writes;
    }
    println!("{backend:?}: {totals:?}");
    // It cannot pass by caching nothing, nor by writes that all fail.
    if chosen.is_none() {
        assert!(totals.hits * 10 > totals.reads, "hardly a hit: {totals:?}");
        assert!(
            totals.writes * 20 > totals.reads,
            "hardly a write: {totals:?}"
        );
    }
}

#[tokio::test]
async fn random_walks_over_every_path_agree_with_the_database_on_sqlite() {
    walks(Backend::Sqlite, 20, 500).await;
}

#[tokio::test]
async fn random_walks_over_every_path_agree_with_the_database_on_postgres() {
    walks(Backend::Postgres, 4, 300).await;
}

#[tokio::test]
async fn random_walks_over_every_path_agree_with_the_database_on_mariadb() {
    walks(Backend::MariaDb, 4, 300).await;
}
