//! Reading an entry and the stamps of its dependencies: one round whatever their number, and a
//! second one where a shape is missing, to see how full its record is (P11).

use larder_core::{
    DependencyKey, EntryKey, Fault, Moment, ShapeName,
    entry::Incarnation,
    store::{Lookup, Seen},
};
use redis::{Cmd, Value};
use smallvec::{SmallVec, smallvec};

use super::Rules;
use crate::{
    call::{Answer, Call, Verb, command, count, list, protocol, stamp},
    exchange::one_life,
    layout::{CREATED, Key, Tag},
    wire::{self, Found},
};

pub(crate) struct LookupTask<'a> {
    entry: Option<&'a EntryKey>,
    dependencies: &'a [DependencyKey],
    groups: SmallVec<[Group; 1]>,
    round: Round,
    pub(super) lookup: Lookup,
}

/// What lies under one tag.
struct Group {
    tag: Tag,
    has_entry: bool,
    /// Dependencies, by position.
    members: SmallVec<[usize; 4]>,
}

enum Round {
    /// The entry and the stamps.
    Stamps,
    /// Of the records in which a shape is missing: how full they are, and what stands in for it.
    Records,
    Done,
}

impl<'a> LookupTask<'a> {
    pub(super) fn new(entry: Option<&'a EntryKey>, dependencies: &'a [DependencyKey]) -> Self {
        Self {
            entry,
            dependencies,
            groups: SmallVec::new(),
            round: Round::Stamps,
            lookup: Lookup {
                entry: None,
                seen: Vec::new(),
                damaged: false,
            },
        }
    }

    pub(super) fn ask(&mut self, rules: &Rules) -> Vec<Call> {
        match self.round {
            Round::Stamps => {
                self.group(rules);
                let mut calls = Vec::with_capacity(2 * self.groups.len());
                for group in &self.groups {
                    self.ask_stamps(group, &mut calls);
                }
                calls
            }
            Round::Records => self.groups.iter().flat_map(Group::ask_record).collect(),
            Round::Done => Vec::new(),
        }
    }

    pub(super) fn told(&mut self, answers: &[Answer], _rules: &Rules) -> Result<(), Fault> {
        let mut answers = answers.iter();
        self.round = match self.round {
            Round::Stamps => {
                self.lookup.seen = vec![NOTHING; self.dependencies.len()];
                for group in &self.groups {
                    group.told_stamps(self.dependencies, &mut answers, &mut self.lookup)?;
                }
                let seen = &self.lookup.seen;
                self.groups.retain(|group| group.lacks_a_shape(seen));
                // Whoever asks for stamps alone has an entry that needs them all.
                match self.entry.is_none() || self.groups.is_empty() {
                    true => Round::Done,
                    false => Round::Records,
                }
            }
            _ => {
                for group in &self.groups {
                    group.told_record(&mut answers, &mut self.lookup.seen)?;
                }
                Round::Done
            }
        };
        Ok(())
    }

    fn group(&mut self, rules: &Rules) {
        if let Some(key) = self.entry {
            self.groups.push(Group {
                tag: rules.layout.tag(&key.table, key.spread()),
                has_entry: true,
                members: SmallVec::new(),
            });
        }
        for (position, dependency) in self.dependencies.iter().enumerate() {
            let (table, spread) = (&dependency.table, dependency.spread);
            let is_of = |group: &&mut Group| rules.layout.is_tag(&group.tag, table, spread);
            match self.groups.iter_mut().find(is_of) {
                Some(group) => group.members.push(position),
                None => self.groups.push(Group {
                    tag: rules.layout.tag(table, spread),
                    has_entry: false,
                    members: smallvec![position],
                }),
            }
        }
    }

    fn ask_stamps(&self, group: &Group, calls: &mut Vec<Call>) {
        let Group { tag, members, .. } = group;
        let entry = self.entry.filter(|_| group.has_entry);
        let mut keys: SmallVec<[Key<'_>; 4]> = SmallVec::new();
        keys.extend(entry.map(|key| tag.entry(&key.digest)));
        let dependencies = || members.iter().filter_map(|at| self.dependencies.get(*at));
        keys.extend(
            dependencies()
                .filter_map(|it| it.value.as_ref())
                .map(|digest| tag.stamp(digest)),
        );
        calls.extend(Call::each(tag, Verb::Get, &keys));
        if !members.is_empty() {
            let shapes = dependencies().map(|it| it.shape.0.as_bytes());
            calls.push(Call::repeatable(tag, fields(tag, members.len(), shapes)));
        }
    }
}

impl Group {
    fn told_stamps<'v>(
        &self,
        dependencies: &[DependencyKey],
        answers: &mut impl Iterator<Item = &'v Answer>,
        lookup: &mut Lookup,
    ) -> Result<(), Fault> {
        let of = |position: usize| dependencies.get(position).ok_or_else(protocol);
        let valued = |position: &&usize| of(**position).is_ok_and(|it| it.value.is_some());
        let stamps = self.members.iter().filter(valued).count();
        let mut keys = read(answers, usize::from(self.has_entry) + stamps)?.into_iter();
        if self.has_entry {
            let (value, _) = keys.next().ok_or_else(protocol)?;
            told_entry(value, dependencies, lookup)?;
        }
        if self.members.is_empty() {
            return Ok(());
        }
        let fields = answers.next().ok_or_else(protocol)?;
        let shapes = fields.values();
        for (at, position) in self.members.iter().enumerate() {
            let value = match of(*position)?.value {
                Some(_) => Some(keys.next().ok_or_else(protocol)?),
                None => None,
            };
            let seen = lookup.seen.get_mut(*position).ok_or_else(protocol)?;
            seen.shape = stamp(shapes.get(at).ok_or_else(protocol)?);
            seen.incarnation = fields.incarnation;
            // A stamp that is not there says nothing of its life.
            if let Some((stamp, other)) =
                value.and_then(|(value, life)| stamp(value).zip(Some(life)))
            {
                seen.value = Some(stamp);
                seen.incarnation = one_life(seen.incarnation, other);
            }
        }
        Ok(())
    }

    fn lacks_a_shape(&self, seen: &[Seen]) -> bool {
        let mut members = self.members.iter().filter_map(|at| seen.get(*at));
        members.any(|seen| seen.shape.is_none())
    }

    fn ask_record(&self) -> [Call; 2] {
        let tag = &self.tag;
        let any_row = ShapeName::any_row();
        let read = [any_row.0.as_bytes(), CREATED.as_bytes()].into_iter();
        let record = tag.record();
        let mut length = command("HLEN", 1, record.len());
        length.arg(record);
        [fields(tag, 2, read), length].map(|command| Call::repeatable(tag, command))
    }

    fn told_record<'v>(
        &self,
        answers: &mut impl Iterator<Item = &'v Answer>,
        seen: &mut [Seen],
    ) -> Result<(), Fault> {
        let fields = answers.next().ok_or_else(protocol)?;
        let [empty, created] = list(&fields.value)? else {
            return Err(protocol());
        };
        let created = match created {
            Value::BulkString(bytes) => bytes.as_slice().try_into().ok().map(u64::from_le_bytes),
            _ => None,
        };
        let length = count(&answers.next().ok_or_else(protocol)?.value)?;
        for position in &self.members {
            let seen = seen.get_mut(*position).ok_or_else(protocol)?;
            seen.incarnation = one_life(seen.incarnation, fields.incarnation);
            seen.empty = stamp(empty);
            seen.created = created.map(Moment);
            seen.shapes = length.saturating_sub(usize::from(created.is_some()));
        }
        Ok(())
    }
}

fn told_entry(
    value: &Value,
    dependencies: &[DependencyKey],
    lookup: &mut Lookup,
) -> Result<(), Fault> {
    match value {
        Value::Nil => {}
        Value::BulkString(bytes) => match wire::read(bytes, dependencies) {
            Found::Entry(entry) => lookup.entry = Some(entry),
            Found::Foreign => {}
            Found::Damaged => lookup.damaged = true,
        },
        _ => return Err(protocol()),
    }
    Ok(())
}

/// The values of so many keys, each with the life of the server that had it.
fn read<'v>(
    answers: &mut impl Iterator<Item = &'v Answer>,
    keys: usize,
) -> Result<SmallVec<[(&'v Value, Incarnation); 4]>, Fault> {
    let mut read = SmallVec::with_capacity(keys);
    while read.len() < keys {
        let answer = answers.next().ok_or_else(protocol)?;
        let found = answer.values();
        if found.is_empty() {
            return Err(protocol());
        }
        let found = found.iter().enumerate();
        read.extend(found.map(|(at, value)| (value, answer.life(at))));
    }
    Ok(read)
}

/// Reads fields of a record; one by `HGET`, which answers with the value and not with a list.
fn fields<'f>(tag: &Tag, count: usize, fields: impl Iterator<Item = &'f [u8]>) -> Cmd {
    const FIELD_BYTES: usize = 64;
    let record = tag.record();
    let name = if count == 1 { "HGET" } else { "HMGET" };
    let mut read = command(name, 1 + count, record.len() + count * FIELD_BYTES);
    read.arg(record);
    for field in fields {
        read.arg(field);
    }
    read
}

/// What is seen of a dependency before any answer is heard.
const NOTHING: Seen = Seen {
    incarnation: Incarnation(0),
    shape: None,
    value: None,
    empty: None,
    shapes: 0,
    created: None,
};
