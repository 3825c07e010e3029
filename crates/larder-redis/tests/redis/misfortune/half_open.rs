//! A network that loses everything and says nothing: connections look open, and nobody answers.

use std::{thread, time::Duration};

use larder_core::{BypassReason, FaultKind, Limits};
use larder_redis::RedisConfig;
use larder_testkit::{
    fixture::Posts,
    proxy::Proxy,
    server::{RedisServer, wait_until},
};

use super::{
    Answer, Process, Rows, check_that_all_is_well, patient,
    process::{What, processes_within},
    processes, warm,
};

/// How long a hit may take, and connecting.
const DEADLINE: Duration = Duration::from_millis(600);
/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(2);
const FAULTS: u32 = 3;
const OPEN: Duration = Duration::from_millis(1_500);

#[test]
fn a_silent_network_is_noticed_left_alone_and_tried_again() {
    let server = RedisServer::start().unwrap();
    thread::scope(|scope| {
        for kind in 0..4 {
            let server = &server;
            scope.spawn(move || check(server, kind));
        }
    });
}

/// A process with a network and a table of its own.
fn check(server: &RedisServer, kind: usize) {
    let proxy = Proxy::start(server.port()).unwrap();
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let config = RedisConfig::from_url(&url)
        .unwrap()
        .with_connect_timeout(DEADLINE)
        .with_hit_timeout(DEADLINE);
    let mut limits = Limits::default();
    limits.breaker_faults = FAULTS;
    limits.breaker_open = OPEN;
    let process = &processes_within(&config, &limits).remove(kind);
    let rows = Rows::of(Posts::named(&format!("t{kind}")), 1);
    warm(std::slice::from_ref(process), &rows);
    process.heard();
    proxy.stall();
    faults_open_the_breaker(process, &rows);
    an_open_breaker_asks_nobody(process, &rows, &proxy);
    an_open_breaker_tries_again(process, &rows);
    assert!(!process.write(&rows, 0), "{process:?}");
    assert!(process.heard().contains(&What::Pending));
    let undelivered = Answer::Bypass(BypassReason::Undelivered);
    assert_eq!(process.read(&rows, 0), undelivered, "{process:?}");
    proxy.resume();
    wait_until("the invalidation is delivered", || {
        Ok(process.cache.deliver_pending_blocking().is_ok())
    })
    .unwrap();
    assert!(process.heard().contains(&What::Delivered));
    rows.all_delivered();
    check_that_all_is_well(std::slice::from_ref(process), &rows);
    process.has_no_fault();
}

fn faults_open_the_breaker(process: &Process, rows: &Rows) {
    for at in 0..FAULTS {
        let started = process.now();
        let fault = Answer::Bypass(BypassReason::Fault);
        assert_eq!(process.read(rows, 0), fault, "{process:?}");
        let took = process.now().since(started);
        // The first has a connection, the others find that none can be made.
        let most = if at == 0 { DEADLINE } else { 2 * DEADLINE };
        assert!(took < most + SLACK, "{process:?} took {took:?}");
    }
    let timeout = What::Fault(FaultKind::Timeout);
    let heard = process.heard();
    assert_eq!(heard, vec![timeout; heard.len()], "{process:?}");
    assert_eq!(heard.len(), usize::try_from(FAULTS).unwrap());
}

fn an_open_breaker_asks_nobody(process: &Process, rows: &Rows, proxy: &Proxy) {
    let touched = (proxy.accepted(), proxy.passed().len());
    let started = process.now();
    let mut answered = 0;
    while answered < 100 && process.now().since(started) < OPEN / 3 {
        let unavailable = Answer::Bypass(BypassReason::Unavailable);
        assert_eq!(process.read(rows, 0), unavailable, "{process:?}");
        answered += 1;
    }
    assert!(answered > 10, "{process:?}: only {answered} reads");
    assert_eq!((proxy.accepted(), proxy.passed().len()), touched);
    assert_eq!(process.heard(), []);
}

/// One read goes through, and finds the same.
fn an_open_breaker_tries_again(process: &Process, rows: &Rows) {
    wait_until("the breaker half-opens", || {
        let answer = process.read(rows, 0);
        assert!(matches!(answer, Answer::Bypass(_)), "{answer:?}");
        Ok(answer == Answer::Bypass(BypassReason::Fault))
    })
    .unwrap();
    let unavailable = Answer::Bypass(BypassReason::Unavailable);
    assert_eq!(process.read(rows, 0), unavailable, "{process:?}");
    assert_eq!(process.heard(), [What::Fault(FaultKind::Timeout)]);
}

/// Whoever waited for the connection has given up before it failed.
#[test]
fn a_connection_that_could_not_be_made_is_no_fault_of_those_who_come_later() {
    let server = RedisServer::start().unwrap();
    let proxy = Proxy::start(server.port()).unwrap();
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let config = patient(RedisConfig::from_url(&url).unwrap());
    let impatient = config
        .with_connect_timeout(2 * DEADLINE)
        .with_hit_timeout(DEADLINE);
    let (processes, rows) = (processes(&impatient), Rows::new(1));
    warm(&processes, &rows);
    proxy.stall();
    proxy.drop_connections();
    let started = processes[0].now();
    for process in &processes {
        let fault = Answer::Bypass(BypassReason::Fault);
        assert_eq!(process.read(&rows, 0), fault, "{process:?}");
        process.heard();
    }
    wait_until("nobody tries to connect any more", || {
        Ok(processes[0].now() > started + 8 * DEADLINE)
    })
    .unwrap();
    proxy.resume();
    for process in &processes {
        assert!(process.read(&rows, 0).is_hit(), "{process:?}");
        process.has_no_fault();
    }
}
