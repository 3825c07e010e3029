//! What processes have counted, for each other.
//!
//! All reports of a namespace lie in one slot, and a hash per hour says whose are there: whoever
//! reads them walks over no other key. A hash ends by itself some hours later, so nobody has to
//! clear away the instances that are gone.

use std::time::Duration;

use larder_core::{Fault, Moment};
use redis::{Value, cmd};

use super::register::milliseconds;
use crate::{
    call::{Answer, Call, Verb, list, protocol},
    layout::Tag,
};

const HOUR_MICROS: u64 = 3_600_000_000;

/// Long enough for a reader whose clock is an hour behind.
const REPORTERS_LIVE: Duration = Duration::from_secs(3 * 3_600);

/// Reports that are read.
const REPORTS_MAX: usize = 1_000;

pub(crate) struct ReportTask<'a> {
    tag: Tag,
    instance: &'a str,
    report: &'a [u8],
    ttl: Duration,
    hour: u64,
    asked: bool,
}

impl<'a> ReportTask<'a> {
    pub(super) fn new(
        namespace: &str,
        instance: &'a str,
        (report, ttl): (&'a [u8], Duration),
        now: Moment,
    ) -> Self {
        Self {
            tag: Tag::of_reports(namespace),
            instance,
            report,
            ttl,
            hour: now.0 / HOUR_MICROS,
            asked: false,
        }
    }

    pub(super) fn ask(&mut self) -> Vec<Call> {
        if std::mem::replace(&mut self.asked, true) {
            return Vec::new();
        }
        let mut set = cmd("SET");
        set.arg(self.tag.report(self.instance.as_bytes()))
            .arg(self.report)
            .arg("PX")
            .arg(milliseconds(self.ttl));
        let reporters = self.tag.reporters(self.hour);
        let mut add = cmd("HSETNX");
        add.arg(&reporters).arg(self.instance).arg("");
        let mut expire = cmd("PEXPIRE");
        expire.arg(&reporters).arg(milliseconds(REPORTERS_LIVE));
        [set, add, expire]
            .map(|command| Call::repeatable(&self.tag, command))
            .into()
    }
}

pub(crate) struct ReportsTask {
    tag: Tag,
    hour: u64,
    round: Round,
    instances: Vec<Vec<u8>>,
    pub(super) reports: Vec<Vec<u8>>,
}

enum Round {
    Reporters,
    Reports,
    Done,
}

impl ReportsTask {
    pub(super) fn new(namespace: &str, now: Moment) -> Self {
        Self {
            tag: Tag::of_reports(namespace),
            hour: now.0 / HOUR_MICROS,
            round: Round::Reporters,
            instances: Vec::new(),
            reports: Vec::new(),
        }
    }

    pub(super) fn ask(&mut self) -> Vec<Call> {
        match self.round {
            // The clocks of others are a little behind or ahead.
            Round::Reporters => [-1, 0, 1]
                .map(|hours| {
                    let mut read = cmd("HKEYS");
                    read.arg(self.tag.reporters(self.hour.saturating_add_signed(hours)));
                    Call::repeatable(&self.tag, read)
                })
                .into(),
            Round::Reports => {
                let keys = self.instances.iter().map(|it| self.tag.report(it));
                keys.map(|key| Call::repeatable(&self.tag, Verb::Get.single(key)))
                    .collect()
            }
            Round::Done => Vec::new(),
        }
    }

    pub(super) fn told(&mut self, answers: &[Answer]) -> Result<(), Fault> {
        self.round = match self.round {
            Round::Reporters => {
                // The latest hour first: of too many, those are kept that are alive.
                for answer in answers.iter().rev() {
                    self.instances.extend(texts(list(&answer.value)?));
                }
                let mut seen = std::collections::HashSet::new();
                self.instances.retain(|it| seen.insert(it.clone()));
                self.instances.truncate(REPORTS_MAX);
                Round::Reports
            }
            Round::Reports => {
                let values = answers.iter().map(|answer| &answer.value);
                self.reports.extend(texts(values));
                Round::Done
            }
            Round::Done => return Err(protocol()),
        };
        Ok(())
    }
}

/// The texts among some values: what is gone meanwhile is none.
fn texts<'v>(values: impl IntoIterator<Item = &'v Value>) -> impl Iterator<Item = Vec<u8>> {
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => Some(bytes.clone()),
        _ => None,
    };
    values.into_iter().filter_map(text)
}
