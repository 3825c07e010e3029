//! What 100,000 cached rows take in the server, beside 100,000 plain keys with the same payloads.
//!
//! The plain keys expire as well: a cache whose keys never expire is another thing.

use larder_testkit::server::RedisServer;
use redis::{Client, Connection};
use tokio::runtime::Runtime;

use crate::{as_task, rows};

const COUNT: u32 = 100_000;

pub fn report(runtime: &Runtime, server: &RedisServer) {
    let store = rows::store(&server.url());
    let client = Client::open(server.url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    println!("memory of {COUNT} cached rows, bytes per row");
    for bytes in [100, 300, 512, 1_024] {
        let payload = rows::payload(bytes);
        let before = used_after_flush(server);
        plain(&mut connection, &vec![b'x'; bytes]);
        let plain = per_row(used(server) - before);
        let plain_key = usage(&mut connection, "post:50000");

        let before = used_after_flush(server);
        let filling = store.clone();
        as_task(runtime, async move {
            rows::fill_many(&filling, &rows::table("post"), COUNT, &payload).await;
        });
        let ours = per_row(used(server) - before);
        println!(
            "  payload of {bytes} B: {ours:.0} against {plain:.0}, {:.2} x",
            ours / plain
        );
        println!(
            "    plain key: {plain_key} with its value, {:.0} for its expiry and the tables",
            plain - plain_key as f64
        );
        print_parts(&mut connection, ours);
    }
    println!();
}

/// Every kind of key, by samples.
fn print_parts(connection: &mut Connection, ours: f64) {
    let mut rest = ours;
    for (name, kind) in [("entry", ":q:"), ("stamp", ":d:")] {
        let key = sample(connection, |key| key.contains(kind));
        let with_value = usage(connection, &key);
        rest -= with_value as f64;
        let length: usize = redis::cmd("STRLEN").arg(&key).query(connection).unwrap();
        println!(
            "    {name}: {with_value} with a key of {} and a value of {length}",
            key.len()
        );
    }
    let records: Vec<String> = redis::cmd("KEYS").arg("*}:t:*").query(connection).unwrap();
    let record: usize = records.iter().map(|key| usage(connection, key)).sum();
    println!("    record: {record} for all rows together; {rest:.0} for expiries and the tables");
}

fn plain(connection: &mut Connection, payload: &[u8]) {
    let ttl = rows::TTL.as_millis() as u64;
    for chunk in (0..COUNT).collect::<Vec<_>>().chunks(500) {
        let mut batch = redis::pipe();
        for number in chunk {
            batch
                .cmd("SET")
                .arg(format!("post:{number}"))
                .arg(payload)
                .arg("PX")
                .arg(ttl);
        }
        batch.exec(connection).unwrap();
    }
}

fn sample(connection: &mut Connection, is_wanted: impl Fn(&str) -> bool) -> String {
    loop {
        let key: String = redis::cmd("RANDOMKEY").query(connection).unwrap();
        if is_wanted(&key) {
            return key;
        }
    }
}

fn usage(connection: &mut Connection, key: &str) -> usize {
    let mut usage = redis::cmd("MEMORY");
    usage.arg("USAGE").arg(key).query(connection).unwrap()
}

fn used_after_flush(server: &RedisServer) -> f64 {
    server.command(&["FLUSHALL", "SYNC"]).unwrap();
    used(server)
}

fn used(server: &RedisServer) -> f64 {
    server.info("used_memory").unwrap().trim().parse().unwrap()
}

fn per_row(bytes: f64) -> f64 {
    bytes / f64::from(COUNT)
}
