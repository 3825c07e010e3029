//! Masters that die under readers and writers.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};

use larder_core::{BypassReason, Limits};
use larder_redis::RedisConfig;
use larder_testkit::{
    fixture::Posts,
    server::{RedisCluster, RedisSentinel, wait_until},
    tags::redis_tag,
};

use super::{
    Answer, Process, Random, Rows, check_that_all_is_well, cluster_config, patient,
    process::processes_within,
};

#[test]
fn a_failover_by_sentinels_is_neither_an_error_nor_stale() {
    let mut sentinel = RedisSentinel::start().unwrap();
    let ports = sentinel.sentinel_ports();
    let hosts: Vec<_> = ports.iter().map(|it| format!("127.0.0.1:{it}")).collect();
    let service = RedisSentinel::SERVICE;
    let url = format!("redis+sentinel://{}/{service}", hosts.join(","));
    let config = patient(RedisConfig::from_url(&url).unwrap());
    let table = Rows::new(5);
    check(&config, &[table], || {
        sentinel.kill_master().unwrap();
        sentinel.wait_for_failover().unwrap();
    });
}

#[test]
fn a_failover_of_a_cluster_is_neither_an_error_nor_stale() {
    let mut cluster = RedisCluster::start().unwrap();
    let config = cluster_config(&cluster);
    // Some of them lie on the node that dies, some do not.
    let tables: Vec<_> = (0..6)
        .map(|number| Rows::of(Posts::named(&format!("t{number}")), 2))
        .collect();
    let slot = cluster.slot_of(&redis_tag(&tables[0].posts.key)).unwrap();
    let owner = cluster.master_of_slot(slot).unwrap();
    check(&config, &tables, || {
        cluster.nodes_mut()[owner].kill().unwrap();
        cluster.wait_for_failover(owner).unwrap();
    });
}

/// All read and write while this happens, and none of them notices more than misses and bypasses.
fn check(config: &RedisConfig, tables: &[Rows], failover: impl FnOnce()) {
    let mut limits = Limits::default();
    limits.breaker_open = std::time::Duration::from_millis(100);
    let processes = processes_within(config, &limits);
    for rows in tables {
        check_that_all_is_well(&processes, rows);
    }
    let (stop, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let (stop, rounds) = (&stop, &rounds);
        let working: Vec<_> = processes
            .iter()
            .zip(1..)
            .map(|(process, seed)| {
                scope.spawn(move || {
                    let mut random = Random::new(seed);
                    while !stop.load(SeqCst) {
                        use_some(process, &tables[random.below(tables.len())], &mut random);
                        rounds.fetch_add(1, SeqCst);
                    }
                })
            })
            .collect();
        wait_until("all are at work", || Ok(rounds.load(SeqCst) > 200)).unwrap();
        failover();
        let hits = || tables.iter().map(Rows::hits).sum::<u64>();
        let before = hits();
        let done = wait_until("there are hits again", || {
            let ended = working.iter().any(thread::ScopedJoinHandle::is_finished);
            Ok(ended || hits() > before + 200)
        });
        stop.store(true, SeqCst);
        done.unwrap();
    });
    for process in &processes {
        process.cache.deliver_pending_blocking().unwrap();
        process.heard();
    }
    for rows in tables {
        rows.all_delivered();
        check_that_all_is_well(&processes, rows);
    }
    processes.iter().for_each(Process::has_no_fault);
}

fn use_some(process: &Process, rows: &Rows, random: &mut Random) {
    let author = random.below(rows.versions.len());
    if random.below(5) > 0 {
        match process.read(rows, author) {
            Answer::Hit(_) | Answer::Filled(_) => {}
            Answer::Bypass(
                BypassReason::Fault
                | BypassReason::Unavailable
                | BypassReason::Undelivered
                | BypassReason::StampsVanished,
            ) => {}
            other => panic!("{process:?}: {other:?}"),
        }
    } else {
        process.write(rows, author);
        // What waits is tried again and again, as a thread of its own would do it.
        if process.cache.pending() > 0 {
            let _ = process.cache.deliver_pending_blocking();
        }
    }
}
