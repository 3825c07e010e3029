//! What is sent once and what may be sent twice (P5), as a proxy in front of the server sees it.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use larder_core::BypassReason;
use larder_redis::RedisConfig;
use larder_testkit::{
    proxy::{Command, Misfortune, Proxy},
    server::{RedisCluster, RedisServer, wait_until},
};

use super::{
    Answer, Process, Rows, STORED, check_that_all_is_well,
    process::{never_opening, processes_within},
};

/// Long enough for a busy machine, and what a test waits for when it hears nothing.
const DEADLINE: Duration = Duration::from_secs(1);

#[test]
fn no_registration_goes_to_a_server_twice() {
    let server = RedisServer::start().unwrap();
    let proxy = Proxy::start(server.port()).unwrap();
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    check(RedisConfig::from_url(&url).unwrap(), &[proxy]);
}

#[test]
fn no_registration_goes_to_a_cluster_twice() {
    let cluster = RedisCluster::start().unwrap();
    let (config, proxies) = behind_proxies(&cluster);
    check(config, &proxies);
}

fn check(config: RedisConfig, proxies: &[Proxy]) {
    let config = config
        .with_hit_timeout(DEADLINE)
        .with_response_timeout(DEADLINE);
    let (processes, rows) = (processes_within(&config, &never_opening()), Rows::new(2));
    check_that_all_is_well(&processes, &rows);
    for process in &processes {
        for creating in [is_shape, is_value] {
            spoil_a_registration(proxies, process, &rows, Misfortune::Cut, creating);
        }
        spoil_a_registration(proxies, process, &rows, Misfortune::Mute, is_shape);
    }
    check_that_all_is_well(&processes, &rows);
    assert_eq!(created_twice(proxies), [] as [Command; 0]);
}

/// The answer to a registration is lost: its reader runs the query, and the next one starts over.
fn spoil_a_registration(
    proxies: &[Proxy],
    process: &Process,
    rows: &Rows,
    misfortune: Misfortune,
    creating: fn(&Command) -> bool,
) {
    // Drops the value, and the shapes.
    assert!(process.write(rows, 0), "{process:?}");
    assert!(process.invalidate(&[rows.posts.unknown_rows()]));
    spoil_one(proxies, misfortune, creating);
    let answer = process.read(rows, 0);
    let fault = Answer::Bypass(BypassReason::Fault);
    assert_eq!(answer, fault, "{process:?}, {misfortune:?}");
    assert!(proxies.iter().any(Proxy::is_spoilt));
    mend(proxies);
    assert_eq!(process.read(rows, 0), STORED, "{process:?}, {misfortune:?}");
    assert!(process.read(rows, 0).is_hit());
}

#[test]
fn an_invalidation_whose_answer_is_lost_is_sent_again_once() {
    let server = RedisServer::start().unwrap();
    let proxy = Proxy::start(server.port()).unwrap();
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let config = super::patient(RedisConfig::from_url(&url).unwrap());
    let (processes, rows) = (super::processes(&config), Rows::new(1));
    for (position, process) in processes.iter().enumerate() {
        check_that_all_is_well(std::slice::from_ref(process), &rows);
        let before = times(&proxy, "UNLINK");
        proxy.spoil(Misfortune::Cut, |command| command.is("UNLINK"));
        assert!(process.write(&rows, 0), "{process:?}");
        assert_eq!(times(&proxy, "UNLINK"), before + 2, "{process:?}");
        // Twice in a row is too often.
        proxy.spoil(Misfortune::Cut, |command| command.is("UNLINK"));
        proxy.spoil(Misfortune::Cut, |command| command.is("UNLINK"));
        assert_eq!(process.read(&rows, 0), STORED);
        assert!(!process.write(&rows, 0), "{process:?}");
        assert_eq!(times(&proxy, "UNLINK"), before + 4, "{process:?}");
        process.cache.deliver_pending_blocking().unwrap();
        rows.all_delivered();
        process.heard();
        // Of what is kept near the stamps alone are asked for.
        let keys = if position % 2 == 0 { "MGET" } else { "GET" };
        for name in [keys, "HGET", "HKEYS"] {
            assert_eq!(process.read(&rows, 0), STORED);
            assert!(process.read(&rows, 0).is_hit());
            proxy.spoil(Misfortune::Cut, move |command| command.is(name));
            assert!(process.read(&rows, 0).is_hit(), "{process:?}, {name}");
            assert!(process.write(&rows, 0), "{process:?}, {name}");
            assert!(proxy.is_spoilt(), "{process:?}, {name}");
        }
        process.has_no_fault();
    }
    assert_eq!(created_twice(&[proxy]), [] as [Command; 0]);
}

/// Whatever the command after which the connection ends.
#[test]
fn wherever_a_connection_ends_nothing_is_stale_or_created_twice() {
    let server = RedisServer::start().unwrap();
    let proxy = Proxy::start(server.port()).unwrap();
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let config = super::patient(RedisConfig::from_url(&url).unwrap());
    let (processes, rows) = (processes_within(&config, &never_opening()), Rows::new(1));
    for process in &processes {
        for position in 0..40 {
            let seen = Arc::new(AtomicUsize::new(0));
            proxy.spoil(Misfortune::Cut, move |_| {
                seen.fetch_add(1, SeqCst) == position
            });
            while !proxy.is_spoilt() {
                process.read(&rows, 0);
                process.read(&rows, 0);
                if !process.write(&rows, 0) {
                    process.cache.deliver_pending_blocking().unwrap();
                    rows.all_delivered();
                }
            }
        }
    }
    check_that_all_is_well(&processes, &rows);
    assert_eq!(created_twice(&[proxy]), [] as [Command; 0]);
}

fn times(proxy: &Proxy, name: &str) -> usize {
    let passed = proxy.passed();
    passed.iter().filter(|command| command.is(name)).count()
}

/// The creation of a shape's stamp: `HSETNX record shape stamp`.
fn is_shape(command: &Command) -> bool {
    let stamp = command.word(3).is_some_and(|word| word.len() == 16);
    command.is("HSETNX") && stamp
}

/// The creation of a value's stamp: `SET stamp .. NX`.
fn is_value(command: &Command) -> bool {
    command.is("SET") && command.has("NX")
}

/// The creations that any server has seen for a second time with the same stamp.
fn created_twice(proxies: &[Proxy]) -> Vec<Command> {
    let passed = proxies.iter().flat_map(Proxy::passed);
    let creations = passed.filter(|command| is_shape(command) || is_value(command));
    let mut seen = HashSet::new();
    let again: Vec<_> = creations
        .filter(|command| !seen.insert(command.clone()))
        .collect();
    assert!(seen.len() > 4, "only {} stamps were created", seen.len());
    again
}

/// One of the servers will do this, whichever it is.
fn spoil_one(proxies: &[Proxy], misfortune: Misfortune, matches: fn(&Command) -> bool) {
    for proxy in proxies {
        proxy.spoil(misfortune, matches);
    }
}

/// No server does what it was to do any more.
fn mend(proxies: &[Proxy]) {
    proxies.iter().for_each(Proxy::mend);
}

/// A cluster whose nodes tell clients the ports of proxies.
fn behind_proxies(cluster: &RedisCluster) -> (RedisConfig, Vec<Proxy>) {
    let masters = &cluster.nodes()[..3];
    let start = |port| Proxy::start(port).unwrap();
    let proxies: Vec<_> = masters.iter().map(|node| start(node.port())).collect();
    for (node, proxy) in masters.iter().zip(&proxies) {
        let port = proxy.port().to_string();
        let announce = ["CONFIG", "SET", "cluster-announce-port", &port];
        node.command(&announce).unwrap();
    }
    let ports: Vec<_> = proxies.iter().map(|it| it.port().to_string()).collect();
    wait_until("all nodes name the proxies", || {
        for node in masters {
            let nodes = node.command(&["CLUSTER", "SLOTS"])?;
            if !ports.iter().all(|port| nodes.contains(port)) {
                return Ok(false);
            }
        }
        Ok(true)
    })
    .unwrap();
    let hosts: Vec<_> = ports
        .iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    let url = format!("redis+cluster://{}", hosts.join(","));
    (RedisConfig::from_url(&url).unwrap(), proxies)
}
