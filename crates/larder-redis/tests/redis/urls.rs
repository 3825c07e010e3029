//! Where servers are, as users write it.

use larder_redis::RedisConfig;
use larder_testkit::server::{RedisSentinel, RedisServer};

/// A URL, with more patience than a busy machine needs: what is refused is not what is late.
pub(crate) fn patient(url: &str) -> RedisConfig {
    let patience = std::time::Duration::from_secs(20);
    RedisConfig::from_url(url)
        .unwrap()
        .with_connect_timeout(patience)
        .with_response_timeout(patience)
        .with_hit_timeout(patience)
}

/// `127.0.0.1:port`
pub(crate) fn address(server: &RedisServer) -> String {
    format!("127.0.0.1:{}", server.port())
}

pub(crate) fn socket_url(server: &RedisServer) -> String {
    format!("unix://{}", server.unix_socket().unwrap().display())
}

pub(crate) fn cluster_url(nodes: &[RedisServer]) -> String {
    format!("redis+cluster://{}", addresses(nodes))
}

pub(crate) fn sentinel_url(sentinel: &RedisSentinel) -> String {
    let service = RedisSentinel::SERVICE;
    format!(
        "redis+sentinel://{}/{service}",
        addresses(sentinel.sentinels())
    )
}

/// With commas in between.
pub(crate) fn addresses(servers: &[RedisServer]) -> String {
    let addresses: Vec<_> = servers.iter().map(address).collect();
    addresses.join(",")
}
