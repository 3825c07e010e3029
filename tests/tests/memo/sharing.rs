//! Two processes, each with a larder of its own, on one Redis.

use std::time::Duration;

use larder::{Larder, MemoOutcome, Policy, RedisConfig, RedisStore, WrapConfig};
use larder_testkit::server;
use larder_tests::lab::{Backend, Lab};
use sea_orm::{ConnectionTrait as _, Database};

use crate::bench::{ask, on_all, plain_titles, titles};

on_all!(what_one_stores_answers_the_other_until_either_writes);

fn larder(namespace: &str, near_bytes: usize, shards: u16) -> Larder {
    let patience = Duration::from_secs(10);
    let mut config = RedisConfig::from_url(&server::shared_redis().unwrap().url())
        .unwrap()
        .with_response_timeout(patience)
        .with_hit_timeout(patience);
    config.table_shards = shards;
    Larder::builder()
        .namespace(namespace)
        .store(RedisStore::connect_blocking(config).unwrap())
        .near_cache_bytes(near_bytes)
        .default_policy(Policy::new().with_ttl(Duration::from_secs(600)))
        .build()
        .unwrap()
}

async fn what_one_stores_answers_the_other_until_either_writes(backend: Backend) {
    let lab = Lab::start(backend).await;
    for (near, shards) in [(0, 1), (1 << 20, 1), (1 << 20, 3)] {
        let namespace = format!("memo-{backend:?}-{near}-{shards}");
        let one = larder(&namespace, near, shards);
        let other = larder(&namespace, near, shards);
        let wrap = async |larder: &Larder| {
            let connection = Database::connect(lab.options()).await.unwrap();
            let config = WrapConfig::new().source(lab.url.as_str());
            larder::CachedConnection::wrap(larder, connection, config)
        };
        let (by_one, by_other) = (wrap(&one).await, wrap(&other).await);
        let page = async |db: &larder::CachedConnection<_>| {
            let many = async {
                let mut all = Vec::new();
                for author in 3..=13 {
                    all.push(titles(db, author).await);
                }
                all
            };
            (many.await, plain_titles(db, 3).await)
        };
        for round in 0..2 {
            let stored = ask(&one, "page", page(&by_one)).await;
            assert_eq!(stored.1, MemoOutcome::Stored, "{namespace} {round}");
            for larder in [&other, &one, &other] {
                let body = page(if std::ptr::eq(larder, &one) {
                    &by_one
                } else {
                    &by_other
                });
                let found = ask(larder, "page", body).await;
                assert_eq!(found, (stored.0.clone(), MemoOutcome::Hit), "{namespace}");
            }
            let title = format!("{namespace} {round}");
            let text = format!("UPDATE post SET title = '{title}' WHERE id = 1");
            let writer = if round == 0 { &by_other } else { &by_one };
            writer.execute_unprepared(&text).await.unwrap();
            let fresh = ask(&other, "page", page(&by_other)).await;
            assert_eq!(fresh.1, MemoOutcome::Stored);
            assert!(fresh.0.1.contains(&title), "{:?}", fresh.0);
            one.invalidate_memo("page").await;
        }
    }
}
