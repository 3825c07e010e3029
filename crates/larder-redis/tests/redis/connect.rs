//! Connecting: what works, what is refused and in which words, and what is only not there yet.

mod absence;
mod forms;
mod permissions;
mod refusals;
mod runtimes;
#[cfg(feature = "tls")]
mod tls;

use std::error::Error as _;

use larder_core::{ErrorKind, Fault, Store as _};
use larder_redis::{RedisConfig, RedisStore};
use larder_testkit::server::{RedisOptions, RedisServer, wait_until};

use crate::faces;

/// A password that no text of ours contains by chance.
const SECRET: &str = "xyzzy-4711-plugh";

/// A store whose servers are there.
fn connect(config: RedisConfig) -> RedisStore {
    let store = RedisStore::connect_blocking(config).unwrap();
    let fault = store.fault_at_start();
    assert!(fault.is_none(), "{fault:?}: {:?}", fault.as_ref().map(why));
    store
}

/// A wrong setting: both ways of connecting say which, and no secret.
fn refuse(config: &RedisConfig, expected: &str) {
    let connecting = RedisStore::connect(config.clone());
    let in_runtime = faces::runtime().block_on(connecting);
    for refused in [in_runtime, RedisStore::connect_blocking(config.clone())] {
        let error = refused.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!format!("{error:?} {error:#?}").contains(SECRET));
    }
}

/// What lies behind a fault.
fn why(fault: &Fault) -> String {
    fault.source().map(ToString::to_string).unwrap_or_default()
}

/// A cluster of one node.
fn small_cluster(options: RedisOptions) -> RedisServer {
    let options = options.settings(&[("cluster-enabled", "yes")]);
    let node = RedisServer::start_with(&options).unwrap();
    node.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"])
        .unwrap();
    wait_until("the cluster is complete", || {
        let info = node.command(&["CLUSTER", "INFO"])?;
        Ok(info.contains("cluster_state:ok"))
    })
    .unwrap();
    node
}

/// A sentinel that watches this server.
fn small_sentinel(server: &RedisServer, options: RedisOptions) -> RedisServer {
    let monitor = format!("larder 127.0.0.1 {} 1", server.port());
    RedisServer::start_with(&options.settings(&[("sentinel monitor", &monitor)])).unwrap()
}
