//! One round of commands: which server gets which, what is followed, what is sent again. No I/O.
//!
//! A redirect says that a command did not run, so any may follow it. A lost connection says nothing:
//! only commands that may be repeated go out again, once (P5).

use larder_core::{Entropy, Fault, FaultKind, entry::Incarnation};
use redis::{Cmd, ServerError, ServerErrorKind, Value};

use crate::{
    call::{Answer, Call, Command, Place, Verb, protocol},
    config::HostPort,
    node::NodeRef,
    topology::Topology,
};

/// Commands that wait for their answers.
pub(crate) struct Exchange {
    open: Vec<Open>,
    answers: Vec<Option<Answer>>,
    rounds: u8,
}

struct Open {
    call: Call,
    /// To which command the answer belongs.
    index: usize,
    /// Which of its keys this is, where they had to be taken apart.
    part: Option<usize>,
    redirect: Option<Redirect>,
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
    pub(crate) commands: Vec<Cmd>,
    asking: bool,
    members: Vec<Open>,
}

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
                call,
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

    /// What to send now, at most one batch per server and way; empty = all is answered.
    pub(crate) fn batches(&mut self, topology: &Topology) -> Result<Vec<Batch>, Fault> {
        self.rounds += 1;
        if self.rounds > ROUNDS_MAX {
            return Err(Fault::new(FaultKind::Unavailable).because(Lost("redirected in circles")));
        }
        let mut batches: Vec<Batch> = Vec::with_capacity(1);
        for open in self.open.drain(..) {
            let asking = open.redirect.as_ref().is_some_and(|it| it.asking);
            let node = match (&open.redirect, &open.call.place) {
                (Some(redirect), _) => topology.node_at(&redirect.to)?,
                (None, Place::Node(node)) => node.clone(),
                (None, Place::Owner(tag)) => topology.owner(tag)?,
            };
            let known = batches
                .iter_mut()
                .find(|batch| batch.asking == asking && batch.node.is_same(&node));
            match known {
                Some(batch) => batch.add(open),
                None => {
                    let mut batch = Batch {
                        node,
                        commands: Vec::new(),
                        asking,
                        members: Vec::new(),
                    };
                    batch.add(open);
                    batches.push(batch);
                }
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
        let step = if batch.asking { 2 } else { 1 };
        if sent.values.len() != batch.members.len() * step {
            return Err(protocol());
        }
        let mut moved = false;
        let values = sent.values.into_iter().skip(step - 1).step_by(step);
        for (open, value) in batch.members.into_iter().zip(values) {
            match value {
                Value::ServerError(error) => moved |= self.refused(open, &error)?,
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
        let repeatable = |open: &Open| !open.call.is_creating() && !open.resent;
        if !unsent.was_dropped || !batch.members.iter().all(repeatable) {
            return Err(unsent.fault);
        }
        self.open.extend(batch.members.into_iter().map(|open| Open {
            redirect: None,
            resent: true,
            ..open
        }));
        Ok(())
    }

    /// `true` = the slot has another owner.
    fn refused(&mut self, open: Open, error: &ServerError) -> Result<bool, Fault> {
        match (error.kind(), &open.call.command) {
            (Some(kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask)), _) => {
                let to = redirected(error).ok_or_else(protocol)?;
                let asking = kind == ServerErrorKind::Ask;
                self.open.push(Open {
                    redirect: Some(Redirect { to, asking }),
                    ..open
                });
                Ok(!asking)
            }
            // Some of the keys have moved on already, so each goes by itself.
            (Some(ServerErrorKind::TryAgain), Command::Each(verb, keys)) => {
                self.take_apart(&open, *verb, keys);
                Ok(false)
            }
            _ => Err(fault_of(error)),
        }
    }

    fn take_apart(&mut self, open: &Open, verb: Verb, keys: &[Vec<u8>]) {
        for (part, key) in keys.iter().enumerate() {
            self.open.push(Open {
                call: Call {
                    place: open.call.place.clone(),
                    command: Command::Repeatable(verb.single(key)),
                },
                index: open.index,
                part: Some(part),
                redirect: None,
                resent: open.resent,
            });
        }
        if let Some(place) = self.answers.get_mut(open.index) {
            *place = Some(Answer {
                value: match verb {
                    Verb::Get => Value::Array(vec![Value::Nil; keys.len()]),
                    Verb::Unlink => Value::Int(0),
                },
                incarnation: NO_LIFE,
            });
        }
    }

    fn answered(
        &mut self,
        open: &Open,
        value: Value,
        incarnation: Incarnation,
    ) -> Result<(), Fault> {
        let place = self.answers.get_mut(open.index).ok_or_else(protocol)?;
        let Some((part, whole)) = open.part.zip(place.as_mut()) else {
            *place = Some(Answer { value, incarnation });
            return Ok(());
        };
        whole.incarnation = match whole.incarnation {
            NO_LIFE => incarnation,
            known => one_life(known, incarnation),
        };
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

impl Batch {
    fn add(&mut self, open: Open) {
        if self.asking {
            self.commands.push(redis::cmd("ASKING"));
        }
        self.commands.push(open.call.command.cmd());
        self.members.push(open);
    }
}

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
fn redirected(error: &ServerError) -> Option<HostPort> {
    let (host, port) = error.details()?.rsplit(' ').next()?.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some(HostPort::new(host, port.parse().ok()?)).filter(|_| !host.is_empty())
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
