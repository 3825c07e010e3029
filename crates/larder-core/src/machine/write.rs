//! An invalidation, as a machine. It runs after COMMIT and before the call returns (P4).
//!
//! 1. `Records`: the shapes in use, read after COMMIT, of every table with known rows. In the same
//!    batch `Remove` what the shapes ask for that this process has met there before.
//! 2. Each further shape is asked which of its values the change can touch.
//! 3. `Remove`: those stamps, shapes or records. Mostly there are none, and 1 was all.
//!
//! A reader that registered before step 1 is seen by it; one that registers later runs its query
//! after COMMIT. What a shape asks for follows from its name and the change alone, so that it does
//! not matter whether it was dropped before the record was read or afterwards.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    Change, ChangeScope, Digest, ShapeName, TableKey,
    limits::Limits,
    observer::Dropped,
    shape::{self, Affected, MetShapes, ReadyShape},
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
    /// Whether what was met drops together with the reading of the records.
    together: bool,
    /// One for each table, sorted by it.
    tables: Vec<Progress>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// The records of these tables were asked for, and the first drops.
    Records(Vec<TableKey>),
    /// The first drops were asked for alone: there is no record to read.
    First,
    /// What is left to drop was asked for.
    Then,
}

/// How far one table has come.
#[derive(Clone, Debug)]
struct Progress {
    table: TableKey,
    /// Shapes that this process has met.
    met: Option<Arc<MetShapes>>,
    /// What those ask for.
    first: Drops,
    /// The shapes in the record, where they are others.
    found: Option<Arc<[ShapeName]>>,
    /// What is left to drop after it was read.
    then: Drops,
    existed: usize,
}

/// Shapes that are asked what a change does to them.
enum Shapes<'a> {
    Met(&'a MetShapes),
    Named(Vec<&'a ShapeName>),
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
        let mut tables: Vec<&TableKey> = changes.iter().map(|it| &it.table_key).collect();
        tables.sort_unstable();
        tables.dedup();
        Self {
            changes,
            stamps_max: limits.stamps_per_write_max,
            together: true,
            tables: tables.into_iter().map(Progress::of).collect(),
            stage: Stage::First,
        }
    }

    /// Tells it which shapes this process has met in a table's record.
    #[must_use]
    pub fn with_met(mut self, met: impl Fn(&TableKey) -> Option<Arc<MetShapes>>) -> Self {
        for progress in &mut self.tables {
            progress.met = met(&progress.table);
        }
        self
    }

    /// Reads the records before it drops anything: of a store that answers at once, nothing is
    /// dropped in vain.
    #[must_use]
    pub fn one_after_the_other(mut self) -> Self {
        self.together = false;
        self
    }

    /// The shapes that it has found in the records of tables, once they were read, where they are
    /// others than those that were met.
    pub fn found(&self) -> impl Iterator<Item = (&TableKey, &Arc<[ShapeName]>)> {
        let tables = self.tables.iter();
        tables.filter_map(|progress| Some((&progress.table, progress.found.as_ref()?)))
    }

    /// The first step.
    pub fn start(&mut self) -> WriteStep {
        for change in self.changes {
            if let Some(progress) = self.progress(&change.table_key) {
                progress.first.record |= matches!(change.scope, ChangeScope::Record);
            }
        }
        let together = self.tables.iter_mut().filter(|_| self.together);
        for progress in together {
            if let (Some(met), false) = (&progress.met, progress.first.record) {
                let shapes = Shapes::Met(met);
                let asked_for = asked_for(self.changes, &progress.table, shapes, self.stamps_max);
                // Whether the record must drop is the record's own to say: what was met may be gone.
                if asked_for.record {
                    progress.met = None;
                } else {
                    progress.first = asked_for;
                }
            }
        }
        let by_rows = self.tables.iter().filter(|it| !it.first.record);
        let by_rows: Vec<TableKey> = by_rows.map(|it| it.table.clone()).collect();
        let removals = self.removals(|progress| &progress.first);
        if by_rows.is_empty() {
            return self.ask(removals);
        }
        self.stage = Stage::Records(by_rows.clone());
        let mut batch = vec![Request::Records(by_rows)];
        batch.extend(removals);
        WriteStep::Ask(batch)
    }

    /// The replies to the last batch.
    pub fn replied(&mut self, replies: Result<Vec<Reply>, Fault>) -> WriteStep {
        let replies = match replies {
            Ok(replies) => replies,
            Err(fault) => return WriteStep::Failed(fault),
        };
        let stage = std::mem::replace(&mut self.stage, Stage::Then);
        let next = match (stage, replies.as_slice()) {
            (Stage::Records(tables), [Reply::Records(records), removed @ ..])
                if tables.len() == records.len() =>
            {
                self.removed(removed, |progress| &progress.first).map(|()| {
                    self.read(&tables, records);
                    self.ask(self.removals(|progress| &progress.then))
                })
            }
            (Stage::Records(_), _) => None,
            (Stage::First, removed) => self
                .removed(removed, |progress| &progress.first)
                .map(|()| WriteStep::Done(self.dropped())),
            (Stage::Then, removed) => self
                .removed(removed, |progress| &progress.then)
                .map(|()| WriteStep::Done(self.dropped())),
        };
        next.unwrap_or_else(|| WriteStep::Failed(Fault::new(FaultKind::Protocol)))
    }

    /// What the records hold, and what of it is not dropped yet.
    fn read(&mut self, tables: &[TableKey], records: &[Vec<ShapeName>]) {
        let (changes, stamps_max, together) = (self.changes, self.stamps_max, self.together);
        for (table, shapes) in tables.iter().zip(records) {
            let Some(progress) = self.progress(table) else {
                continue;
            };
            let as_met = progress
                .met
                .as_ref()
                .filter(|met| **met.names() == **shapes);
            if as_met.is_none() {
                progress.found = Some(shapes.as_slice().into());
            }
            let shapes = match as_met {
                Some(_) if together => continue,
                Some(met) => Shapes::Met(met),
                None => {
                    let dropped = progress.met.iter().filter(|_| together);
                    let dropped: BTreeSet<_> = dropped.flat_map(|met| met.names().iter()).collect();
                    let others = shapes.iter().filter(|shape| !dropped.contains(shape));
                    Shapes::Named(others.collect())
                }
            };
            progress.then = asked_for(changes, table, shapes, stamps_max);
        }
    }

    fn progress(&mut self, table: &TableKey) -> Option<&mut Progress> {
        let found = self.tables.binary_search_by(|it| it.table.cmp(table));
        self.tables.get_mut(found.ok()?)
    }

    fn ask(&self, removals: Vec<Request<'static>>) -> WriteStep {
        match removals.is_empty() {
            true => WriteStep::Done(self.dropped()),
            false => WriteStep::Ask(removals),
        }
    }

    fn removals(&self, of: impl Fn(&Progress) -> &Drops) -> Vec<Request<'static>> {
        let removals = self.tables.iter().filter_map(|progress| {
            let removals = of(progress).removals(&progress.table);
            (!removals.is_empty()).then_some(Request::Remove(removals))
        });
        removals.collect()
    }

    /// The replies to [`Self::removals`]; `None` when they do not fit.
    fn removed(&mut self, replies: &[Reply], of: impl Fn(&Progress) -> &Drops) -> Option<()> {
        let mut replies = replies.iter();
        for progress in &mut self.tables {
            if !of(progress).is_empty() {
                let Reply::Removed { existed } = replies.next()? else {
                    return None;
                };
                progress.existed += existed;
            }
        }
        replies.next().is_none().then_some(())
    }

    fn dropped(&self) -> Vec<TableDrop> {
        let tables = self.tables.iter().map(|progress| {
            let Progress { first, then, .. } = progress;
            let dropped = Dropped {
                record: first.record || then.record,
                shapes: first.shapes.len() + then.shapes.len(),
                stamps: first.stamps.len() + then.stamps.len(),
                existed: progress.existed,
            };
            let table = progress.table.clone();
            TableDrop { table, dropped }
        });
        tables.collect()
    }
}

/// What the changes of a table ask to be dropped of these shapes.
fn asked_for(changes: &[Change], table: &TableKey, shapes: Shapes<'_>, stamps_max: usize) -> Drops {
    let mut drops = Drops::default();
    let changes = changes.iter().filter(|change| change.table_key == *table);
    for change in changes {
        for shape in &*shapes.ready_for(change) {
            match shape.affected_by(change) {
                Affected::Untouched => {}
                Affected::Values(digests) => drops.stamps.extend(digests),
                Affected::Whole => {
                    drops.shapes.insert(shape.name().clone());
                }
                // An unreadable name, or a catalog that disagrees with it (P11).
                _ => drops.record = true,
            }
            if drops.record || drops.stamps.len() > stamps_max {
                drops.record = true;
                return drops;
            }
        }
    }
    drops
}

impl Shapes<'_> {
    fn ready_for(&self, change: &Change) -> Arc<[ReadyShape]> {
        match self {
            Self::Met(met) => met.ready_for(change),
            Self::Named(names) => {
                let names = names.iter().copied();
                shape::ready(names, &change.table_key, change.table.as_deref())
            }
        }
    }
}

impl Progress {
    fn of(table: &TableKey) -> Self {
        Self {
            table: table.clone(),
            met: None,
            first: Drops::default(),
            found: None,
            then: Drops::default(),
            existed: 0,
        }
    }
}

impl Drops {
    fn is_empty(&self) -> bool {
        !self.record && self.shapes.is_empty() && self.stamps.is_empty()
    }

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
