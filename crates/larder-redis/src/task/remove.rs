//! Dropping things.

use larder_core::{Digest, Fault, TableKey, store::Removal};
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
        let mut drops: Vec<Drops<'_>> = Vec::new();
        let all = |table: &TableKey| rules.layout.tags_to_drop(table).into_iter();
        for removal in &self.removals {
            match removal {
                Removal::Record(table) => {
                    all(table).for_each(|tag| of(&mut drops, tag).record = true);
                }
                Removal::Shape(table, shape) => all(table).for_each(|tag| {
                    of(&mut drops, tag).fields.push(shape.0.as_bytes());
                }),
                Removal::Stamp(table, digest) => all(table).for_each(|tag| {
                    of(&mut drops, tag).stamps.push(digest);
                }),
                Removal::Entry(key) => {
                    let tag = rules.layout.tag(&key.table, key.spread());
                    of(&mut drops, tag).entries.push(&key.digest);
                }
                Removal::Claim(key) => {
                    let tag = rules.layout.tag(&key.table, key.spread());
                    of(&mut drops, tag).claims.push(&key.digest);
                }
                // The sweep's affair.
                _ => {}
            }
        }
        drops.iter().flat_map(Drops::calls).collect()
    }
}

/// What is dropped under one tag.
struct Drops<'a> {
    tag: Tag,
    record: bool,
    stamps: Vec<&'a Digest>,
    entries: Vec<&'a Digest>,
    claims: Vec<&'a Digest>,
    /// Of its record.
    fields: Vec<&'a [u8]>,
}

impl Drops<'_> {
    fn calls(&self) -> Vec<Call> {
        let tag = &self.tag;
        let record = self.record.then(|| tag.record());
        let stamps = self.stamps.iter().map(|digest| tag.stamp(digest));
        let entries = self.entries.iter().map(|digest| tag.entry(digest));
        let claims = self.claims.iter().map(|digest| tag.claim(digest));
        let keys = record.into_iter().chain(stamps).chain(entries);
        let keys: Vec<_> = keys.chain(claims).collect();
        let mut calls: Vec<_> = Call::each(tag, Verb::Unlink, &keys).collect();
        for fields in self.fields.chunks(KEYS_MAX) {
            let mut drop = cmd("HDEL");
            drop.arg(tag.record());
            for field in fields {
                drop.arg(*field);
            }
            calls.push(Call::repeatable(tag, drop));
        }
        calls
    }
}

fn of<'d, 'a>(drops: &'d mut Vec<Drops<'a>>, tag: Tag) -> &'d mut Drops<'a> {
    let position = drops.iter().position(|known| known.tag == tag);
    let position = position.unwrap_or(drops.len());
    if position == drops.len() {
        drops.push(Drops {
            tag,
            record: false,
            stamps: Vec::new(),
            entries: Vec::new(),
            claims: Vec::new(),
            fields: Vec::new(),
        });
    }
    // It was found or pushed.
    &mut drops[position]
}

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
