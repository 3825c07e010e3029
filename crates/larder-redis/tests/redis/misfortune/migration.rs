//! A slot that moves from one node of a cluster to another while it is in use.

use larder_core::DependencyKey;
use larder_testkit::{
    fixture::{Posts, Query},
    server::{RedisCluster, RedisServer},
    tags::redis_tag,
};

use super::{Process, Rows, STORED, check_that_all_is_well, cluster_config, processes, warm};

#[test]
fn a_slot_that_moves_is_no_fault_and_nothing_in_it_is_stale() {
    let mut cluster = RedisCluster::start().unwrap();
    let (processes, rows) = (processes(&cluster_config(&cluster)), Rows::new(6));
    let (slot, from, to) = move_of(&cluster, &rows);
    warm(&processes, &rows);
    cluster.begin_move(slot, to).unwrap();
    use_it(&processes, &rows);
    // Nothing has moved yet, but what is created now is created there (ASK).
    assert!(processes[0].write(&rows, 0));
    processes[0].read(&rows, 0);
    assert_eq!(stamps(&cluster, to, &rows).lines().count(), 1);
    move_by_hand(&cluster, from, to, "*:t:*");
    use_it(&processes, &rows);
    move_by_hand(&cluster, from, to, "*:d:*");
    use_it(&processes, &rows);
    cluster.finish_move(slot, to).unwrap();
    use_it(&processes, &rows);
    check_that_all_is_well(&processes, &rows);
    processes.iter().for_each(Process::has_no_fault);
    check_that_the_owner_is_known(&processes, &rows, &cluster, (from, to));
    // And back again: what its stamps were there is a matter of an earlier time.
    cluster.move_slot(slot, from).unwrap();
    use_it(&processes, &rows);
    check_that_all_is_well(&processes, &rows);
    processes.iter().for_each(Process::has_no_fault);
}

/// Of two keys in one command, one has moved: neither node has both (TRYAGAIN).
#[test]
fn commands_on_keys_that_are_half_moved_are_taken_apart() {
    let mut cluster = RedisCluster::start().unwrap();
    let processes = processes(&cluster_config(&cluster));
    for (number, process) in processes.iter().enumerate() {
        let rows = Rows::of(Posts::named(&format!("t{number}")), 2);
        let (slot, from, to) = move_of(&cluster, &rows);
        warm(std::slice::from_ref(process), &rows);
        let first = stamps(&cluster, from, &rows)
            .lines()
            .next()
            .unwrap()
            .to_owned();
        cluster.begin_move(slot, to).unwrap();
        move_by_hand(&cluster, from, to, &first);
        let before = refusals(&cluster);
        // P6: stamps from two servers are good for nothing, now and later.
        for _ in 0..2 {
            let answer = process.read_query(&rows, 0, &both_authors(&rows));
            assert_eq!(answer, STORED, "{process:?}");
        }
        let asked = refusals(&cluster);
        assert!(asked > before, "{process:?}: nothing was refused");
        let changes = [0, 1].map(|author| rows.posts.retitled(author));
        assert!(process.invalidate(&changes), "{process:?}");
        assert!(
            refusals(&cluster) > asked,
            "{process:?}: nothing was refused"
        );
        let left = [from, to].map(|node| stamps(&cluster, node, &rows));
        assert_eq!(left, ["", ""], "{process:?}");
        process.has_no_fault();
        cluster.finish_move(slot, to).unwrap();
        check_that_all_is_well(&processes, &rows);
    }
    processes.iter().for_each(Process::has_no_fault);
}

/// Commands go to the new owner, and no more to the old one.
fn check_that_the_owner_is_known(
    processes: &[Process],
    rows: &Rows,
    cluster: &RedisCluster,
    (from, to): (usize, usize),
) {
    let nodes = [from, to].map(|node| &cluster.nodes()[node]);
    for node in nodes {
        node.command(&["CONFIG", "RESETSTAT"]).unwrap();
    }
    check_that_all_is_well(processes, rows);
    let looked_up = nodes.map(|node| {
        let stats = node.command(&["INFO", "commandstats"]).unwrap();
        stats.contains("cmdstat_hget:")
    });
    assert_eq!(looked_up, [false, true]);
}

/// The slot of the table, its owner and another node.
fn move_of(cluster: &RedisCluster, rows: &Rows) -> (u16, usize, usize) {
    let slot = cluster.slot_of(&redis_tag(&rows.posts.key)).unwrap();
    let from = cluster.master_of_slot(slot).unwrap();
    (slot, from, (from + 1) % 3)
}

/// Every process reads what the others wrote, wherever the slot is.
fn use_it(processes: &[Process], rows: &Rows) {
    for writer in processes {
        for author in rows.authors() {
            for reader in processes {
                // Stamps from two servers are good for nothing, but that is all (P6).
                let _ = reader.read(rows, author);
            }
            if author % 2 == 0 {
                assert!(writer.write(rows, author), "{writer:?}");
            }
        }
    }
    processes.iter().for_each(Process::has_no_fault);
}

/// A query on the posts of two authors.
fn both_authors(rows: &Rows) -> Query {
    let dependencies: Vec<DependencyKey> = [0, 1]
        .into_iter()
        .flat_map(|author| rows.posts.by_author(author).dependencies)
        .collect();
    Query {
        dependencies,
        ..rows.posts.all()
    }
}

/// How many commands of several keys were refused.
fn refusals(cluster: &RedisCluster) -> usize {
    let of = |node: &RedisServer| -> usize {
        let stats = node.command(&["INFO", "errorstats"]).unwrap();
        let count = stats
            .lines()
            .find_map(|line| line.strip_prefix("errorstat_TRYAGAIN:count="));
        count.map_or(0, |count| count.parse().unwrap())
    };
    cluster.nodes().iter().map(of).sum()
}

fn stamps(cluster: &RedisCluster, node: usize, rows: &Rows) -> String {
    let pattern = format!("{}:d:*", redis_tag(&rows.posts.key));
    cluster.nodes()[node].command(&["KEYS", &pattern]).unwrap()
}

fn move_by_hand(cluster: &RedisCluster, from: usize, to: usize, pattern: &str) {
    let port = cluster.nodes()[to].port().to_string();
    let node = &cluster.nodes()[from];
    for key in node.command(&["KEYS", pattern]).unwrap().lines() {
        let command = ["MIGRATE", "127.0.0.1", &port, key, "0", "4000", "REPLACE"];
        node.command(&command).unwrap();
    }
}
