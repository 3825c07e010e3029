//! One request to the store, as rounds of commands. No I/O: [`Task::ask`] says what to send, and
//! [`Task::told`] hears the answers.

mod lookup;
mod put;
mod register;
mod remove;
mod report;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use larder_core::{
    EntryKey, Fault, Moment, ShapeName, TableKey,
    store::{Removal, Reply, Request},
};
use redis::cmd;

use crate::{
    call::{Answer, Call, list, protocol},
    layout::{CREATED, Layout},
    node::{NodeRef, Settings},
};

use self::{
    lookup::LookupTask,
    put::PutTask,
    register::RegisterTask,
    remove::RemoveTask,
    report::{ReportTask, ReportsTask},
};

/// What all requests go by.
pub(crate) struct Rules {
    pub(crate) layout: Layout,
    pub(crate) compress_above: Option<usize>,
    pub(crate) settings: Arc<Settings>,
}

impl Rules {
    /// Whether every server knows `PEXPIRE .. NX` and `.. GT`.
    fn conditional_expiry(&self) -> bool {
        !self.settings.old_server.load(Ordering::Relaxed)
    }
}

/// One request under way.
pub(crate) enum Task<'a> {
    Lookup(LookupTask<'a>),
    Register(RegisterTask<'a>),
    Put(PutTask<'a>),
    Records(RecordsTask<'a>),
    Remove(RemoveTask),
    Claim(ClaimTask<'a>),
    Report(ReportTask<'a>),
    Reports(ReportsTask),
}

/// A claim on the filling of an entry.
pub(crate) struct ClaimTask<'a> {
    key: &'a EntryKey,
    lease: Duration,
    granted: Option<bool>,
}

/// The shapes in the records of some tables.
pub(crate) struct RecordsTask<'a> {
    tables: &'a [TableKey],
    records: Vec<Vec<ShapeName>>,
    asked: bool,
}

impl<'a> Task<'a> {
    /// A task for this request; `masters` are those that hold the namespace.
    pub(crate) fn new(
        request: &'a Request<'_>,
        now: Moment,
        masters: impl FnOnce() -> Vec<NodeRef>,
    ) -> Result<Self, Fault> {
        Ok(match request {
            Request::Lookup {
                entry,
                dependencies,
            } => Self::Lookup(LookupTask::new(*entry, dependencies)),
            Request::Register { registrations, ttl } => {
                Self::Register(RegisterTask::new(registrations, *ttl, now))
            }
            Request::Put {
                key,
                entry,
                dependencies,
            } => Self::Put(PutTask::new(key, entry, dependencies, now)),
            Request::Records(tables) => Self::Records(RecordsTask {
                tables,
                records: Vec::new(),
                asked: false,
            }),
            Request::Remove(removals) => Self::Remove(RemoveTask::new(removals, masters)),
            Request::Claim { key, lease } => Self::Claim(ClaimTask {
                key,
                lease: *lease,
                granted: None,
            }),
            Request::Report {
                namespace,
                instance,
                report,
                ttl,
            } => Self::Report(ReportTask::new(namespace, instance, (report, *ttl), now)),
            Request::Reports { namespace } => Self::Reports(ReportsTask::new(namespace, now)),
            _ => return Err(protocol()),
        })
    }

    /// The commands of the next round; none = finished.
    pub(crate) fn ask(&mut self, rules: &Rules) -> Vec<Call> {
        match self {
            Self::Lookup(task) => task.ask(rules),
            Self::Register(task) => task.ask(rules),
            Self::Put(task) => task.ask(rules),
            Self::Records(task) => task.ask(rules),
            Self::Remove(task) => task.ask(rules),
            Self::Claim(task) => task.ask(rules),
            Self::Report(task) => task.ask(),
            Self::Reports(task) => task.ask(),
        }
    }

    /// The answers to the last round, one per command and in its order.
    pub(crate) fn told(&mut self, answers: &[Answer], rules: &Rules) -> Result<(), Fault> {
        match self {
            Self::Lookup(task) => task.told(answers, rules),
            Self::Register(task) => task.told(answers),
            Self::Put(task) => task.told(answers),
            Self::Records(task) => task.told(answers, rules),
            Self::Remove(task) => task.told(answers),
            Self::Claim(task) => task.told(answers),
            Self::Report(_) => Ok(()),
            Self::Reports(task) => task.told(answers),
        }
    }

    /// The reply, once it is finished.
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::Lookup(task) => Reply::Lookup(task.lookup),
            Self::Register(task) => Reply::Registered(task.registered),
            Self::Put(_) | Self::Report(_) => Reply::Stored,
            Self::Reports(task) => Reply::Reports(task.reports),
            Self::Records(task) => Reply::Records(task.records),
            Self::Remove(task) => Reply::Removed {
                existed: task.existed(),
            },
            Self::Claim(task) => Reply::Claimed(task.granted.unwrap_or(false)),
        }
    }
}

impl RecordsTask<'_> {
    /// Of every layout: a shape that is read in any of them must be dropped (P12).
    fn ask(&mut self, rules: &Rules) -> Vec<Call> {
        if std::mem::replace(&mut self.asked, true) {
            return Vec::new();
        }
        let mut calls = Vec::new();
        for table in self.tables {
            for tag in rules.layout.tags_to_drop(table) {
                let mut command = cmd("HKEYS");
                command.arg(tag.record());
                calls.push(Call::repeatable(&tag, command));
            }
        }
        calls
    }

    fn told(&mut self, answers: &[Answer], rules: &Rules) -> Result<(), Fault> {
        let mut answers = answers.iter();
        for table in self.tables {
            let mut shapes: Vec<ShapeName> = Vec::new();
            for _ in rules.layout.tags_to_drop(table) {
                let answer = answers.next().ok_or_else(protocol)?;
                for field in list(&answer.value)? {
                    let shape = name(field)?;
                    if &*shape.0 != CREATED && !shapes.contains(&shape) {
                        shapes.push(shape);
                    }
                }
            }
            self.records.push(shapes);
        }
        Ok(())
    }
}

impl ClaimTask<'_> {
    fn ask(&self, rules: &Rules) -> Vec<Call> {
        if self.granted.is_some() {
            return Vec::new();
        }
        let tag = rules.layout.tag(&self.key.table, self.key.spread());
        let mut claim = cmd("SET");
        claim.arg(tag.claim(&self.key.digest)).arg("").arg("NX");
        claim.arg("PX").arg(register::milliseconds(self.lease));
        vec![Call::creating(&tag, claim)]
    }

    fn told(&mut self, answers: &[Answer]) -> Result<(), Fault> {
        let answer = answers.first().ok_or_else(protocol)?;
        self.granted = Some(answer.value == redis::Value::Okay);
        Ok(())
    }
}

/// Whether what is dropped depends on the answer.
pub(crate) fn finds_what_to_drop(request: &Request<'_>) -> bool {
    match request {
        Request::Records(_) => true,
        other => sweeps(other),
    }
}

/// Whether others may be served something older if it gets lost: replicas must have what it drops,
/// and what says that there is nothing to drop must not come from a master that has none any more.
pub(crate) fn invalidates(request: &Request<'_>) -> bool {
    match request {
        Request::Records(_) => true,
        Request::Remove(removals) => removals
            .iter()
            .any(|it| !matches!(it, Removal::Entry(_) | Removal::Claim(_))),
        _ => false,
    }
}

/// Whether it walks over all masters.
pub(crate) fn sweeps(request: &Request<'_>) -> bool {
    let all = |removal: &Removal| matches!(removal, Removal::AllRecords(_));
    matches!(request, Request::Remove(removals) if removals.iter().any(all))
}

/// A field's name. One that is no text is a name that nobody can read, and drops the record (P11).
fn name(field: &redis::Value) -> Result<ShapeName, Fault> {
    match field {
        redis::Value::BulkString(bytes) => Ok(ShapeName(
            String::from_utf8_lossy(bytes).into_owned().into(),
        )),
        _ => Err(protocol()),
    }
}
