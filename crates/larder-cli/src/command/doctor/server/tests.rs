use std::{collections::BTreeMap, time::Duration};

use larder_redis::{AcknowledgeReplicas, HostPort};

use super::*;
use crate::command::doctor::Severity;

/// What is said of a server with these fields of `INFO`, of such severity.
fn told(fields: &[(&str, &str)], severity: Severity) -> Vec<String> {
    let fields: BTreeMap<&str, &str> = fields.iter().copied().collect();
    let server = Server {
        info: &|name| fields.get(name).copied(),
        cluster: &|name| fields.get(name).copied(),
    };
    let config = RedisConfig::default();
    let mut found = vec![server.version()];
    found.extend(server.replication(&config));
    found.extend(server.memory());
    found.extend(server.persistence());
    found.extend(server.cluster_state());
    let found = found.into_iter().filter(|it| it.severity == severity);
    found.map(|it| it.what).collect()
}

const WELL: &[(&str, &str)] = &[
    ("redis_version", "7.0.15"),
    ("role", "master"),
    ("connected_slaves", "0"),
    ("maxmemory_policy", "allkeys-lru"),
    ("maxmemory", "1000"),
    ("used_memory", "800"),
    ("rdb_last_bgsave_status", "ok"),
    ("aof_last_write_status", "ok"),
    ("aof_enabled", "0"),
];

fn but(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    WELL.iter().chain(changes).copied().collect()
}

#[test]
fn a_server_that_is_well_has_notes_only() {
    assert!(told(WELL, Problem).is_empty());
    assert!(told(WELL, Warning).is_empty());
    assert_eq!(told(WELL, Note).len(), 4);
}

#[test]
fn each_ailment_is_found() {
    for (change, severity, what) in [
        (
            &[("redis_version", "5.0.3")][..],
            Problem,
            "it is Redis 5.0.3",
        ),
        (&[("role", "slave")], Problem, "it is a replica"),
        (
            &[("maxmemory_policy", "noeviction")],
            Warning,
            "it evicts nothing (maxmemory-policy noeviction)",
        ),
        (
            &[("maxmemory", "0")],
            Warning,
            "its memory has no limit (maxmemory 0), so that allkeys-lru never evicts",
        ),
        (
            &[("used_memory", "900"), ("maxmemory_policy", "noeviction")],
            Warning,
            "90 % of its memory is in use (900 B)",
        ),
        (
            &[("rdb_last_bgsave_status", "err")],
            Problem,
            "it cannot write to its disk",
        ),
        (
            &[
                ("connected_slaves", "2"),
                ("slave0", "ip=a,port=1,state=online,offset=1,lag=0"),
                ("slave1", "ip=b,port=1,state=wait_bgsave,offset=1,lag=9"),
            ],
            Warning,
            "1 of 2 replicas are not in step",
        ),
        (
            &[("cluster_state", "fail")],
            Problem,
            "the cluster is down, as this node sees it",
        ),
        (
            &[("cluster_slots_assigned", "16000")],
            Problem,
            "384 of 16384 slots have no owner",
        ),
        (
            &[("cluster_slots_fail", "3"), ("cluster_slots_pfail", "2")],
            Problem,
            "5 slots are those of nodes that do not answer",
        ),
    ] {
        let found = told(&but(change), severity);
        assert!(found.iter().any(|it| it == what), "{what}: {found:?}");
    }
}

#[test]
fn what_leaves_the_machine_wants_a_password_and_tls() {
    let tcp = |host: &str| Address::Tcp(HostPort::new(host, 6379));
    let said = |address: &Address, config: &RedisConfig| access(address, config).len();
    let open = RedisConfig::default();
    for local in [
        tcp("127.0.0.1"),
        tcp("::1"),
        tcp("localhost"),
        Address::Unix("/s".into()),
    ] {
        assert_eq!(said(&local, &open), 0, "{local:?}");
    }
    assert_eq!(said(&tcp("10.0.0.7"), &open), 2);
    assert_eq!(said(&tcp("cache.example"), &open.with_password("word")), 1);
}

#[test]
fn clocks_that_differ_by_more_than_a_second_are_told() {
    assert!(clock(None).is_none());
    assert!(clock(Some(1_000_000)).is_none());
    let what = |ahead| clock(Some(ahead)).map(|it| it.what);
    assert_eq!(
        what(2_500_000).as_deref(),
        Some("its clock is 2 s ahead of that of this machine")
    );
    assert_eq!(
        what(-1_000_001).as_deref(),
        Some("its clock is 1 s behind that of this machine")
    );
}

#[test]
fn invalidations_that_wait_for_replicas_need_them() {
    let config = RedisConfig::default()
        .with_acknowledge_replicas(AcknowledgeReplicas::new(1, Duration::from_secs(1)));
    let server = Server {
        info: &|_| None,
        cluster: &|_| None,
    };
    let found = server.replication(&config);
    assert!(found.iter().any(|it| it.severity == Problem), "{found:?}");
}
