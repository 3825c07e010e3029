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

use std::{mem, sync::Arc, time::Duration};

use crate::{
    DependencyKey, EntryKey, ResultCodec, ShapeName,
    clock::Moment,
    entropy::{Draws, Entropy},
    entry::{Content, Encoded, Entry, Incarnation, Issued, Payload},
    limits::Limits,
    observer::{BypassReason, HitSource, MissCause},
    store::{Dependencies, Fault, Lookup, Registered, Registration, Removal, Reply, Request, Seen},
};

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
}

impl ReadMode {
    /// Whether a stored result answers.
    pub fn takes_stored(self) -> bool {
        matches!(self, Self::Cached | Self::Peek | Self::Alone)
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
        /// The entry, to be kept near: it came from outside the process.
        keep: Option<Arc<Entry>>,
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
}

/// The identity of a flight: an entry under one complete stamp vector (P8).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FlightKey {
    /// The entry.
    pub entry: EntryKey,
    /// The stamps that the joining reader read or created itself.
    pub stamps: Arc<[Issued]>,
}

/// Whether a lookup answers a read that takes results up to this age.
///
/// # Errors
/// The cause of the miss.
pub fn verdict(
    lookup: &Lookup,
    dependencies: &[DependencyKey],
    ttl: Duration,
    now: Moment,
) -> Result<Content, MissCause> {
    let entry = lookup.entry.as_ref().ok_or(MissCause::NoEntry)?;
    judge(entry, &lookup.seen, dependencies, ttl, now)?;
    Ok(entry.content.clone())
}

fn judge(
    entry: &Entry,
    seen: &[Seen],
    dependencies: &[DependencyKey],
    ttl: Duration,
    now: Moment,
) -> Result<(), MissCause> {
    if entry.expires <= now || entry.created + ttl <= now {
        return Err(MissCause::Expired);
    }
    if entry.stamps.len() != dependencies.len() || seen.len() != dependencies.len() {
        return Err(MissCause::Stamps);
    }
    for ((issued, seen), dependency) in entry.stamps.iter().zip(seen).zip(dependencies) {
        if issued.incarnation != seen.incarnation {
            return Err(MissCause::Incarnation);
        }
        // A missing stamp equals nothing (P1).
        if issued_now(seen, dependency, issued.widened) != Some(*issued) {
            return Err(MissCause::Stamps);
        }
    }
    Ok(())
}

/// The complete stamps of one dependency, if the lookup saw them.
fn issued_now(seen: &Seen, dependency: &DependencyKey, widened: bool) -> Option<Issued> {
    let incarnation = seen.incarnation;
    if widened {
        // An entry names the empty shape itself, a read the one for which it stands in.
        let itself = || {
            seen.shape
                .filter(|_| dependency.shape == ShapeName::any_row())
        };
        return Some(Issued {
            incarnation,
            shape: seen.empty.or_else(itself)?,
            value: None,
            widened,
        });
    }
    let value = match dependency.value {
        Some(_) => Some(seen.value?),
        None => None,
    };
    Some(Issued {
        incarnation,
        shape: seen.shape?,
        value,
        widened,
    })
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
    /// An entry that hits but is to be decoded.
    decoding: Option<Arc<Entry>>,
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
            decoding: None,
            record_dropped: false,
            dependencies: Vec::new(),
            stamps: Vec::new(),
            registering: Vec::new(),
            plan: None,
        }
    }

    /// The same with an entry that the process keeps near.
    #[must_use]
    pub fn with_near(mut self, near: Option<Arc<Entry>>) -> Self {
        if let Some(entry) = near.filter(|_| self.request.mode.takes_stored()) {
            self.stage = Stage::Near(entry);
        }
        self
    }

    /// The first step.
    pub fn start(&self) -> ReadStep<'a> {
        match &self.stage {
            Stage::Near(entry) => stamps_of(entry),
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
            Ok(_) | Err(_) => ReadStep::Done(ReadDecision::Bypass(BypassReason::Fault)),
        }
    }

    /// What became of the entry that was to be decoded. One that cannot be is removed and counts
    /// as none.
    pub fn decoded(&mut self, payload: Option<Payload>) -> ReadStep<'a> {
        let Some((payload, entry)) = payload.zip(self.decoding.take()) else {
            return self.undecodable();
        };
        let keep = Entry {
            content: payload.clone().into(),
            ..Entry::clone(&entry)
        };
        ReadStep::Done(ReadDecision::Hit {
            payload,
            source: HitSource::Store,
            keep: Some(Arc::new(keep)),
        })
    }

    /// The reader leads the flight that it joined.
    pub fn leads(&mut self) -> ReadStep<'a> {
        self.run()
    }

    /// The flight landed. Its stamps are exactly those that this reader saw, so its value is as
    /// good as a hit (P8).
    pub fn landed(&mut self, payload: Payload) -> ReadStep<'a> {
        ReadStep::Done(ReadDecision::Hit {
            payload,
            source: HitSource::Flight,
            keep: None,
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

    fn undecodable(&mut self) -> ReadStep<'a> {
        self.miss = Some(MissCause::Undecodable);
        let removal = Removal::Entry(self.request.entry.clone());
        ReadStep::Ask(Request::Remove(vec![removal]))
    }

    fn near_seen(&mut self, entry: Arc<Entry>, seen: &[Seen]) -> ReadStep<'a> {
        match (
            self.judge(&entry, seen, &entry.dependencies),
            &entry.content,
        ) {
            (Ok(()), Content::Decoded(payload)) => ReadStep::Done(ReadDecision::Hit {
                payload: payload.clone(),
                source: HitSource::Near,
                keep: None,
            }),
            // Another process may have stored a newer one.
            _ => self.full_lookup(),
        }
    }

    fn looked_up(&mut self, lookup: Lookup) -> ReadStep<'a> {
        let dependencies = self.request.dependencies;
        if lookup.seen.len() != dependencies.len() {
            return ReadStep::Done(ReadDecision::Bypass(BypassReason::Fault));
        }
        if lookup.damaged && self.miss.is_none() {
            return self.undecodable();
        }
        // One that could not be decoded may be back, written again by the same process.
        let missed = self.miss.filter(|cause| *cause == MissCause::Undecodable);
        let found = lookup.entry.clone().filter(|_| missed.is_none());
        let Some(entry) = found else {
            return self.judged(Err(missed.unwrap_or(MissCause::NoEntry)), &lookup);
        };
        if entry.extended && self.request.mode.takes_stored() {
            let step = stamps_of(&entry);
            self.stage = Stage::Extended(entry, lookup);
            return step;
        }
        let judged = self.judge(&entry, &lookup.seen, dependencies);
        self.judged(judged.map(|()| entry), &lookup)
    }

    fn judge(
        &self,
        entry: &Entry,
        seen: &[Seen],
        dependencies: &[DependencyKey],
    ) -> Result<(), MissCause> {
        judge(entry, seen, dependencies, self.request.ttl, self.created)
    }

    /// Goes on with an entry that answers, or with what the full lookup saw.
    fn judged(&mut self, judged: Result<Arc<Entry>, MissCause>, lookup: &Lookup) -> ReadStep<'a> {
        let mode = self.request.mode;
        let miss = match judged {
            _ if !mode.takes_stored() => MissCause::Refresh,
            Err(_) if mode == ReadMode::Peek => {
                return ReadStep::Done(ReadDecision::Bypass(BypassReason::Replica));
            }
            Err(cause) => cause,
            Ok(entry) => return self.hit(entry),
        };
        // A second lookup follows a dropped record; the first one knows the cause.
        self.miss.get_or_insert(miss);
        if let Some(removal) = self.stale_full_record(lookup) {
            self.record_dropped = true;
            return ReadStep::Ask(Request::Remove(vec![removal]));
        }
        let registrations = self.missing(lookup);
        if registrations.is_empty() {
            return self.join();
        }
        // Created stamps must outlive the entry, whose life began at `created`.
        ReadStep::Ask(Request::Register {
            registrations,
            ttl: self.ttl,
        })
    }

    fn hit(&mut self, entry: Arc<Entry>) -> ReadStep<'a> {
        match &entry.content {
            Content::Decoded(payload) => ReadStep::Done(ReadDecision::Hit {
                payload: payload.clone(),
                source: HitSource::Store,
                keep: None,
            }),
            Content::Encoded(encoded) => {
                let encoded = encoded.clone();
                self.decoding = Some(entry);
                ReadStep::Decode(encoded)
            }
        }
    }

    /// A record that is full and older than the longest TTL may be full of shapes that nobody
    /// uses any more (P11). Only misses follow from dropping it.
    fn stale_full_record(&self, lookup: &Lookup) -> Option<Removal> {
        if self.record_dropped {
            return None;
        }
        let stale = |seen: &Seen| {
            let old = seen
                .created
                .is_some_and(|at| self.created.since(at) > self.ttl_max);
            seen.shape.is_none() && seen.shapes >= self.shapes_max && old
        };
        let position = lookup.seen.iter().position(stale)?;
        let dependency = self.request.dependencies.get(position)?;
        Some(Removal::Record(dependency.table.clone()))
    }

    /// Notes the stamps that the lookup saw and returns registrations for the others.
    fn missing(&mut self, lookup: &Lookup) -> Vec<Registration> {
        self.dependencies.clear();
        self.stamps.clear();
        self.registering.clear();
        let mut registrations = Vec::new();
        for (position, (dependency, seen)) in self
            .request
            .dependencies
            .iter()
            .zip(&lookup.seen)
            .enumerate()
        {
            let full = seen.shape.is_none() && seen.shapes >= self.shapes_max;
            let issued = issued_now(seen, dependency, full);
            if issued.is_none() {
                let dependency = if full {
                    dependency.widened()
                } else {
                    dependency.clone()
                };
                let known = if full { seen.empty } else { seen.shape };
                let value = dependency.value.filter(|_| seen.value.is_none());
                registrations.push(Registration {
                    shape: known.is_none().then(|| self.draws.stamp()),
                    value: value.map(|_| self.draws.stamp()),
                    dependency,
                });
                self.registering.push((position, seen.incarnation, full));
            }
            self.dependencies.push(if full {
                dependency.widened()
            } else {
                dependency.clone()
            });
            self.stamps.push(issued);
        }
        registrations
    }

    fn registered(&mut self, registered: &[Registered]) -> ReadStep<'a> {
        let registering = mem::take(&mut self.registering);
        let mut complete = registered.len() == registering.len();
        for ((position, incarnation, widened), reply) in registering.into_iter().zip(registered) {
            let Some(dependency) = self.dependencies.get(position) else {
                continue;
            };
            let seen = Seen {
                incarnation: reply.incarnation,
                shape: reply.shape,
                value: reply.value,
                empty: reply.shape,
                shapes: 0,
                created: None,
            };
            // A restart between lookup and registration may have brought old stamps back (P6).
            let issued = issued_now(&seen, dependency, widened)
                .filter(|issued| issued.incarnation == incarnation);
            complete &= issued.is_some();
            if let Some(stamp) = self.stamps.get_mut(position) {
                *stamp = issued;
            }
        }
        if complete {
            return self.join();
        }
        // A nil reply: an eviction or a writer came between. Run, store nothing (P3).
        ReadStep::Done(ReadDecision::Bypass(BypassReason::StampsVanished))
    }

    fn join(&mut self) -> ReadStep<'a> {
        let Some(plan) = self.fill_plan() else {
            return ReadStep::Done(ReadDecision::Bypass(BypassReason::StampsVanished));
        };
        let stamps = plan.stamps.clone();
        self.plan = Some(plan);
        // Every other mode asks for a query of its own.
        if self.request.mode != ReadMode::Cached {
            return self.run();
        }
        ReadStep::Join(FlightKey {
            entry: self.request.entry.clone(),
            stamps,
        })
    }

    fn run(&mut self) -> ReadStep<'a> {
        let decision = match self.plan.clone() {
            Some(plan) => ReadDecision::Run(plan),
            None => ReadDecision::Bypass(BypassReason::StampsVanished),
        };
        ReadStep::Done(decision)
    }

    fn fill_plan(&self) -> Option<FillPlan> {
        let stamps = self
            .stamps
            .iter()
            .copied()
            .collect::<Option<Arc<[Issued]>>>()?;
        Some(FillPlan {
            stamps,
            dependencies: self.dependencies.as_slice().into(),
            created: self.created,
            expires: self.created + self.ttl,
            extended: false,
        })
    }
}

fn stamps_of<'a>(entry: &Entry) -> ReadStep<'a> {
    ReadStep::Ask(Request::Lookup {
        entry: None,
        dependencies: Dependencies::Entry(entry.dependencies.clone()),
    })
}

impl FillPlan {
    /// Lets the result rest on another statement's stamps as well. Of a dependency that both have,
    /// the stamps read first count: a write in between must show.
    pub fn rest_on(&mut self, other: &Self) {
        let mut dependencies = self.dependencies.to_vec();
        let mut stamps = self.stamps.to_vec();
        for (dependency, issued) in other.dependencies.iter().zip(other.stamps.iter()) {
            if !dependencies.contains(dependency) {
                dependencies.push(dependency.clone());
                stamps.push(*issued);
            }
        }
        self.dependencies = dependencies.into();
        self.stamps = stamps.into();
        self.expires = self.expires.min(other.expires);
        self.extended = true;
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
            extended: self.extended,
        }
    }
}
