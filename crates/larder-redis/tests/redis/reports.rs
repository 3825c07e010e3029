//! What processes report is read by others, and met by nothing else.

use std::{sync::Arc, time::Duration};

use larder_core::{
    BlockingStore as _, Cache, CacheOptions, Cause, Moment, ReadOutcome, Stats,
    store::{Reply, Request},
};
use larder_redis::RedisStore;
use larder_testkit::{
    fixture::Posts,
    server::{RedisCluster, RedisServer},
};

use crate::{
    faces,
    urls::{cluster_url, patient},
};

const MINUTE: Duration = Duration::from_secs(60);

fn cache(store: &RedisStore, namespace: &str) -> Cache {
    let mut options = CacheOptions::default();
    options.namespace = namespace.into();
    options.near_bytes = 0;
    Cache::new(store.clone(), options)
}

/// One miss, and so many hits.
fn read(cache: &Cache, hits: u64) {
    let query = Posts::default().by_author(7);
    for _ in 0..=hits {
        if let ReadOutcome::Fill(fill) = cache.read_blocking(query.read()) {
            let _ = fill.store_blocking(Arc::new(1_u64), 8);
        }
    }
}

fn check(url: &str) {
    let store = RedisStore::connect_blocking(patient(url)).unwrap();
    let (one, two) = (cache(&store, "shop"), cache(&store, "shop"));
    let other = cache(&store, "shop2");
    read(&one, 3);
    read(&two, 4);
    assert!(one.report_stats_blocking("aa", 50, MINUTE));
    assert!(two.report_stats_blocking("bb", 50, MINUTE));
    assert!(other.report_stats_blocking("cc", 50, MINUTE));
    // A later report takes the place of an earlier one.
    assert!(two.report_stats_blocking("bb", 50, MINUTE));
    let reports = store.reports_blocking("shop").unwrap();
    let sum = Stats::sum(reports);
    // What one process has filled, the other finds.
    assert_eq!(
        (sum.processes, sum.totals.misses, sum.totals.hits),
        (2, 1, 8)
    );
    let asynchronous = faces::runtime().block_on(store.reports("shop2")).unwrap();
    assert_eq!(asynchronous.len(), 1);
    assert!(store.reports_blocking("nobody").unwrap().is_empty());
}

#[test]
fn reports_of_a_namespace_are_read_from_one_server() {
    let server = RedisServer::start().unwrap();
    check(&server.url());
}

#[test]
fn reports_of_a_namespace_are_read_from_a_cluster() {
    let cluster = RedisCluster::start().unwrap();
    check(&cluster_url(cluster.nodes()));
}

#[test]
fn reports_survive_a_sweep_end_by_themselves_and_are_no_table() {
    let server = RedisServer::start().unwrap();
    let store = RedisStore::connect_blocking(patient(&server.url())).unwrap();
    let cache = cache(&store, "shop");
    assert!(cache.report_stats_blocking("aa", 50, MINUTE));
    let _ = cache.invalidate_all_blocking(Cause::Manual);
    assert_eq!(store.reports_blocking("shop").unwrap().len(), 1);
    let keys = server.command(&["KEYS", "*"]).unwrap();
    assert_eq!(keys.lines().count(), 2, "{keys}");
    for key in keys.lines() {
        assert!(key.starts_with("{shop:@reports}:"), "{key}");
        let left = server.command(&["PTTL", key]).unwrap();
        assert!(left.parse::<i64>().unwrap() > 0, "{key}");
    }
    // What is no report, or one of a version that nobody knows, is left out.
    server
        .command(&["SET", "{shop:@reports}:r:aa", "something else"])
        .unwrap();
    assert!(store.reports_blocking("shop").unwrap().is_empty());
    server.command(&["DEL", "{shop:@reports}:r:aa"]).unwrap();
    assert!(store.reports_blocking("shop").unwrap().is_empty());
}

#[test]
fn a_reader_whose_clock_is_an_hour_off_finds_reports() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let server = RedisServer::start().unwrap();
    let store = RedisStore::connect_blocking(patient(&server.url())).unwrap();
    let now = Moment(1_800_000_000_000_000);
    let report = Request::Report {
        namespace: "shop",
        instance: "aa",
        report: b"counts",
        ttl: MINUTE,
    };
    store.exec_blocking(now, &[report]).unwrap();
    let found = |now: Moment| {
        let read = Request::Reports { namespace: "shop" };
        let replies = store.exec_blocking(now, &[read]).unwrap();
        let [Reply::Reports(reports)] = replies.as_slice() else {
            panic!("{replies:?}")
        };
        reports.len()
    };
    assert_eq!(
        (found(now), found(now + HOUR), found(now - HOUR)),
        (1, 1, 1)
    );
    assert_eq!(found(now + 2 * HOUR), 0);
}
