//! Walking over keys.

use std::collections::BTreeSet;

use larder_core::{Error, Fault, TableKey};
use redis::{Value, cmd};

use super::{Inspector, at};
use crate::{
    call::{KEYS_MAX, list, protocol},
    layout::{Tag, literal, records_pattern},
    node::NodeRef,
};

/// The records of a namespace, as far as the walk went.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RecordKeys {
    /// One per table and layout, sorted.
    pub found: Vec<RecordKey>,
    /// Whether every key was looked at.
    pub complete: bool,
}

/// The records of one table under one layout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct RecordKey {
    /// The table.
    pub table: TableKey,
    /// Over how many shards it is spread; 1 = it is not.
    pub shards: u16,
}

/// Some keys of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeySample {
    /// How many were looked at.
    pub keys: usize,
    /// How many of them never expire; larder writes none of that kind.
    pub without_ttl: usize,
    /// The names of a few of those.
    pub examples: Vec<String>,
}

/// Keys that a server looks at in one step.
const STEP: u64 = 1_000;

/// Tables that are told apart.
const TABLES_MAX: usize = 100_000;

/// Examples of a finding.
const EXAMPLES: usize = 3;

impl Inspector {
    /// The records of a namespace: which tables have results, in every source and layout.
    ///
    /// # Errors
    /// `Unavailable`: a server does not answer.
    pub fn records(&self, namespace: &str) -> Result<RecordKeys, Error> {
        let mut found = BTreeSet::new();
        let pattern = records_pattern(namespace);
        let complete = self.walk(&pattern, |_, keys| {
            for key in keys {
                let is_wanted =
                    |it: &Tag| it.table().is_in(namespace) && it.table().parts().is_some();
                let tag = Tag::of_record(key).filter(is_wanted);
                found.extend(tag.map(|tag| RecordKey {
                    table: tag.table().clone(),
                    shards: tag.shards(),
                }));
            }
            Ok(found.len() < TABLES_MAX)
        })?;
        Ok(RecordKeys {
            found: found.into_iter().collect(),
            complete,
        })
    }

    /// Looks at some keys of a namespace, to see whether they expire.
    ///
    /// # Errors
    /// `Unavailable`: a server does not answer.
    pub fn sample(&self, namespace: &str) -> Result<KeySample, Error> {
        let mut sample = KeySample::default();
        let pattern = format!("{{{}*", literal(&TableKey::start(namespace)));
        self.walk(&pattern, |node, keys| {
            let left = self.limits.keys_max.saturating_sub(sample.keys);
            let keys = keys.get(..left).unwrap_or(keys);
            self.look_at_ttls(node, keys, &mut sample)?;
            Ok(sample.keys < self.limits.keys_max)
        })?;
        Ok(sample)
    }

    fn look_at_ttls(
        &self,
        node: &NodeRef,
        keys: &[Vec<u8>],
        sample: &mut KeySample,
    ) -> Result<(), Fault> {
        for keys in keys.chunks(KEYS_MAX) {
            let calls = keys.iter().map(|key| {
                let mut ttl = cmd("PTTL");
                ttl.arg(key.as_slice());
                at(node, ttl)
            });
            let answers = self.run(calls.collect())?;
            for (key, answer) in keys.iter().zip(&answers) {
                sample.keys += 1;
                if answer.value == Value::Int(NEVER) {
                    sample.without_ttl += 1;
                    if sample.examples.len() < EXAMPLES {
                        let name = String::from_utf8_lossy(key).into_owned();
                        sample.examples.push(name);
                    }
                }
            }
        }
        Ok(())
    }

    /// Shows the keys that match to `see`, server by server, until it has enough; `true` = there are
    /// no more. A key may be shown twice, as `SCAN` does.
    pub(super) fn walk(
        &self,
        pattern: &str,
        mut see: impl FnMut(&NodeRef, &[Vec<u8>]) -> Result<bool, Fault>,
    ) -> Result<bool, Error> {
        let steps_max = self.limits.scanned_max.div_ceil(STEP).max(1);
        let mut complete = true;
        for node in self.masters()? {
            let mut cursor = b"0".to_vec();
            for step in 1.. {
                let (next, keys) = self.step(&node, &cursor, pattern)?;
                let goes_on = see(&node, &keys)?;
                if next == b"0" {
                    break;
                }
                if !goes_on {
                    return Ok(false);
                }
                if step >= steps_max {
                    complete = false;
                    break;
                }
                cursor = next;
            }
        }
        Ok(complete)
    }

    fn step(&self, node: &NodeRef, cursor: &[u8], pattern: &str) -> Result<Step, Fault> {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern);
        scan.arg("COUNT").arg(STEP);
        let answers = self.run(vec![at(node, scan)])?;
        let answer = answers.first().ok_or_else(protocol)?;
        let [Value::BulkString(next), Value::Array(keys)] = list(&answer.value)? else {
            return Err(protocol());
        };
        let keys = keys.iter().filter_map(|key| match key {
            Value::BulkString(key) => Some(key.clone()),
            _ => None,
        });
        Ok((next.clone(), keys.collect()))
    }
}

/// Where to go on, and what was found.
type Step = (Vec<u8>, Vec<Vec<u8>>);

/// What `PTTL` says of a key that does not expire.
const NEVER: i64 = -1;
