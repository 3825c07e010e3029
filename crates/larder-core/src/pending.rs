//! Invalidations that could not be delivered (G2). The tables in here are bypassed in this
//! process; the queue is bounded and loses precision, never an invalidation.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Mutex,
};

use crate::{Change, ChangeScope, TableKey, bypass::BypassMarks, clock::Moment, sync::lock};

/// The queue of one process.
#[derive(Debug)]
pub struct Pending {
    queue: Mutex<Batch>,
    changes_max: usize,
}

/// What waits for delivery.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Single changes.
    pub changes: Vec<Change>,
    /// Whether all records must drop.
    pub everything: bool,
}

impl Pending {
    /// An empty queue.
    pub fn new(changes_max: usize) -> Self {
        Self {
            queue: Mutex::default(),
            changes_max,
        }
    }

    /// How many changes wait; dropping everything counts as one.
    pub fn len(&self) -> usize {
        lock(&self.queue).len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Queues what could not be delivered and marks its tables.
    pub(crate) fn push(&self, batch: &Batch, marks: &BypassMarks) -> usize {
        let mut queue = lock(&self.queue);
        queue.changes.extend_from_slice(&batch.changes);
        queue.everything |= batch.everything;
        queue.fold(self.changes_max);
        // Under the queue's lock, so that a delivery that ends now cannot lift the mark.
        marks.add_undelivered(batch.tables(), queue.everything);
        queue.len()
    }

    /// Takes everything out for a delivery. The marks stay until [`Self::delivered`].
    pub(crate) fn take(&self) -> Batch {
        std::mem::take(&mut *lock(&self.queue))
    }

    /// Lifts the marks of everything that is not queued again.
    pub(crate) fn delivered(&self, marks: &BypassMarks, now: Moment) -> usize {
        let queue = lock(&self.queue);
        let tables: HashSet<TableKey> = queue.tables().cloned().collect();
        marks.set_undelivered(tables, queue.everything, now);
        queue.len()
    }
}

impl Batch {
    fn len(&self) -> usize {
        self.changes.len() + usize::from(self.everything)
    }

    fn tables(&self) -> impl Iterator<Item = &TableKey> {
        self.changes.iter().map(|change| &change.table_key)
    }

    /// Above the bound, changes fold into whole tables; above it again, into everything.
    fn fold(&mut self, changes_max: usize) {
        if self.everything {
            self.changes.clear();
        }
        if self.changes.len() <= changes_max {
            return;
        }
        let tables: BTreeMap<TableKey, Change> = self
            .changes
            .drain(..)
            .map(|change| {
                (
                    change.table_key.clone(),
                    Change {
                        scope: ChangeScope::Record,
                        ..change
                    },
                )
            })
            .collect();
        if tables.len() <= changes_max {
            self.changes.extend(tables.into_values());
        } else {
            self.everything = true;
        }
    }
}
