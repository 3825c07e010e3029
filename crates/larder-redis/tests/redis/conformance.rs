//! It is a store, on every topology and in every setting.

use larder_redis::{RedisConfig, RedisStore};
use larder_testkit::{
    conformance,
    server::{RedisCluster, RedisOptions, RedisSentinel, RedisServer},
};

use crate::{
    faces::{self, Tasks},
    urls::{cluster_url, patient, sentinel_url},
};

fn check(url: &str, servers: &[RedisServer]) {
    check_with(patient(url), servers);
}

fn check_with(config: RedisConfig, servers: &[RedisServer]) {
    let store = RedisStore::connect_blocking(config).unwrap();
    let fresh = || {
        for server in servers {
            // A replica refuses, and is emptied with its master.
            let _ = server.command(&["FLUSHALL"]);
        }
    };
    conformance::check_by_its_own_clock(|| {
        fresh();
        store.clone()
    });
    let runtime = faces::runtime();
    conformance::check_by_its_own_clock(|| {
        fresh();
        Tasks(store.clone(), &runtime)
    });
}

#[test]
fn one_server_is_a_store() {
    let server = RedisServer::start().unwrap();
    check(&server.url(), &[server]);
}

#[test]
fn a_server_behind_its_socket_is_a_store() {
    let server = RedisServer::start_with(&RedisOptions::default().unix_socket()).unwrap();
    let socket = server.unix_socket().unwrap().display().to_string();
    check(&format!("unix://{socket}"), &[server]);
}

#[test]
fn a_cluster_is_a_store() {
    let cluster = RedisCluster::start().unwrap();
    let nodes = cluster.nodes();
    check(&cluster_url(nodes), nodes);
}

#[test]
fn a_cluster_with_tables_in_shards_is_a_store() {
    let cluster = RedisCluster::start().unwrap();
    let nodes = cluster.nodes();
    let url = cluster_url(nodes) + "?table_shards=3";
    check_with(patient(&url).with_also_invalidate_shards([1, 2]), nodes);
}

#[test]
fn a_service_behind_sentinels_is_a_store() {
    let sentinel = RedisSentinel::start().unwrap();
    check(&sentinel_url(&sentinel), sentinel.servers());
}
