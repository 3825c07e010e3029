//! Dropping things.

use std::collections::BTreeMap;

use larder_core::{Fault, TableKey, store::Removal};
use redis::{Value, cmd};

use super::Rules;
use crate::{
    call::{Answer, Call, KEYS_MAX, Kind, Place, Verb, count, list, protocol},
    layout::{Tag, records_pattern},
    node::NodeRef,
};

pub(crate) struct RemoveTask {
    removals: Vec<Removal>,
    sweep: Option<Sweep>,
    asked: bool,
    existed: usize,
}

/// A walk over the keys of all masters, for what only the servers know (P10). A record that is
/// created while it goes on belongs to a reader whose query starts after the write.
struct Sweep {
    pattern: String,
    /// Masters that have more, and where to go on.
    open: Vec<(NodeRef, Vec<u8>)>,
    /// Records that were found and are to be dropped.
    found: Vec<Vec<u8>>,
    scanned: usize,
}

/// Keys that a server looks at in one step.
const STEP: usize = 1_000;

impl RemoveTask {
    pub(super) fn new(removals: &[Removal], masters: impl FnOnce() -> Vec<NodeRef>) -> Self {
        let namespace = removals.iter().find_map(|removal| match removal {
            Removal::AllRecords(namespace) => Some(namespace),
            _ => None,
        });
        let sweep = namespace.map(|namespace| Sweep {
            pattern: records_pattern(namespace),
            open: masters()
                .into_iter()
                .map(|node| (node, b"0".to_vec()))
                .collect(),
            found: Vec::new(),
            scanned: 0,
        });
        Self {
            removals: removals.to_vec(),
            sweep,
            asked: false,
            existed: 0,
        }
    }

    pub(super) fn existed(&self) -> usize {
        self.existed
    }

    pub(super) fn ask(&mut self, rules: &Rules) -> Vec<Call> {
        let mut calls = match std::mem::replace(&mut self.asked, true) {
            true => Vec::new(),
            false => self.named(rules),
        };
        if let Some(sweep) = &mut self.sweep {
            sweep.ask(&mut calls);
        }
        calls
    }

    pub(super) fn told(&mut self, answers: &[Answer]) -> Result<(), Fault> {
        let scanned = self.sweep.as_ref().map_or(0, |sweep| sweep.scanned);
        let counts = answers.len().checked_sub(scanned).ok_or_else(protocol)?;
        let (counted, scans) = answers.split_at(counts);
        for answer in counted {
            self.existed += count(&answer.value)?;
        }
        match &mut self.sweep {
            Some(sweep) => sweep.told(scans),
            None => Ok(()),
        }
    }

    /// The drops that name what they drop, in every layout (P12).
    fn named(&self, rules: &Rules) -> Vec<Call> {
        let mut tables: BTreeMap<&TableKey, Vec<&Removal>> = BTreeMap::new();
        let mut calls = Vec::new();
        for removal in &self.removals {
            match removal {
                Removal::Record(table) | Removal::Shape(table, _) | Removal::Stamp(table, _) => {
                    tables.entry(table).or_default().push(removal);
                }
                Removal::Entry(key) | Removal::Claim(key) => {
                    let tag = rules.layout.tag(&key.table, key.spread());
                    let name = match removal {
                        Removal::Claim(_) => tag.claim(&key.digest),
                        _ => tag.entry(&key.digest),
                    };
                    calls.extend(Call::each(&tag, Verb::Unlink, &[name]));
                }
                // The sweep's affair.
                _ => {}
            }
        }
        for (table, removals) in tables {
            let tags = rules.layout.tags_to_drop(table);
            // Shards multiply what is to be dropped; the records of a table are as good.
            let too_many = removals.len().saturating_mul(tags.len()) > DROPS_MAX;
            let whole = [&Removal::Record(table.clone())];
            let removals = if too_many { &whole[..] } else { &removals };
            calls.extend(tags.iter().flat_map(|tag| drops(tag, removals)));
        }
        calls
    }
}

/// The commands that drop these things of a table under one of its tags.
fn drops(tag: &Tag, removals: &[&Removal]) -> Vec<Call> {
    let keys: Vec<_> = removals
        .iter()
        .filter_map(|removal| match removal {
            Removal::Record(_) => Some(tag.record()),
            Removal::Stamp(_, digest) => Some(tag.stamp(digest)),
            _ => None,
        })
        .collect();
    let fields: Vec<&[u8]> = removals
        .iter()
        .filter_map(|removal| match removal {
            Removal::Shape(_, shape) => Some(shape.0.as_bytes()),
            _ => None,
        })
        .collect();
    let mut calls: Vec<_> = Call::each(tag, Verb::Unlink, &keys).collect();
    for fields in fields.chunks(KEYS_MAX) {
        let mut drop = cmd("HDEL");
        drop.arg(tag.record());
        for field in fields {
            drop.arg(*field);
        }
        calls.push(Call::repeatable(tag, drop));
    }
    calls
}

/// Keys and fields of one table that are dropped one by one.
const DROPS_MAX: usize = 50_000;

impl Sweep {
    fn ask(&mut self, calls: &mut Vec<Call>) {
        for key in self.found.drain(..) {
            let tag = Tag::of_record(&key);
            calls.extend(tag.map(|tag| Call::repeatable(&tag, Verb::Unlink.single(tag.record()))));
        }
        for (node, cursor) in &self.open {
            let mut scan = cmd("SCAN");
            scan.arg(cursor)
                .arg("MATCH")
                .arg(&self.pattern)
                .arg("COUNT")
                .arg(STEP);
            calls.push(Call {
                place: Place::Node(node.clone()),
                command: scan,
                kind: Kind::Repeatable,
            });
        }
        self.scanned = self.open.len();
    }

    fn told(&mut self, scans: &[Answer]) -> Result<(), Fault> {
        for ((_, cursor), answer) in self.open.iter_mut().zip(scans) {
            let [Value::BulkString(next), Value::Array(keys)] = list(&answer.value)? else {
                return Err(protocol());
            };
            cursor.clone_from(next);
            self.found.extend(keys.iter().filter_map(|key| match key {
                Value::BulkString(key) => Some(key.clone()),
                _ => None,
            }));
        }
        self.open.retain(|(_, cursor)| cursor != b"0");
        Ok(())
    }
}
