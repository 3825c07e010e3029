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
    queue: Mutex<Queue>,
    changes_max: usize,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Batch,
    /// How many changes a delivery that runs has taken out, and may put back.
    under_way: usize,
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

    /// How many changes have not reached the store, those of a delivery that runs among them;
    /// dropping everything counts as one.
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
        queue.add(batch, self.changes_max, marks);
        queue.len()
    }

    /// Takes everything out for the only delivery that runs. The marks stay until
    /// [`Self::delivered`].
    pub(crate) fn take(&self) -> Batch {
        let mut queue = lock(&self.queue);
        let batch = std::mem::take(&mut queue.waiting);
        queue.under_way = batch.len();
        batch
    }

    /// Queues again what [`Self::take`] took out.
    pub(crate) fn put_back(&self, batch: &Batch, marks: &BypassMarks) -> usize {
        let mut queue = lock(&self.queue);
        queue.under_way = 0;
        queue.add(batch, self.changes_max, marks);
        queue.len()
    }

    /// Lifts the marks of everything that is not queued again.
    pub(crate) fn delivered(&self, marks: &BypassMarks, now: Moment) -> usize {
        let mut queue = lock(&self.queue);
        queue.under_way = 0;
        let tables: HashSet<TableKey> = queue.waiting.tables().cloned().collect();
        marks.set_undelivered(tables, queue.waiting.everything, now);
        queue.len()
    }
}

impl Queue {
    fn len(&self) -> usize {
        self.waiting.len() + self.under_way
    }

    fn add(&mut self, batch: &Batch, changes_max: usize, marks: &BypassMarks) {
        self.waiting.changes.extend_from_slice(&batch.changes);
        self.waiting.everything |= batch.everything;
        self.waiting.fold(changes_max);
        // Under the queue's lock, so that a delivery that ends now cannot lift the mark.
        marks.add_undelivered(batch.tables(), self.waiting.everything);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_delivery_has_taken_out_waits_until_it_has_arrived() {
        let (pending, marks) = (Pending::new(8), BypassMarks::default());
        let everything = Batch {
            changes: Vec::new(),
            everything: true,
        };
        assert_eq!(pending.push(&everything, &marks), 1);
        let taken = pending.take();
        assert_eq!(pending.len(), 1);
        assert_eq!(pending.put_back(&taken, &marks), 1);
        pending.take();
        assert_eq!(pending.delivered(&marks, Moment(0)), 0);
        assert!(pending.is_empty());
    }
}
