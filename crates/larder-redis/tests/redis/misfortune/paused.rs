//! A server that does not run for a while (SIGSTOP), and then runs what it was sent meanwhile.

use std::{thread, time::Duration};

use larder_core::{
    BlockingStore as _, DiscardReason, FaultKind, Fill, FillOutcome, ReadMode, ReadOutcome, Stamp,
    store::{Registration, Request},
};
use larder_redis::{RedisConfig, RedisStore};
use larder_testkit::server::{RedisServer, wait_until};

use super::{
    Answer, Process, Rows, check_that_all_is_well, config,
    process::{What, never_opening, processes_within},
    processes, warm,
};

/// How long anything may take: connecting, a response, a hit.
const DEADLINE: Duration = Duration::from_secs(1);
/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(2);

#[test]
fn nothing_waits_longer_than_it_may_and_what_runs_late_revives_nothing() {
    let mut server = RedisServer::start().unwrap();
    let config = RedisConfig::from_url(&server.url()).unwrap();
    let config = config
        .with_connect_timeout(DEADLINE)
        .with_response_timeout(DEADLINE)
        .with_hit_timeout(DEADLINE);
    let (processes, rows) = (processes_within(&config, &never_opening()), Rows::new(4));
    warm(&processes, &rows);
    // Queries that are under way, under stamps that will be dropped.
    let fills: Vec<_> = processes
        .iter()
        .map(|process| under_way(process, &rows))
        .collect();
    processes.iter().for_each(|process| drop(process.heard()));
    server.pause().unwrap();
    thread::scope(|scope| {
        let rows = &rows;
        for (author, (process, fill)) in processes.iter().zip(fills).enumerate() {
            scope.spawn(move || use_a_paused_server(process, rows, author, fill));
        }
    });
    server.resume().unwrap();
    for process in &processes {
        process.cache.deliver_pending_blocking().unwrap();
        assert!(process.heard().contains(&What::Delivered));
    }
    rows.all_delivered();
    check_that_all_is_well(&processes, &rows);
    processes.iter().for_each(Process::has_no_fault);
}

fn use_a_paused_server(process: &Process, rows: &Rows, author: usize, fill: Fill) {
    let mut latest = process.now();
    let mut took = || {
        let before = std::mem::replace(&mut latest, process.now());
        latest.since(before)
    };
    let late = FillOutcome::Discarded(DiscardReason::Fault);
    assert_eq!(process.store(fill, 1), late, "{process:?}");
    assert!(took() <= DEADLINE + SLACK);
    // The next ones have no connection.
    for _ in 0..2 {
        let answer = process.read(rows, author);
        assert!(matches!(answer, Answer::Bypass(_)), "{answer:?}");
        assert!(took() <= 2 * DEADLINE + SLACK, "{process:?}");
    }
    assert!(!process.write(rows, author));
    assert!(took() <= 2 * DEADLINE + SLACK, "{process:?}");
    let heard = process.heard();
    assert!(
        heard.contains(&What::Fault(FaultKind::Timeout)),
        "{heard:?}"
    );
    assert!(heard.contains(&What::Pending), "{heard:?}");
}

/// P5: a registration that the server runs late, after what it was for was dropped.
#[test]
fn a_registration_that_runs_late_belongs_to_nobody() {
    let mut server = RedisServer::start().unwrap();
    let (processes, rows) = (processes(&config(&server)), Rows::new(1));
    let impatient = config(&server).with_response_timeout(DEADLINE);
    let store = RedisStore::connect_blocking(impatient).unwrap();
    warm(&processes, &rows);
    assert!(processes[0].write(&rows, 0));
    server.pause().unwrap();
    let stamp = Stamp([7; 16]);
    let registrations = vec![Registration {
        dependency: rows.posts.by_author(0).dependencies[0].clone(),
        shape: Some(stamp),
        value: Some(stamp),
    }];
    let ttl = Duration::from_secs(60);
    let register = Request::Register { registrations, ttl };
    let late = store.exec_blocking(processes[0].now(), &[register]);
    assert_eq!(late.unwrap_err().kind(), FaultKind::Timeout);
    server.resume().unwrap();
    wait_until("the server has run it", || {
        Ok(!server.command(&["KEYS", "*:d:*"])?.is_empty())
    })
    .unwrap();
    check_that_all_is_well(&processes, &rows);
}

fn under_way(process: &Process, rows: &Rows) -> Fill {
    let query = rows.posts.by_author(0);
    let mut read = query.read();
    read.mode = ReadMode::Refresh;
    match process.cache.read_blocking(read) {
        ReadOutcome::Fill(fill) => fill,
        other => panic!("a refresh is a fill, not {other:?}"),
    }
}
