//! From a miss to the complete stamps of a fill (P2, P3, P11).

use std::{mem, sync::Arc};

use super::{
    FillPlan, FlightKey, ReadDecision, ReadMachine, ReadMode, ReadStep, verdict::issued_now,
};
use crate::{
    entry::Issued,
    observer::BypassReason,
    store::{Lookup, Registered, Registration, Removal, Seen},
};

impl<'a> ReadMachine<'a> {
    /// A record that is full and older than the longest TTL may be full of shapes that nobody
    /// uses any more (P11). Only misses follow from dropping it.
    pub(super) fn stale_full_record(&self, lookup: &Lookup) -> Option<Removal> {
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
    pub(super) fn missing(&mut self, lookup: &Lookup) -> Vec<Registration> {
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
            let stored = if full {
                dependency.widened()
            } else {
                dependency.clone()
            };
            if issued.is_none() {
                let known = if full { seen.empty } else { seen.shape };
                let value = stored.value.filter(|_| seen.value.is_none());
                registrations.push(Registration {
                    shape: known.is_none().then(|| self.draws.stamp()),
                    value: value.map(|_| self.draws.stamp()),
                    dependency: stored.clone(),
                });
                self.registering.push((position, seen.incarnation, full));
            }
            self.dependencies.push(stored);
            self.stamps.push(issued);
        }
        registrations
    }

    pub(super) fn registered(&mut self, registered: &[Registered]) -> ReadStep<'a> {
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

    pub(super) fn join(&mut self) -> ReadStep<'a> {
        let Some(plan) = self.fill_plan() else {
            return ReadStep::Done(ReadDecision::Bypass(BypassReason::StampsVanished));
        };
        let stamps = plan.stamps.clone();
        self.plan = Some(plan);
        // Every other mode asks for a query of its own.
        if self.request.mode != ReadMode::Cached {
            return self.run();
        }
        // After a pause it leads the flight still.
        if self.leading.as_ref() == Some(&stamps) {
            return self.claim_or_run();
        }
        ReadStep::Join(FlightKey {
            entry: self.request.entry.clone(),
            stamps,
        })
    }

    pub(super) fn run(&mut self) -> ReadStep<'a> {
        let decision = match self.plan.clone() {
            Some(plan) => ReadDecision::Run(plan),
            None => ReadDecision::Bypass(BypassReason::StampsVanished),
        };
        ReadStep::Done(decision)
    }

    pub(super) fn fill_plan(&self) -> Option<FillPlan> {
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
            claimed: false,
            call: self
                .request
                .call
                .map_or_else(Default::default, |it| it.digest),
        })
    }
}
