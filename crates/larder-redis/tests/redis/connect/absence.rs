//! Servers that are not there are no error: the store says so, and works once they are.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use larder_core::{Fault, Store as _};
use larder_redis::{RedisConfig, RedisStore};
use larder_testkit::server::{RedisOptions, RedisServer, wait_until};

use super::{SECRET, small_cluster, small_sentinel, why};
use crate::{
    faces::{self, Tasks, serve},
    urls::{address, patient},
};

/// Connects in about the time that it may take, both ways, and says why the store starts without
/// its servers.
fn absent(config: RedisConfig) -> (RedisStore, Fault) {
    let start = faces::now();
    let connecting = RedisStore::connect(config.clone());
    let in_runtime = faces::runtime().block_on(connecting).unwrap();
    let store = RedisStore::connect_blocking(config.clone()).unwrap();
    let took = faces::now().since(start);
    assert!(took < Duration::from_secs(10), "{config:?} took {took:?}");
    assert!(in_runtime.fault_at_start().is_some());
    let fault = store.fault_at_start().unwrap();
    let shown = format!("{store:?} {fault:?} {fault} {}", why(&fault));
    assert!(!shown.contains(SECRET), "{shown}");
    (store, fault)
}

/// With the times of the documentation.
fn impatient(url: &str) -> RedisConfig {
    RedisConfig::from_url(url).unwrap()
}

/// By and by: a server that was just started, or just let go, may still refuse.
fn check_by_and_by(store: &RedisStore) {
    wait_until("the store works", || Ok(serve(store, "shop").is_ok())).unwrap();
    let runtime = faces::runtime();
    let tasks = Tasks(store.clone(), &runtime);
    wait_until("tasks are served", || Ok(serve(&tasks, "shop").is_ok())).unwrap();
}

#[test]
fn a_store_whose_server_is_started_later_works_then() {
    let mut server = RedisServer::start().unwrap();
    server.kill().unwrap();
    let at = address(&server);
    let (store, _) = absent(impatient(&format!("redis://{at}")));
    assert!(serve(&store, "shop").is_err());
    server.restart().unwrap();
    check_by_and_by(&store);
}

#[test]
fn a_store_whose_sentinel_or_cluster_is_started_later_works_then() {
    let server = RedisServer::start().unwrap();
    let mut sentinel = small_sentinel(&server, RedisOptions::sentinel());
    let mut node = small_cluster(RedisOptions::default());
    for (scheme, absentee, path) in [
        ("redis+sentinel", &mut sentinel, "/larder"),
        ("redis+cluster", &mut node, ""),
    ] {
        absentee.kill().unwrap();
        let url = format!("{scheme}://{}{path}", address(absentee));
        let (store, _) = absent(impatient(&url));
        assert!(serve(&store, "shop").is_err());
        absentee.restart().unwrap();
        check_by_and_by(&store);
    }
}

#[test]
fn a_port_that_never_answers_is_given_up_after_the_time_for_connecting() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = silent.local_addr().unwrap();
    let mut urls = vec![
        format!("redis://:{SECRET}@{at}/3"),
        format!("redis+sentinel://{at}/larder?sentinel_password={SECRET}"),
        format!("redis+cluster://app:{SECRET}@{at}"),
    ];
    if cfg!(feature = "tls") {
        urls.push(format!("rediss://:{SECRET}@{at}"));
    }
    for url in urls {
        absent(impatient(&url));
    }
}

#[test]
fn a_paused_server_is_given_up_and_used_when_it_runs_on() {
    let mut server = RedisServer::start().unwrap();
    server.pause().unwrap();
    let (store, _) = absent(impatient(&server.url()));
    server.resume().unwrap();
    check_by_and_by(&store);
}

#[test]
fn a_socket_that_is_not_there_is_no_error() {
    absent(patient("unix:///nowhere/redis.sock"));
}

#[test]
fn a_replica_is_not_used_until_it_is_a_master() {
    let master = RedisServer::start().unwrap();
    let of = format!("127.0.0.1 {}", master.port());
    let options = RedisOptions::default().settings(&[("replicaof", &of)]);
    let replica = RedisServer::start_with(&options).unwrap();
    let (store, fault) = absent(patient(&replica.url()));
    assert_eq!(why(&fault), "the server is a replica");
    assert!(serve(&store, "shop").is_err());
    replica.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
    check_by_and_by(&store);
}

#[test]
fn a_server_that_has_no_room_for_another_client_is_absent_and_refuses_no_password() {
    let settings = [("requirepass", SECRET), ("maxclients", "4")];
    let options = RedisOptions::default().settings(&settings);
    let server = RedisServer::start_with(&options).unwrap();
    let clients: Vec<_> = (0..4)
        .map(|_| TcpStream::connect(address(&server)).unwrap())
        .collect();
    let (store, _) = absent(patient(&server.url()));
    drop(clients);
    check_by_and_by(&store);
}

#[test]
fn a_server_that_repeats_the_password_does_not_make_it_known() {
    let parrot = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = parrot.local_addr().unwrap();
    let answer = format!("-ERR unknown command 'AUTH', with args beginning with: '{SECRET}'\r\n");
    // It ends with the process.
    thread::spawn(move || {
        for client in parrot.incoming() {
            let mut client = client.unwrap();
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(answer.repeat(9).as_bytes());
        }
    });
    let (_, fault) = absent(patient(&format!("redis://:{SECRET}@{at}")));
    assert_eq!(why(&fault), "the server does not take passwords");
}
