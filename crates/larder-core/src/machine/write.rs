//! An invalidation, as a machine. It runs after COMMIT and before the call returns (P4).
//!
//! 1. `Records`: the shapes in use, read after COMMIT, of every table with known rows.
//! 2. Each shape is asked which of its values the change can touch.
//! 3. `Remove`: those stamps, shapes or records.
//!
//! A reader that registered before step 1 is seen by it; one that registers later runs its query
//! after COMMIT.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Change, ChangeScope, Digest, ShapeName, TableKey,
    limits::Limits,
    observer::Dropped,
    shape::Affected,
    store::{Fault, FaultKind, Removal, Reply, Request},
};

/// What a machine wants next.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteStep {
    /// Send this batch and feed the replies to [`WriteMachine::replied`].
    Ask(Vec<Request<'static>>),
    /// Everything was dropped.
    Done(Vec<TableDrop>),
    /// A reply is missing: nothing counts as delivered, and the whole must be repeated.
    Failed(Fault),
}

/// What was dropped in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDrop {
    /// The table.
    pub table: TableKey,
    /// What.
    pub dropped: Dropped,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct WriteMachine<'a> {
    changes: &'a [Change],
    stamps_max: usize,
    drops: BTreeMap<TableKey, Drops>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Records(Vec<TableKey>),
    Remove,
}

#[derive(Clone, Debug, Default)]
struct Drops {
    record: bool,
    shapes: BTreeSet<ShapeName>,
    stamps: BTreeSet<Digest>,
}

impl<'a> WriteMachine<'a> {
    /// A machine for changes that are committed.
    pub fn new(changes: &'a [Change], limits: &Limits) -> Self {
        let stamps_max = limits.stamps_per_write_max;
        Self {
            changes,
            stamps_max,
            drops: BTreeMap::new(),
            stage: Stage::Remove,
        }
    }

    /// The first step.
    pub fn start(&mut self) -> WriteStep {
        for change in self.changes {
            let drops = self.drops.entry(change.table_key.clone()).or_default();
            drops.record |= matches!(change.scope, ChangeScope::Record);
        }
        let by_rows: Vec<TableKey> = self
            .drops
            .iter()
            .filter(|(_, d)| !d.record)
            .map(|(key, _)| key.clone())
            .collect();
        if by_rows.is_empty() {
            return self.remove();
        }
        self.stage = Stage::Records(by_rows.clone());
        WriteStep::Ask(vec![Request::Records(by_rows)])
    }

    /// The replies to the last batch.
    pub fn replied(&mut self, replies: Result<Vec<Reply>, Fault>) -> WriteStep {
        let replies = match replies {
            Ok(replies) => replies,
            Err(fault) => return WriteStep::Failed(fault),
        };
        match (
            std::mem::replace(&mut self.stage, Stage::Remove),
            replies.as_slice(),
        ) {
            (Stage::Records(tables), [Reply::Records(records)])
                if tables.len() == records.len() =>
            {
                for (table, shapes) in tables.iter().zip(records) {
                    self.affect(table, shapes);
                }
                self.remove()
            }
            (Stage::Remove, replies) => self.removed(replies),
            _ => WriteStep::Failed(Fault::new(FaultKind::Protocol)),
        }
    }

    fn affect(&mut self, table: &TableKey, shapes: &[ShapeName]) {
        let Some(drops) = self.drops.get_mut(table) else {
            return;
        };
        let changes = self
            .changes
            .iter()
            .filter(|change| change.table_key == *table);
        for change in changes {
            for shape in shapes {
                match shape.affected_by(change) {
                    Affected::Untouched => {}
                    Affected::Values(digests) => drops.stamps.extend(digests),
                    Affected::Whole => {
                        drops.shapes.insert(shape.clone());
                    }
                    // An unreadable name, or a catalog that disagrees with it (P11).
                    _ => drops.record = true,
                }
                if drops.record || drops.stamps.len() > self.stamps_max {
                    drops.record = true;
                    return;
                }
            }
        }
    }

    fn remove(&mut self) -> WriteStep {
        let batch: Vec<Request<'static>> = self
            .drops
            .iter()
            .filter_map(|(table, drops)| {
                let removals = drops.removals(table);
                (!removals.is_empty()).then_some(Request::Remove(removals))
            })
            .collect();
        if batch.is_empty() {
            self.removed(&[])
        } else {
            WriteStep::Ask(batch)
        }
    }

    fn removed(&self, replies: &[Reply]) -> WriteStep {
        let mut replies = replies.iter();
        let mut done = Vec::with_capacity(self.drops.len());
        for (table, drops) in &self.drops {
            let existed = match drops.removals(table).is_empty() {
                true => 0,
                false => match replies.next() {
                    Some(Reply::Removed { existed }) => *existed,
                    _ => return WriteStep::Failed(Fault::new(FaultKind::Protocol)),
                },
            };
            let (shapes, stamps) = (drops.shapes.len(), drops.stamps.len());
            let dropped = Dropped {
                record: drops.record,
                shapes,
                stamps,
                existed,
            };
            done.push(TableDrop {
                table: table.clone(),
                dropped,
            });
        }
        WriteStep::Done(done)
    }
}

impl Drops {
    fn removals(&self, table: &TableKey) -> Vec<Removal> {
        if self.record {
            return vec![Removal::Record(table.clone())];
        }
        let shapes = self
            .shapes
            .iter()
            .map(|s| Removal::Shape(table.clone(), s.clone()));
        let stamps = self
            .stamps
            .iter()
            .map(|d| Removal::Stamp(table.clone(), *d));
        shapes.chain(stamps).collect()
    }
}
