//! Every form of a URL leads to a store that works.

use larder_redis::RedisConfig;
use larder_testkit::server::{RedisOptions, RedisServer};

use super::{SECRET, connect, small_cluster, small_sentinel};
use crate::{
    faces::{self, Tasks, check},
    urls::{address, patient, socket_url},
};

#[test]
fn a_server_is_reached_by_address_and_by_name() {
    let server = RedisServer::start().unwrap();
    let port = server.port();
    for url in [
        format!("redis://127.0.0.1:{port}"),
        format!("redis://localhost:{port}/0"),
        format!("REDIS://@127.0.0.1:{port}/?client_name=app&table_shards=3"),
    ] {
        check(&connect(patient(&url)));
    }
}

#[test]
fn a_server_is_reached_over_its_socket() {
    let server = RedisServer::start_with(&RedisOptions::default().unix_socket()).unwrap();
    let url = socket_url(&server);
    let [zero, three] = [url.clone(), format!("redis+{url}?db=3")].map(|url| {
        let store = connect(patient(&url));
        check(&store);
        store
    });
    faces::put(&three);
    assert!(faces::has(&three) && !faces::has(&zero));
}

#[test]
fn a_password_may_be_that_of_the_server_or_of_a_user() {
    let password = format!("{SECRET}/@#%");
    let options = RedisOptions::default()
        .unix_socket()
        .settings(&[("requirepass", &password)]);
    let server = RedisServer::start_with(&options).unwrap();
    let user = ["ACL", "SETUSER", "app", "on", "~*", "+@all"];
    let passwords = format!(">{password}");
    server
        .command(&[&user[..], &[&passwords]].concat())
        .unwrap();
    let encoded = format!("{SECRET}%2F%40%23%25");
    let (at, socket) = (address(&server), socket_url(&server));
    for url in [
        format!("redis://:{encoded}@{at}"),
        format!("redis://app:{encoded}@{at}/7"),
        format!("{socket}?pass={encoded}"),
        format!("{socket}?user=app&pass={encoded}&db=2"),
    ] {
        let store = connect(patient(&url));
        check(&store);
        assert!(!format!("{store:?} {store:#?}").contains(SECRET));
    }
}

#[test]
fn a_cluster_of_one_node_is_reached_by_any_list_of_it() {
    let node = small_cluster(RedisOptions::default());
    let at = address(&node);
    // Nobody listens at the first.
    for hosts in [at.clone(), format!("127.0.0.1:1,{at}")] {
        check(&connect(patient(&format!("redis+cluster://{hosts}"))));
    }
}

#[test]
fn a_service_is_reached_through_any_of_its_sentinels() {
    let server = RedisServer::start().unwrap();
    let sentinel = small_sentinel(&server, RedisOptions::sentinel());
    let at = address(&sentinel);
    for url in [
        format!("redis+sentinel://{at}/larder"),
        format!("redis+sentinel://127.0.0.1:1,{at}/larder/4"),
    ] {
        check(&connect(patient(&url)));
    }
}

#[test]
fn databases_keep_keys_apart() {
    let server = RedisServer::start().unwrap();
    let url = |database| format!("redis://{}/{database}", address(&server));
    let [zero, five] = [0, 5].map(|database| connect(patient(&url(database))));
    let runtime = faces::runtime();
    faces::put(&five);
    assert!(faces::has(&five) && !faces::has(&zero));
    // Connections of tasks choose the database as well.
    assert!(faces::has(&Tasks(five, &runtime)));
    assert!(!faces::has(&Tasks(zero, &runtime)));
}

#[test]
fn both_kinds_of_connection_bear_the_name_of_the_client() {
    let server = RedisServer::start().unwrap();
    let config: RedisConfig = patient(&server.url()).with_client_name("shop-7");
    let store = connect(config);
    let named = || {
        let clients = server.command(&["CLIENT", "LIST"]).unwrap();
        let names = clients.lines().filter(|it| it.contains(" name=shop-7 "));
        names.count()
    };
    assert_eq!(named(), 1);
    let runtime = faces::runtime();
    faces::put(&Tasks(store.clone(), &runtime));
    assert_eq!(named(), 2);
}
