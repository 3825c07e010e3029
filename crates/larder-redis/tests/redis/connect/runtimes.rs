//! Connections of tasks belong to a runtime; the store does not.

use futures_util::FutureExt as _;
use larder_core::{Store as _, TableKey, store::Request};
use larder_redis::RedisStore;
use larder_testkit::server::{RedisServer, wait_until};
use tokio::runtime::{Builder, Runtime};

use super::connect;
use crate::{
    faces::{self, Tasks, check, serve},
    urls::patient,
};

fn threads() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// How many connections of this name the server has.
fn named(server: &RedisServer, name: &str) -> usize {
    let clients = server.command(&["CLIENT", "LIST"]).unwrap();
    clients
        .lines()
        .filter(|it| it.contains(&format!(" name={name} ")))
        .count()
}

#[test]
fn connecting_works_in_every_runtime_and_in_none() {
    let server = RedisServer::start().unwrap();
    let connecting = || RedisStore::connect(patient(&server.url()));
    let alone = connecting().now_or_never().expect("nothing to wait for");
    for store in [
        alone,
        threads().block_on(connecting()),
        faces::runtime().block_on(connecting()),
    ] {
        let store = store.unwrap();
        assert!(store.fault_at_start().is_none());
        check(&store);
    }
}

#[test]
fn tasks_outside_any_runtime_are_served_as_threads_are() {
    let server = RedisServer::start().unwrap();
    let store = connect(patient(&server.url()).with_client_name("app"));
    let replies = store.exec(faces::now(), &[]).now_or_never();
    assert!(replies.expect("nothing to wait for").unwrap().is_empty());
    let records = larder_core::store::Request::Records(Vec::new());
    let replies = store.exec(faces::now(), &[records]).now_or_never();
    assert_eq!(replies.expect("nothing to wait for").unwrap().len(), 1);
}

#[test]
fn a_store_outlives_the_runtimes_that_it_serves() {
    let server = RedisServer::start().unwrap();
    let first = threads();
    let connecting = RedisStore::connect(patient(&server.url()).with_client_name("app"));
    let store = first.block_on(connecting).unwrap();
    serve(&Tasks(store.clone(), &first), "shop").unwrap();
    first.shutdown_background();
    for runtime in [threads(), faces::runtime(), faces::runtime(), threads()] {
        serve(&Tasks(store.clone(), &runtime), "shop").unwrap();
        serve(&store, "shop").unwrap();
    }
    // The connections of runtimes that are gone are gone.
    let threads_alone = || Ok(named(&server, "app") == 1);
    wait_until("one connection is left", threads_alone).unwrap();
    drop(store);
    wait_until("none is left", || Ok(named(&server, "app") == 0)).unwrap();
}

#[test]
fn one_connection_serves_where_the_server_has_no_room_for_two() {
    let server = RedisServer::start().unwrap();
    let store = connect(patient(&server.url()).with_client_name("app"));
    let runtime = threads();
    let ask = move || {
        let store = store.clone();
        async move {
            let records = Request::Records(vec![TableKey("shop:s:t".into())]);
            store.exec(faces::now(), &[records]).await
        }
    };
    runtime.block_on(ask()).unwrap();
    assert_eq!(named(&server, "app"), 2, "one for threads, one for tasks");
    server
        .command(&["CONFIG", "SET", "maxclients", "2"])
        .unwrap();
    // Side by side, since the second attempt of a request might be the other's turn.
    let asked: Vec<_> = (0..64).map(|_| runtime.spawn(ask())).collect();
    for answer in asked {
        runtime.block_on(answer).unwrap().unwrap();
    }
}

#[test]
fn runtimes_side_by_side_have_connections_of_their_own() {
    let server = RedisServer::start().unwrap();
    let store = connect(patient(&server.url()).with_client_name("app"));
    let runtimes = [threads(), faces::runtime(), faces::runtime()];
    for _ in 0..3 {
        for runtime in &runtimes {
            serve(&Tasks(store.clone(), runtime), "shop").unwrap();
        }
    }
    // One for threads, two for a runtime of two workers, one for each of one worker.
    let all = || Ok(named(&server, "app") == 1 + 2 + 1 + 1);
    wait_until("the second one, which nobody waits for, is there", all).unwrap();
}
