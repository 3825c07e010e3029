//! What the Redis store costs, beside bare Redis.
//!
//! Models a web application that keeps rows read by their key in a Redis on the same host: results
//! of 1 KB unless a section says otherwise, one column in the condition, servers without
//! persistence. A server in the network makes every round trip longer for all contenders alike, so
//! the ratios here are the worst case.
//!
//! Contenders take turns; what counts is the ratio within a run. Run by `scripts/bench`, alone and
//! without the ORM by `scripts/bench --no-default-features --bench redis`, a section of it by
//! adding `-- hits` (`invalidation`, `memory`, `throughput`, `commands`). The machine is printed
//! first.

use larder_testkit::server::{RedisCluster, RedisServer};
use tokio::runtime::{Builder, Runtime};

mod commands;
mod hits;
mod invalidation;
mod memory;
mod rows;
mod throughput;

fn main() {
    let sections: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let wanted = |name: &str| sections.is_empty() || sections.iter().any(|it| it == name);
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let version = RedisServer::start().unwrap().info("redis_version").unwrap();
    println!(
        "{}, Redis {version} on the same host\n",
        larder_benches::machine()
    );

    if wanted("commands") {
        commands::report(&runtime, &RedisServer::start().unwrap());
    }
    if wanted("hits") {
        hits::on_one_server(&runtime, &RedisServer::start().unwrap());
        hits::on_a_cluster(&runtime, &RedisCluster::start().unwrap());
    }
    if wanted("invalidation") {
        invalidation::report(&runtime, &RedisServer::start().unwrap());
    }
    if wanted("memory") {
        memory::report(&runtime, &RedisServer::start().unwrap());
    }
    if wanted("throughput") {
        throughput::report(&runtime, &RedisServer::start().unwrap());
    }
}

/// Runs a future as a task, as a server would: not on the thread that waits for it.
fn as_task<F>(runtime: &Runtime, future: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    runtime.block_on(runtime.spawn(future)).unwrap()
}
