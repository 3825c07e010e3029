//! Servers that lose keys, and servers that are full.

use std::{collections::HashMap, thread};

use larder_core::{BypassReason, DiscardReason, FaultKind, FillOutcome};
use larder_testkit::server::RedisServer;

use super::{
    Answer, Process, Random, Rows, STORED, check_that_all_is_well, config,
    process::{What, processes},
    warm,
};

#[test]
fn a_flushed_server_costs_misses() {
    let server = RedisServer::start().unwrap();
    let (processes, rows) = (processes(&config(&server)), Rows::new(3));
    warm(&processes, &rows);
    server.command(&["FLUSHALL"]).unwrap();
    for author in rows.authors() {
        assert_eq!(processes[author].read(&rows, author), STORED);
    }
    // A query was under way when everything went.
    let outcome = processes[0].ask(&rows.posts.by_author(9));
    let larder_core::ReadOutcome::Fill(fill) = outcome else {
        panic!("an author who was never read")
    };
    server.command(&["FLUSHALL"]).unwrap();
    assert_eq!(processes[0].store(fill, 1), FillOutcome::Stored);
    assert!(!matches!(
        processes[1].ask(&rows.posts.by_author(9)),
        larder_core::ReadOutcome::Hit(_)
    ));
    check_that_all_is_well(&processes, &rows);
    processes.iter().for_each(Process::has_no_fault);
}

#[test]
fn keys_and_fields_that_vanish_one_by_one_cost_misses() {
    let server = RedisServer::start().unwrap();
    let (processes, rows) = (processes(&config(&server)), Rows::new(6));
    let mut random = Random::new(7);
    warm(&processes, &rows);
    for _ in 0..600 {
        let process = &processes[random.below(processes.len())];
        let author = random.below(rows.versions.len());
        match random.below(8) {
            0 => assert!(process.write(&rows, author)),
            1 => lose_something(&server, &mut random),
            _ => {
                let answer = process.read(&rows, author);
                assert!(answer.is_hit() || answer == STORED, "{answer:?}");
            }
        }
    }
    assert!(rows.hits() > 100, "only {} hits", rows.hits());
    processes.iter().for_each(Process::has_no_fault);
}

fn lose_something(server: &RedisServer, random: &mut Random) {
    let key = server.command(&["RANDOMKEY"]).unwrap();
    let fields = server.command(&["HKEYS", &key]);
    match fields.ok().filter(|_| random.below(2) == 0) {
        Some(fields) => {
            let fields: Vec<_> = fields.lines().collect();
            let field = fields.get(random.below(fields.len())).unwrap_or(&"");
            server.command(&["HDEL", &key, field]).unwrap();
        }
        None => drop(server.command(&["UNLINK", &key]).unwrap()),
    }
}

#[test]
fn a_full_server_answers_and_drops_but_stores_nothing() {
    let server = RedisServer::start().unwrap();
    let (processes, rows) = (processes(&config(&server)), Rows::new(4));
    warm(&processes, &rows);
    let set = |bytes| {
        server
            .command(&["CONFIG", "SET", "maxmemory", bytes])
            .unwrap()
    };
    set("1");
    // Author 0 stays, the entry of author 1 is lost, author 2 is written.
    let lost = server.command(&["KEYS", "*:q:*"]).unwrap();
    let before = rows.hits();
    for round in 0..20 {
        for process in &processes {
            assert!(process.read(&rows, 0).is_hit());
            assert!(process.write(&rows, 2), "round {round}");
            let refused = Answer::Bypass(BypassReason::Fault);
            assert_eq!(process.read(&rows, 2), refused, "{process:?}");
        }
    }
    assert_eq!(rows.hits(), before + 80);
    lost.lines()
        .for_each(|key| drop(server.command(&["UNLINK", key]).unwrap()));
    let far = || processes.iter().step_by(2);
    let discarded = Answer::Filled(FillOutcome::Discarded(DiscardReason::Fault));
    for process in far() {
        assert_eq!(process.read(&rows, 1), discarded, "{process:?}");
    }
    for process in &processes {
        for what in process.heard() {
            let fine = match what {
                What::Fault(kind) => kind == FaultKind::Full,
                What::Miss(_) => true,
                _ => false,
            };
            assert!(fine, "{process:?} heard {what:?}");
        }
    }
    set("0");
    check_that_all_is_well(&processes, &rows);
    processes.iter().for_each(Process::has_no_fault);
}

#[test]
fn evictions_of_the_least_used_keys_cost_misses() {
    check_policy("allkeys-lru");
}

#[test]
fn evictions_of_any_keys_cost_misses() {
    check_policy("allkeys-random");
}

#[test]
fn evictions_of_the_keys_that_expire_first_cost_misses() {
    check_policy("volatile-ttl");
}

#[test]
fn evictions_of_the_least_used_keys_that_expire_cost_misses() {
    check_policy("volatile-lru");
}

fn check_policy(policy: &str) {
    let server = RedisServer::start().unwrap();
    let (processes, rows) = (processes(&config(&server)), Rows::new(1_500));
    warm(&processes, &Rows::new(1));
    let set = |name, value: &str| {
        server.command(&["CONFIG", "SET", name, value]).unwrap();
    };
    set("maxmemory-policy", policy);
    let used: u64 = server.info("used_memory").unwrap().parse().unwrap();
    set("maxmemory", &(used + (250 << 10)).to_string());
    let counts: Vec<_> = thread::scope(|scope| {
        let rows = &rows;
        let working: Vec<_> = processes
            .iter()
            .zip(1..)
            .map(|(process, seed)| scope.spawn(move || work(process, rows, seed)))
            .collect();
        working.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let evicted: u64 = server.info("evicted_keys").unwrap().parse().unwrap();
    println!("{policy}: {evicted} keys evicted, 0 stale, {counts:?}");
    assert!(evicted > 100, "{policy}: only {evicted} keys evicted");
    assert!(rows.hits() > 100, "{policy}: only {} hits", rows.hits());
    for process in &processes {
        let unexpected = process
            .heard()
            .into_iter()
            .find(|what| !matches!(what, What::Miss(_) | What::Fault(FaultKind::Full)));
        assert_eq!(unexpected, None, "{policy}: {process:?}");
    }
}

fn work(process: &Process, rows: &Rows, seed: u64) -> HashMap<&'static str, usize> {
    let mut random = Random::new(seed);
    let mut counts = HashMap::new();
    for _ in 0..1_500 {
        // Some are read more often than others.
        let authors = random.below(rows.versions.len()) + 1;
        let author = random.below(authors);
        let what = match random.below(10) {
            0 => {
                assert!(process.write(rows, author), "{process:?}");
                "writes"
            }
            _ => match process.read(rows, author) {
                Answer::Hit(_) => "hits",
                Answer::Filled(FillOutcome::Stored) => "fills",
                Answer::Filled(_) => "discarded",
                Answer::Bypass(_) => "bypasses",
            },
        };
        *counts.entry(what).or_default() += 1;
    }
    counts
}
