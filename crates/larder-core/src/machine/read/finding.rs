//! From the answers of lookups to a hit, or to the cause of the miss.

use std::sync::Arc;

use super::{ReadDecision, ReadMachine, ReadMode, ReadStep, Stage, verdict::judge};
use crate::{
    DependencyKey,
    entry::{Content, Entry},
    observer::{BypassReason, HitSource, MissCause},
    store::{Dependencies, Lookup, Removal, Request, Seen},
};

impl<'a> ReadMachine<'a> {
    pub(super) fn undecodable(&mut self) -> ReadStep<'a> {
        self.miss = Some(MissCause::Undecodable);
        let removal = Removal::Entry(self.request.entry.clone());
        ReadStep::Ask(Request::Remove(vec![removal]))
    }

    pub(super) fn near_seen(&mut self, entry: Arc<Entry>, seen: &[Seen]) -> ReadStep<'a> {
        match self.judge(&entry, seen, &entry.dependencies) {
            Ok(()) if self.is_early(&entry) => {
                entry.validated.at(self.created);
                self.fallback = Some((entry, HitSource::Near));
            }
            Ok(()) => {
                entry.validated.at(self.created);
                return self.hit(entry, HitSource::Near);
            }
            Err(_) => self.may_serve_stale(&entry),
        }
        // Another process may have stored a newer one.
        self.full_lookup()
    }

    pub(super) fn looked_up(&mut self, lookup: Lookup) -> ReadStep<'a> {
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

    pub(super) fn judge(
        &self,
        entry: &Entry,
        seen: &[Seen],
        dependencies: &[DependencyKey],
    ) -> Result<(), MissCause> {
        judge(entry, seen, dependencies, self.request.ttl, self.created)
    }

    /// Goes on with an entry that answers, or with what the full lookup saw.
    pub(super) fn judged(
        &mut self,
        judged: Result<Arc<Entry>, MissCause>,
        lookup: &Lookup,
    ) -> ReadStep<'a> {
        let mode = self.request.mode;
        let miss = match judged {
            _ if !mode.takes_stored() => MissCause::Refresh,
            Err(_) if mode == ReadMode::Peek => {
                return ReadStep::Done(ReadDecision::Bypass(BypassReason::Replica));
            }
            Err(cause) => {
                if let Some(entry) = &lookup.entry {
                    self.may_serve_stale(entry);
                }
                cause
            }
            Ok(entry) if self.is_early(&entry) => {
                self.fallback.get_or_insert((entry, HitSource::Store));
                MissCause::Early
            }
            Ok(entry) => return self.hit(entry, HitSource::Store),
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

    pub(super) fn hit(&mut self, entry: Arc<Entry>, source: HitSource) -> ReadStep<'a> {
        match &entry.content {
            Content::Decoded(payload) => ReadStep::Done(ReadDecision::Hit {
                payload: payload.clone(),
                source,
                cost: entry.cost,
                keep: None,
                rests_on: rests_on(&entry),
                entry: Some(Arc::clone(&entry)),
                shareable: !self.served_instead,
            }),
            Content::Encoded(encoded) => {
                let encoded = encoded.clone();
                self.decoding = Some((entry, source));
                ReadStep::Decode(encoded)
            }
        }
    }
}

pub(super) fn stamps_of<'a>(entry: &Entry) -> ReadStep<'a> {
    ReadStep::Ask(Request::Lookup {
        entry: None,
        dependencies: Dependencies::Entry(entry.dependencies.clone()),
    })
}

/// What an operation rests on; of any other entry the reader knows.
pub(super) fn rests_on(entry: &Entry) -> Option<Arc<[DependencyKey]>> {
    entry.extended.then(|| entry.dependencies.clone())
}
