use larder_testkit::server::{RedisCluster, shared_redis_cluster};

use crate::gone::assert_gone;

#[test]
fn foreign_slot_is_answered_with_moved() {
    let cluster = shared_redis_cluster().unwrap();
    let slot = cluster.slot_of("{a}1").unwrap();
    assert_eq!(cluster.slot_of("{a}2").unwrap(), slot);
    let owner = cluster.master_of_slot(slot).unwrap();
    let owner_port = cluster.nodes()[owner].port();
    let moved = format!("MOVED {slot} 127.0.0.1:{owner_port}");
    for (index, node) in cluster.nodes().iter().enumerate() {
        let answer = node.command(&["SET", "{a}1", "x"]);
        match index == owner {
            true => assert_eq!(answer.unwrap(), "OK"),
            false => assert_eq!(answer.unwrap_err().to_string(), moved),
        }
    }
    assert_eq!(cluster.urls().len(), 6);
}

#[test]
fn opened_slot_gives_ask_and_a_finished_move_takes_the_keys_along() {
    let mut cluster = RedisCluster::start().unwrap();
    let slot = cluster.slot_of("{a}").unwrap();
    let from = cluster.master_of_slot(slot).unwrap();
    let to = (from + 1) % 3;
    let at = |cluster: &RedisCluster, node: usize, words: &[&str]| {
        cluster.nodes()[node]
            .command(words)
            .unwrap_or_else(|e| e.to_string())
    };
    for number in 0..250 {
        at(&cluster, from, &["SET", &format!("{{a}}{number}"), "x"]);
    }
    cluster.begin_move(slot, to).unwrap();
    let target = cluster.nodes()[to].port();
    assert_eq!(at(&cluster, from, &["GET", "{a}7"]), "x");
    let ask = format!("ASK {slot} 127.0.0.1:{target}");
    assert_eq!(at(&cluster, from, &["GET", "{a}absent"]), ask);
    cluster.finish_move(slot, to).unwrap();
    assert_eq!(cluster.master_of_slot(slot).unwrap(), to);
    let moved = format!("MOVED {slot} 127.0.0.1:{target}");
    assert_eq!(at(&cluster, from, &["GET", "{a}7"]), moved);
    let count = ["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()];
    assert_eq!(at(&cluster, to, &count), "250");
    cluster.wait_until_settled().unwrap();
}

#[test]
fn replica_takes_over_from_a_killed_master_which_returns_as_a_replica() {
    let mut cluster = RedisCluster::start().unwrap();
    let slot = cluster.slot_of("key").unwrap();
    let old = cluster.master_of_slot(slot).unwrap();
    cluster.nodes()[old].command(&["SET", "key", "x"]).unwrap();
    assert_eq!(
        cluster.nodes()[old]
            .command(&["WAIT", "1", "5000"])
            .unwrap(),
        "1"
    );
    cluster.nodes_mut()[old].kill().unwrap();
    cluster.wait_for_failover(old).unwrap();
    let new = cluster.master_of_slot(slot).unwrap();
    assert_eq!(new, old + 3);
    assert_eq!(cluster.nodes()[new].command(&["GET", "key"]).unwrap(), "x");
    cluster.nodes_mut()[old].restart().unwrap();
    cluster.wait_until_settled().unwrap();
    assert_eq!(cluster.nodes()[old].info("role").unwrap(), "slave");
    assert!(cluster.wait_for_failover(old).is_err());
}

#[test]
fn cluster_is_gone_after_drop() {
    let cluster = RedisCluster::start().unwrap();
    let nodes = cluster.nodes().iter();
    let held: Vec<(u16, u32)> = nodes.map(|n| (n.port(), n.supervisor_pid())).collect();
    drop(cluster);
    for (port, supervisor) in held {
        assert_gone(port, supervisor);
    }
}
