//! Creating what is missing and reading back what is there (P3).

use std::time::Duration;

use larder_core::{
    Fault, Moment,
    store::{Registered, Registration},
};
use redis::cmd;

use super::Rules;
use crate::{
    call::{Answer, Call, Verb, protocol, stamp},
    exchange::one_life,
    layout::{CREATED, Key, Tag},
};

pub(crate) struct RegisterTask<'a> {
    registrations: &'a [Registration],
    ttl: Duration,
    now: Moment,
    asked: bool,
    pub(super) registered: Vec<Registered>,
}

impl<'a> RegisterTask<'a> {
    pub(super) fn new(registrations: &'a [Registration], ttl: Duration, now: Moment) -> Self {
        Self {
            registrations,
            ttl,
            now,
            asked: false,
            registered: Vec::new(),
        }
    }

    pub(super) fn ask(&mut self, rules: &Rules) -> Vec<Call> {
        if std::mem::replace(&mut self.asked, true) {
            return Vec::new();
        }
        let mut calls = Vec::with_capacity(8 * self.registrations.len());
        for one in self.registrations {
            let dependency = &one.dependency;
            let tag = rules.layout.tag(&dependency.table, dependency.spread);
            let (record, shape) = (tag.record(), dependency.shape.0.as_bytes());
            if let Some(created) = one.shape {
                let mut create = cmd("HSETNX");
                create.arg(record).arg(shape).arg(&created.0);
                calls.push(Call::creating(&tag, create));
                let mut age = cmd("HSETNX");
                age.arg(record).arg(CREATED).arg(&self.now.0.to_le_bytes());
                calls.push(Call::repeatable(&tag, age));
                calls.extend(live(&tag, record, self.ttl, rules));
            }
            let mut read = cmd("HGET");
            read.arg(record).arg(shape);
            calls.push(Call::repeatable(&tag, read));
            if let Some(digest) = &dependency.value {
                let key = tag.stamp(digest);
                if let Some(created) = one.value {
                    let mut create = cmd("SET");
                    create.arg(key).arg(&created.0).arg("NX");
                    create.arg("PX").arg(milliseconds(self.ttl));
                    calls.push(Call::creating(&tag, create));
                }
                calls.push(Call::repeatable(&tag, Verb::Get.single(key)));
            }
        }
        calls
    }

    pub(super) fn told(&mut self, answers: &[Answer]) -> Result<(), Fault> {
        let mut answers = answers.iter();
        for one in self.registrations {
            let mut read = |creating: usize| answers.nth(creating).ok_or_else(protocol);
            let shape = read(if one.shape.is_some() { 2 + LIVE } else { 0 })?;
            let mut registered = Registered {
                incarnation: shape.incarnation,
                shape: stamp(&shape.value),
                value: None,
            };
            if one.dependency.value.is_some() {
                let value = read(usize::from(one.value.is_some()))?;
                registered.value = stamp(&value.value);
                registered.incarnation = one_life(shape.incarnation, value.incarnation);
            }
            self.registered.push(registered);
        }
        Ok(())
    }
}

/// Lets a key live that long at least: one without a time gets it, and so does one with a shorter
/// time (P7). Redis 6 knows no conditions; there the time is set anew, which may shorten it and costs
/// a miss.
pub(super) fn live(tag: &Tag, key: Key<'_>, ttl: Duration, rules: &Rules) -> [Call; LIVE] {
    let conditional = rules.conditional_expiry();
    ["NX", "GT"].map(|condition| {
        let mut expire = cmd("PEXPIRE");
        expire.arg(key).arg(milliseconds(ttl));
        if conditional {
            expire.arg(condition);
        }
        Call::repeatable(tag, expire)
    })
}

/// Calls of [`live`].
const LIVE: usize = 2;

/// At least one: Redis takes zero for an error.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .clamp(1, EXPIRY_MAX_MS)
}

/// A year: far above any TTL, and no number that Redis refuses.
const EXPIRY_MAX_MS: u64 = 366 * 24 * 60 * 60 * 1_000;
