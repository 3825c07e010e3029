//! How many round trips and which commands each operation takes. The server counts them.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use larder_core::{Cache, Fill, ReadOutcome, observer::Cause};
use larder_testkit::{fixture::Query, server::RedisServer};
use tokio::runtime::Runtime;

use crate::rows;

const CALLS: u32 = 50;

pub fn report(runtime: &Runtime, server: &RedisServer) {
    let store = rows::store(&server.url());
    let (far, near) = (rows::cache(&store, 0), rows::cache(&store, 64 << 20));
    let posts = rows::table("post");
    let queries: Vec<Query> = (0..CALLS).map(|row| posts.by_author(row.into())).collect();
    let of_shapes: Vec<Query> = (0..CALLS as u8)
        .map(|shape| posts.of_shape(shape))
        .collect();
    let payload = rows::payload(1_024);
    // The connection stands, and so does the record.
    runtime.block_on(rows::fill(&far, &posts.by_author(-1), &payload));

    let mut counter = Counter::new(server);
    println!("round trips and commands of one operation on one table");
    let fills = runtime.block_on(misses(&far, &queries));
    counter.print("miss (the query runs after it)");
    for fill in fills {
        let _ = runtime.block_on(fill.store(Arc::new(payload.clone()), payload.len()));
    }
    counter.print("fill");
    runtime.block_on(read(&far, &queries));
    counter.print("hit");
    runtime.block_on(read(&near, &queries));
    counter.print("hit that is then kept near");
    runtime.block_on(read(&near, &queries));
    counter.print("near hit");
    for row in 0..CALLS {
        let changes = [posts.retitled(row.into())];
        let _ = runtime.block_on(far.invalidate(&changes, Cause::Write));
    }
    counter.print("invalidation of a row");
    runtime.block_on(misses(&far, &queries));
    counter.print("miss after an invalidation");
    runtime.block_on(misses(&far, &of_shapes));
    counter.print("miss of a shape that is new");
    for _ in 0..CALLS {
        let _ = runtime.block_on(far.invalidate(&[posts.unknown_rows()], Cause::Write));
    }
    counter.print("invalidation of a table");
    println!();
}

async fn misses(cache: &Cache, queries: &[Query]) -> Vec<Fill> {
    let mut fills = Vec::new();
    for query in queries {
        match cache.read(rows::request(query)).await {
            ReadOutcome::Fill(fill) => fills.push(fill),
            other => panic!("{other:?}"),
        }
    }
    fills
}

async fn read(cache: &Cache, queries: &[Query]) {
    for query in queries {
        rows::hit(cache.read(rows::request(query)).await);
    }
}

/// What the server has counted since it was last asked.
struct Counter<'a> {
    server: &'a RedisServer,
    before: Counted,
}

struct Counted {
    reads: u32,
    commands: BTreeMap<String, u32>,
}

impl<'a> Counter<'a> {
    fn new(server: &'a RedisServer) -> Self {
        let before = Counted::of(server);
        Self { server, before }
    }

    fn print(&mut self, operation: &str) {
        let now = Counted::of(self.server);
        // The question itself was read as well.
        let reads = f64::from(now.reads - self.before.reads - 1) / f64::from(CALLS);
        let mut text = String::new();
        for (name, count) in &now.commands {
            let count = count - self.before.commands.get(name).unwrap_or(&0);
            match f64::from(count) / f64::from(CALLS) {
                0.0 => {}
                1.0 => write!(text, " {name}").unwrap(),
                each => write!(text, " {each:.0} {name}").unwrap(),
            }
        }
        println!("  {operation:<32} {reads:.1} round trips:{text}");
        self.before = now;
    }
}

impl Counted {
    fn of(server: &RedisServer) -> Self {
        let info = server.command(&["INFO", "all"]).unwrap();
        let mut counted = Self {
            reads: 0,
            commands: BTreeMap::new(),
        };
        for line in info.lines() {
            if let Some(reads) = line.strip_prefix("total_reads_processed:") {
                counted.reads = reads.trim().parse().unwrap();
            }
            // The questions about the server, one per second, are nobody's.
            let Some((name, calls)) = line
                .strip_prefix("cmdstat_")
                .and_then(|rest| rest.split_once(":calls="))
                .filter(|(name, _)| *name != "info")
            else {
                continue;
            };
            let count = calls.split(',').next().and_then(|count| count.parse().ok());
            counted.commands.insert(name.to_uppercase(), count.unwrap());
        }
        counted
    }
}
