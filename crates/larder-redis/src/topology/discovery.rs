//! Asking who owns what. This happens at the start and when something went wrong, and blocks.

use std::net::IpAddr;

use larder_core::{Fault, FaultKind};
use redis::{Cmd, Value, cmd};

use super::{Owners, Range, Registry, Topology};
use crate::{
    call::{list, protocol},
    config::{self, Address, HostPort, RedisConfig, SentinelConfig},
    exchange::Lost,
    layout::SLOTS,
    node::{Failure, NodeRef},
};

/// Asks one server after the other until one can say, another one first at each turn: of one that
/// was cut off from the others, not even it knows.
pub(super) fn discover(
    config: &RedisConfig,
    registry: &Registry,
    before: Option<&Topology>,
    turn: usize,
) -> Result<Owners, Failure> {
    match &config.servers {
        config::Topology::Standalone(address) => registry.node(address).map(Owners::One),
        config::Topology::Sentinel(sentinels) => master(sentinels, registry),
        config::Topology::Cluster { nodes } => {
            // Those that were there last know best; the configured ones may be long gone.
            let mut known = before.map(Topology::masters).unwrap_or_default();
            let first_one = turn.checked_rem(known.len()).unwrap_or_default();
            known.rotate_left(first_one);
            known.sort_by_key(NodeRef::has_failed);
            let seeds = nodes.iter().map(|seed| registry.node_at(seed));
            fullest(known.into_iter().map(Ok).chain(seeds), registry)
        }
    }
}

/// What the first one says who knows an owner of every slot, or else who knows most.
fn fullest(
    nodes: impl Iterator<Item = Result<NodeRef, Failure>>,
    registry: &Registry,
) -> Result<Owners, Failure> {
    let mut fullest: Option<(usize, Owners)> = None;
    let whole = first(nodes, |node| {
        let (owned, owners) = slots(node, registry)?;
        if owned >= usize::from(SLOTS) {
            return Ok(owners);
        }
        if fullest.as_ref().is_none_or(|(most, _)| owned > *most) {
            fullest = Some((owned, owners));
        }
        Err(nobody())
    });
    whole.or_else(|failure| fullest.map(|(_, owners)| owners).ok_or(failure))
}

fn master(config: &SentinelConfig, registry: &Registry) -> Result<Owners, Failure> {
    let mut question = cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(&config.service);
    let mut sentinels = registry.sentinels(&config.sentinels)?;
    sentinels.sort_by_key(NodeRef::has_failed);
    first(sentinels.into_iter().map(Ok), |sentinel| {
        let answer = match sentinel.ask(&question) {
            Err(failure) if says(&failure, "unknown command") => {
                return Err(Failure::wrong(NO_SENTINEL));
            }
            answer => answer.map_err(Failure::of_sentinel)?,
        };
        if answer == Value::Nil {
            return Err(Failure::wrong(NO_SERVICE));
        }
        let [host, port] = list(&answer)? else {
            return Err(protocol().into());
        };
        let address = HostPort::new(text(host)?, number(port)?);
        registry.node_at(&address).map(Owners::One)
    })
}

/// How many slots have an owner, and which.
fn slots(node: &NodeRef, registry: &Registry) -> Result<(usize, Owners), Failure> {
    let mut question: Cmd = cmd("CLUSTER");
    question.arg("SLOTS");
    let answer = match node.ask(&question) {
        Err(failure) if says(&failure, "cluster support disabled") => {
            return Err(Failure::wrong(NO_CLUSTER));
        }
        answer => answer?,
    };
    let (mut ranges, mut owners) = (Vec::new(), Vec::new());
    for range in list(&answer)? {
        let [start, end, master, ..] = list(range)? else {
            return Err(protocol().into());
        };
        let [host, port, id, ..] = list(master)? else {
            return Err(protocol().into());
        };
        owners.push(text(id)?);
        // A node that was not told its own address says nothing.
        let host = match text(host) {
            Ok(host) if !host.is_empty() && host != "?" => host,
            _ => host_of(node)?,
        };
        ranges.push(Range {
            start: number(start)?,
            end: number(end)?,
            owner: registry.node_at(&HostPort::new(host, number(port)?))?,
        });
    }
    if ranges.is_empty() {
        return Err(nobody());
    }
    ranges.sort_by_key(|range| range.end);
    let others = masters_but(&owners, node, registry, names_hosts(&ranges))?;
    let owned = ranges.iter().map(Range::len).sum();
    Ok((owned, Owners::Slots(ranges.into(), others.into())))
}

fn nobody() -> Failure {
    let nobody = Lost("the cluster has no owner for some slots");
    Fault::new(FaultKind::Unavailable).because(nobody).into()
}

/// Whether the nodes announce their names, and not their addresses.
fn names_hosts(ranges: &[Range]) -> bool {
    let is_name = |range: &Range| match range.owner.address() {
        Address::Tcp(HostPort { host, .. }) => host.parse::<IpAddr>().is_err(),
        Address::Unix(_) => false,
    };
    ranges.iter().any(is_name)
}

/// The masters that own nothing, but may be about to.
fn masters_but(
    owners: &[String],
    node: &NodeRef,
    registry: &Registry,
    by_name: bool,
) -> Result<Vec<NodeRef>, Failure> {
    let mut question: Cmd = cmd("CLUSTER");
    question.arg("NODES");
    let nodes = text(&node.ask(&question)?)?;
    let mut masters = Vec::new();
    for line in nodes.lines() {
        // `<id> <ip:port@bus[,hostname]> <flags> ..`
        let mut fields = line.split(' ');
        let [Some(id), Some(address), Some(flags)] = [(); 3].map(|()| fields.next()) else {
            continue;
        };
        let is = |flag: &str| flags.split(',').any(|it| it == flag);
        let is_gone = is("fail") || is("noaddr") || is("handshake");
        if !is("master") || is_gone || owners.iter().any(|owner| owner == id) {
            continue;
        }
        let (at, names) = address.split_once('@').unwrap_or((address, ""));
        let (ip, port) = at.rsplit_once(':').ok_or_else(protocol)?;
        let name = names
            .split(',')
            .nth(1)
            .filter(|name| by_name && !name.is_empty());
        let host = match name.unwrap_or(ip) {
            "" => host_of(node)?,
            host => host.to_owned(),
        };
        let port = port.parse().map_err(|_| protocol())?;
        masters.push(registry.node_at(&HostPort::new(host, port))?);
    }
    Ok(masters)
}

/// The first answer; else a wrong setting before an unreachable server.
fn first<T>(
    nodes: impl Iterator<Item = Result<NodeRef, Failure>>,
    mut ask: impl FnMut(&NodeRef) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut failed: Option<Failure> = None;
    let mut ask = |node: NodeRef| {
        let answer = ask(&node);
        node.answered(answer.is_ok());
        answer
    };
    for node in nodes {
        match node.and_then(&mut ask) {
            Ok(found) => return Ok(found),
            Err(failure) if failed.as_ref().is_none_or(|it| !it.is_wrong()) => {
                failed = Some(failure);
            }
            Err(_) => {}
        }
    }
    let nobody = || Fault::new(FaultKind::Unavailable).because(Lost("there is no server to ask"));
    Err(failed.unwrap_or_else(|| nobody().into()))
}

fn says(failure: &Failure, text: &str) -> bool {
    use std::error::Error as _;
    let source = failure.fault.source();
    source.is_some_and(|source| source.to_string().contains(text))
}

fn host_of(node: &NodeRef) -> Result<String, Failure> {
    match node.address() {
        Address::Tcp(HostPort { host, .. }) => Ok(host.clone()),
        Address::Unix(_) => Err(protocol().into()),
    }
}

fn text(value: &Value) -> Result<String, Fault> {
    match value {
        Value::BulkString(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Ok(text.clone()),
        _ => Err(protocol()),
    }
}

fn number(value: &Value) -> Result<u16, Fault> {
    match value {
        Value::Int(number) => u16::try_from(*number).map_err(|_| protocol()),
        other => text(other)?.parse().map_err(|_| protocol()),
    }
}

const NO_SERVICE: &str =
    "the sentinels do not know the service: write the name that their configuration monitors";
const NO_SENTINEL: &str = "the redis server is no sentinel: name the sentinels, or write redis:// \
                           instead of redis+sentinel://";
const NO_CLUSTER: &str =
    "the redis server is no node of a cluster: write redis:// instead of redis+cluster://";
