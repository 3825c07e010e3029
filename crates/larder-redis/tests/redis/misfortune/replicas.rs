//! Servers that become replicas, replicas that become servers, and invalidations that replicas must
//! have.

use std::{thread, time::Duration};

use larder_core::{BypassReason, MissCause};
use larder_redis::AcknowledgeReplicas;
use larder_testkit::server::{RedisServer, wait_until};

use super::{
    Answer, Process, Rows, check_that_all_is_well, config,
    process::{What, never_opening, processes_within},
    processes, warm,
};

/// How long a server may go on without being asked who it is.
const UNASKED: Duration = Duration::from_secs(1);

#[test]
fn a_server_that_became_a_replica_answers_no_longer_than_it_goes_unasked() {
    let (server, other) = (RedisServer::start().unwrap(), RedisServer::start().unwrap());
    let (processes, rows) = (
        processes_within(&config(&server), &never_opening()),
        Rows::new(4),
    );
    warm(&processes, &rows);
    processes.iter().for_each(|process| drop(process.heard()));
    follow(&server, &other);
    let demoted = processes[0].now();
    // Each writes; what it wrote bypasses in it.
    for (author, process) in processes.iter().enumerate() {
        assert!(!process.write(&rows, author), "{process:?}");
        let answer = process.read(&rows, author);
        assert_eq!(answer, Answer::Bypass(BypassReason::Undelivered));
        assert!(process.heard().contains(&What::Pending));
    }
    // Readers of another table, of which no invalidation is pending.
    let quiet = Rows::of(larder_testkit::fixture::Posts::named("quiet"), 1);
    wait_until("nobody is answered any more", || {
        for process in &processes {
            let started = process.now();
            let answer = process.read(&quiet, 0);
            let bypassed = answer == Answer::Bypass(BypassReason::Fault);
            assert!(
                bypassed || started < demoted + UNASKED,
                "{process:?}: {answer:?}"
            );
        }
        Ok(processes[0].now() > demoted + 2 * UNASKED)
    })
    .unwrap();
    server.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
    for process in &processes {
        process.cache.deliver_pending_blocking().unwrap();
        assert!(process.heard().contains(&What::Delivered));
    }
    rows.all_delivered();
    check_that_all_is_well(&processes, &rows);
    processes.iter().for_each(Process::has_no_fault);
}

/// What one connection hears, no other one may go on not knowing: the process would be served what
/// it has changed itself, once that was delivered elsewhere.
#[test]
fn a_write_that_a_replica_refuses_is_heard_by_all_connections() {
    let (server, other) = (RedisServer::start().unwrap(), RedisServer::start().unwrap());
    let processes = processes_within(&config(&server), &never_opening());
    let rows = Rows::new(1);
    let quiet = Rows::of(larder_testkit::fixture::Posts::named("quiet"), 1);
    warm(&processes, &rows);
    warm(&processes, &quiet);
    follow(&other, &server);
    other.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
    // It keeps all that it has.
    follow(&server, &other);
    for process in &processes {
        assert!(!process.write(&rows, 0), "{process:?}");
        for _ in 0..4 {
            let answer = process.read(&quiet, 0);
            assert_eq!(answer, Answer::Bypass(BypassReason::Fault), "{process:?}");
        }
    }
}

/// A write that finds nothing to drop sends no command that a replica would refuse. What it finds
/// must not come from a server that is none any more.
#[test]
fn a_replica_does_not_say_that_there_is_nothing_to_drop() {
    let (server, other) = (RedisServer::start().unwrap(), RedisServer::start().unwrap());
    let (processes, rows) = (processes(&config(&server)), Rows::new(1));
    for process in &processes {
        follow(&server, &other);
        assert!(!process.write(&rows, 0), "{process:?}");
        server.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
        process.cache.deliver_pending_blocking().unwrap();
        // Its connections have just said that they lead to a master.
        assert!(process.write(&rows, 0), "{process:?}");
    }
    for process in &processes {
        follow(&server, &other);
        assert!(!process.invalidate_all(), "{process:?}");
        server.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
    }
}

/// P6: the process is the same, its life is another.
#[test]
fn entries_of_an_earlier_life_of_the_same_process_are_not_believed() {
    let (server, other) = (RedisServer::start().unwrap(), RedisServer::start().unwrap());
    let (processes, rows) = (processes(&config(&server)), Rows::new(4));
    warm(&processes, &rows);
    follow(&other, &server);
    other.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
    let stamps = || server.command(&["KEYS", "*:d:*"]).unwrap().lines().count();
    for author in rows.authors() {
        assert!(processes[author].write(&rows, author));
    }
    assert_eq!(stamps(), 0);
    let run = server.info("run_id").unwrap();
    follow(&server, &other);
    server.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
    assert_eq!(stamps(), 4, "the old stamps are back");
    assert_eq!(server.info("run_id").unwrap(), run);
    let promoted = processes[0].now();
    wait_until("every connection is due to ask", || {
        Ok(processes[0].now() > promoted + UNASKED)
    })
    .unwrap();
    processes.iter().for_each(|process| drop(process.heard()));
    for author in rows.authors() {
        assert!(!processes[author].read(&rows, author).is_hit());
        let heard = processes[author].heard();
        assert_eq!(heard, [What::Miss(MissCause::Incarnation)]);
    }
    check_that_all_is_well(&processes, &rows);
    processes.iter().for_each(Process::has_no_fault);
}

#[test]
fn an_invalidation_counts_when_a_replica_has_it() {
    let (server, mut replica) = (RedisServer::start().unwrap(), RedisServer::start().unwrap());
    follow(&replica, &server);
    let within = Duration::from_secs(1);
    let config = config(&server).with_acknowledge_replicas(AcknowledgeReplicas::new(1, within));
    let (processes, rows) = (processes(&config), Rows::new(4));
    let at_the_replica =
        |replica: &RedisServer| replica.command(&["KEYS", "*:d:*"]).unwrap().lines().count();
    warm(&processes, &rows);
    for (author, process) in processes.iter().enumerate() {
        assert!(process.write(&rows, author), "{process:?}");
        assert_eq!(at_the_replica(&replica), 3 - author, "{process:?}");
    }
    warm(&processes, &rows);
    replica.pause().unwrap();
    thread::scope(|scope| {
        let rows = &rows;
        for (author, process) in processes.iter().enumerate() {
            scope.spawn(move || {
                let started = process.now();
                assert!(!process.write(rows, author), "{process:?}");
                let took = process.now().since(started);
                assert!(took >= within && took < within + SLACK, "{took:?}");
                assert!(process.heard().contains(&What::Pending));
                // Now there is nothing left to drop, but the replica does not know.
                assert!(process.cache.deliver_pending_blocking().is_err());
            });
        }
    });
    replica.resume().unwrap();
    for process in &processes {
        process.cache.deliver_pending_blocking().unwrap();
        assert!(process.heard().contains(&What::Delivered));
    }
    assert_eq!(at_the_replica(&replica), 0);
    rows.all_delivered();
    check_that_all_is_well(&processes, &rows);
}

/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(2);

/// Makes one server a replica of another, and waits until it holds what that one holds.
fn follow(server: &RedisServer, master: &RedisServer) {
    let port = master.port().to_string();
    // A master waits for more replicas before it sends what it has.
    master
        .command(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"])
        .unwrap();
    server.command(&["REPLICAOF", "127.0.0.1", &port]).unwrap();
    wait_until("the replica is in sync", || {
        Ok(server.info("master_link_status")? == "up")
    })
    .unwrap();
}
