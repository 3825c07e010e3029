//! What lies in Redis, and for how long.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use larder_core::{
    BlockingStore as _, Cache, CacheOptions, Cause, Digest, EntryKey, Moment, ReadOutcome,
    ReadRequest, TableKey,
    machine::Leeway,
    store::{Removal, Reply, Request},
};
use larder_redis::{RedisConfig, RedisStore};
use larder_testkit::{
    fixture::{Posts, Query},
    server::RedisServer,
};

const PATIENCE: Duration = Duration::from_secs(10);

fn store(server: &RedisServer) -> RedisStore {
    let config = RedisConfig::from_url(&server.url()).unwrap();
    let patient = config
        .with_response_timeout(PATIENCE)
        .with_hit_timeout(PATIENCE);
    RedisStore::connect_blocking(patient).unwrap()
}

fn cache(server: &RedisServer) -> Cache {
    let mut options = CacheOptions::default();
    options.near_bytes = 0;
    Cache::new(store(server), options)
}

fn fill(cache: &Cache, read: ReadRequest<'_>) {
    match cache.read_blocking(read) {
        ReadOutcome::Fill(fill) => drop(fill.store_blocking(Arc::new(7_u64), 8)),
        other => panic!("expected a fill: {other:?}"),
    }
}

fn keys(server: &RedisServer) -> BTreeSet<String> {
    let keys = server.command(&["KEYS", "*"]).unwrap();
    keys.lines().map(str::to_owned).collect()
}

#[test]
fn every_key_lies_under_the_namespace_and_has_a_time_to_live() {
    let server = RedisServer::start().unwrap();
    let cache = cache(&server);
    let (posts, tags) = (Posts::default(), Posts::named("tag"));
    let shared = |query: &Query, ttl: u64| {
        let leeway = Leeway {
            shared_flight: true,
            ..Leeway::default()
        };
        let read = ReadRequest {
            leeway,
            ttl: Duration::from_secs(ttl),
            ..query.read()
        };
        fill(&cache, read);
    };
    // Stamps of the second outlive those of the first.
    for (number, ttl) in [(1, 60), (2, 600)] {
        shared(&posts.by_author(number), ttl);
        shared(&tags.by_author(number), ttl);
    }
    fill(&cache, posts.all().read());
    // A claim whose process is gone.
    let claim = Request::Claim {
        key: &posts.by_author(3).entry,
        lease: Duration::from_secs(60),
    };
    store(&server).exec_blocking(cache.now(), &[claim]).unwrap();
    let keys = keys(&server);
    // Two records, four values, five entries, one claim.
    assert_eq!(keys.len(), 12, "{keys:?}");
    for key in &keys {
        assert!(key.starts_with("{:"), "{key}");
        let left: i64 = server.command(&["PTTL", key]).unwrap().parse().unwrap();
        assert!((1..=600_000).contains(&left), "{key} lives {left} ms");
    }
    let record = keys.iter().find(|key| key.ends_with("}:t:test:main.post"));
    let record = server.command(&["PTTL", record.unwrap()]).unwrap();
    assert!(record.parse::<i64>().unwrap() > 500_000, "{record}");
    // A write leaves no new key behind.
    let _ = cache.invalidate_blocking(&[posts.retitled(1)], Cause::Write);
    assert!(self::keys(&server).is_subset(&keys));
}

#[test]
fn one_process_at_a_time_holds_a_claim() {
    let server = RedisServer::start().unwrap();
    let (one, two) = (store(&server), store(&server));
    let key = EntryKey {
        table: TableKey("n:s:t".into()),
        digest: Digest([1; 32]),
    };
    let claim = |store: &RedisStore, lease| {
        let claim = Request::Claim { key: &key, lease };
        let replies = store.exec_blocking(Moment(0), &[claim]).unwrap();
        matches!(replies.as_slice(), [Reply::Claimed(true)])
    };
    let minute = Duration::from_secs(60);
    assert!(claim(&one, minute) && !claim(&two, minute) && !claim(&one, minute));
    let release = Request::Remove(vec![Removal::Claim(key.clone())]);
    one.exec_blocking(Moment(0), &[release]).unwrap();
    assert!(claim(&two, Duration::from_millis(20)));
    // It ends by itself when its holder does not end it.
    let ended = (0..1_000_000).any(|_| claim(&one, minute));
    assert!(ended, "a claim of 20 ms is still held");
}
