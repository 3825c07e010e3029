//! While a slot moves, the keys of one table lie on two servers.

use std::sync::Arc;

use larder_core::{Cache, CacheOptions, ReadOutcome, observer::Cause};
use larder_redis::RedisStore;
use larder_testkit::{fixture::Posts, server::RedisCluster, tags::redis_tag};

/// A result of a table whose slot has begun to move, and whose keys of this kind have arrived.
fn check(kind: &str, judge: fn(&ReadOutcome) -> bool) {
    let mut cluster = RedisCluster::start().unwrap();
    let store = RedisStore::connect_blocking(cluster_url(&cluster).as_str()).unwrap();
    let mut options = CacheOptions::default();
    options.near_bytes = 0;
    let cache = Cache::new(store, options);
    let posts = Posts::default();
    let query = posts.by_author(7);
    let ReadOutcome::Fill(fill) = cache.read_blocking(query.read()) else {
        panic!("nothing is there yet");
    };
    let _ = fill.store_blocking(Arc::new(1_u64), 8);
    assert!(matches!(
        cache.read_blocking(query.read()),
        ReadOutcome::Hit(_)
    ));

    let slot = cluster.slot_of(&redis_tag(&posts.key)).unwrap();
    let from = cluster.master_of_slot(slot).unwrap();
    let to = (from + 1) % 3;
    cluster.begin_move(slot, to).unwrap();
    send(&cluster, (from, to), slot, kind);
    let outcome = cache.read_blocking(query.read());
    assert!(judge(&outcome), "{outcome:?}");
    drop(outcome);

    // Wherever the stamp lies, it is dropped.
    let _ = cache.invalidate_blocking(&[posts.retitled(7)], Cause::Write);
    assert!(!matches!(
        cache.read_blocking(query.read()),
        ReadOutcome::Hit(_)
    ));
}

/// Moves the keys of the slot that are of this kind.
fn send(cluster: &RedisCluster, (from, to): (usize, usize), slot: u16, kind: &str) {
    let [from, to] = [from, to].map(|index| &cluster.nodes()[index]);
    let listed = ["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), "100"];
    let keys = from.command(&listed).unwrap();
    let moved = keys.lines().filter(|key| key.contains(kind));
    for key in moved {
        let port = to.port().to_string();
        let command = ["MIGRATE", "127.0.0.1", &port, key, "0", "4000"];
        assert_eq!(from.command(&command).unwrap(), "OK");
    }
}

fn cluster_url(cluster: &RedisCluster) -> String {
    let hosts: Vec<_> = cluster
        .nodes()
        .iter()
        .map(|node| format!("127.0.0.1:{}", node.port()))
        .collect();
    format!("redis+cluster://{}", hosts.join(","))
}

#[test]
fn an_entry_that_has_moved_ahead_of_its_stamps_is_a_hit() {
    check(":q:", |outcome| matches!(outcome, ReadOutcome::Hit(_)));
}

/// No server has issued both (P6).
#[test]
fn stamps_on_two_servers_are_no_hit() {
    check(":d:", |outcome| !matches!(outcome, ReadOutcome::Hit(_)));
    check("}:t:", |outcome| !matches!(outcome, ReadOutcome::Hit(_)));
}
