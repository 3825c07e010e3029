//! Reads of single rows, as a cache sees them.

use std::{sync::Arc, time::Duration};

use larder_core::{
    Cache, CacheOptions, Clock as _, Codec, Moment, ReadOutcome, ReadRequest, ResultCodec, Stamp,
    Store as _, SystemClock, TableKey,
    codec::Unwritable,
    entry::{Content, Encoded, Entry, Issued},
    store::{Registration, Reply, Request},
};
use larder_redis::{RedisConfig, RedisStore};
use larder_testkit::fixture::{Posts, Query};

/// A result that is written down as a string of bytes.
pub static BYTES: ResultCodec = ResultCodec {
    fingerprint: 1,
    write: |value, to| to.bytes(value.downcast_ref::<Vec<u8>>().ok_or(Unwritable)?),
    read: |from| Ok(Arc::new(from.bytes()?)),
};

pub const TTL: Duration = Duration::from_secs(900);

/// A table under a key such as an application has.
pub fn table(name: &str) -> Posts {
    let posts = Posts::named(name);
    let key = TableKey::new("shop", "orders@10.0.0.5:5432", &posts.table.name);
    Posts { key, ..posts }
}

/// So many bytes that do not compress, as the codec writes them.
pub fn payload(bytes: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let header = if bytes > 257 { 3 } else { 2 };
    (header..bytes)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

/// A store that waits as long as a busy machine takes: a timeout is not what is measured.
pub fn store(url: &str) -> RedisStore {
    let mut config = RedisConfig::from_url(url).unwrap();
    config.response_timeout = Duration::from_secs(5);
    config.hit_timeout = config.response_timeout;
    RedisStore::connect_blocking(config).unwrap()
}

pub fn request(query: &Query) -> ReadRequest<'_> {
    ReadRequest {
        ttl: TTL,
        codec: Some(&BYTES),
        ..query.read()
    }
}

pub fn cache(store: &RedisStore, near_bytes: usize) -> Cache {
    let mut options = CacheOptions::default();
    options.namespace = "shop".into();
    options.near_bytes = near_bytes;
    options.limits.ttl_max = TTL;
    Cache::new(store.clone(), options)
}

/// Misses, and stores this as the result.
pub async fn fill(cache: &Cache, query: &Query, payload: &[u8]) {
    match cache.read(request(query)).await {
        ReadOutcome::Fill(fill) => {
            let _ = fill.store(Arc::new(payload.to_vec()), payload.len()).await;
        }
        other => panic!("no miss: {other:?}"),
    }
}

/// The length of the result that the cache answers with.
///
/// # Panics
/// When it does not answer.
pub fn hit(outcome: ReadOutcome) -> usize {
    match outcome {
        ReadOutcome::Hit(value) => value.downcast_ref::<Vec<u8>>().unwrap().len(),
        other => panic!("no hit: {other:?}"),
    }
}

/// Stores the results of so many reads by key, past the cache: commands of many at a time.
pub async fn fill_many(store: &RedisStore, posts: &Posts, count: u32, payload: &[u8]) {
    const TASKS: u32 = 64;
    let encoded = BYTES.encode(&payload.to_vec(), Codec::default()).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS.min(count) {
        let (store, posts, encoded) = (store.clone(), posts.clone(), encoded.clone());
        tasks.spawn(async move {
            let numbers: Vec<u32> = (task..count).step_by(TASKS as usize).collect();
            for numbers in numbers.chunks(250) {
                fill_some(&store, &posts, numbers, &encoded).await;
            }
        });
    }
    tasks.join_all().await;
}

async fn fill_some(store: &RedisStore, posts: &Posts, numbers: &[u32], encoded: &Encoded) {
    let queries: Vec<Query> = numbers
        .iter()
        .map(|number| posts.by_author((*number).into()))
        .collect();
    let now = SystemClock::default().now();
    let issued = register(store, &queries, now).await;
    for (query, issued) in queries.iter().zip(issued) {
        let entry = Entry {
            content: Content::Encoded(encoded.clone()),
            dependencies: query.dependencies.as_slice().into(),
            stamps: [issued].into(),
            created: now,
            validated: Default::default(),
            expires: now + TTL,
            cost: Duration::ZERO,
            call: Default::default(),
            extended: false,
        };
        let put = Request::Put {
            key: &query.entry,
            entry: Arc::new(entry),
            dependencies: &query.dependencies,
        };
        store.exec(now, &[put]).await.unwrap();
    }
}

/// Creates the stamps of these queries, each of one dependency.
pub async fn register(store: &RedisStore, queries: &[Query], now: Moment) -> Vec<Issued> {
    let registrations = queries
        .iter()
        .flat_map(|query| &query.dependencies)
        .enumerate()
        .map(|(at, dependency)| {
            let mut stamp = [7; 16];
            stamp[..8].copy_from_slice(&(now.0 + at as u64).to_le_bytes());
            Registration {
                dependency: dependency.clone(),
                shape: Some(Stamp(stamp)),
                value: Some(Stamp(stamp)),
            }
        })
        .collect();
    let register = Request::Register {
        registrations,
        ttl: TTL,
    };
    let replies = store.exec(now, &[register]).await.unwrap();
    let [Reply::Registered(registered)] = replies.as_slice() else {
        panic!("{replies:?}");
    };
    registered
        .iter()
        .map(|it| Issued {
            incarnation: it.incarnation,
            shape: it.shape.unwrap(),
            value: it.value,
            widened: false,
        })
        .collect()
}
