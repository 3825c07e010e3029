//! [`RedisStore`]: the two shells that carry commands to servers and back.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::future::join_all;
use larder_core::{
    BlockingStore, Clock as _, Error, Fault, FaultKind, Moment, Stats, Store, SystemClock,
    store::{Reply, Request},
};
use redis::Pipeline;
use smallvec::{SmallVec, smallvec};

use crate::{
    call::{Answer, Call},
    config::RedisConfig,
    exchange::{Batches, Exchange, Sent, Unsent},
    inspect,
    layout::Layout,
    node::{Failure, Settings, Way},
    task::{self, Rules, Task},
    topology::{Topologies, Topology},
};

/// Redis as the shared store of several processes: one server, a service that sentinels watch, or a
/// cluster. Clones share it.
///
/// # Staleness
/// None for an invalidation that was acknowledged, as long as the server that acknowledged it stays
/// the master; [`RedisConfig::acknowledge_replicas`] is for those who want more. A restart or a
/// failover that loses removals costs misses: entries name the life of the server that issued their
/// stamps.
#[derive(Clone)]
pub struct RedisStore {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    rules: Rules,
    topologies: Topologies,
    config: RedisConfig,
    fault_at_start: Option<Fault>,
}

impl RedisStore {
    /// A store on these servers, given as a URL (see [`RedisConfig::from_url`]) or as settings.
    ///
    /// Servers that cannot be reached are no error: reads go to the database until they can be.
    ///
    /// # Errors
    /// `Config`: a setting is wrong; or the servers refuse the login or the database number, lack a
    /// permission for us, show a certificate that is not trusted, or are of another kind than the
    /// URL says. The text holds no secret.
    pub async fn connect<C>(config: C) -> Result<Self, Error>
    where
        C: TryInto<RedisConfig>,
        C::Error: Into<Error>,
    {
        let config = config.try_into().map_err(Into::into)?;
        let connecting = move || Self::connect_blocking(config);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime
                .spawn_blocking(connecting)
                .await
                .unwrap_or_else(|_| Err(Error::config("connecting to redis was cancelled"))),
            Err(_) => connecting(),
        }
    }

    /// [`Self::connect`] for threads.
    ///
    /// # Errors
    /// As there.
    pub fn connect_blocking<C>(config: C) -> Result<Self, Error>
    where
        C: TryInto<RedisConfig>,
        C::Error: Into<Error>,
    {
        let config: RedisConfig = config.try_into().map_err(Into::into)?;
        config.validate()?;
        let settings = Arc::new(Settings {
            client_name: config.client_name.clone(),
            connect_timeout: config.connect_timeout,
            blocking_connections_max: config.blocking_connections_max,
            in_cluster: config.servers.is_cluster(),
            clock: SystemClock::default(),
            old_server: false.into(),
        });
        let topologies = match Topologies::new(config.clone(), &settings) {
            Ok(topologies) => topologies,
            Err(failure) => {
                return Err(failure.into_config_error().map_or_else(|e| e, Error::from));
            }
        };
        let fault_at_start = match greeted(&topologies, &config) {
            Ok(()) => None,
            Err(failure) => Some(failure.into_config_error()?),
        };
        let rules = Rules {
            layout: Layout::new(config.table_shards, &config.also_invalidate_shards),
            compress_above: config.compress_above,
            settings,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                rules,
                topologies,
                config,
                fault_at_start,
            }),
        })
    }

    /// What the processes of a namespace have reported, one for each: counters and the statements
    /// that tell most. At most 1,000; those of a version that this one cannot read are left
    /// out. [`Stats::sum`] adds them.
    ///
    /// # Errors
    /// `Unavailable`: the store did not answer.
    pub async fn reports(&self, namespace: &str) -> Result<Vec<Stats>, Error> {
        let now = SystemClock::default().now();
        let replies = self.exec(now, &[Request::Reports { namespace }]).await?;
        Ok(decoded(replies))
    }

    /// [`Self::reports`] for threads.
    ///
    /// # Errors
    /// As there.
    pub fn reports_blocking(&self, namespace: &str) -> Result<Vec<Stats>, Error> {
        let now = SystemClock::default().now();
        let replies = self.exec_blocking(now, &[Request::Reports { namespace }])?;
        Ok(decoded(replies))
    }
}

fn decoded(replies: Vec<Reply>) -> Vec<Stats> {
    let reports = replies.into_iter().flat_map(|reply| match reply {
        Reply::Reports(reports) => reports,
        _ => Vec::new(),
    });
    reports
        .filter_map(|report| Stats::decode(&report))
        .collect()
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

/// Every server that owns something is there and lets us in.
fn greeted(topologies: &Topologies, config: &RedisConfig) -> Result<(), Failure> {
    let topology = topologies.find()?;
    let (masters, probes) = (topology.masters(), probes(config));
    let greeted = masters.iter().try_for_each(|node| node.greet(&probes));
    greeted.inspect_err(|_| topologies.distrust(&topology))
}

/// Commands that touch no key, to see at the start what would else fail at the first need. Those on
/// keys are not tried: which keys the user may touch depends on a namespace that is not known here,
/// and Redis keeps a log of what it refuses.
fn probes(config: &RedisConfig) -> Pipeline {
    let mut probes = Pipeline::new();
    if config.servers.is_cluster() {
        // It holds for the next command alone.
        probes.cmd("ASKING");
    }
    probes.cmd("SCAN").arg(0).arg("COUNT").arg(1);
    probes.cmd("WAIT").arg(0).arg(1);
    probes
}

#[async_trait]
impl Store for RedisStore {
    fn is_remote(&self) -> bool {
        true
    }

    fn fault_at_start(&self) -> Option<Fault> {
        self.shared.fault_at_start.clone()
    }

    async fn exec(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        if tokio::runtime::Handle::try_current().is_err() {
            return self.exec_blocking(now, batch);
        }
        let mut replies = Vec::with_capacity(batch.len());
        for requests in together(batch) {
            self.shared.look_again_before(requests);
            let way = self.shared.way(requests);
            let mut topology = self.shared.find(&way).await?;
            let mut work = Work::new(requests, now, &topology)?;
            loop {
                let calls = work.ask(&self.shared.rules);
                if calls.is_empty() {
                    break;
                }
                let answers = self.shared.run(calls, &way, &mut topology).await?;
                work.told(&answers, &self.shared.rules)?;
            }
            replies.extend(work.replies());
        }
        Ok(replies)
    }
}

impl BlockingStore for RedisStore {
    fn exec_blocking(&self, now: Moment, batch: &[Request<'_>]) -> Result<Vec<Reply>, Fault> {
        let mut replies = Vec::with_capacity(batch.len());
        for requests in together(batch) {
            self.shared.look_again_before(requests);
            let way = self.shared.way(requests);
            let mut topology = self.shared.find_blocking()?;
            let mut work = Work::new(requests, now, &topology)?;
            loop {
                let calls = work.ask(&self.shared.rules);
                if calls.is_empty() {
                    break;
                }
                let answers = self.shared.run_blocking(calls, &way, &mut topology)?;
                work.told(&answers, &self.shared.rules)?;
            }
            replies.extend(work.replies());
        }
        Ok(replies)
    }
}

impl Shared {
    /// One round of commands; when the topology is no longer believed, by another one.
    async fn run(
        self: &Arc<Self>,
        calls: Vec<Call>,
        way: &Way,
        topology: &mut Arc<Topology>,
    ) -> Result<Vec<Answer>, Fault> {
        let mut exchange = Exchange::new(calls);
        loop {
            if !self.topologies.trusts(topology) {
                *topology = self.find(way).await?;
            }
            let batches = self.batches(&mut exchange, topology)?;
            let outcomes: Outcomes = match batches.as_slice() {
                [one] => smallvec![one.node.exchange(one, way).await],
                many => {
                    let sending = many.iter().map(|it| it.node.exchange(it, way));
                    Box::pin(join_all(sending)).await.into()
                }
            };
            self.sent(&mut exchange, topology, batches, outcomes)?;
            if exchange.is_done() {
                return exchange.into_answers();
            }
        }
    }

    /// Who owns what, for whoever looks at the servers.
    pub(crate) fn find_topology(&self) -> Result<Arc<Topology>, Failure> {
        self.topologies.find()
    }

    /// Commands that only read.
    pub(crate) fn run_reads(&self, calls: Vec<Call>) -> Result<Vec<Answer>, Fault> {
        let mut topology = self.find_blocking()?;
        let way = inspect::way(self.config.response_timeout);
        self.run_blocking(calls, &way, &mut topology)
    }

    fn run_blocking(
        &self,
        calls: Vec<Call>,
        way: &Way,
        topology: &mut Arc<Topology>,
    ) -> Result<Vec<Answer>, Fault> {
        let mut exchange = Exchange::new(calls);
        loop {
            if !self.topologies.trusts(topology) {
                *topology = self.find_blocking()?;
            }
            let batches = self.batches(&mut exchange, topology)?;
            // All are sent before the first is waited for: servers work side by side.
            let sending: SmallVec<[_; 1]> = batches
                .iter()
                .map(|it| it.node.send(&it.commands, way))
                .collect();
            let outcomes = batches
                .iter()
                .zip(sending)
                .map(|(it, sending)| sending.and_then(|sending| it.node.receive(sending)))
                .collect();
            self.sent(&mut exchange, topology, batches, outcomes)?;
            if exchange.is_done() {
                return exchange.into_answers();
            }
        }
    }

    /// What has no owner may have one by now.
    fn batches(&self, exchange: &mut Exchange, topology: &Topology) -> Result<Batches, Fault> {
        let batches = exchange.batches(topology);
        batches.inspect_err(|_| self.topologies.distrust(topology))
    }

    /// Every outcome is heard, also after a fault: a redirect among them is news.
    fn sent(
        &self,
        exchange: &mut Exchange,
        topology: &Topology,
        batches: Batches,
        outcomes: Outcomes,
    ) -> Result<(), Fault> {
        let mut first_fault = None;
        for (batch, outcome) in batches.into_iter().zip(outcomes) {
            batch.node.answered(outcome.is_ok());
            match exchange.sent(batch, outcome) {
                Ok(false) => {}
                Ok(true) => self.topologies.distrust(topology),
                Err(fault) => {
                    if fault.kind() != FaultKind::Full {
                        self.topologies.distrust(topology);
                    }
                    first_fault.get_or_insert(fault);
                }
            }
        }
        first_fault.map_or(Ok(()), Err)
    }

    /// A master that came later is found by whoever is redirected to it. A sweep never is.
    fn look_again_before(&self, requests: &[Request<'_>]) {
        if requests.iter().any(task::sweeps) {
            let known = self.topologies.known();
            known.iter().for_each(|it| self.topologies.distrust(it));
        }
    }

    /// Finding out goes on when its caller gives up: the next ones find it done.
    async fn find(self: &Arc<Self>, way: &Way) -> Result<Arc<Topology>, Fault> {
        if let Some(known) = self.topologies.known() {
            return Ok(known);
        }
        let shared = self.clone();
        let finding = tokio::task::spawn_blocking(move || shared.find_blocking());
        match Box::pin(tokio::time::timeout(way.timeout, finding)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => Err(Fault::new(FaultKind::Unavailable).because(error)),
            Err(_) => Err(Fault::new(FaultKind::Timeout)),
        }
    }

    fn find_blocking(&self) -> Result<Arc<Topology>, Fault> {
        self.topologies.find().map_err(|failure| failure.fault)
    }

    fn way(&self, requests: &[Request<'_>]) -> Way {
        let RedisConfig {
            response_timeout,
            hit_timeout,
            acknowledge_replicas,
            ..
        } = &self.config;
        let lookup = matches!(requests, [Request::Lookup { .. }]);
        let invalidates = requests.iter().any(task::invalidates);
        Way {
            timeout: match lookup {
                true => (*hit_timeout).min(*response_timeout),
                false => *response_timeout,
            },
            wait: acknowledge_replicas
                .filter(|_| invalidates)
                .map(|it| (it.replicas, it.timeout)),
            of_a_master: requests.iter().any(task::finds_what_to_drop),
        }
    }
}

/// What became of the batches of a round.
type Outcomes = SmallVec<[Result<Sent, Unsent>; 1]>;

/// Requests of a batch run in order; those that drop things may go out together, and with the
/// reading of records before them.
fn together<'r, 'a>(batch: &'r [Request<'a>]) -> impl Iterator<Item = &'r [Request<'a>]> {
    let drops = |request: &Request<'_>| matches!(request, Request::Remove(_));
    let writes =
        move |request: &Request<'_>| drops(request) || matches!(request, Request::Records(_));
    batch.chunk_by(move |one, next| writes(one) && drops(next))
}

/// Requests that are carried out together.
struct Work<'a> {
    tasks: SmallVec<[Task<'a>; 1]>,
    /// How many commands each has sent in this round.
    sent: SmallVec<[usize; 1]>,
}

impl<'a> Work<'a> {
    fn new(requests: &'a [Request<'_>], now: Moment, topology: &Topology) -> Result<Self, Fault> {
        let tasks = requests
            .iter()
            .map(|request| Task::new(request, now, || topology.masters()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            tasks,
            sent: SmallVec::new(),
        })
    }

    fn ask(&mut self, rules: &Rules) -> Vec<Call> {
        self.sent.clear();
        let mut calls = Vec::new();
        for task in &mut self.tasks {
            let mut own = task.ask(rules);
            self.sent.push(own.len());
            match calls.is_empty() {
                true => calls = own,
                false => calls.append(&mut own),
            }
        }
        calls
    }

    fn told(&mut self, mut answers: &[Answer], rules: &Rules) -> Result<(), Fault> {
        for (task, sent) in self.tasks.iter_mut().zip(&self.sent) {
            let (own, rest) = answers
                .split_at_checked(*sent)
                .ok_or_else(crate::call::protocol)?;
            answers = rest;
            if *sent > 0 {
                task.told(own, rules)?;
            }
        }
        Ok(())
    }

    fn replies(self) -> impl Iterator<Item = Reply> {
        self.tasks.into_iter().map(Task::reply)
    }
}
