//! What happens to Redis.

use std::{
    fs::{self, File},
    path::PathBuf,
};

use larder_testkit::server::{RedisCluster, RedisOptions, RedisSentinel, RedisServer, wait_until};

use crate::trial::{self, Fault};

#[test]
fn guarantees_hold_on_a_healthy_redis() {
    let server = RedisServer::start().unwrap();
    trial::run("nothing", server.url(), Nothing);
}

#[test]
fn guarantees_hold_after_a_kill_and_an_empty_restart() {
    let server = RedisServer::start().unwrap();
    let trial = trial::run("killed", server.url(), Killed(server));
    trial.assert_fault_was_met();
}

/// Invalidations since the snapshot are undone: stamps and entries of before come back.
#[test]
fn guarantees_hold_after_a_restart_from_an_old_snapshot() {
    let server = RedisServer::start().unwrap();
    let trial = trial::run("rdb", server.url(), Snapshot(server));
    trial.assert_fault_was_met();
}

/// All that was acknowledged is there again.
#[test]
fn guarantees_hold_after_a_restart_from_the_log() {
    let server = with_log();
    let trial = trial::run("aof", server.url(), Killed(server));
    trial.assert_fault_was_met();
}

/// As after a loss of power: what the disk had not got yet is missing.
#[test]
fn guarantees_hold_after_a_restart_from_a_log_without_its_end() {
    let server = with_log();
    let url = server.url();
    let fault = LogWithoutEnd {
        server,
        log: PathBuf::new(),
        length: 0,
    };
    let trial = trial::run("aof cut", url, fault);
    trial.assert_fault_was_met();
}

#[test]
fn guarantees_hold_while_redis_is_stopped_and_continued() {
    let server = RedisServer::start().unwrap();
    let trial = trial::run("stopped", server.url(), Stopped(server));
    trial.assert_fault_was_met();
}

#[test]
fn guarantees_hold_when_sentinels_promote_a_replica() {
    let group = RedisSentinel::start().unwrap();
    let hosts = hosts(group.sentinel_ports());
    let url = format!("redis+sentinel://{hosts}/{}", RedisSentinel::SERVICE);
    let trial = trial::run("sentinel", url, SentinelFailover(group));
    trial.assert_fault_was_met();
}

/// The table is spread over the nodes, so that each read and write needs several of them.
#[test]
fn guarantees_hold_when_a_cluster_promotes_a_replica() {
    let cluster = RedisCluster::start().unwrap();
    let hosts = hosts(cluster.nodes().iter().map(RedisServer::port));
    let url = format!("redis+cluster://{hosts}?table_shards=4");
    let fault = ClusterFailover { cluster, master: 0 };
    let trial = trial::run("cluster", url, fault);
    trial.assert_fault_was_met();
}

fn with_log() -> RedisServer {
    let settings = [("appendonly", "yes"), ("appendfsync", "no")];
    RedisServer::start_with(&RedisOptions::default().settings(&settings)).unwrap()
}

fn hosts(ports: impl IntoIterator<Item = u16>) -> String {
    let hosts: Vec<String> = ports
        .into_iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    hosts.join(",")
}

struct Nothing;

impl Fault for Nothing {
    fn strike(&mut self) {}

    fn heal(&mut self) {}
}

struct Killed(RedisServer);

impl Fault for Killed {
    fn strike(&mut self) {
        self.0.kill().unwrap();
    }

    fn heal(&mut self) {
        self.0.restart().unwrap();
    }
}

struct Snapshot(RedisServer);

impl Fault for Snapshot {
    fn prepare(&mut self) {
        self.0.command(&["SAVE"]).unwrap();
    }

    fn strike(&mut self) {
        self.0.kill().unwrap();
    }

    fn heal(&mut self) {
        self.0.restart().unwrap();
    }
}

struct LogWithoutEnd {
    server: RedisServer,
    log: PathBuf,
    /// What of it is on disk when the power is lost.
    length: u64,
}

impl LogWithoutEnd {
    /// The file that the server appends to.
    fn find_log(&self) -> PathBuf {
        let setting = |name| {
            let answer = self.server.command(&["CONFIG", "GET", name]).unwrap();
            answer.lines().nth(1).unwrap().to_owned()
        };
        let folder = PathBuf::from(setting("dir")).join(setting("appenddirname"));
        let manifest = format!("{}.manifest", setting("appendfilename"));
        let manifest = fs::read_to_string(folder.join(manifest)).unwrap();
        // file NAME seq NUMBER type i
        let latest = manifest.lines().rfind(|line| line.ends_with(" type i"));
        folder.join(latest.unwrap().split(' ').nth(1).unwrap())
    }
}

impl Fault for LogWithoutEnd {
    fn prepare(&mut self) {
        self.log = self.find_log();
        self.length = fs::metadata(&self.log).unwrap().len();
    }

    fn strike(&mut self) {
        self.server.kill().unwrap();
        let log = File::options().write(true).open(&self.log).unwrap();
        log.set_len(self.length).unwrap();
    }

    fn heal(&mut self) {
        self.server.restart().unwrap();
    }
}

struct Stopped(RedisServer);

impl Fault for Stopped {
    fn strike(&mut self) {
        self.0.pause().unwrap();
    }

    fn heal(&mut self) {
        self.0.resume().unwrap();
    }
}

struct SentinelFailover(RedisSentinel);

impl Fault for SentinelFailover {
    fn prepare(&mut self) {
        let port = self.0.master_port().unwrap();
        let (masters, replicas): (Vec<_>, Vec<_>) =
            self.0.servers().iter().partition(|it| it.port() == port);
        lose_touch(masters[0], replicas[0]);
    }

    fn strike(&mut self) {
        self.0.kill_master().unwrap();
    }

    fn heal(&mut self) {
        self.0.wait_for_failover().unwrap();
    }

    fn rejoin(&mut self) {
        self.0.restart_as_replica().unwrap();
    }
}

struct ClusterFailover {
    cluster: RedisCluster,
    /// The node that is killed.
    master: usize,
}

impl Fault for ClusterFailover {
    fn prepare(&mut self) {
        let nodes = self.cluster.nodes();
        let has_keys = |node: &RedisServer| {
            node.info("role").unwrap() == "master" && node.command(&["DBSIZE"]).unwrap() != "0"
        };
        self.master = nodes.iter().position(has_keys).unwrap();
        let master = &nodes[self.master];
        let port = master.port().to_string();
        let follows = |node: &&RedisServer| {
            node.info("role").unwrap() == "slave" && node.info("master_port").unwrap() == port
        };
        lose_touch(master, nodes.iter().find(follows).unwrap());
    }

    fn strike(&mut self) {
        self.cluster.nodes_mut()[self.master].kill().unwrap();
    }

    fn heal(&mut self) {
        self.cluster.wait_for_failover(self.master).unwrap();
    }

    fn rejoin(&mut self) {
        self.cluster.nodes_mut()[self.master].restart().unwrap();
        self.cluster.wait_until_settled().unwrap();
    }
}

/// The replica hears no more of its master: what the master acknowledges from here on is lost with
/// it. A restart lets it forget this.
fn lose_touch(master: &RedisServer, replica: &RedisServer) {
    for command in [
        "ACL SETUSER default -psync -sync",
        "CLIENT KILL TYPE replica",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        master.command(&words).unwrap();
    }
    let lost = || Ok(replica.info("master_link_status")? == "down");
    wait_until("the replica has lost touch", lost).unwrap();
}
