//! Readers and writers: the real machines, one operation at a time.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use larder_core::{
    Change, Entropy, EntryKey, Fault, FaultKind, Limits, Moment, ShapeName,
    machine::{FillPlan, FlightKey, ReadDecision, ReadMachine, ReadStep, WriteMachine, WriteStep},
    shape::MetShapes,
    store::{Reply, Request},
};

use super::fnv::Fnv;
use crate::{
    fixture::Query,
    model::{Progress, hash_reply},
};

/// A read under way.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    pub(super) query: &'a Query,
    /// The row that it reads.
    pub(super) author: usize,
    pub(super) machine: ReadMachine<'a>,
    pub(super) at: ReaderAt<'a>,
    /// What was acknowledged when it started.
    pub(super) floor: u64,
    /// Everything that its machine was told: with it, the machine's state is known.
    pub(super) history: u64,
    /// The row as queried too early (a broken reader).
    pub(super) early: Option<u64>,
    pub(super) hit: bool,
}

#[derive(Clone, Debug)]
pub(super) enum ReaderAt<'a> {
    Start,
    Asking(Request<'a>, Progress),
    Waiting(FlightKey),
    /// May run its query; with the flight that it leads.
    Leading(FillPlan, Option<FlightKey>),
    /// Has its result; must put it.
    Holding(FillPlan, Option<FlightKey>, u64),
    /// Runs its query and stores nothing.
    Bypassing,
    Done(u64),
    Cancelled,
}

impl<'a> Reader<'a> {
    pub(super) fn new(query: &'a Query, author: usize, number: u64, limits: &Limits) -> Self {
        let entropy = Entropy::seeded(number);
        Self {
            query,
            author,
            machine: ReadMachine::new(query.read(), limits, &entropy, Moment(0)),
            at: ReaderAt::Start,
            floor: 0,
            history: 0,
            early: None,
            hit: false,
        }
    }

    /// Feeds a complete reply; returns the flight to join, if that is next.
    pub(super) fn replied(&mut self, reply: Reply) -> Option<FlightKey> {
        self.history = remember(self.history, &reply);
        let step = self.machine.replied(Ok(reply));
        self.enter(step)
    }

    pub(super) fn enter(&mut self, step: ReadStep<'a>) -> Option<FlightKey> {
        self.at = match step {
            ReadStep::Ask(request) => {
                let progress = Progress::of(&request);
                ReaderAt::Asking(request, progress)
            }
            ReadStep::Join(key) => return Some(key),
            ReadStep::Done(ReadDecision::Run(plan)) => ReaderAt::Leading(plan, None),
            ReadStep::Done(ReadDecision::Hit { payload, .. }) => {
                self.hit = true;
                ReaderAt::Done(payload.value.downcast_ref::<u64>().copied().unwrap_or(0))
            }
            _ => ReaderAt::Bypassing,
        };
        None
    }

    /// The server went away in the middle of a request.
    pub(super) fn disconnected(&mut self) {
        if let ReaderAt::Asking(_, progress) = &self.at
            && progress.has_begun()
        {
            let step = self
                .machine
                .replied(Err(Fault::new(FaultKind::Unavailable)));
            self.enter(step);
        }
    }

    pub(super) fn entry(&self) -> &'a EntryKey {
        &self.query.entry
    }
}

impl Hash for Reader<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.history, self.floor, self.early, self.hit).hash(state);
        std::mem::discriminant(&self.at).hash(state);
        match &self.at {
            ReaderAt::Asking(_, progress) => progress.hash(state),
            ReaderAt::Waiting(key) => key.hash(state),
            ReaderAt::Leading(plan, key) => (&plan.stamps, key).hash(state),
            ReaderAt::Holding(plan, key, value) => (&plan.stamps, key, value).hash(state),
            ReaderAt::Done(value) => value.hash(state),
            ReaderAt::Start | ReaderAt::Bypassing | ReaderAt::Cancelled => {}
        }
    }
}

/// A write under way.
#[derive(Clone, Debug)]
pub(super) struct Writer<'a> {
    changes: &'a [Change],
    met: Option<Arc<MetShapes>>,
    pub(super) author: usize,
    pub(super) machine: WriteMachine<'a>,
    pub(super) at: WriterAt,
    /// The version that it committed.
    pub(super) version: u64,
    pub(super) history: u64,
}

#[derive(Clone, Debug)]
pub(super) enum WriterAt {
    Start,
    Asking(Vec<Request<'static>>, Vec<Reply>, Progress),
    /// A broken writer commits last.
    MustCommit,
    Done,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        changes: &'a [Change],
        author: usize,
        met: &Option<Arc<[ShapeName]>>,
        limits: &Limits,
    ) -> Self {
        let met = met.clone().map(|names| Arc::new(MetShapes::new(names)));
        let machine = WriteMachine::new(changes, limits).with_met(|_| met.clone());
        Self {
            changes,
            met,
            author,
            machine,
            at: WriterAt::Start,
            version: 0,
            history: 0,
        }
    }

    /// The server went away in the middle of a batch: delivery starts over.
    pub(super) fn disconnected(&mut self) {
        if let WriterAt::Asking(_, replies, progress) = &self.at
            && (!replies.is_empty() || progress.has_begun())
        {
            let met = &self.met;
            self.machine =
                WriteMachine::new(self.changes, &Limits::default()).with_met(|_| met.clone());
            let step = self.machine.start();
            self.enter(step);
        }
    }

    /// Feeds a complete batch of replies; `true` when the machine is done.
    pub(super) fn replied(&mut self, replies: Vec<Reply>) -> bool {
        self.history = replies.iter().fold(self.history, remember);
        let step = self.machine.replied(Ok(replies));
        self.enter(step)
    }

    /// Takes a step of the machine; `true` when it is done.
    pub(super) fn enter(&mut self, step: WriteStep) -> bool {
        if let WriteStep::Ask(batch) = step
            && let Some(first) = batch.first()
        {
            let progress = Progress::of(first);
            self.at = WriterAt::Asking(batch, Vec::new(), progress);
            return false;
        }
        true
    }
}

impl Hash for Writer<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.history, self.version).hash(state);
        std::mem::discriminant(&self.at).hash(state);
        if let WriterAt::Asking(_, replies, progress) = &self.at {
            (replies.len(), progress).hash(state);
        }
    }
}

/// A history with one more reply.
fn remember(history: u64, reply: &Reply) -> u64 {
    let mut state = Fnv::default();
    history.hash(&mut state);
    hash_reply(reply, &mut state);
    state.finish()
}
