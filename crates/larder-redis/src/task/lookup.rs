//! Reading an entry and the stamps of its dependencies: one round whatever their number.

use larder_core::{
    DependencyKey, EntryKey, Fault, Moment, ShapeName,
    entry::Incarnation,
    store::{Lookup, Seen},
};
use redis::{Value, cmd};

use super::Rules;
use crate::{
    call::{Answer, Call, Verb, count, list, protocol, stamp},
    exchange::one_life,
    layout::{CREATED, Tag},
    wire::{self, Found},
};

pub(crate) struct LookupTask<'a> {
    entry: Option<&'a EntryKey>,
    dependencies: &'a [DependencyKey],
    /// The dependencies of each tag, by position.
    groups: Vec<(Tag, Vec<usize>)>,
    asked: bool,
    pub(super) lookup: Lookup,
}

/// What one record said.
struct Record<'a> {
    fields: &'a [Value],
    shapes: usize,
    incarnation: Incarnation,
}

impl<'a> LookupTask<'a> {
    pub(super) fn new(entry: Option<&'a EntryKey>, dependencies: &'a [DependencyKey]) -> Self {
        Self {
            entry,
            dependencies,
            groups: Vec::new(),
            asked: false,
            lookup: Lookup {
                entry: None,
                seen: Vec::new(),
                damaged: false,
            },
        }
    }

    pub(super) fn ask(&mut self, rules: &Rules) -> Vec<Call> {
        if std::mem::replace(&mut self.asked, true) {
            return Vec::new();
        }
        self.group(rules);
        let mut calls = Vec::with_capacity(1 + 3 * self.groups.len());
        if let Some(key) = self.entry {
            let tag = rules.layout.tag(&key.table, key.spread());
            calls.push(Call::repeatable(
                &tag,
                Verb::Get.single(&tag.entry(&key.digest)),
            ));
        }
        for (tag, members) in &self.groups {
            let record = tag.record();
            let mut fields = cmd("HMGET");
            fields.arg(&record);
            for dependency in self.members(members) {
                fields.arg(dependency.shape.0.as_bytes());
            }
            fields.arg(ShapeName::any_row().0.as_bytes()).arg(CREATED);
            calls.push(Call::repeatable(tag, fields));
            let mut length = cmd("HLEN");
            length.arg(&record);
            calls.push(Call::repeatable(tag, length));
            let values: Vec<_> = self
                .members(members)
                .filter_map(|it| it.value.as_ref())
                .map(|digest| tag.stamp(digest))
                .collect();
            calls.extend(Call::each(tag, Verb::Get, &values));
        }
        calls
    }

    pub(super) fn told(&mut self, answers: &[Answer], _rules: &Rules) -> Result<(), Fault> {
        let mut answers = answers.iter();
        let mut next = || answers.next().ok_or_else(protocol);
        let bytes = match self.entry {
            Some(_) => Some(&next()?.value),
            None => None,
        };
        let mut seen: Vec<Option<Seen>> = vec![None; self.dependencies.len()];
        for (_, members) in &self.groups {
            let fields = next()?;
            let record = Record {
                fields: list(&fields.value)?,
                shapes: count(&next()?.value)?,
                incarnation: fields.incarnation,
            };
            let wanted = self
                .members(members)
                .filter(|it| it.value.is_some())
                .count();
            let mut values = Vec::with_capacity(wanted);
            while values.len() < wanted {
                let answer = next()?;
                let found = list(&answer.value)?;
                if found.is_empty() {
                    return Err(protocol());
                }
                values.extend(found.iter().map(|value| (stamp(value), answer.incarnation)));
            }
            let mut values = values.into_iter();
            for (at, position) in members.iter().enumerate() {
                let dependency = self.dependencies.get(*position).ok_or_else(protocol)?;
                let value = dependency.value.and_then(|_| values.next());
                if let Some(place) = seen.get_mut(*position) {
                    *place = Some(record.seen(at, members.len(), value)?);
                }
            }
        }
        self.lookup.seen = seen
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(protocol)?;
        match bytes {
            None | Some(Value::Nil) => {}
            Some(Value::BulkString(bytes)) => match wire::read(bytes, self.dependencies) {
                Found::Entry(entry) => self.lookup.entry = Some(entry),
                Found::Foreign => {}
                Found::Damaged => self.lookup.damaged = true,
            },
            Some(_) => return Err(protocol()),
        }
        Ok(())
    }

    fn group(&mut self, rules: &Rules) {
        for (position, dependency) in self.dependencies.iter().enumerate() {
            let tag = rules.layout.tag(&dependency.table, dependency.spread);
            match self.groups.iter_mut().find(|(known, _)| *known == tag) {
                Some((_, members)) => members.push(position),
                None => self.groups.push((tag, vec![position])),
            }
        }
    }

    fn members(&self, members: &[usize]) -> impl Iterator<Item = &'a DependencyKey> {
        let dependencies = self.dependencies;
        members
            .iter()
            .filter_map(move |position| dependencies.get(*position))
    }
}

impl Record<'_> {
    /// What it says of its `at`th dependency out of `count`, together with that one's value stamp.
    fn seen(
        &self,
        at: usize,
        count: usize,
        value: Option<(Option<larder_core::Stamp>, Incarnation)>,
    ) -> Result<Seen, Fault> {
        let field = |at: usize| self.fields.get(at).ok_or_else(protocol);
        let created = match field(count + 1)? {
            Value::BulkString(bytes) => bytes.as_slice().try_into().ok().map(u64::from_le_bytes),
            _ => None,
        };
        let incarnation = value.map_or(self.incarnation, |(_, other)| {
            one_life(self.incarnation, other)
        });
        Ok(Seen {
            incarnation,
            shape: stamp(field(at)?),
            value: value.and_then(|(stamp, _)| stamp),
            empty: stamp(field(count)?),
            shapes: self.shapes.saturating_sub(usize::from(created.is_some())),
            created: created.map(Moment),
        })
    }
}
