//! What is found out about a Redis server.

use std::net::IpAddr;

use larder_redis::{
    Address, RedisConfig, Topology,
    inspect::{KeySample, ServerReport},
};

use super::{
    Finding,
    Severity::{Note, Problem, Warning},
};
use crate::{store::address_of, words::bytes};

/// The use of memory above which there is something to say.
const FULL_PERCENT: u64 = 80;

/// The difference between two clocks that is worth a word, in microseconds.
const CLOCK_MICROS: u64 = 1_000_000;

/// What is found about one server.
pub(super) fn findings(report: &ServerReport, config: &RedisConfig) -> Vec<Finding> {
    let server = Server {
        info: &|name| report.info(name),
        cluster: &|name| report.cluster(name),
    };
    let mut found = vec![server.version()];
    found.extend(server.replication(config));
    found.extend(server.memory());
    found.extend(server.persistence());
    found.extend(server.cluster_state());
    found.extend(access(&report.address, config));
    found.extend(clock(report.clock_ahead));
    let subject = format!("redis {}", address_of(&report.address));
    for finding in &mut found {
        finding.area = "store";
        finding.subject.clone_from(&subject);
    }
    found
}

/// What is found about the keys that were looked at.
pub(super) fn sampled(sample: &KeySample, namespace: &str) -> Option<Finding> {
    (sample.without_ttl > 0).then(|| Finding {
        area: "store",
        subject: format!("namespace {namespace}"),
        ..Finding::new(
            Warning,
            format!(
                "{} of {} keys never expire",
                sample.without_ttl, sample.keys
            ),
            "larder gives every key a TTL: these were written by something else, or their TTL was \
             taken away, and they stay for good",
            "find out who writes them (PERSIST, a restore without TTLs), and UNLINK them",
        )
        .about(sample.examples.iter().cloned())
    })
}

/// The fields of `INFO` and `CLUSTER INFO`.
struct Server<'a> {
    info: &'a dyn Fn(&str) -> Option<&'a str>,
    cluster: &'a dyn Fn(&str) -> Option<&'a str>,
}

impl<'a> Server<'a> {
    fn info(&self, name: &str) -> Option<&'a str> {
        (self.info)(name)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.info(name)?.parse().ok()
    }

    fn version(&self) -> Finding {
        let version = self
            .info("redis_version")
            .unwrap_or("of an unknown version");
        let mut parts = version.split('.').map(str::parse::<u32>);
        let mut part = || parts.next().and_then(Result::ok).unwrap_or(0);
        match (part(), part()) {
            (0..6, _) => Finding::new(
                Problem,
                format!("it is Redis {version}"),
                "larder needs Redis 6, and is tested with Redis 7",
                "upgrade to Redis 7",
            ),
            (6, _) => Finding::new(
                Note,
                format!("it is Redis {version}"),
                "larder works with Redis 6, with one command more for each stored result",
                "upgrade to Redis 7 when you can",
            ),
            _ => Finding::new(Note, format!("it is Redis {version}"), "", ""),
        }
    }

    fn replication(&self, config: &RedisConfig) -> Vec<Finding> {
        let mut found = Vec::new();
        if self.info("role").is_some_and(|role| role != "master") {
            found.push(Finding::new(
                Problem,
                "it is a replica",
                "larder neither reads nor writes replicas: nothing is cached there",
                "name the master, or the sentinels or the cluster that know it",
            ));
        }
        let replicas = self.number("connected_slaves").unwrap_or(0);
        let states: Vec<&str> = (0..replicas.min(100))
            .filter_map(|at| self.info(&format!("slave{at}")))
            .collect();
        let lost = states
            .iter()
            .filter(|it| !it.contains("state=online"))
            .count();
        if lost > 0 {
            found.push(Finding::new(
                Warning,
                format!("{lost} of {replicas} replicas are not in step"),
                "what they have not received is lost in a failover: that costs misses, and delays \
                 writes where the application waits for replicas (acknowledge_replicas)",
                "look at the link and the log of the replicas",
            ));
        }
        let wants = config
            .acknowledge_replicas
            .map_or(0, |it| u64::from(it.replicas));
        if replicas < wants {
            found.push(Finding::new(
                Problem,
                format!("it has {replicas} replicas, and invalidations wait for {wants}"),
                "no invalidation counts as delivered",
                "start replicas, or lower acknowledge_replicas",
            ));
        } else if replicas == 0 && !matches!(config.servers, Topology::Standalone(_)) {
            found.push(Finding::new(
                Warning,
                "it has no replica",
                "when it fails nobody takes over, and its tables are not cached until it is back",
                "start a replica",
            ));
        } else {
            let what = match replicas {
                0 => "it has no replica".to_owned(),
                1 => "it has 1 replica".to_owned(),
                _ => format!("it has {replicas} replicas"),
            };
            found.push(Finding::new(Note, what, "", ""));
        }
        found
    }

    fn memory(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let policy = self.info("maxmemory_policy").unwrap_or("unknown");
        let limit = self.number("maxmemory").unwrap_or(0);
        let used = self.number("used_memory").unwrap_or(0);
        let evicts = policy != "noeviction";
        found.push(match (evicts, limit) {
            (false, 0) => Finding::new(
                Warning,
                "its memory has no limit (maxmemory 0, noeviction)",
                "it grows with the number of different queries until the machine has no memory left",
                "set maxmemory, and maxmemory-policy allkeys-lru",
            ),
            (true, 0) => Finding::new(
                Warning,
                format!("its memory has no limit (maxmemory 0), so that {policy} never evicts"),
                "it grows with the number of different queries until the machine has no memory left",
                "set maxmemory",
            ),
            (false, _) => Finding::new(
                Warning,
                "it evicts nothing (maxmemory-policy noeviction)",
                "once it is full, no further result is stored until others expire; reads and \
                 invalidations go on",
                "set maxmemory-policy allkeys-lru: losing any key costs a miss and nothing else",
            ),
            (true, _) => Finding::new(
                Note,
                format!("it evicts by {policy} above {}", bytes(limit)),
                "losing any key costs a miss and nothing else",
                "",
            ),
        });
        if limit > 0 && used.saturating_mul(100) / limit > FULL_PERCENT {
            let percent = used.saturating_mul(100) / limit;
            found.push(Finding::new(
                if evicts { Note } else { Warning },
                format!("{percent} % of its memory is in use ({})", bytes(used)),
                match evicts {
                    true => "what is evicted early is missed: look at the hit ratio",
                    false => "when it is full, no further result is stored",
                },
                "raise maxmemory, or shorten TTLs of results that are seldom asked for",
            ));
        }
        found
    }

    fn persistence(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let failed = |name: &str| self.info(name).is_some_and(|status| status != "ok");
        if failed("rdb_last_bgsave_status") || failed("aof_last_write_status") {
            found.push(Finding::new(
                Problem,
                "it cannot write to its disk",
                "Redis then refuses writes (stop-writes-on-bgsave-error), invalidations included",
                "free the disk, or switch persistence off: a cache needs none",
            ));
        }
        if self.info("aof_enabled") == Some("1") {
            found.push(Finding::new(
                Note,
                "it writes an append-only file",
                "a restart costs misses whatever is on disk: results name the life of the server \
                 that issued their stamps, and count in no other",
                "appendonly no, if the server holds nothing but caches",
            ));
        } else {
            found.push(Finding::new(
                Note,
                "a restart costs misses only",
                "whatever is on disk: results name the life of the server that issued their stamps, \
                 and count in no other",
                "",
            ));
        }
        found
    }

    fn cluster_state(&self) -> Vec<Finding> {
        let field = |name: &str| (self.cluster)(name);
        let number = |name: &str| field(name)?.parse::<u64>().ok();
        let mut found = Vec::new();
        if field("cluster_state").is_some_and(|state| state != "ok") {
            found.push(Finding::new(
                Problem,
                "the cluster is down, as this node sees it",
                "nothing is cached, and invalidations wait",
                "look at CLUSTER NODES: a majority of masters must see each other",
            ));
        }
        if let Some(assigned) = number("cluster_slots_assigned").filter(|slots| *slots < SLOTS) {
            found.push(Finding::new(
                Problem,
                format!("{} of {SLOTS} slots have no owner", SLOTS - assigned),
                "the tables in them are not cached, and their invalidations wait",
                "assign them: redis-cli --cluster fix",
            ));
        }
        let failing = number("cluster_slots_pfail").unwrap_or(0);
        let failed = number("cluster_slots_fail").unwrap_or(0);
        if failing + failed > 0 {
            found.push(Finding::new(
                Problem,
                format!(
                    "{} slots are those of nodes that do not answer",
                    failing + failed
                ),
                "the tables in them are not cached, and their invalidations wait",
                "bring the nodes back, or let replicas take over",
            ));
        }
        found
    }
}

/// Slots of a cluster.
const SLOTS: u64 = 16_384;

fn access(address: &Address, config: &RedisConfig) -> Vec<Finding> {
    let mut found = Vec::new();
    if is_local(address) {
        return found;
    }
    if config.password.is_none() {
        found.push(Finding::new(
            Problem,
            "it lets everybody in who reaches it: no password was asked for",
            "whoever reads the cache reads your rows, and whoever writes to it can plant results",
            "set requirepass or ACL users, and the password in LARDER_STORE",
        ));
    }
    if config.tls.is_none() {
        found.push(Finding::new(
            Warning,
            "it is spoken to without TLS",
            "rows and the password travel in the clear",
            "switch on tls-port and write rediss://, unless the network itself is encrypted",
        ));
    }
    found
}

/// Whether what is said to it stays on this machine.
fn is_local(address: &Address) -> bool {
    match address {
        Address::Unix(_) => true,
        Address::Tcp(it) if it.host.eq_ignore_ascii_case("localhost") => true,
        Address::Tcp(it) => it.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        _ => false,
    }
}

fn clock(ahead: Option<i64>) -> Option<Finding> {
    let ahead = ahead?;
    if ahead.unsigned_abs() <= CLOCK_MICROS {
        return None;
    }
    let seconds = ahead.unsigned_abs() / CLOCK_MICROS;
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    Some(Finding::new(
        Warning,
        format!("its clock is {seconds} s {way} that of this machine"),
        "results live by the clocks of the machines that store and read them: where those differ, \
         results expire that much too early or too late",
        "let NTP set the clocks of all machines",
    ))
}

#[cfg(test)]
mod tests;
