//! The dropping of everything (P10): on every master, in every layout, and in no other namespace.

use std::sync::atomic::Ordering::SeqCst;

use larder_core::{CacheOptions, TableKey};
use larder_redis::RedisConfig;
use larder_testkit::{
    fixture::Posts,
    server::{RedisCluster, RedisServer, wait_until},
    tags::redis_tag,
};

use super::{Process, Rows, STORED, cluster_config, config, processes, warm};

#[test]
fn everything_drops_on_one_server_among_many_other_keys() {
    let server = RedisServer::start().unwrap();
    check(&config(&server), std::slice::from_ref(&server));
}

#[test]
fn everything_drops_on_all_masters_among_many_other_keys() {
    let cluster = RedisCluster::start().unwrap();
    check(&cluster_config(&cluster), &cluster.nodes()[..3]);
}

fn check(config: &RedisConfig, servers: &[RedisServer]) {
    add_other_keys(servers);
    let here = tables("", "t");
    let elsewhere = tables("elsewhere", "e");
    let one_shard = processes(config);
    // Readers of another layout, of which the writer knows nothing.
    let three_shards = processes(&config.clone().with_table_shards(3));
    let stranger = stranger(config);
    for (position, process) in one_shard.iter().enumerate() {
        for rows in here.iter().chain(&elsewhere) {
            warm(&one_shard, rows);
            warm(&three_shards, rows);
            rows.versions[0].fetch_add(1, SeqCst);
        }
        assert!(process.invalidate_all(), "{process:?}");
        for rows in &here {
            rows.all_delivered();
            for reader in [&one_shard[position], &three_shards[position]] {
                assert_eq!(reader.read(rows, 0), STORED, "{process:?}, {reader:?}");
            }
        }
        for rows in &elsewhere {
            let answer = one_shard[position].read(rows, 0);
            assert!(answer.is_hit(), "{process:?}: {answer:?}");
        }
        assert!(stranger.invalidate_all());
        for rows in &elsewhere {
            rows.all_delivered();
            let answer = three_shards[position].read(rows, 0);
            assert_eq!(answer, STORED, "{position} {:?}", rows.posts.key);
        }
        process.has_no_fault();
    }
}

/// The writers have no reason to look who owns what: none of their commands was redirected.
#[test]
fn everything_drops_on_a_master_that_was_none_before() {
    let mut cluster = RedisCluster::start().unwrap();
    take_its_slots(&cluster);
    let config = cluster_config(&cluster);
    let (readers, writers) = (processes(&config), processes(&config));
    let rows = Rows::of(Posts::named("t0"), 1);
    let slot = cluster.slot_of(&redis_tag(&rows.posts.key)).unwrap();
    warm(&readers, &rows);
    cluster.move_slot(slot, 2).unwrap();
    check_that_each_drops_it(&readers, &writers, &rows, || {});
}

/// It owns no slot yet, but what is created in the one that it is given is created there (ASK).
#[test]
fn everything_drops_on_a_master_that_is_about_to_be_one() {
    let mut cluster = RedisCluster::start().unwrap();
    take_its_slots(&cluster);
    let config = cluster_config(&cluster);
    let (readers, writers) = (processes(&config), processes(&config));
    let rows = Rows::of(Posts::named("t0"), 1);
    let slot = cluster.slot_of(&redis_tag(&rows.posts.key)).unwrap();
    cluster.begin_move(slot, 2).unwrap();
    check_that_each_drops_it(&readers, &writers, &rows, || {
        assert_ne!(cluster.nodes()[2].command(&["DBSIZE"]).unwrap().trim(), "0");
    });
}

/// What each writer drops, no reader finds; `warmed` looks at the servers before.
fn check_that_each_drops_it(
    readers: &[Process],
    writers: &[Process],
    rows: &Rows,
    warmed: impl Fn(),
) {
    for (reader, writer) in readers.iter().zip(writers) {
        warm(readers, rows);
        warmed();
        rows.versions[0].fetch_add(1, SeqCst);
        assert!(writer.invalidate_all(), "{writer:?}");
        rows.all_delivered();
        assert_eq!(reader.read(rows, 0), STORED, "{writer:?}");
    }
}

/// Gives all slots of the last master to the first one.
fn take_its_slots(cluster: &RedisCluster) {
    let [first, .., last] = &cluster.nodes()[..3] else {
        panic!("a cluster of three masters")
    };
    let slots = ["10923", "16383"];
    for (node, command) in [(last, "DEL"), (first, "DEL"), (first, "ADD")] {
        let command = format!("{command}SLOTSRANGE");
        node.command(&["CLUSTER", &command, slots[0], slots[1]])
            .unwrap();
    }
    first.command(&["CLUSTER", "BUMPEPOCH"]).unwrap();
    let gone = last.port().to_string();
    wait_until("the last master has no slots", || {
        for node in &cluster.nodes()[..3] {
            let slots = node.command(&["CLUSTER", "SLOTS"])?;
            if slots.lines().any(|line| line == gone) || !slots.contains("16383") {
                return Ok(false);
            }
        }
        Ok(true)
    })
    .unwrap();
}

/// A process of the other namespace.
fn stranger(config: &RedisConfig) -> Process {
    let mut options = CacheOptions::default();
    options.namespace = "elsewhere".into();
    Process::new("stranger", config, options, false)
}

/// Enough tables for every master to hold some. Their names differ, because what a query is called
/// depends on them.
fn tables(namespace: &str, name: &str) -> Vec<Rows> {
    let table = |number: u8| {
        let mut posts = Posts::named(&format!("{name}{number}"));
        let key = format!("{namespace}:test:main.{name}{number}");
        posts.key = TableKey(key.into());
        Rows::of(posts, 1)
    };
    (0..8).map(table).collect()
}

/// 20,000 keys that look like records, but for what matters.
fn add_other_keys(servers: &[RedisServer]) {
    for tag in 0..20 {
        let keys: Vec<_> = (0..1_000)
            .map(|number| format!("{{other{tag}:short}}:t{number}:test:main.t0"))
            .collect();
        let pairs = keys.iter().flat_map(|key| [key.as_str(), "x"]);
        let command: Vec<_> = ["MSET"].into_iter().chain(pairs).collect();
        // All but one of several do not own them.
        let taken = |server: &RedisServer| server.command(&command).is_ok();
        assert!(servers.iter().any(taken));
    }
}
