//! A read, as a machine.
//!
//! ```text
//! Lookup --hit----------------------------[Decode]--------------> Hit
//!    |  miss: stamps missing -> Register --nil reply------------> Bypass
//!    |                            |
//!    +--stamps complete-----------+--> Join(entry, stamps) --lead--> Run
//!                                            |wait --landed-------> Hit
//!                                            |     --failed--> Lookup
//!                                            |     --timed out----> Run
//! ```
//! With a near entry, the first lookup reads its stamps alone; an entry that rests on more than the
//! reader knows (an operation) is judged by a lookup of its own stamps.
//!
//! Everything that a fill carries was read or created before `Run` (P2), and `Run` is the only
//! place where the query may start.

mod finding;
mod leeway;
mod registering;
mod verdict;

use std::{mem, sync::Arc, time::Duration};

use crate::{
    CallDigest, DependencyKey, EntryKey, NamedCall, ResultCodec,
    clock::Moment,
    entropy::{Draws, Entropy},
    entry::{Content, Encoded, Entry, Incarnation, Issued, Payload, Validated},
    limits::Limits,
    observer::{BypassReason, HitSource, MissCause},
    recorder::Recorded,
    store::{Dependencies, Fault, Lookup, Reply, Request},
};

pub use verdict::verdict;

/// A read to answer.
#[derive(Clone, Copy, Debug)]
pub struct ReadRequest<'a> {
    /// Where its result lies.
    pub entry: &'a EntryKey,
    /// What its result rests on.
    pub dependencies: &'a [DependencyKey],
    /// How long the result may be served, before jitter. A stored result that is older does not
    /// answer, whatever it was stored with.
    pub ttl: Duration,
    /// Whether a stored result will do.
    pub mode: ReadMode,
    /// How the result is written down for a store outside the process; `None` = it is not.
    pub codec: Option<&'static ResultCodec>,
    /// What is allowed besides.
    pub leeway: Leeway,
    /// Which statement it runs, for counters, events and whoever looks for the entry; `None` = one
    /// without a name.
    pub call: Option<NamedCall<'a>>,
}

/// What a read allows besides hits that are fresh and fills that go their own way. Default: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "composed by whoever reads")]
pub struct Leeway {
    /// One process at a time fills; the others look again until it has. A claim on the entry is all
    /// that they share: whoever sees its result has read the stamps itself (P8).
    pub shared_flight: bool,
    /// One reader replaces a result that is about to expire, the others are served meanwhile: the
    /// costlier its query, the earlier (XFetch: Vattani, Chierichetti, Lowenstein, VLDB 2015).
    pub early_refresh: bool,
    /// How long ago a result may have been valid that is served while another reader replaces it
    /// (P13). Zero: none is.
    pub allow_stale: Duration,
}

/// Whether a stored result will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadMode {
    /// It will.
    #[default]
    Cached,
    /// Run the query and store its result anew.
    Refresh,
    /// Run the query for an operation of several statements, whose result is stored as one: only
    /// the stamps are wanted, for [`Fill::rest_on`](crate::Fill::rest_on).
    Part,
    /// Take a stored result, but store none: the database lags behind the writes (P9).
    Peek,
    /// Take a stored result, else run without waiters: the first statement of an operation of
    /// several, of whose stamps a waiter would see the first alone (P8).
    Alone,
    /// As [`Alone`](Self::Alone), for a memo, which says itself when it has missed.
    Memo,
}

impl ReadMode {
    /// Whether a stored result answers.
    pub fn takes_stored(self) -> bool {
        matches!(self, Self::Cached | Self::Peek | Self::Alone | Self::Memo)
    }
}

/// What a machine wants next.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadStep<'a> {
    /// Send this and feed the reply to [`ReadMachine::replied`].
    Ask(Request<'a>),
    /// Decode this and feed [`ReadMachine::decoded`].
    Decode(Encoded),
    /// Another process fills: let so much time pass and call [`ReadMachine::paused`].
    Pause(Duration),
    /// Join the flight with this key and feed [`ReadMachine::leads`], [`ReadMachine::landed`],
    /// [`ReadMachine::failed`] or [`ReadMachine::waited_enough`].
    Join(FlightKey),
    /// The end.
    Done(ReadDecision),
}

/// How a read goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadDecision {
    /// Answered.
    Hit {
        /// The answer.
        payload: Payload,
        /// Who gave it.
        source: HitSource,
        /// What the query took that gave the result; zero where that is not known.
        cost: Duration,
        /// The entry, to be kept near: it came from outside the process.
        keep: Option<Arc<Entry>>,
        /// What it rests on, where that is more than the reader knew: those tables must be readable
        /// too.
        rests_on: Option<Arc<[DependencyKey]>>,
        /// The entry that answered; `None` = another reader's flight.
        entry: Option<Arc<Entry>>,
        /// Whether it answers others who have seen the same stamps: what is served instead of
        /// waiting answers its reader alone.
        shareable: bool,
    },
    /// Run the query, then store its result by this plan.
    Run(FillPlan),
    /// Run the query and store nothing.
    Bypass(BypassReason),
}

/// What a fill stores its result with.
#[derive(Clone, Debug, PartialEq)]
pub struct FillPlan {
    /// The stamps, in the order of `dependencies` (P2).
    pub stamps: Arc<[Issued]>,
    /// The dependencies, widened where the record was full (P11).
    pub dependencies: Arc<[DependencyKey]>,
    /// When the stamps were read, or shortly before.
    pub created: Moment,
    /// When the result expires (P7).
    pub expires: Moment,
    /// Whether it rests on other statements as well.
    pub extended: bool,
    /// Whether other processes wait for it.
    pub claimed: bool,
    /// Which call it is; zero = not known.
    pub call: CallDigest,
}

/// The identity of a flight: an entry under one complete stamp vector (P8).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FlightKey {
    /// The entry.
    pub entry: EntryKey,
    /// The stamps that the joining reader read or created itself.
    pub stamps: Arc<[Issued]>,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct ReadMachine<'a> {
    request: ReadRequest<'a>,
    shapes_max: usize,
    ttl_max: Duration,
    created: Moment,
    ttl: Duration,
    draws: Draws,
    miss: Option<MissCause>,
    stage: Stage,
    /// Whether the process keeps results near.
    keeps: bool,
    /// An entry that hits but is to be decoded.
    decoding: Option<(Arc<Entry>, HitSource)>,
    /// Whether what answers was taken from `fallback`.
    served_instead: bool,
    /// What answers if another reader replaces it already.
    fallback: Option<(Arc<Entry>, HitSource)>,
    /// Whether this read is the one that replaces a result early; drawn once.
    early: Option<bool>,
    /// The stamps of the flight that it leads.
    leading: Option<Arc<[Issued]>>,
    lease: Duration,
    wait_max: Duration,
    paused: Duration,
    next_pause: Duration,
    record_dropped: bool,
    dependencies: Vec<DependencyKey>,
    stamps: Vec<Option<Issued>>,
    /// For each registration under way: the dependency's position, the incarnation of the lookup,
    /// and whether it is widened.
    registering: Vec<(usize, Incarnation, bool)>,
    plan: Option<FillPlan>,
}

/// What the lookup under way is for.
#[derive(Clone, Debug)]
enum Stage {
    /// The stamps of this near entry.
    Near(Arc<Entry>),
    /// The stored entry, and the stamps of what the read rests on.
    Full,
    /// The stamps of a stored entry that rests on more; what the full lookup saw.
    Extended(Arc<Entry>, Lookup),
}

impl<'a> ReadMachine<'a> {
    /// A machine for a read that starts `now`, before any stamp is read.
    pub fn new(request: ReadRequest<'a>, limits: &Limits, entropy: &Entropy, now: Moment) -> Self {
        let mut draws = entropy.draws();
        let ttl = draws.jittered(request.ttl.min(limits.ttl_max), limits.jitter_percent);
        Self {
            request,
            shapes_max: limits.shapes_max,
            ttl_max: limits.ttl_max,
            created: now,
            ttl,
            draws,
            miss: None,
            stage: Stage::Full,
            keeps: false,
            decoding: None,
            served_instead: false,
            fallback: None,
            early: None,
            leading: None,
            lease: limits.lease,
            wait_max: limits.wait_max,
            paused: Duration::ZERO,
            next_pause: leeway::FIRST_PAUSE,
            record_dropped: false,
            dependencies: Vec::new(),
            stamps: Vec::new(),
            registering: Vec::new(),
            plan: None,
        }
    }

    /// The same for a process that keeps results near, with what it has of this one.
    #[must_use]
    pub fn with_near(mut self, near: Option<Arc<Entry>>) -> Self {
        self.keeps = true;
        if let Some(entry) = near.filter(|_| self.request.mode.takes_stored()) {
            self.stage = Stage::Near(entry);
        }
        self
    }

    /// The first step.
    pub fn start(&self) -> ReadStep<'a> {
        match &self.stage {
            Stage::Near(entry) => finding::stamps_of(entry),
            _ => self.full_lookup(),
        }
    }

    fn full_lookup(&self) -> ReadStep<'a> {
        let ReadRequest {
            entry,
            dependencies,
            ..
        } = self.request;
        ReadStep::Ask(Request::Lookup {
            entry: Some(entry),
            dependencies: Dependencies::Read(dependencies),
        })
    }

    /// Why the read missed, once it has.
    pub fn miss(&self) -> Option<MissCause> {
        self.miss
    }

    /// The stamps that it read or created, once all are known.
    pub fn plan(&self) -> Option<&FillPlan> {
        self.plan.as_ref()
    }

    /// Whether what is there now is good, and only this read does not take it.
    pub fn passes_over_a_result(&self) -> bool {
        self.early == Some(true) || self.request.mode == ReadMode::Refresh
    }

    /// The reply to the last request. After a fault nothing is sent again: a creating command may
    /// have run (P5).
    pub fn replied(&mut self, reply: Result<Reply, Fault>) -> ReadStep<'a> {
        match reply {
            Ok(Reply::Lookup(lookup)) => match mem::replace(&mut self.stage, Stage::Full) {
                Stage::Near(entry) => self.near_seen(entry, &lookup.seen),
                Stage::Full => self.looked_up(lookup),
                Stage::Extended(entry, first) => {
                    let judged = self.judge(&entry, &lookup.seen, &entry.dependencies);
                    self.judged(judged.map(|()| entry), &first)
                }
            },
            Ok(Reply::Registered(registered)) => self.registered(&registered),
            // What was in the way is gone; what is there now must be read again.
            Ok(Reply::Removed { .. }) => self.full_lookup(),
            Ok(Reply::Claimed(granted)) => self.claimed(granted),
            Ok(_) | Err(_) => ReadStep::Done(ReadDecision::Bypass(BypassReason::Fault)),
        }
    }

    /// What became of the entry that was to be decoded. One that cannot be is removed and counts
    /// as none.
    pub fn decoded(&mut self, payload: Option<Payload>) -> ReadStep<'a> {
        let Some((payload, (entry, source))) = payload.zip(self.decoding.take()) else {
            return self.undecodable();
        };
        let cost = entry.cost;
        let keep = self.keeps.then(|| {
            Arc::new(Entry {
                content: payload.clone().into(),
                ..Entry::clone(&entry)
            })
        });
        ReadStep::Done(ReadDecision::Hit {
            payload,
            source,
            cost,
            keep,
            rests_on: finding::rests_on(&entry),
            entry: Some(entry),
            shareable: !self.served_instead,
        })
    }

    /// The flight landed. Its stamps are exactly those that this reader saw, so its value is as
    /// good as a hit (P8).
    pub fn landed(&mut self, payload: Payload) -> ReadStep<'a> {
        ReadStep::Done(ReadDecision::Hit {
            payload,
            source: HitSource::Flight,
            cost: Duration::ZERO,
            keep: None,
            rests_on: None,
            entry: None,
            shareable: true,
        })
    }

    /// The flight failed. Errors are never shared: start over, perhaps as the next to lead, perhaps
    /// to find what another waiter has stored meanwhile.
    pub fn failed(&mut self) -> ReadStep<'a> {
        self.plan = None;
        self.full_lookup()
    }

    /// The flight takes too long, or there is no room in it: run alone.
    pub fn waited_enough(&mut self) -> ReadStep<'a> {
        self.run()
    }
}

impl FillPlan {
    /// Lets the result rest on another statement's stamps as well. Of a dependency that both have,
    /// the stamps read first count: a write in between must show.
    pub fn rest_on(&mut self, other: &Self) {
        let mut dependencies = self.dependencies.to_vec();
        let mut stamps = self.stamps.to_vec();
        for (dependency, issued) in other.dependencies.iter().zip(other.stamps.iter()) {
            if !dependencies.iter().any(|it| it.is_dropped_with(dependency)) {
                dependencies.push(dependency.clone());
                stamps.push(*issued);
            }
        }
        self.dependencies = dependencies.into();
        self.stamps = stamps.into();
        self.expires = self.expires.min(other.expires);
        self.extended = true;
    }

    /// Lets the result rest on everything that a recorder has heard of, as it is: of a dependency
    /// with two stamps nobody knows which was read first, and the result is dead on arrival.
    pub fn rest_on_recorded(&mut self, recorded: &Recorded) {
        let rests_on = || recorded.rests_on.iter();
        let dependencies = rests_on().map(|rest| rest.dependency.clone());
        let stamps = rests_on().map(|rest| rest.issued);
        self.dependencies = self
            .dependencies
            .iter()
            .cloned()
            .chain(dependencies)
            .collect();
        self.stamps = self.stamps.iter().copied().chain(stamps).collect();
        self.expires = self.expires.min(recorded.expires);
        self.extended |= !recorded.rests_on.is_empty();
    }

    /// The entry for a fill that is finished at `now` (P2, P7).
    pub fn entry(&self, content: impl Into<Content>, now: Moment) -> Entry {
        Entry {
            content: content.into(),
            dependencies: self.dependencies.clone(),
            stamps: self.stamps.clone(),
            created: self.created,
            expires: self.expires,
            cost: now.since(self.created),
            call: self.call,
            extended: self.extended,
            validated: Validated::default(),
        }
    }
}
