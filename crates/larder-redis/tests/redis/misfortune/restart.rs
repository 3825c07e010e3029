//! Servers that start again, with all, some or nothing of what they held.

use larder_core::MissCause;
use larder_testkit::server::{RedisOptions, RedisServer};

use super::{
    Process, Rows, check_that_all_is_well, config,
    process::{What, processes},
    warm,
};

#[test]
fn a_restart_with_nothing_costs_misses() {
    check(RedisServer::start().unwrap(), MissCause::NoEntry, |_| {});
}

#[test]
fn a_restart_from_a_dump_costs_misses() {
    let server = RedisServer::start().unwrap();
    check(server, MissCause::Incarnation, |server| {
        server.command(&["SAVE"]).unwrap();
    });
}

#[test]
fn a_restart_from_the_append_only_file_costs_misses() {
    let options = RedisOptions::default().settings(&[("appendonly", "yes")]);
    let server = RedisServer::start_with(&options).unwrap();
    check(server, MissCause::Incarnation, |_| {});
}

/// P6: what an acknowledged invalidation removed is back, and so are the entries.
#[test]
fn stamps_that_an_older_dump_brings_back_are_not_believed() {
    let mut server = RedisServer::start().unwrap();
    let (processes, rows) = (processes(&config(&server)), Rows::new(4));
    warm(&processes, &rows);
    let stamps = || server.command(&["KEYS", "*:d:*"]).unwrap().lines().count();
    assert_eq!(stamps(), 4);
    server.command(&["SAVE"]).unwrap();
    for author in rows.authors() {
        assert!(processes[author].write(&rows, author));
    }
    assert_eq!(server.command(&["KEYS", "*:d:*"]).unwrap(), "");
    server.restart().unwrap();
    let back = server.command(&["KEYS", "*:d:*"]).unwrap();
    assert_eq!(back.lines().count(), 4, "the old stamps are back");
    check_after(&processes, &rows, MissCause::Incarnation);
}

fn check(mut server: RedisServer, cause: MissCause, prepare: impl Fn(&RedisServer)) {
    let (processes, rows) = (processes(&config(&server)), Rows::new(3));
    warm(&processes, &rows);
    for author in rows.authors() {
        assert!(processes[author].write(&rows, author));
    }
    warm(&processes, &rows);
    prepare(&server);
    server.restart().unwrap();
    check_after(&processes, &rows, cause);
}

/// The first who reads misses for that cause, nobody hears of a fault, and all is well again.
fn check_after(processes: &[Process], rows: &Rows, cause: MissCause) {
    processes.iter().for_each(|process| drop(process.heard()));
    for author in rows.authors() {
        let first = &processes[author % processes.len()];
        assert!(!first.read(rows, author).is_hit());
        assert_eq!(first.heard(), [What::Miss(cause)], "{first:?}");
    }
    check_that_all_is_well(processes, rows);
    processes.iter().for_each(Process::has_no_fault);
}
