//! Storing an entry and letting its stamps live as long.

use std::{sync::Arc, time::Duration};

use larder_core::{DependencyKey, EntryKey, Fault, Moment, entry::Entry};
use redis::{Value, cmd};

use super::{
    Rules,
    register::{live, milliseconds},
};
use crate::{
    call::{Answer, Call, command, protocol},
    wire,
};

pub(crate) struct PutTask<'a> {
    key: &'a EntryKey,
    entry: &'a Arc<Entry>,
    dependencies: &'a [DependencyKey],
    now: Moment,
    stage: Stage,
}

enum Stage {
    /// An entry that was created later stays: first see when the one that is there was.
    Look,
    Store,
    Done,
}

/// A fill that took no longer has met no refresh that began after it and was stored before: looking
/// first would cost each fill a round trip.
const QUICK: Duration = Duration::from_millis(100);

impl<'a> PutTask<'a> {
    pub(super) fn new(
        key: &'a EntryKey,
        entry: &'a Arc<Entry>,
        dependencies: &'a [DependencyKey],
        now: Moment,
    ) -> Self {
        let quick = now.since(entry.created) < QUICK;
        Self {
            key,
            entry,
            dependencies,
            now,
            stage: if quick { Stage::Store } else { Stage::Look },
        }
    }

    pub(super) fn ask(&mut self, rules: &Rules) -> Vec<Call> {
        let tag = rules.layout.tag(&self.key.table, self.key.spread());
        let key = tag.entry(&self.key.digest);
        match self.stage {
            Stage::Look => {
                let mut look = cmd("GETRANGE");
                look.arg(key).arg(0).arg(wire::AGE_BYTES - 1);
                vec![Call::repeatable(&tag, look)]
            }
            Stage::Store => {
                let ttl = self.entry.expires.since(self.now);
                let written = wire::write(self.entry, rules.compress_above);
                let Some(bytes) = written.filter(|_| !ttl.is_zero()) else {
                    return Vec::new();
                };
                let mut set = command("SET", 4, key.len() + bytes.len() + 16);
                set.arg(key).arg(bytes).arg("PX").arg(milliseconds(ttl));
                let mut calls = vec![Call::repeatable(&tag, set)];
                self.extend(&mut calls, ttl, rules);
                calls
            }
            Stage::Done => Vec::new(),
        }
    }

    pub(super) fn told(&mut self, answers: &[Answer]) -> Result<(), Fault> {
        let first = answers.first().ok_or_else(protocol)?;
        self.stage = match self.stage {
            Stage::Look => match &first.value {
                Value::BulkString(start) if self.is_older_than(start) => Stage::Done,
                _ => Stage::Store,
            },
            _ => Stage::Done,
        };
        Ok(())
    }

    fn is_older_than(&self, start: &[u8]) -> bool {
        // What seems to come from the future was created by another clock: it may be dead since long.
        wire::created(start).is_some_and(|other| other > self.entry.created && other <= self.now)
    }

    /// Lets the stamps live as long as the entry.
    fn extend(&self, calls: &mut Vec<Call>, ttl: Duration, rules: &Rules) {
        let mut tags = Vec::with_capacity(1);
        for dependency in self.dependencies {
            let tag = rules.layout.tag(&dependency.table, dependency.spread);
            if let Some(digest) = &dependency.value {
                let [_, longer] = live(&tag, tag.stamp(digest), ttl, rules);
                calls.push(longer);
            }
            if !tags.contains(&tag) {
                calls.extend(live(&tag, tag.record(), ttl, rules));
                tags.push(tag);
            }
        }
    }
}
