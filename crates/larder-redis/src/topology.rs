//! Which server owns what, and how that is found out.

mod discovery;
mod registry;

use std::sync::{
    Arc, Mutex, RwLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use larder_core::{Fault, FaultKind};

use crate::{
    config::{HostPort, RedisConfig},
    exchange::Lost,
    layout::Tag,
    node::{Failure, NodeRef, Settings},
};

use discovery::discover;
use registry::Registry;

/// Who owns what, as it was last found out.
#[derive(Clone)]
pub(crate) struct Topology {
    owners: Owners,
    registry: Arc<Registry>,
    generation: u64,
}

#[derive(Clone)]
enum Owners {
    /// One server owns all.
    One(NodeRef),
    /// Ranges of slots, sorted by their ends, and masters that own none, but may be about to.
    Slots(Arc<[Range]>, Arc<[NodeRef]>),
}

struct Range {
    start: u16,
    end: u16,
    owner: NodeRef,
}

impl Range {
    fn len(&self) -> usize {
        usize::from(self.end.saturating_sub(self.start)) + 1
    }
}

/// The topology, and when to look again.
pub(crate) struct Topologies {
    config: RedisConfig,
    registry: Arc<Registry>,
    known: RwLock<Option<Arc<Topology>>>,
    /// The generation that is not believed any more.
    distrusted: AtomicU64,
    discovering: Mutex<()>,
    /// How often it was tried to find out, and how that failed last.
    tries: AtomicUsize,
    failure: Mutex<Option<Failure>>,
}

impl Topology {
    /// Who owns this tag.
    pub(crate) fn owner(&self, tag: &Tag) -> Result<&NodeRef, Fault> {
        let ranges = match &self.owners {
            Owners::One(node) => return Ok(node),
            Owners::Slots(ranges, _) => ranges,
        };
        let slot = tag.slot();
        let at = ranges.partition_point(|range| range.end < slot);
        ranges
            .get(at)
            .filter(|range| range.start <= slot)
            .map(|range| &range.owner)
            .ok_or_else(|| {
                Fault::new(FaultKind::Unavailable).because(Lost("no server owns the slot"))
            })
    }

    /// The server at this address, known before or not.
    pub(crate) fn node_at(&self, address: &HostPort) -> Result<NodeRef, Fault> {
        self.registry
            .node_at(address)
            .map_err(|failure| failure.fault)
    }

    /// All servers that own something, or may be about to: a slot on its way has keys in both.
    pub(crate) fn masters(&self) -> Vec<NodeRef> {
        let (ranges, others) = match &self.owners {
            Owners::One(node) => return vec![node.clone()],
            Owners::Slots(ranges, others) => (ranges, others),
        };
        let owners = ranges.iter().map(|range| &range.owner);
        let mut masters: Vec<NodeRef> = Vec::new();
        for node in owners.chain(others.iter()) {
            if !masters.iter().any(|known| known.is_same(node)) {
                masters.push(node.clone());
            }
        }
        masters
    }
}

impl Topologies {
    pub(crate) fn new(config: RedisConfig, settings: &Arc<Settings>) -> Result<Self, Failure> {
        let registry = Arc::new(Registry::new(&config, settings)?);
        Ok(Self {
            config,
            registry,
            known: RwLock::default(),
            distrusted: AtomicU64::new(0),
            discovering: Mutex::default(),
            tries: AtomicUsize::new(0),
            failure: Mutex::default(),
        })
    }

    /// The topology, if it need not be found out first.
    pub(crate) fn known(&self) -> Option<Arc<Topology>> {
        self.latest().filter(|topology| self.trusts(topology))
    }

    /// The topology as it was last found out, believed or not.
    fn latest(&self) -> Option<Arc<Topology>> {
        let known = self.known.read();
        known
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Whether nothing has gone another way than this topology says.
    pub(crate) fn trusts(&self, topology: &Topology) -> bool {
        topology.generation > self.distrusted.load(Ordering::Acquire)
    }

    /// The topology, found out by the calling thread if need be: one does, the others wait for it.
    pub(crate) fn find(&self) -> Result<Arc<Topology>, Failure> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let tries = self.tries.load(Ordering::Acquire);
        let _one_at_a_time = crate::lock(&self.discovering);
        if let Some(known) = self.known() {
            return Ok(known);
        }
        // Whoever waited for a try that failed has its failure, and does not try again in line.
        if self.tries.load(Ordering::Acquire) > tries
            && let Some(failure) = crate::lock(&self.failure).clone()
        {
            return Err(failure);
        }
        let before = self.latest();
        let found = discover(&self.config, &self.registry, before.as_deref(), tries);
        *crate::lock(&self.failure) = found.as_ref().err().cloned();
        self.tries.fetch_add(1, Ordering::AcqRel);
        let owners = found?;
        let topology = Arc::new(Topology {
            owners,
            registry: self.registry.clone(),
            generation: self.distrusted.load(Ordering::Acquire) + 1,
        });
        self.registry.keep(&topology.masters());
        *self
            .known
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(topology.clone());
        Ok(topology)
    }

    /// Something went another way than this topology says.
    pub(crate) fn distrust(&self, topology: &Topology) {
        self.distrusted
            .fetch_max(topology.generation, Ordering::AcqRel);
    }
}
