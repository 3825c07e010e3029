//! One round of commands: which server gets which, what is followed, what is sent again. No I/O.
//!
//! A redirect says that a command did not run, so any may follow it. A lost connection says nothing:
//! only commands that may be repeated go out again, once (P5).

use std::mem;

use larder_core::{Entropy, Fault, FaultKind, entry::Incarnation};
use redis::{Arg, Cmd, Pipeline, ServerError, ServerErrorKind, Value};
use smallvec::SmallVec;

use crate::{
    call::{Answer, Call, Kind, Place, Verb, protocol},
    config::{Address, HostPort},
    node::NodeRef,
    topology::Topology,
};

/// Commands that wait for their answers.
pub(crate) struct Exchange {
    open: Vec<Open>,
    answers: Vec<Option<Answer>>,
    rounds: u8,
}

/// A command that waits to go out, or, without it, for its answer.
struct Open<C = Cmd> {
    command: C,
    place: Place,
    kind: Kind,
    /// To which command the answer belongs.
    index: usize,
    /// Which of its keys this is, where they had to be taken apart.
    part: Option<usize>,
    redirect: Option<Box<Redirect>>,
    /// Whether it went out again already, because its connection was gone. Of several connections
    /// that are gone at a time, none uses up the others' second attempt.
    resent: bool,
}

struct Redirect {
    to: HostPort,
    /// The slot is on its way there: the server must be told that we know.
    asking: bool,
}

/// Commands for one server.
pub(crate) struct Batch {
    pub(crate) node: NodeRef,
    pub(crate) commands: Pipeline,
    asking: bool,
    members: Vec<Open<()>>,
}

/// One per server and way; usually there is one.
pub(crate) type Batches = SmallVec<[Batch; 1]>;

/// What a server sent back.
pub(crate) struct Sent {
    pub(crate) values: Vec<Value>,
    pub(crate) incarnation: Incarnation,
}

/// Why a server sent nothing back.
#[derive(Debug)]
pub(crate) struct Unsent {
    pub(crate) fault: Fault,
    /// The connection was gone, perhaps since long: another attempt may fare better.
    pub(crate) was_dropped: bool,
}

/// Redirects and repetitions of one round.
const ROUNDS_MAX: u8 = 6;

impl Exchange {
    pub(crate) fn new(calls: Vec<Call>) -> Self {
        let answers = vec![None; calls.len()];
        let open = calls
            .into_iter()
            .enumerate()
            .map(|(index, call)| Open {
                command: call.command,
                place: call.place,
                kind: call.kind,
                index,
                part: None,
                redirect: None,
                resent: false,
            })
            .collect();
        Self {
            open,
            answers,
            rounds: 0,
        }
    }

    /// Whether all is answered.
    pub(crate) fn is_done(&self) -> bool {
        self.open.is_empty()
    }

    /// What to send now, at most one batch per server and way.
    pub(crate) fn batches(&mut self, topology: &Topology) -> Result<Batches, Fault> {
        self.rounds += 1;
        if self.rounds > ROUNDS_MAX {
            return Err(Fault::new(FaultKind::Unavailable).because(Lost("redirected in circles")));
        }
        let mut batches = Batches::new();
        for open in self.open.drain(..) {
            let node = match (&open.redirect, &open.place) {
                (Some(redirect), _) => &topology.node_at(&redirect.to)?,
                (None, Place::Node(node)) => node,
                (None, Place::Owner(tag)) => topology.owner(tag)?,
            };
            let asking = open.redirect.as_ref().is_some_and(|it| it.asking);
            let is_for = |batch: &Batch| batch.asking == asking && batch.node.is_same(node);
            let known = batches.iter().position(is_for);
            if known.is_none() {
                batches.push(Batch::new(node.clone(), asking));
            }
            let last = batches.len().saturating_sub(1);
            if let Some(batch) = batches.get_mut(known.unwrap_or(last)) {
                batch.add(open);
            }
        }
        Ok(batches)
    }

    /// What became of a batch. `true` = who owns which slot should be looked up again.
    pub(crate) fn sent(
        &mut self,
        batch: Batch,
        outcome: Result<Sent, Unsent>,
    ) -> Result<bool, Fault> {
        let sent = match outcome {
            Ok(sent) => sent,
            Err(unsent) => return self.unsent(batch, unsent).map(|()| true),
        };
        if sent.values.len() != batch.commands.len() {
            return Err(protocol());
        }
        let step = batch.step();
        let values = sent.values.into_iter().skip(step - 1).step_by(step);
        let commands = batch.commands.cmd_iter().skip(step - 1).step_by(step);
        let (mut moved, here) = (false, batch.node.clone());
        for ((open, command), value) in batch.members.into_iter().zip(commands).zip(values) {
            match value {
                Value::ServerError(error) => {
                    moved |= self.refused(open.with(command.clone()), &error, &here)?;
                }
                value => self.answered(&open, value, sent.incarnation)?,
            }
        }
        Ok(moved)
    }

    /// The answers, in the order of the calls.
    pub(crate) fn into_answers(self) -> Result<Vec<Answer>, Fault> {
        self.answers
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(protocol)
    }

    fn unsent(&mut self, batch: Batch, unsent: Unsent) -> Result<(), Fault> {
        let was_resent = batch.members.iter().any(|it| it.resent);
        if !unsent.was_dropped || was_resent || batch.creates() {
            return Err(unsent.fault);
        }
        let step = batch.step();
        let commands = batch.commands.cmd_iter().skip(step - 1).step_by(step);
        for (open, command) in batch.members.into_iter().zip(commands) {
            self.open.push(Open {
                redirect: None,
                resent: true,
                ..open.with(command.clone())
            });
        }
        Ok(())
    }

    /// `true` = the slot has another owner.
    fn refused(&mut self, open: Open, error: &ServerError, here: &NodeRef) -> Result<bool, Fault> {
        match (error.kind(), open.kind) {
            (Some(kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask)), _) => {
                let to = redirected(error, here).ok_or_else(protocol)?;
                let asking = kind == ServerErrorKind::Ask;
                self.open.push(Open {
                    redirect: Some(Box::new(Redirect { to, asking })),
                    ..open
                });
                Ok(!asking)
            }
            // Some of the keys have moved on already, so each goes by itself.
            (Some(ServerErrorKind::TryAgain), Kind::Each(verb)) => {
                self.take_apart(&open, verb);
                Ok(false)
            }
            _ => Err(fault_of(error)),
        }
    }

    fn take_apart(&mut self, open: &Open, verb: Verb) {
        let mut keys = 0;
        for (part, key) in open.command.args_iter().skip(1).enumerate() {
            let Arg::Simple(key) = key else {
                continue;
            };
            keys += 1;
            self.open.push(Open {
                command: verb.single(key),
                place: open.place.clone(),
                kind: Kind::Repeatable,
                index: open.index,
                part: Some(part),
                redirect: None,
                resent: open.resent,
            });
        }
        if let Some(place) = self.answers.get_mut(open.index) {
            *place = Some(Answer {
                value: match verb {
                    Verb::Get => Value::Array(vec![Value::Nil; keys]),
                    Verb::Unlink => Value::Int(0),
                },
                incarnation: NO_LIFE,
                lives: vec![NO_LIFE; keys],
            });
        }
    }

    fn answered(
        &mut self,
        open: &Open<()>,
        value: Value,
        incarnation: Incarnation,
    ) -> Result<(), Fault> {
        let place = self.answers.get_mut(open.index).ok_or_else(protocol)?;
        let Some((part, whole)) = open.part.zip(place.as_mut()) else {
            *place = Some(Answer {
                value,
                incarnation,
                lives: Vec::new(),
            });
            return Ok(());
        };
        if let Some(life) = whole.lives.get_mut(part) {
            *life = incarnation;
        }
        match (&mut whole.value, value) {
            (Value::Array(values), value) => {
                *values.get_mut(part).ok_or_else(protocol)? = value;
            }
            (Value::Int(sum), Value::Int(one)) => *sum = sum.saturating_add(one),
            _ => return Err(protocol()),
        }
        Ok(())
    }
}

impl<C> Open<C> {
    fn with<D>(self, command: D) -> Open<D> {
        Open {
            command,
            place: self.place,
            kind: self.kind,
            index: self.index,
            part: self.part,
            redirect: self.redirect,
            resent: self.resent,
        }
    }
}

impl Batch {
    fn new(node: NodeRef, asking: bool) -> Self {
        Self {
            node,
            commands: Pipeline::with_capacity(COMMANDS),
            asking,
            members: Vec::with_capacity(COMMANDS),
        }
    }

    fn add(&mut self, mut open: Open) {
        if self.asking {
            self.commands.cmd("ASKING");
        }
        let command = mem::take(&mut open.command);
        self.commands.add_command(command);
        self.members.push(open.with(()));
    }

    /// Whether some of its commands must not be sent again (P5).
    pub(crate) fn creates(&self) -> bool {
        self.members.iter().any(|it| it.kind == Kind::Creating)
    }

    /// Commands per member.
    fn step(&self) -> usize {
        if self.asking { 2 } else { 1 }
    }
}

/// Room for the commands of a usual batch.
const COMMANDS: usize = 4;

/// The life of the server from which two answers came. From two of them no stamps are good, so this
/// is one that no server ever has (P6).
pub(crate) fn one_life(one: Incarnation, other: Incarnation) -> Incarnation {
    if one == other {
        return one;
    }
    Incarnation(u128::from_le_bytes(Entropy::system().draws().stamp().0))
}

/// Stands for "not answered yet"; a hash is never zero for all that matters.
const NO_LIFE: Incarnation = Incarnation(0);

/// `MOVED 3999 127.0.0.1:6381`: where to.
fn redirected(error: &ServerError, here: &NodeRef) -> Option<HostPort> {
    let (host, port) = error.details()?.rsplit(' ').next()?.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // A server that was not told the other's address means its own host.
    let host = match (host, here.address()) {
        ("" | "?", Address::Tcp(here)) => &here.host,
        ("" | "?", Address::Unix(_)) => return None,
        (host, _) => host,
    };
    Some(HostPort::new(host, port.parse().ok()?))
}

pub(crate) fn fault_of(error: &ServerError) -> Fault {
    let kind = match (error.kind(), error.code()) {
        (_, "OOM") => FaultKind::Full,
        (
            Some(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::TryAgain,
            ),
            _,
        )
        | (_, "MISCONF" | "NOREPLICAS") => FaultKind::Unavailable,
        _ => FaultKind::Protocol,
    };
    Fault::new(kind).because(Refused(error.clone()))
}

/// A server that says this is not the one to ask.
pub(crate) fn unavailable(error: &ServerError) -> Fault {
    Fault::new(FaultKind::Unavailable).because(Refused(error.clone()))
}

/// What a server said.
#[derive(Debug)]
struct Refused(ServerError);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.0.code(), self.0.details().unwrap_or(""))
    }
}

impl std::error::Error for Refused {}

/// Why there is no server to ask.
#[derive(Debug)]
pub(crate) struct Lost(pub(crate) &'static str);

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Lost {}
