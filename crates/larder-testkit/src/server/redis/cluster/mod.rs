use std::sync::OnceLock;

use self::view::View;
use super::{RedisOptions, RedisServer, field};
use crate::server::{Result, ServerError, wait_until};

mod migration;
mod view;

/// A private Redis Cluster of three masters (nodes 0 to 2) with one replica each (nodes 3 to 5,
/// in the same order) until a failover changes that. A master counts as failed after two seconds.
///
/// Waiting for the cluster regards the nodes that serve; those that were killed or paused are not
/// asked. What hurts the cluster or moves its slots takes `&mut self`, so that no test does it to
/// the cluster that it shares with others.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
    ids: Vec<String>,
}

impl RedisCluster {
    /// Starts a cluster, and waits until all nodes agree that it is complete.
    ///
    /// # Errors
    ///
    /// As [`RedisServer::start`], and when the nodes do not agree.
    pub fn start() -> Result<Self> {
        let options = RedisOptions::default().settings(SETTINGS);
        let nodes: Vec<RedisServer> = (0..2 * MASTERS)
            .map(|_| RedisServer::start_with(&options))
            .collect::<Result<_>>()?;
        let ids = nodes
            .iter()
            .map(|node| node.command(&["CLUSTER", "MYID"]))
            .collect::<Result<_>>()?;
        let cluster = Self { nodes, ids };
        cluster.form()?;
        Ok(cluster)
    }

    /// All nodes.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// All nodes, to be hurt.
    pub fn nodes_mut(&mut self) -> &mut [RedisServer] {
        &mut self.nodes
    }

    /// The URL of every node.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// The slot that a key belongs to.
    ///
    /// # Errors
    ///
    /// When no node answers.
    pub fn slot_of(&self, key: &str) -> Result<u16> {
        let slot = self.any()?.command(&["CLUSTER", "KEYSLOT", key])?;
        slot.parse()
            .map_err(|_| ServerError::new(format!("{slot} is not a slot")))
    }

    /// The index of the node that owns a slot, as a node that serves sees it.
    ///
    /// # Errors
    ///
    /// When no node answers or no node owns the slot.
    pub fn master_of_slot(&self, slot: u16) -> Result<usize> {
        View::of(self.any()?)?
            .owner(slot)
            .and_then(|port| self.index(port))
            .ok_or_else(|| ServerError::new(format!("no node owns slot {slot}")))
    }

    /// Waits until the nodes that serve own all slots among them, and all of them see it so and
    /// are in sync: after a restart, or after a move.
    ///
    /// # Errors
    ///
    /// When it does not come to that.
    pub fn wait_until_settled(&self) -> Result<()> {
        wait_until("the cluster is settled", || self.is_settled())
    }

    /// Waits until other nodes own what a killed or paused node owned, as all that serve see it.
    ///
    /// # Errors
    ///
    /// When there is no failover.
    pub fn wait_for_failover(&self, index: usize) -> Result<()> {
        let failed = self.node(index)?;
        if failed.is_serving() {
            let message = format!("node {index} serves, so there is no failover");
            return Err(ServerError::new(message));
        }
        self.wait_until_settled()
    }

    fn form(&self) -> Result<()> {
        let (masters, replicas) = self.nodes.split_at(MASTERS);
        for ((node, epoch), (first, last)) in masters.iter().zip(["1", "2", "3"]).zip(SLOTS) {
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", epoch])?;
            node.command(&["CLUSTER", "ADDSLOTSRANGE", first, last])?;
        }
        let first = self.node(0)?;
        for node in self.nodes.iter().skip(1) {
            first.command(&["CLUSTER", "MEET", "127.0.0.1", &node.port().to_string()])?;
        }
        wait_until("all nodes have met", || {
            self.all(|node| Ok(View::of(node)?.met(self.nodes.len())))
        })?;
        for (node, master) in replicas.iter().zip(&self.ids) {
            node.command(&["CLUSTER", "REPLICATE", master])?;
        }
        self.wait_until_settled()
    }

    fn is_settled(&self) -> Result<bool> {
        let serving: Vec<u16> = self.serving().map(RedisServer::port).collect();
        self.all(|node| {
            let view = View::of(node)?;
            let state = field(&node.command(&["CLUSTER", "INFO"])?, "cluster_state")?;
            let master = view.owns_slots(node.port());
            let agrees = state == "ok" && view.is_settled(&serving);
            Ok(agrees && (master || node.info("master_link_status")? == "up"))
        })
    }

    /// Whether something holds on every node that serves.
    fn all(&self, holds: impl Fn(&RedisServer) -> Result<bool>) -> Result<bool> {
        for node in self.serving() {
            if !holds(node)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn serving(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes.iter().filter(|node| node.is_serving())
    }

    fn any(&self) -> Result<&RedisServer> {
        let none = || ServerError::new("no node of the cluster serves");
        self.serving().next().ok_or_else(none)
    }

    fn node(&self, index: usize) -> Result<&RedisServer> {
        let none = || ServerError::new(format!("the cluster has no node {index}"));
        self.nodes.get(index).ok_or_else(none)
    }

    fn index(&self, port: u16) -> Option<usize> {
        self.nodes.iter().position(|node| node.port() == port)
    }
}

/// One cluster for the whole process, started at the first call.
///
/// # Errors
///
/// As [`RedisCluster::start`]; a failure is kept and reported to every caller.
pub fn shared_redis_cluster() -> Result<&'static RedisCluster> {
    static CLUSTER: OnceLock<Result<RedisCluster>> = OnceLock::new();
    CLUSTER
        .get_or_init(RedisCluster::start)
        .as_ref()
        .map_err(ServerError::clone)
}

const MASTERS: usize = 3;
const SLOTS: [(&str, &str); MASTERS] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

const SETTINGS: &[(&str, &str)] = &[
    ("cluster-enabled", "yes"),
    ("cluster-announce-ip", "127.0.0.1"),
    ("cluster-node-timeout", "2000"),
    ("cluster-require-full-coverage", "no"),
    // A replica takes over however long ago it last heard from its master, and stays with it.
    ("cluster-replica-validity-factor", "0"),
    ("cluster-allow-replica-migration", "no"),
    ("repl-diskless-sync-delay", "0"),
];
