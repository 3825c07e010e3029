//! Which permissions a user needs, and what becomes of a store without them.

use larder_core::Store as _;
use larder_redis::{RedisConfig, RedisStore};
use larder_testkit::server::{RedisOptions, RedisServer};

use super::{SECRET, connect, refuse, small_cluster, small_sentinel};
use crate::{
    faces::{self, Tasks, check, serve},
    urls::{address, patient},
};

const NOT_PERMITTED: &str = "the redis user lacks permissions: larder needs +info +wait +@read \
                             +@write on the keys of its namespace, +select for a database, \
                             +client|setname for client_name, +cluster|slots +cluster|nodes \
                             +asking in a cluster";

/// The least that works, for those who do not want to grant whole categories.
const COMMANDS: [&str; 15] = [
    "+info",
    "+wait",
    "+get",
    "+getrange",
    "+mget",
    "+hget",
    "+hkeys",
    "+hlen",
    "+hmget",
    "+scan",
    "+set",
    "+hsetnx",
    "+hdel",
    "+pexpire",
    "+unlink",
];

/// Without these, connecting fails.
const ASKED_AT_THE_START: [&str; 3] = ["+info", "+wait", "+scan"];

/// Makes a user who may do this and nothing else.
fn user(server: &RedisServer, keys: &str, permissions: &[&str]) {
    let password = format!(">{SECRET}");
    let fresh = ["ACL", "SETUSER", "app", "reset", "on", &password, keys];
    server.command(&[&fresh, permissions].concat()).unwrap();
}

fn config(scheme: &str, server: &RedisServer) -> RedisConfig {
    patient(&format!("{scheme}://app:{SECRET}@{}", address(server)))
}

/// Redis keeps a log of what it refused.
fn check_nothing_was_refused(server: &RedisServer) {
    assert_eq!(server.command(&["ACL", "LOG"]).unwrap(), "");
}

#[test]
fn read_write_info_and_wait_on_the_keys_of_the_namespace_are_enough() {
    let server = RedisServer::start().unwrap();
    for permissions in [&["+info", "+wait", "+@read", "+@write"][..], &COMMANDS] {
        user(&server, "~{shop:*", permissions);
        check(&connect(config("redis", &server)));
    }
    check_nothing_was_refused(&server);
}

#[test]
fn each_of_the_commands_is_needed() {
    let server = RedisServer::start().unwrap();
    let runtime = faces::runtime();
    for missing in COMMANDS {
        let others: Vec<_> = COMMANDS.into_iter().filter(|it| *it != missing).collect();
        user(&server, "~{shop:*", &others);
        if ASKED_AT_THE_START.contains(&missing) {
            refuse(&config("redis", &server), NOT_PERMITTED);
            continue;
        }
        let store = connect(config("redis", &server));
        assert!(serve(&store, "shop").is_err(), "{missing} is not needed");
        let tasks = Tasks(store, &runtime);
        assert!(serve(&tasks, "shop").is_err(), "{missing} is not needed");
    }
}

#[test]
fn keys_of_another_namespace_are_out_of_reach() {
    let server = RedisServer::start().unwrap();
    user(&server, "~{shop:*", &COMMANDS);
    let store = connect(config("redis", &server));
    check(&store);
    assert!(serve(&store, "blog").is_err());
}

#[test]
fn settings_that_need_a_permission_are_refused_without_it() {
    let server = RedisServer::start().unwrap();
    let plain = || config("redis", &server);
    for (needed, config) in [
        ("+select", plain().with_database(3)),
        ("+client|setname", plain().with_client_name("app")),
    ] {
        user(&server, "~{shop:*", &COMMANDS);
        refuse(&config, NOT_PERMITTED);
        user(&server, "~{shop:*", &[&COMMANDS[..], &[needed]].concat());
        let store = RedisStore::connect_blocking(config).unwrap();
        assert!(store.fault_at_start().is_none(), "{needed} is not enough");
    }
}

#[test]
fn a_cluster_needs_two_more_permissions() {
    let node = small_cluster(RedisOptions::default());
    let more = ["+cluster|slots", "+cluster|nodes", "+asking"];
    user(&node, "~{shop:*", &[&COMMANDS[..], &more].concat());
    check(&connect(config("redis+cluster", &node)));
    check_nothing_was_refused(&node);
    for one in more {
        user(&node, "~{shop:*", &[&COMMANDS[..], &[one]].concat());
        refuse(&config("redis+cluster", &node), NOT_PERMITTED);
    }
}

#[test]
fn a_user_of_the_sentinels_needs_one_permission() {
    let server = RedisServer::start().unwrap();
    let sentinel = small_sentinel(&server, RedisOptions::sentinel());
    let at = address(&sentinel);
    let login = format!("sentinel_username=app&sentinel_password={SECRET}");
    let config = patient(&format!("redis+sentinel://{at}/larder?{login}"));
    user(
        &sentinel,
        "resetkeys",
        &["+sentinel|get-master-addr-by-name"],
    );
    check(&connect(config.clone()));
    check_nothing_was_refused(&sentinel);
    user(&sentinel, "resetkeys", &["+ping"]);
    refuse(
        &config,
        "the user of the sentinels lacks permissions: larder needs \
         +sentinel|get-master-addr-by-name",
    );
}
