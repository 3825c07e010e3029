//! Connections that are cut between one operation and the next.

use std::thread;

use larder_core::DependencyKey;
use larder_redis::RedisConfig;
use larder_testkit::{
    fixture::{Posts, Query},
    server::{RedisCluster, RedisServer},
};

use super::{Process, Rows, STORED, cluster_config, config, processes, warm};

#[test]
fn cut_connections_to_one_server_are_no_fault() {
    let server = RedisServer::start().unwrap();
    check(&config(&server), std::slice::from_ref(&server));
}

#[test]
fn cut_connections_to_all_nodes_of_a_cluster_are_no_fault() {
    let cluster = RedisCluster::start().unwrap();
    check(&cluster_config(&cluster), &cluster.nodes()[..3]);
    // One operation on all masters, each of which has cut its connection.
    let config = cluster_config(&cluster).with_table_shards(16);
    check(&config, &cluster.nodes()[..3]);
}

fn check(config: &RedisConfig, servers: &[RedisServer]) {
    let (processes, rows) = (processes(config), Rows::new(2));
    let (tables, joined) = join_of_tables();
    let cut = || {
        for server in servers {
            server
                .command(&["CLIENT", "KILL", "TYPE", "normal"])
                .unwrap();
        }
    };
    warm(&processes, &rows);
    open_several(&processes, &rows);
    for round in 0..6 {
        for process in &processes {
            for author in rows.authors() {
                cut();
                let answer = process.read(&rows, author);
                assert!(
                    answer.is_hit() || answer == STORED,
                    "{process:?}: {answer:?}"
                );
                cut();
                assert!(process.write(&rows, author), "{process:?}, round {round}");
            }
            cut();
            let answer = process.read_query(&rows, 0, &joined);
            assert!(
                answer.is_hit() || answer == STORED,
                "{process:?}: {answer:?}"
            );
            let changes: Vec<_> = tables.iter().map(Posts::unknown_rows).collect();
            cut();
            assert!(process.invalidate(&changes), "{process:?}, round {round}");
            process.has_no_fault();
        }
    }
}

/// A query on several tables, which lie on different nodes.
fn join_of_tables() -> (Vec<Posts>, Query) {
    let tables: Vec<_> = (0..12).map(|n| Posts::named(&format!("t{n}"))).collect();
    let dependencies = tables
        .iter()
        .map(|table| DependencyKey::any_row(table.key.clone()))
        .collect();
    let query = Query {
        dependencies,
        ..tables[0].all()
    };
    (tables, query)
}

/// Several connections lie idle, all of which will be cut.
fn open_several(processes: &[Process], rows: &Rows) {
    for process in processes {
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        process.read(rows, 0);
                    }
                });
            }
        });
    }
}
