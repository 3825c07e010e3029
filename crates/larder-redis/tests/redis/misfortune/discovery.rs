//! Servers that say nothing when they are asked who owns what.

use std::{thread, time::Duration};

use larder_redis::RedisConfig;
use larder_testkit::{
    fixture::Posts,
    server::{RedisCluster, RedisSentinel, wait_until},
    tags::redis_tag,
};

use super::{Answer, Process, Rows, cluster_config, patient, processes, warm};

/// How long a server that says nothing holds up whoever connects to it.
const CONNECTING: Duration = Duration::from_secs(3);
/// What nobody is held up for who has no business there.
const SHORT: Duration = Duration::from_secs(2);

#[test]
fn a_silent_master_holds_up_no_reader_of_the_others() {
    let mut cluster = RedisCluster::start().unwrap();
    let config = cluster_config(&cluster)
        .with_connect_timeout(CONNECTING)
        .with_hit_timeout(Duration::from_secs(1));
    let (processes, tables) = (processes(&config), tables(&cluster));
    // The owner of the first slots is the first of those that could be asked.
    let [lost, fine] = [&tables[0], &tables[1]];
    for rows in [lost, fine] {
        warm(&processes, rows);
    }
    cluster.nodes_mut()[0].pause().unwrap();
    thread::scope(|scope| {
        for process in &processes {
            scope.spawn(move || {
                let answer = process.read(lost, 0);
                assert!(
                    matches!(answer, Answer::Bypass(_)),
                    "{process:?}: {answer:?}"
                );
                let started = process.now();
                assert!(process.read(fine, 0).is_hit(), "{process:?}");
                let took = process.now().since(started);
                assert!(took < SHORT, "{process:?} was held up for {took:?}");
            });
        }
    });
}

/// One that was cut off knows its own slots and nothing else, and serves none.
#[test]
fn a_master_that_was_cut_off_does_not_say_who_owns_what() {
    let cluster = RedisCluster::start().unwrap();
    let (processes, tables) = (processes(&cluster_config(&cluster)), tables(&cluster));
    let [lost, fine] = [&tables[0], &tables[1]];
    for rows in [lost, fine] {
        warm(&processes, rows);
    }
    let [first, others @ ..] = cluster.nodes() else {
        panic!("a cluster")
    };
    let full_coverage = ["CONFIG", "SET", "cluster-require-full-coverage", "yes"];
    first.command(&full_coverage).unwrap();
    for other in others {
        let id = other.command(&["CLUSTER", "MYID"]).unwrap();
        first.command(&["CLUSTER", "FORGET", id.trim()]).unwrap();
    }
    let is_down = || Ok(first.command(&["CLUSTER", "INFO"])?.contains("state:fail"));
    wait_until("the first master serves nothing", is_down).unwrap();
    for process in &processes {
        for _ in 0..3 {
            let answer = process.read(lost, 0);
            assert!(
                matches!(answer, Answer::Bypass(_)),
                "{process:?}: {answer:?}"
            );
            assert!(process.read(fine, 0).is_hit(), "{process:?}");
        }
    }
}

/// A table on each of the first two masters.
fn tables(cluster: &RedisCluster) -> Vec<Rows> {
    let table = |node: usize| {
        (0..100)
            .map(|number| Rows::of(Posts::named(&format!("t{number}")), 1))
            .find(|rows| {
                let slot = cluster.slot_of(&redis_tag(&rows.posts.key));
                cluster.master_of_slot(slot.unwrap()).unwrap() == node
            })
            .unwrap()
    };
    (0..2).map(table).collect()
}

#[test]
fn a_silent_sentinel_is_asked_last_the_next_time() {
    let mut sentinel = RedisSentinel::start().unwrap();
    let ports = sentinel.sentinel_ports();
    let hosts: Vec<_> = ports.iter().map(|it| format!("127.0.0.1:{it}")).collect();
    let url = format!(
        "redis+sentinel://{}/{}",
        hosts.join(","),
        RedisSentinel::SERVICE
    );
    let config = patient(RedisConfig::from_url(&url).unwrap()).with_connect_timeout(CONNECTING);
    let (processes, rows) = (processes(&config), Rows::new(1));
    warm(&processes, &rows);
    sentinel.sentinels_mut()[0].pause().unwrap();
    let cut = || {
        let master = &sentinel.servers()[0];
        master
            .command(&["CLIENT", "KILL", "TYPE", "normal"])
            .unwrap();
    };
    // Each of them finds out by itself.
    cut();
    thread::scope(|scope| {
        let rows = &rows;
        for process in &processes {
            scope.spawn(move || assert!(process.read(rows, 0).is_hit(), "{process:?}"));
        }
    });
    cut();
    for process in &processes {
        let started = process.now();
        assert!(process.read(&rows, 0).is_hit(), "{process:?}");
        let took = process.now().since(started);
        assert!(took < SHORT, "{process:?} was held up for {took:?}");
    }
    processes.iter().for_each(Process::has_no_fault);
}
