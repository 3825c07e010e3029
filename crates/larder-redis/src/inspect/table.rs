//! What is kept of one table.

use std::{collections::BTreeSet, time::Duration};

use larder_core::{Error, Fault, Moment, ShapeName, TableKey};
use redis::{Value, cmd};

use super::{EntryReport, Inspector, entry};
use crate::{
    call::{Call, KEYS_MAX, list, protocol},
    layout::{CREATED, Kept, Layout, Tag},
    node::NodeRef,
};

/// What is kept of one table, as far as the walk went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TableReport {
    /// The table.
    pub table: TableKey,
    /// The shapes in its record, in every shard, sorted. Empty = nothing counts as cached.
    pub shapes: Vec<ShapeName>,
    /// When its record was made, the oldest of its shards.
    pub created: Option<Moment>,
    /// How long its record still lives, the longest of its shards.
    pub ttl: Option<Duration>,
    /// How many stamps of single values there are.
    pub stamps: u64,
    /// How many entries lie under it: those of queries whose first table it is. Some may be dead,
    /// since dropping stamps leaves the entries to their TTL.
    pub entries: u64,
    /// How many fills other processes wait for.
    pub claims: u64,
    /// Some of the entries, the largest first.
    pub largest: Vec<EntryReport>,
    /// Whether every key was looked at.
    pub complete: bool,
}

impl Inspector {
    /// What is kept of a table under a layout of so many shards.
    ///
    /// # Errors
    /// `Unavailable`: a server does not answer.
    pub fn table(&self, table: &TableKey, shards: u16) -> Result<TableReport, Error> {
        let mut report = TableReport {
            table: table.clone(),
            shapes: Vec::new(),
            created: None,
            ttl: None,
            stamps: 0,
            entries: 0,
            claims: 0,
            largest: Vec::new(),
            complete: true,
        };
        for tag in Layout::new(shards, &[]).tags_to_drop(table) {
            self.record(&tag, &mut report)?;
        }
        let whole = Layout::new(1, &[]).tag(table, 0);
        let mut seen = BTreeSet::new();
        report.complete = self.walk(&whole.pattern(), |node, keys| {
            let mut entries = Vec::new();
            for key in keys {
                match whole.kind_of(key) {
                    Some(Kept::Stamp) => report.stamps += 1,
                    Some(Kept::Claim) => report.claims += 1,
                    Some(Kept::Entry) => {
                        report.entries += 1;
                        // SCAN may show a key twice.
                        if seen.len() < self.limits.keys_max && seen.insert(key.clone()) {
                            entries.push(key.clone());
                        }
                    }
                    _ => {}
                }
            }
            self.entries(node, &entries, &mut report.largest)?;
            Ok(true)
        })?;
        report
            .largest
            .sort_by(|a, b| (b.bytes, &a.digest).cmp(&(a.bytes, &b.digest)));
        Ok(report)
    }

    fn record(&self, tag: &Tag, report: &mut TableReport) -> Result<(), Fault> {
        let [mut shapes, mut ttl, mut created] = [cmd("HKEYS"), cmd("PTTL"), cmd("HGET")];
        shapes.arg(tag.record());
        ttl.arg(tag.record());
        created.arg(tag.record()).arg(CREATED);
        let calls = [shapes, ttl, created].map(|command| Call::repeatable(tag, command));
        let answers = self.run(calls.into())?;
        let [shapes, ttl, created] = answers.as_slice() else {
            return Err(protocol());
        };
        for field in list(&shapes.value)? {
            let Value::BulkString(name) = field else {
                return Err(protocol());
            };
            let name = ShapeName(String::from_utf8_lossy(name).into_owned().into());
            if &*name.0 != CREATED
                && let Err(at) = report.shapes.binary_search(&name)
            {
                report.shapes.insert(at, name);
            }
        }
        report.ttl = report.ttl.max(entry::left(&ttl.value));
        if let Value::BulkString(bytes) = &created.value
            && let Ok(bytes) = bytes.as_slice().try_into()
        {
            let made = Moment(u64::from_le_bytes(bytes));
            report.created = Some(report.created.map_or(made, |known| known.min(made)));
        }
        Ok(())
    }

    fn entries(
        &self,
        node: &NodeRef,
        keys: &[Vec<u8>],
        found: &mut Vec<EntryReport>,
    ) -> Result<(), Fault> {
        for keys in keys.chunks(KEYS_MAX) {
            let calls = keys.iter().flat_map(|key| entry::questions(node, key));
            let answers = self.run(calls.collect())?;
            for (key, answers) in keys.iter().zip(answers.chunks(entry::QUESTIONS)) {
                // One that is gone meanwhile says nothing.
                found.extend(entry::read(key, answers));
            }
        }
        Ok(())
    }
}
