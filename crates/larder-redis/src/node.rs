//! One server, and the connections to it.

mod blocking;
#[cfg(feature = "tls")]
mod certificate;
mod door;
mod failure;
mod identity;
mod login;
mod shared;
#[cfg_attr(not(feature = "tls"), path = "node/no_tls.rs")]
mod tls;

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use larder_core::{Clock as _, Fault, FaultKind, Moment, SystemClock, entry::Incarnation};
use redis::{Pipeline, Value};

use crate::{
    call::protocol,
    config::Address,
    exchange::{Sent, unavailable},
};

pub(crate) use door::Door;
pub(crate) use failure::Failure;
use identity::Identity;
pub(crate) use login::Login;
pub(crate) use tls::Tls;

/// One server. Clones are the same one.
#[derive(Clone)]
pub(crate) struct NodeRef(Arc<Node>);

pub(crate) struct Node {
    pub(crate) address: Address,
    door: Door,
    login: Login,
    settings: Arc<Settings>,
    idle: Mutex<Vec<blocking::Link>>,
    links: Mutex<Vec<shared::Slot>>,
    /// Whose turn it is of those, and which has answered last.
    turn: AtomicUsize,
    answered_last: AtomicUsize,
    /// When one of those was refused.
    refused: AtomicU64,
    /// When it last answered as no master does: what it said of itself before does not count.
    doubted: AtomicU64,
    /// Whether it failed the last time.
    failed: AtomicBool,
}

/// What all connections go by.
pub(crate) struct Settings {
    pub(crate) client_name: Option<String>,
    pub(crate) connect_timeout: Duration,
    pub(crate) blocking_connections_max: usize,
    /// Whether the servers are nodes of a cluster.
    pub(crate) in_cluster: bool,
    /// Says how long ago a server was asked who it is.
    pub(crate) clock: SystemClock,
    /// A server older than Redis 7 was met.
    pub(crate) old_server: AtomicBool,
}

/// How a batch is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// How long its answers may take.
    pub(crate) timeout: Duration,
    /// How many replicas must have what it removes, and how long they may take.
    pub(crate) wait: Option<(u32, Duration)>,
    /// Whether only a master's answers count, even if the server said who it is just now: a replica's
    /// word that there is nothing to drop must not.
    pub(crate) of_a_master: bool,
}

/// Who the server at the other end is, as it last said.
#[derive(Debug)]
pub(super) struct Known {
    identity: Mutex<Identity>,
    checked: AtomicU64,
}

/// A server is asked who it is so often: it may have become a replica, and a master again, without
/// the connection noticing. Meanwhile its life counts as the same (P6).
const CHECK_EVERY: Duration = Duration::from_secs(1);

impl NodeRef {
    pub(crate) fn new(
        address: Address,
        door: Door,
        login: &Login,
        settings: &Arc<Settings>,
    ) -> Self {
        Self(Arc::new(Node {
            address,
            door,
            login: login.clone(),
            settings: settings.clone(),
            idle: Mutex::default(),
            links: Mutex::default(),
            turn: AtomicUsize::new(0),
            answered_last: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            doubted: AtomicU64::new(0),
            failed: AtomicBool::new(false),
        }))
    }

    /// Notes whether it answered.
    pub(crate) fn answered(&self, answered: bool) {
        self.0.failed.store(!answered, Ordering::Relaxed);
    }

    /// Whether it failed the last time: others are asked first, for a server that says nothing holds
    /// up whoever asks it.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn address(&self) -> &Address {
        &self.0.address
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for NodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.address.fmt(f)
    }
}

impl Known {
    fn new(identity: Identity, now: Moment) -> Self {
        Self {
            identity: Mutex::new(identity),
            checked: AtomicU64::new(now.0),
        }
    }

    /// Whether it is time to ask again. Until one of those who ask has its answer, all of them do: a
    /// question may never be sent, where its caller gives up.
    fn is_due(&self, now: Moment, doubted: Moment) -> bool {
        let checked = Moment(self.checked.load(Ordering::Relaxed));
        now.since(checked) >= CHECK_EVERY || checked <= doubted
    }

    /// The answer to a question that was sent at this moment.
    fn renew(&self, answer: &Value, sent: Moment) -> Result<(), Fault> {
        crate::lock(&self.identity).renew(answer)?;
        self.checked.fetch_max(sent.0, Ordering::Relaxed);
        Ok(())
    }

    fn incarnation(&self) -> Incarnation {
        crate::lock(&self.identity).incarnation()
    }
}

/// A batch as it goes out: behind it a question about the server, where that is due, and the wait
/// for replicas, which a replica refuses: for none of them, it is the shortest question about a
/// server's role. In front, the question would say nothing about a server that becomes a replica
/// between it and the commands.
struct Packed<'a> {
    pipeline: Cow<'a, Pipeline>,
    count: usize,
    asks: bool,
    /// How many replicas are waited for.
    wait: Option<u32>,
    /// When it goes out.
    sent: Moment,
}

impl<'a> Packed<'a> {
    fn new(commands: &'a Pipeline, known: &Known, way: &Way, node: &Node) -> Self {
        let now = node.settings.clock.now();
        let asks = known.is_due(now, Moment(node.doubted.load(Ordering::Relaxed)));
        let role = || way.of_a_master.then_some((0, Duration::ZERO));
        let wait = way.wait.or_else(role);
        let pipeline = match (asks, wait) {
            (false, None) => Cow::Borrowed(commands),
            (_, wait) => Cow::Owned(followed(commands, asks, wait)),
        };
        Self {
            count: pipeline.len(),
            pipeline,
            asks,
            sent: now,
            wait: wait.map(|(replicas, _)| replicas),
        }
    }

    /// Takes apart what came back. Where it is not a master's, no connection to the node believes any
    /// more that it is one.
    fn unpack(&self, values: Vec<Value>, known: &Known, node: &Node) -> Result<Sent, Fault> {
        let unpacked = self.taken_apart(values, known);
        if unpacked.is_err() {
            let now = node.settings.clock.now();
            node.doubted.fetch_max(now.0, Ordering::Relaxed);
        }
        unpacked
    }

    fn taken_apart(&self, mut values: Vec<Value>, known: &Known) -> Result<Sent, Fault> {
        if values.len() != self.count {
            return Err(protocol());
        }
        let acknowledged = self.wait.and_then(|_| values.pop());
        if self.asks {
            let answer = values.pop().ok_or_else(protocol)?;
            known.renew(&answer, self.sent)?;
        }
        let reached = match acknowledged {
            Some(Value::Int(replicas)) => replicas,
            Some(Value::ServerError(error)) => return Err(unavailable(&error)),
            Some(_) => return Err(protocol()),
            None => i64::MAX,
        };
        if self.wait.is_some_and(|wanted| reached < i64::from(wanted)) {
            let few = crate::exchange::Lost("too few replicas have the invalidation");
            return Err(Fault::new(FaultKind::Unavailable).because(few));
        }
        Ok(Sent {
            values,
            incarnation: known.incarnation(),
        })
    }
}

/// The commands with what comes behind them.
fn followed(commands: &Pipeline, asks: bool, wait: Option<(u32, Duration)>) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(commands.len() + 2);
    for command in commands.cmd_iter() {
        pipeline.add_command(command.clone());
    }
    if asks {
        pipeline.add_command(identity::question());
    }
    if let Some((replicas, timeout)) = wait {
        let timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        pipeline.cmd("WAIT").arg(replicas).arg(timeout.max(1));
    }
    pipeline
}

impl Node {
    /// What is said first on each connection.
    fn hello(&self) -> Pipeline {
        let mut hello = self.login.pipeline();
        for question in identity::questions() {
            hello.add_command(question);
        }
        if self.login.database > 0 {
            hello.cmd("SELECT").arg(self.login.database);
        }
        if let Some(name) = &self.settings.client_name {
            hello.cmd("CLIENT").arg("SETNAME").arg(name);
        }
        hello
    }

    /// Who answered it.
    fn introduced(&self, answers: Vec<Value>) -> Result<Known, Failure> {
        let answers = self.login.accepted(answers)?;
        let [server, replication, others @ ..] = answers.as_slice() else {
            return Err(protocol().into());
        };
        if let Value::ServerError(refusal) = server {
            return Err(failure::refused(refusal));
        }
        // First: what is of the wrong kind has no databases, and no role either.
        identity::check_kind(server, self.settings.in_cluster)?;
        let refused = |answer: &Value| match answer {
            Value::ServerError(refusal) => Err(failure::refused(refusal)),
            _ => Ok(()),
        };
        refused(replication)?;
        others.iter().try_for_each(refused)?;
        let identity = Identity::new(server, replication)?;
        if identity.version < CONDITIONAL_EXPIRY {
            self.settings.old_server.store(true, Ordering::Relaxed);
        }
        Ok(Known::new(identity, self.settings.clock.now()))
    }
}

/// The version of Redis that brought `PEXPIRE .. NX` and `.. GT`.
const CONDITIONAL_EXPIRY: u32 = 7;
