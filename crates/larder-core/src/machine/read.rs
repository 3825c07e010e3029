//! A read, as a machine.
//!
//! ```text
//! Lookup --hit--------------------------------------------------> Hit
//!    |  miss: stamps missing -> Register --nil reply------------> Bypass
//!    |                            |
//!    +--stamps complete-----------+--> Join(entry, stamps) --lead--> Run
//!                                            |wait --landed-------> Hit
//!                                            |     --failed--> Lookup
//!                                            |     --timed out----> Run
//! ```
//! Everything that a fill carries was read or created before `Run` (P2), and `Run` is the only
//! place where the query may start.

use std::{mem, sync::Arc, time::Duration};

use crate::{
    DependencyKey, EntryKey, ShapeName,
    clock::Moment,
    entropy::{Draws, Entropy},
    entry::{Entry, Incarnation, Issued, Payload},
    limits::Limits,
    observer::{BypassReason, MissCause},
    store::{Fault, Lookup, Registered, Registration, Removal, Reply, Request, Seen},
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
        /// Whether another reader's fill gave it.
        waited: bool,
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
) -> Result<Payload, MissCause> {
    let entry = lookup.entry.as_ref().ok_or(MissCause::NoEntry)?;
    if entry.expires <= now || entry.created + ttl <= now {
        return Err(MissCause::Expired);
    }
    let complete =
        entry.stamps.len() == dependencies.len() && lookup.seen.len() == dependencies.len();
    if !complete {
        return Err(MissCause::Stamps);
    }
    for ((issued, seen), dependency) in entry.stamps.iter().zip(&lookup.seen).zip(dependencies) {
        if issued.incarnation != seen.incarnation {
            return Err(MissCause::Incarnation);
        }
        // A missing stamp equals nothing (P1).
        if issued_now(seen, dependency, issued.widened) != Some(*issued) {
            return Err(MissCause::Stamps);
        }
    }
    Ok(entry.payload.clone())
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
    record_dropped: bool,
    dependencies: Vec<DependencyKey>,
    stamps: Vec<Option<Issued>>,
    /// For each registration under way: the dependency's position, the incarnation of the lookup,
    /// and whether it is widened.
    registering: Vec<(usize, Incarnation, bool)>,
    plan: Option<FillPlan>,
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
            record_dropped: false,
            dependencies: Vec::new(),
            stamps: Vec::new(),
            registering: Vec::new(),
            plan: None,
        }
    }

    /// The first step.
    pub fn start(&self) -> ReadStep<'a> {
        let ReadRequest {
            entry,
            dependencies,
            ..
        } = self.request;
        ReadStep::Ask(Request::Lookup {
            entry,
            dependencies,
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
            Ok(Reply::Lookup(lookup)) => self.looked_up(&lookup),
            Ok(Reply::Registered(registered)) => self.registered(&registered),
            // The full record is gone; what it held must be read again.
            Ok(Reply::Removed { .. }) => self.start(),
            Ok(_) | Err(_) => ReadStep::Done(ReadDecision::Bypass(BypassReason::Fault)),
        }
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
            waited: true,
        })
    }

    /// The flight failed. Errors are never shared: start over, perhaps as the next to lead, perhaps
    /// to find what another waiter has stored meanwhile.
    pub fn failed(&mut self) -> ReadStep<'a> {
        self.plan = None;
        self.start()
    }

    /// The flight takes too long, or there is no room in it: run alone.
    pub fn waited_enough(&mut self) -> ReadStep<'a> {
        self.run()
    }

    fn looked_up(&mut self, lookup: &Lookup) -> ReadStep<'a> {
        let ReadRequest {
            entry: _,
            dependencies,
            ttl,
            mode,
        } = self.request;
        if lookup.seen.len() != dependencies.len() {
            return ReadStep::Done(ReadDecision::Bypass(BypassReason::Fault));
        }
        let miss = match verdict(lookup, dependencies, ttl, self.created) {
            _ if !mode.takes_stored() => MissCause::Refresh,
            Err(_) if mode == ReadMode::Peek => {
                return ReadStep::Done(ReadDecision::Bypass(BypassReason::Replica));
            }
            Err(cause) => cause,
            Ok(payload) => {
                return ReadStep::Done(ReadDecision::Hit {
                    payload,
                    waited: false,
                });
            }
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
        })
    }
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
    }

    /// The entry for a finished fill (P2, P7).
    pub fn entry(&self, payload: Payload) -> Entry {
        Entry {
            payload,
            dependencies: self.dependencies.clone(),
            stamps: self.stamps.clone(),
            created: self.created,
            expires: self.expires,
        }
    }
}
