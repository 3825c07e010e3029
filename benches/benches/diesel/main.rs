//! What a hit and a miss of a wrapped Diesel connection cost, beside what Diesel does without one:
//! memory store, plan and catalog warm.
//!
//! Models the two reads of a web page, a row by its key and a list of 20 rows by a condition, on
//! embedded SQLite and on a private PostgreSQL server on the same host, by `PgConnection` and by
//! diesel-async. A server in the network makes hits the better. On the same host a query costs some
//! ten microseconds where server and client share a core, and several times that where each wakes
//! the other on a core of its own; `taskset -c 1 scripts/bench ..` settles it, for the former.
//!
//! Contenders take turns; what counts is the ratio within a run. Run by `scripts/bench`, alone and
//! without SeaORM by `scripts/bench --no-default-features --bench diesel`, a section of it by
//! adding `-- postgres` (`sqlite`, `tasks`, `writes`). The machine is printed first.

use std::time::Duration;

use larder::{Larder, MemoryStore, Policy};
use larder_testkit::server::PostgresServer;

mod model;
mod postgres;
mod sqlite;
mod tasks;
mod writes;

const ROUNDS: usize = 60;

fn main() {
    let sections: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let wanted = |name: &str| sections.is_empty() || sections.iter().any(|it| it == name);
    println!("{}\n", larder_benches::machine());
    let server = PostgresServer::start().unwrap();
    let url = server.url();
    postgres::create(&url);

    if wanted("postgres") {
        postgres::report(&url);
    }
    if wanted("sqlite") {
        sqlite::report();
    }
    if wanted("tasks") {
        tasks::report(&url);
    }
    if wanted("writes") {
        writes::report(&url);
    }
}

/// A larder that caches everything for as long as a bench runs.
fn larder() -> Larder {
    Larder::builder()
        .namespace("bench")
        .store(MemoryStore::with_capacity_bytes(256 << 20))
        .default_policy(Policy::new().with_ttl(Duration::from_secs(900)))
        .build()
        .unwrap()
}
