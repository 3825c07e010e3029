//! The reading shells. The two loops differ only in how they wait.

use std::{sync::Arc, time::Duration};

use crate::{
    DependencyKey, EntryKey, Statement,
    clock::Moment,
    entry::{Content, Encoded, Entry, Payload},
    flight::{Joined, Landing, Lead, Waiter},
    machine::{FillPlan, ReadDecision, ReadMachine, ReadMode, ReadRequest, ReadStep, verdict},
    observer::{BypassReason, HitSource, Untracked},
    recorder::{self, Began},
    store::{Dependencies, Fault, FaultKind, Lookup, Reply, Request},
    sync::lock,
};

use super::{Cache, Fill, ReadOutcome, Shared};

impl Cache {
    /// A hit or a bypass, if that can be said without waiting; else `None`, and nothing happened.
    pub fn read_now(&self, request: ReadRequest<'_>) -> Option<ReadOutcome> {
        // It would have to be asked, and whether the breaker lets that through is said once.
        if self.is_remote() {
            return None;
        }
        let now = self.now();
        if let Some(reason) = self.refusal(request.dependencies, now) {
            return Some(self.bypass(&request, reason));
        }
        if !request.mode.takes_stored() {
            return None;
        }
        let ReadRequest {
            entry,
            dependencies,
            ttl,
            ..
        } = request;
        let lookup = Request::Lookup {
            entry: Some(entry),
            dependencies: Dependencies::Read(dependencies),
        };
        let began = recorder::began();
        let Some(Reply::Lookup(lookup)) = self.shared.stores.shared.try_now(now, &lookup) else {
            return None;
        };
        let content = verdict(&lookup, dependencies, ttl, now).ok()?;
        let statement = request.call.map(|call| &**call.statement);
        self.hit_now(entry, (&lookup, ttl, began), content, statement)
    }

    /// A hit by the key of the entry alone: what an entry rests on is written in it, and it is
    /// judged by the stamps of exactly that, as in [`read_now`](Self::read_now). One older than
    /// `ttl` is none. `None` says nothing about the read. The hit counts as one of this statement.
    pub fn revisit_now(
        &self,
        key: &EntryKey,
        ttl: Duration,
        statement: Option<&Statement>,
    ) -> Option<ReadOutcome> {
        let now = self.now();
        let began = recorder::began();
        let lookup = self.shared.stores.shared.revisit_now(now, key)?;
        let entry = lookup.entry.as_ref()?;
        let dependencies = &entry.dependencies;
        if self.refusal(dependencies, now).is_some() {
            return None;
        }
        let content = verdict(&lookup, dependencies, ttl, now).ok()?;
        self.hit_now(key, (&lookup, ttl, began), content, statement)
    }

    fn hit_now(
        &self,
        key: &EntryKey,
        (lookup, ttl, began): (&Lookup, Duration, Began),
        content: Content,
        statement: Option<&Statement>,
    ) -> Option<ReadOutcome> {
        let Content::Decoded(payload) = content else {
            return None;
        };
        let found = lookup.entry.as_ref();
        if recorder::is_recording() {
            let found = found?;
            if !recorder::due(&found.dependencies).is_empty() {
                // The way of a read that waits goes past the stamps of the whole table.
                return None;
            }
            note_entry(found, ttl, began);
        }
        let cost = found.map_or(Duration::ZERO, |entry| entry.cost);
        self.answered(&key.table, statement, (HitSource::Store, cost));
        Some(ReadOutcome::Hit(payload.value))
    }

    /// Answers a read from the store, from another reader's fill, or not at all.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the read; stamps that it created stay and do no harm.
    pub async fn read(&self, request: ReadRequest<'_>) -> ReadOutcome {
        let started = self.now();
        if let Some(reason) = self.refusal(request.dependencies, started) {
            return self.bypass(&request, reason);
        }
        for whole in recorder::due(request.dependencies) {
            self.record(&[whole], request.ttl).await;
        }
        let began = recorder::began();
        let request = self.judicious(request, started);
        let near = self.near(&request, started);
        let mut machine = self.machine(request, started, &near);
        let mut lead = None;
        let mut step = machine.start();
        loop {
            step = match step {
                ReadStep::Ask(asked) => {
                    let now = self.now();
                    let replies = match self.shared.stores.shared.try_now(now, &asked) {
                        Some(reply) => Ok(vec![reply]),
                        None => self.shared.stores.shared.exec(now, &[asked]).await,
                    };
                    machine.replied(self.own_claim(&request, self.one_reply(replies)))
                }
                ReadStep::Join(key) => match self.shared.flights.join(key) {
                    Joined::Leads(mine) => {
                        lead = Some(mine);
                        machine.leads()
                    }
                    Joined::Waits(waiter) => match machine.follows() {
                        Some(step) => step,
                        None => {
                            let deadline = started + self.shared.limits.wait_max;
                            let landing = self.wait(waiter, deadline).await;
                            waited(&mut machine, landing)
                        }
                    },
                    Joined::Alone => machine.waited_enough(),
                },
                ReadStep::Decode(encoded) => machine.decoded(decode(&request, &encoded)),
                ReadStep::Pause(pause) => {
                    self.wait(Waiter::alone(), self.now() + pause).await;
                    machine.paused()
                }
                ReadStep::Done(decision) => {
                    self.keep_near(&request, near.as_ref(), &machine, &decision);
                    return self.decided((&machine, began), request, decision, lead);
                }
            }
        }
    }

    /// [`Self::read`] for threads.
    pub fn read_blocking(&self, request: ReadRequest<'_>) -> ReadOutcome {
        let started = self.now();
        if let Some(reason) = self.refusal(request.dependencies, started) {
            return self.bypass(&request, reason);
        }
        for whole in recorder::due(request.dependencies) {
            self.record_blocking(&[whole], request.ttl);
        }
        let began = recorder::began();
        let request = self.judicious(request, started);
        let near = self.near(&request, started);
        let mut machine = self.machine(request, started, &near);
        let mut lead = None;
        let mut step = machine.start();
        loop {
            step = match step {
                ReadStep::Ask(asked) => {
                    let replies = self
                        .shared
                        .stores
                        .blocking
                        .exec_blocking(self.now(), &[asked]);
                    machine.replied(self.own_claim(&request, self.one_reply(replies)))
                }
                ReadStep::Join(key) => match self.shared.flights.join(key) {
                    Joined::Leads(mine) => {
                        lead = Some(mine);
                        machine.leads()
                    }
                    Joined::Waits(waiter) => match machine.follows() {
                        Some(step) => step,
                        None => {
                            let deadline = started + self.shared.limits.wait_max;
                            let landing = self.wait_blocking(waiter, deadline);
                            waited(&mut machine, landing)
                        }
                    },
                    Joined::Alone => machine.waited_enough(),
                },
                ReadStep::Decode(encoded) => machine.decoded(decode(&request, &encoded)),
                ReadStep::Pause(pause) => {
                    self.wait_blocking(Waiter::alone(), self.now() + pause);
                    machine.paused()
                }
                ReadStep::Done(decision) => {
                    self.keep_near(&request, near.as_ref(), &machine, &decision);
                    return self.decided((&machine, began), request, decision, lead);
                }
            }
        }
    }

    pub(super) async fn wait(&self, waiter: Waiter, deadline: Moment) -> Landing {
        let (clock, alarm) = (self.shared.clock.as_ref(), &self.shared.alarm);
        waiter.wait(clock, alarm, deadline).await
    }

    pub(super) fn wait_blocking(&self, waiter: Waiter, deadline: Moment) -> Landing {
        waiter.wait_blocking(self.shared.clock.as_ref(), deadline)
    }

    fn near(&self, request: &ReadRequest<'_>, now: Moment) -> Option<Arc<Entry>> {
        let near = self.shared.near.as_ref()?;
        match request.leeway.allow_stale.is_zero() {
            true => near.live(now, request.entry),
            false => near.kept(request.entry),
        }
    }

    /// The request with as much leeway as makes sense here.
    fn judicious<'a>(&self, mut request: ReadRequest<'a>, now: Moment) -> ReadRequest<'a> {
        let leeway = &mut request.leeway;
        if !self.is_remote() {
            // There is no other process to wait for, and every drop is the process's own.
            leeway.shared_flight = false;
            leeway.allow_stale = Duration::ZERO;
        }
        let mut tables = request.dependencies.iter().map(|it| &it.table);
        let allowed = leeway.allow_stale;
        // What this process has dropped itself not long ago is served to nobody (P13).
        let dropped = |table| self.shared.own_drops.since(table, now) <= allowed;
        if !allowed.is_zero() && tables.any(dropped) {
            leeway.allow_stale = Duration::ZERO;
        }
        request
    }

    /// Keeps what came from outside, and forgets a near entry that did not answer.
    fn keep_near(
        &self,
        request: &ReadRequest<'_>,
        near: Option<&Arc<Entry>>,
        machine: &ReadMachine<'_>,
        decision: &ReadDecision,
    ) {
        let key = request.entry;
        let Some(entries) = &self.shared.near else {
            return;
        };
        match decision {
            ReadDecision::Hit { keep: None, .. } | ReadDecision::Bypass(BypassReason::Fault) => {}
            ReadDecision::Hit {
                keep: Some(entry), ..
            } => entries.put(key, entry),
            // Others may still be served it, until the next one takes its place.
            _ if machine.passes_over_a_result() || !request.leeway.allow_stale.is_zero() => {}
            _ => {
                if let Some(dead) = near {
                    entries.remove_same(key, dead);
                }
            }
        }
    }

    /// Why the store is not asked at all.
    pub(super) fn refusal(
        &self,
        dependencies: &[DependencyKey],
        now: Moment,
    ) -> Option<BypassReason> {
        let count = dependencies.len();
        if count == 0 || count > self.shared.limits.dependencies_max {
            return Some(BypassReason::Dependencies);
        }
        let tables = dependencies.iter().map(|dependency| &dependency.table);
        if let Some(reason) = self.shared.marks.reason(tables, now) {
            return Some(reason);
        }
        (!self.shared.breaker.allows(now)).then_some(BypassReason::Unavailable)
    }

    fn machine<'a>(
        &self,
        request: ReadRequest<'a>,
        started: Moment,
        near: &Option<Arc<Entry>>,
    ) -> ReadMachine<'a> {
        let Shared {
            limits, entropy, ..
        } = &*self.shared;
        let machine = ReadMachine::new(request, limits, entropy, started);
        match self.shared.near {
            Some(_) => machine.with_near(near.clone()),
            None => machine,
        }
    }

    /// A claim that this process holds still, after a fill without an end, is granted.
    fn own_claim(
        &self,
        request: &ReadRequest<'_>,
        reply: Result<Reply, Fault>,
    ) -> Result<Reply, Fault> {
        match reply {
            Ok(Reply::Claimed(false)) => {
                let own = lock(&self.shared.abandoned).remove(&request.entry.digest);
                Ok(Reply::Claimed(own))
            }
            other => other,
        }
    }

    fn one_reply(&self, replies: Result<Vec<Reply>, Fault>) -> Result<Reply, Fault> {
        let reply = replies
            .and_then(|mut replies| replies.pop().ok_or_else(|| Fault::new(FaultKind::Protocol)));
        self.heard(reply.as_ref().err());
        reply
    }

    fn decided(
        &self,
        (machine, began): (&ReadMachine<'_>, Began),
        request: ReadRequest<'_>,
        decision: ReadDecision,
        lead: Option<Lead>,
    ) -> ReadOutcome {
        let table = &request.entry.table;
        let statement = request.call.map(|call| &**call.statement);
        match decision {
            ReadDecision::Hit {
                payload,
                source,
                cost,
                rests_on,
                entry,
                shareable,
                ..
            } => {
                if let Some(dependencies) = &rests_on {
                    let tables = dependencies.iter().map(|dependency| &dependency.table);
                    if let Some(reason) = self.shared.marks.reason(tables, self.now()) {
                        return self.bypass(&request, reason);
                    }
                }
                // Another process filled while this one led the flight.
                if let Some(lead) = lead.filter(|_| shareable) {
                    lead.land(payload.clone());
                }
                match (&entry, machine.plan()) {
                    _ if source == HitSource::Stale => {
                        recorder::note_untracked(Untracked::Stale, None);
                    }
                    (Some(entry), _) => note_entry(entry, request.ttl, began),
                    // Its stamps are those that this reader has seen (P8).
                    (None, Some(plan)) => note_plan(plan, began),
                    (None, None) => recorder::note_untracked(Untracked::Unseen, None),
                }
                self.answered(table, statement, (source, cost));
                ReadOutcome::Hit(payload.value)
            }
            ReadDecision::Run(plan) => {
                note_plan(&plan, began);
                let miss = machine.miss();
                // The operation that it is a part of has missed, and said so.
                let quiet = matches!(request.mode, ReadMode::Part | ReadMode::Memo);
                if let Some(cause) = miss.filter(|_| !quiet) {
                    self.missed(table, request.call, cause);
                }
                let fill = Fill::new(self.clone(), &request, plan, lead);
                ReadOutcome::Fill(fill.after(miss))
            }
            ReadDecision::Bypass(reason) => self.bypass(&request, reason),
        }
    }

    fn bypass(&self, request: &ReadRequest<'_>, reason: BypassReason) -> ReadOutcome {
        recorder::note_bypass(&reason);
        let statement = request.call.map(|call| &**call.statement);
        self.bypassed(statement, Some(&request.entry.table), &reason);
        ReadOutcome::Bypass(reason)
    }
}

fn decode(request: &ReadRequest<'_>, encoded: &Encoded) -> Option<Payload> {
    request.codec?.decode(encoded).ok()
}

fn note_entry(entry: &Entry, ttl: Duration, began: Began) {
    let expires = entry.expires.min(entry.created + ttl);
    recorder::note(&entry.dependencies, &entry.stamps, expires, began);
}

fn note_plan(plan: &FillPlan, began: Began) {
    recorder::note(&plan.dependencies, &plan.stamps, plan.expires, began);
}

fn waited<'a>(machine: &mut ReadMachine<'a>, landing: Landing) -> ReadStep<'a> {
    match landing {
        Landing::Landed(payload) => machine.landed(payload),
        Landing::Failed => machine.failed(),
        Landing::TimedOut => machine.waited_enough(),
    }
}
