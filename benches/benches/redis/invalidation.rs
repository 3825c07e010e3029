//! An invalidation of one row, whatever the number of results that are cached beside it.
//!
//! Nothing in it walks over entries: the record is read, one stamp is dropped, and the entries of
//! that stamp are dead without being touched. What the server says of its own slowness stands
//! beside what it says of as many `PING`s, whose slowness is the machine's.

use larder_benches::Group;
use larder_core::{
    Cache, Clock as _, Invalidation, SystemClock,
    observer::{Cause, Dropped},
};
use larder_redis::RedisStore;
use larder_testkit::{fixture::Posts, server::RedisServer};
use tokio::runtime::Runtime;

use crate::{as_task, rows};

const ROUNDS: usize = 1_000;
const COUNTS: [u32; 4] = [1, 100, 10_000, 100_000];

pub fn report(runtime: &Runtime, server: &RedisServer) {
    let store = rows::store(&server.url());
    let tables = COUNTS.map(|count| (count, rows::table(&format!("post{count}"))));
    let payload = rows::payload(300);
    for (count, posts) in tables.clone() {
        let (store, payload) = (store.clone(), payload.clone());
        as_task(runtime, async move {
            rows::fill_many(&store, &posts, count, &payload).await;
        });
    }
    set(server, "slowlog-log-slower-than", "1000");
    set(server, "slowlog-max-len", "10000");
    set(server, "latency-tracking-info-percentiles", "50 99.9 100");
    server.command(&["SLOWLOG", "RESET"]).unwrap();
    server.command(&["CONFIG", "RESETSTAT"]).unwrap();
    let group = as_task(runtime, in_turns(store, tables.to_vec(), server.url()));
    println!("{}", group.report());
    print_slow(server);
}

async fn in_turns(store: RedisStore, tables: Vec<(u32, Posts)>, url: String) -> Group {
    let cache = rows::cache(&store, 0);
    let client = redis::Client::open(url).unwrap();
    let mut bare = client.get_multiplexed_async_connection().await.unwrap();
    let mut group = Group::new("an invalidation of a row among other cached results", 1);
    for round in 0..ROUNDS {
        for (count, posts) in &tables {
            let row = i128::from(round as u32 % count);
            // The row has been read again since it was last invalidated.
            let now = SystemClock::default().now();
            rows::register(&store, &[posts.by_author(row)], now).await;
            group
                .round_async(&format!("{count} cached"), || {
                    invalidate(&cache, posts, row)
                })
                .await;
        }
        // As many as there are commands of the store.
        for _ in 0..tables.len() * 9 {
            redis::cmd("PING").exec_async(&mut bare).await.unwrap();
        }
    }
    group
}

async fn invalidate(cache: &Cache, posts: &Posts, row: i128) {
    let changes = [posts.retitled(row)];
    let delivered = cache.invalidate(&changes, Cause::Write).await;
    let Invalidation::Delivered(drops) = delivered else {
        panic!("{delivered:?}");
    };
    let [Dropped { existed: 1, .. }] = [drops[0].dropped] else {
        panic!("{drops:?}");
    };
}

/// The log of slow commands, and the slowest of each kind.
fn print_slow(server: &RedisServer) {
    let log = server.command(&["SLOWLOG", "GET", "-1"]).unwrap();
    let names = [
        "HKEYS", "UNLINK", "HSETNX", "HGET", "PEXPIRE", "SET", "GET", "PING",
    ];
    println!("commands above 1 ms in the server's log, and the slowest of each kind");
    let latencies = server.command(&["INFO", "latencystats"]).unwrap();
    for name in names {
        let slow = log.lines().filter(|line| *line == name).count();
        let field = format!("latency_percentiles_usec_{}:", name.to_lowercase());
        let said = latencies.lines().find_map(|line| line.strip_prefix(&field));
        println!(
            "  {name:<8} {slow:>4}   us: {}",
            said.unwrap_or("none was sent")
        );
    }
    println!();
}

fn set(server: &RedisServer, name: &str, value: &str) {
    server.command(&["CONFIG", "SET", name, value]).unwrap();
}
