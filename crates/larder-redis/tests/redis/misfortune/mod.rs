//! What the cache does when servers misbehave: through [`Cache`], on real servers.
//!
//! Each test keeps the rows of a table itself, one per author, and a row is a version number. Several
//! caches, as if in processes of their own, read and write them. A read that is answered with an
//! older version than the last one whose invalidation was delivered is stale, and fails the test.

mod connections;
mod discovery;
mod everything;
mod failover;
mod half_open;
#[expect(clippy::print_stdout, reason = "the counts are a result")]
mod memory;
mod migration;
mod once;
mod paused;
mod process;
mod replicas;
mod restart;
mod shards;

use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::Duration,
};

use larder_core::{Entropy, FillOutcome, entropy::Draws};
use larder_redis::RedisConfig;
use larder_testkit::{
    fixture::Posts,
    server::{RedisCluster, RedisServer},
};

use process::{Answer, Process, processes};

/// The database of a test: one row per author, whose content is a version number.
struct Rows {
    posts: Posts,
    versions: Vec<AtomicU64>,
    /// The versions whose invalidations were delivered.
    delivered: Vec<AtomicU64>,
    hits: AtomicU64,
}

impl Rows {
    fn new(authors: usize) -> Self {
        Self::of(Posts::default(), authors)
    }

    fn of(posts: Posts, authors: usize) -> Self {
        Self {
            posts,
            versions: (0..authors).map(|_| AtomicU64::new(1)).collect(),
            delivered: (0..authors).map(|_| AtomicU64::new(1)).collect(),
            hits: AtomicU64::new(0),
        }
    }

    fn authors(&self) -> std::ops::Range<usize> {
        0..self.versions.len()
    }

    fn hits(&self) -> u64 {
        self.hits.load(SeqCst)
    }

    /// All invalidations so far have been delivered.
    fn all_delivered(&self) {
        for (version, delivered) in self.versions.iter().zip(&self.delivered) {
            delivered.store(version.load(SeqCst), SeqCst);
        }
    }
}

/// Reads everything everywhere, until every process has everything as near as it can.
fn warm(processes: &[Process], rows: &Rows) {
    for process in processes {
        for author in rows.authors() {
            let first = process.read(rows, author);
            assert!(first.is_hit() || first == STORED, "{process:?}: {first:?}");
            let second = process.read(rows, author);
            assert!(second.is_hit(), "{process:?}: {second:?}");
        }
    }
}

/// Everything works: what is stored is found by all, and a write drops it for all.
fn check_that_all_is_well(processes: &[Process], rows: &Rows) {
    warm(processes, rows);
    for process in processes {
        for author in rows.authors() {
            assert!(process.write(rows, author), "{process:?}");
        }
        warm(processes, rows);
    }
}

const STORED: Answer = Answer::Filled(FillOutcome::Stored);

/// Settings under which a busy machine is no misfortune.
fn patient(config: RedisConfig) -> RedisConfig {
    let patience = Duration::from_secs(10);
    config
        .with_hit_timeout(patience)
        .with_response_timeout(patience)
        .with_connect_timeout(patience)
}

fn config(server: &RedisServer) -> RedisConfig {
    patient(RedisConfig::from_url(&server.url()).unwrap())
}

fn cluster_config(cluster: &RedisCluster) -> RedisConfig {
    let nodes = cluster.nodes().iter();
    let hosts: Vec<_> = nodes
        .map(|node| format!("127.0.0.1:{}", node.port()))
        .collect();
    let url = format!("redis+cluster://{}", hosts.join(","));
    patient(RedisConfig::from_url(&url).unwrap())
}

/// Random numbers that are the same in each run.
struct Random(Draws);

impl Random {
    fn new(seed: u64) -> Self {
        Self(Entropy::seeded(seed).draws())
    }

    fn below(&mut self, end: usize) -> usize {
        let [a, b, c, d, ..] = self.0.stamp().0;
        let number = u32::from_le_bytes([a, b, c, d]);
        usize::try_from(number).unwrap() % end.max(1)
    }
}
