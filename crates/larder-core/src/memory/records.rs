//! Table records in memory.

use std::{collections::HashMap, hash::BuildHasher, sync::RwLock};

use foldhash::fast::RandomState;

use crate::{
    DependencyKey, ShapeName, Stamp, TableKey,
    clock::Moment,
    sync::{read, write},
};

const SHARDS: usize = 16;

/// The records of all tables, in shards by table.
pub(super) struct Records {
    shards: Vec<RwLock<HashMap<TableKey, Record, RandomState>>>,
    hasher: RandomState,
    per_shard_max: usize,
}

/// The shapes in use of one table. Shape and stamp are one thing (P3).
struct Record {
    fields: Vec<(ShapeName, Stamp)>,
    created: Moment,
    deadline: Moment,
}

/// What one record says of one shape.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Field {
    pub(super) shape: Option<Stamp>,
    pub(super) empty: Option<Stamp>,
    pub(super) shapes: usize,
    pub(super) created: Option<Moment>,
}

impl Records {
    pub(super) fn new(records_max: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            hasher: RandomState::default(),
            per_shard_max: records_max.div_ceil(SHARDS),
        }
    }

    pub(super) fn see(&self, table: &TableKey, shape: &ShapeName, now: Moment) -> Field {
        let Some(shard) = self.shard(table) else {
            return Field::default();
        };
        let shard = read(shard);
        let Some(record) = shard.get(table).filter(|record| now < record.deadline) else {
            return Field::default();
        };
        let found = record.stamp(shape);
        Field {
            shape: found,
            empty: if found.is_none() {
                record.stamp(&ShapeName::any_row())
            } else {
                None
            },
            shapes: record.fields.len(),
            created: Some(record.created),
        }
    }

    /// `HSETNX` and `HGET`.
    pub(super) fn create(
        &self,
        dependency: &DependencyKey,
        candidate: Stamp,
        now: Moment,
        deadline: Moment,
    ) -> Option<Stamp> {
        let DependencyKey { table, shape, .. } = dependency;
        let mut shard = write(self.shard(table)?);
        if shard
            .get(table)
            .is_some_and(|record| record.deadline <= now)
        {
            shard.remove(table);
        }
        if !shard.contains_key(table) && shard.len() >= self.per_shard_max {
            evict(&mut shard);
        }
        let record = shard.entry(table.clone()).or_insert_with(|| Record {
            fields: Vec::new(),
            created: now,
            deadline,
        });
        record.deadline = record.deadline.max(deadline);
        if let Some(stamp) = record.stamp(shape) {
            return Some(stamp);
        }
        record.fields.push((shape.clone(), candidate));
        Some(candidate)
    }

    /// An expired record stays expired: it may have been seen missing.
    pub(super) fn extend(&self, table: &TableKey, now: Moment, deadline: Moment) {
        let Some(shard) = self.shard(table) else {
            return;
        };
        let extends = |record: &Record| now < record.deadline && record.deadline < deadline;
        if !read(shard).get(table).is_some_and(extends) {
            return;
        }
        if let Some(record) = write(shard).get_mut(table).filter(|record| extends(record)) {
            record.deadline = deadline;
        }
    }

    pub(super) fn shapes(&self, table: &TableKey, now: Moment) -> Vec<ShapeName> {
        let Some(shard) = self.shard(table) else {
            return Vec::new();
        };
        let shard = read(shard);
        let record = shard.get(table).filter(|record| now < record.deadline);
        record.map_or_else(Vec::new, |record| {
            record
                .fields
                .iter()
                .map(|(shape, _)| shape.clone())
                .collect()
        })
    }

    pub(super) fn remove(&self, table: &TableKey) -> usize {
        let removed = self
            .shard(table)
            .and_then(|shard| write(shard).remove(table));
        usize::from(removed.is_some())
    }

    pub(super) fn remove_shape(&self, table: &TableKey, shape: &ShapeName) -> usize {
        let Some(shard) = self.shard(table) else {
            return 0;
        };
        let mut shard = write(shard);
        let Some(record) = shard.get_mut(table) else {
            return 0;
        };
        let before = record.fields.len();
        record.fields.retain(|(name, _)| name != shape);
        before - record.fields.len()
    }

    pub(super) fn clear(&self, namespace: &str) -> usize {
        let empty = |shard: &RwLock<HashMap<TableKey, Record, RandomState>>| {
            let mut shard = write(shard);
            let before = shard.len();
            shard.retain(|table, _| !table.is_in(namespace));
            before - shard.len()
        };
        self.shards.iter().map(empty).sum()
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).len()).sum()
    }

    fn shard(&self, table: &TableKey) -> Option<&RwLock<HashMap<TableKey, Record, RandomState>>> {
        let hash = self.hasher.hash_one(table);
        self.shards.get(usize::try_from(hash).unwrap_or(0) % SHARDS)
    }
}

impl Record {
    fn stamp(&self, shape: &ShapeName) -> Option<Stamp> {
        self.fields
            .iter()
            .find(|(name, _)| name == shape)
            .map(|(_, stamp)| *stamp)
    }
}

/// Makes room: drops the record that expires first.
fn evict(shard: &mut HashMap<TableKey, Record, RandomState>) {
    let oldest = shard
        .iter()
        .min_by_key(|(_, record)| record.deadline)
        .map(|(key, _)| key.clone());
    if let Some(oldest) = oldest {
        shard.remove(&oldest);
    }
}
