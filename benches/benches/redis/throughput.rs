//! Hits of 64 tasks at a time through one store, beside Redis's own benchmark, which is written in
//! C and does nothing with what it reads, and beside 64 tasks that `GET` through the client library.

use std::process::Command;

use larder_benches::{median, per_second};
use larder_testkit::server::RedisServer;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::rows;

const ROUNDS: usize = 7;
const TASKS: u32 = 64;
const CALLS: u32 = 1_500;

pub fn report(runtime: &Runtime, server: &RedisServer) {
    let store = rows::store(&server.url());
    let (far, near) = (rows::cache(&store, 0), rows::cache(&store, 64 << 20));
    let query = rows::table("post").by_author(7);
    runtime.block_on(rows::fill(&far, &query, &rows::payload(1_024)));
    let client = redis::Client::open(server.url()).unwrap();
    let connection = runtime
        .block_on(client.get_multiplexed_async_connection())
        .unwrap();

    let mut rates: [Vec<f64>; 5] = Default::default();
    for _ in 0..ROUNDS {
        let round = [
            benchmark(server, 1),
            benchmark(server, 16),
            in_tasks(runtime, || {
                let mut connection = connection.clone();
                async move {
                    for _ in 0..CALLS {
                        let mut get = redis::cmd("GET");
                        get.arg("key:__rand_int__");
                        let got: Vec<u8> = get.query_async(&mut connection).await.unwrap();
                        assert_eq!(got.len(), 1_024);
                    }
                }
            }),
            in_tasks(runtime, || hits(far.clone(), query.clone())),
            in_tasks(runtime, || hits(near.clone(), query.clone())),
        ];
        rates
            .iter_mut()
            .zip(round)
            .for_each(|(all, one)| all.push(one));
    }
    println!("operations per second, {TASKS} at a time, on one server");
    let rates = rates.map(median);
    let names = [
        "redis-benchmark GET, -P 1",
        "redis-benchmark GET, -P 16",
        "GET by the client library",
        "hit",
        "near hit",
    ];
    for (name, rate) in names.iter().zip(rates) {
        println!(
            "  {name:<30} {rate:>9.0}/s  {:>5.2} x  {:>5.2} x",
            rate / rates[0],
            rate / rates[1]
        );
    }
    println!();
}

async fn hits(cache: larder_core::Cache, query: larder_testkit::fixture::Query) {
    for _ in 0..CALLS {
        rows::hit(cache.read(rows::request(&query)).await);
    }
}

fn in_tasks<F>(runtime: &Runtime, task: impl Fn() -> F) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    per_second(TASKS * CALLS, || {
        runtime.block_on(async {
            let tasks: JoinSet<()> = (0..TASKS).map(|_| task()).collect();
            tasks.join_all().await;
        });
    })
}

/// What Redis's own benchmark says, with so many commands under way on each connection.
///
/// # Panics
/// When the Debian package `redis-tools` is missing.
fn benchmark(server: &RedisServer, pipelined: u32) -> f64 {
    let (port, pipelined) = (server.port().to_string(), pipelined.to_string());
    let output = Command::new("redis-benchmark")
        .args(["-p", &port, "-t", "set,get", "-d", "1024", "-c", "64"])
        .args(["-n", "100000", "-P", &pipelined, "--csv"])
        .output()
        .expect("redis-benchmark runs; it is in the Debian package redis-tools");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .find_map(|line| {
            line.strip_prefix("\"GET\",\"")?
                .split('"')
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or_else(|| panic!("{text}"))
}
