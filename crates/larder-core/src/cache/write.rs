//! The writing shells: invalidation, and the delivery of what could not be delivered.

use crate::{
    Change, DependencyKey, ShapeName, TableKey,
    error::Error,
    machine::{TableDrop, WriteMachine, WriteStep},
    observer::{Cause, Dropped, Event},
    pending::Batch,
    store::{Dependencies, Fault, FaultKind, Removal, Reply, Request},
    sync::lock,
};

use super::Cache;

/// What an invalidation came to.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub enum Invalidation {
    /// Acknowledged by the store (G1). What was dropped, by table.
    Delivered(Vec<TableDrop>),
    /// Queued; the tables bypass in this process until it is delivered (G2).
    Pending,
}

impl Cache {
    /// Drops what these committed changes may have made stale. Call it after COMMIT and before the
    /// write returns (P4).
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped future may leave stale entries. Guard it with
    /// [`Self::enqueue`] where it can be dropped.
    pub async fn invalidate(&self, changes: &[Change], cause: Cause) -> Invalidation {
        self.note(changes);
        let mut machine = self.write_machine(changes);
        let mut step = machine.start();
        loop {
            step = match step {
                WriteStep::Ask(batch) => {
                    let replies = match self.refused() {
                        Some(fault) => Err(fault),
                        None => {
                            let asking = self.shared.stores.shared.exec(self.now(), &batch);
                            self.replies(asking.await)
                        }
                    };
                    machine.replied(replies)
                }
                WriteStep::Done(drops) => {
                    self.remember(&machine);
                    return self.delivered(drops, cause);
                }
                WriteStep::Failed(_) => return self.enqueue(changes),
            }
        }
    }

    /// [`Self::invalidate`] for threads.
    pub fn invalidate_blocking(&self, changes: &[Change], cause: Cause) -> Invalidation {
        self.note(changes);
        match self.try_invalidate_blocking(changes) {
            Ok(drops) => self.delivered(drops, cause),
            Err(_) => self.enqueue(changes),
        }
    }

    /// Drops everything that the store holds for this namespace (P10).
    ///
    /// # Cancel safety
    /// As [`Self::invalidate`].
    pub async fn invalidate_all(&self, cause: Cause) -> Invalidation {
        self.shared.own_drops.note_all(self.now());
        let remove = self.all_records();
        let replies = self.shared.stores.shared.exec(self.now(), &remove).await;
        self.all_dropped(self.replies(replies), cause)
    }

    /// [`Self::invalidate_all`] for threads.
    pub fn invalidate_all_blocking(&self, cause: Cause) -> Invalidation {
        self.shared.own_drops.note_all(self.now());
        let remove = self.all_records();
        let replies = self
            .shared
            .stores
            .blocking
            .exec_blocking(self.now(), &remove);
        self.all_dropped(self.replies(replies), cause)
    }

    /// The shapes in the records of these tables now, one list per table.
    ///
    /// # Errors
    /// The store's fault, or that it is taken to be unreachable.
    pub async fn shapes(&self, tables: Vec<TableKey>) -> Result<Vec<Vec<ShapeName>>, Fault> {
        if let Some(fault) = self.refused() {
            return Err(fault);
        }
        let request = [Request::Records(tables)];
        let asking = self.shared.stores.shared.exec(self.now(), &request);
        shapes_of(self.replies(asking.await)?)
    }

    /// [`Self::shapes`] for threads.
    ///
    /// # Errors
    /// As there.
    pub fn shapes_blocking(&self, tables: Vec<TableKey>) -> Result<Vec<Vec<ShapeName>>, Fault> {
        if let Some(fault) = self.refused() {
            return Err(fault);
        }
        let store = &self.shared.stores.blocking;
        let replies = store.exec_blocking(self.now(), &[Request::Records(tables)]);
        shapes_of(self.replies(replies)?)
    }

    /// Queues changes without I/O: for a write that was sent and whose caller is gone.
    pub fn enqueue(&self, changes: &[Change]) -> Invalidation {
        self.push(&Batch {
            changes: changes.to_vec(),
            everything: false,
        })
    }

    /// Queues the dropping of everything without I/O.
    pub fn enqueue_all(&self) -> Invalidation {
        self.push(&Batch {
            changes: Vec::new(),
            everything: true,
        })
    }

    /// Whether the store is taken to be unreachable.
    pub fn is_store_down(&self) -> bool {
        self.shared.breaker.is_open()
    }

    /// Asks a store that is taken to be unreachable whether it is there again, when it is time to;
    /// `true` = it is.
    pub fn probe_blocking(&self) -> bool {
        let now = self.now();
        if self.is_store_down() && self.shared.breaker.allows(now) {
            let table =
                TableKey(format!("{}probe", TableKey::start(&self.shared.namespace)).into());
            let dependency = [DependencyKey::any_row(table)];
            let lookup = Request::Lookup {
                entry: None,
                dependencies: Dependencies::Read(&dependency),
            };
            let blocking = &self.shared.stores.blocking;
            let _ = self.replies(blocking.exec_blocking(now, &[lookup]));
        }
        !self.is_store_down()
    }

    /// How many changes wait for delivery or are being delivered.
    pub fn pending(&self) -> usize {
        self.shared.pending.len()
    }

    /// Delivers what waits, once.
    ///
    /// # Errors
    /// `Undelivered` when something waits still.
    pub fn deliver_pending_blocking(&self) -> Result<(), Error> {
        let _one_at_a_time = lock(&self.shared.delivering);
        let batch = self.shared.pending.take();
        if batch.changes.is_empty() && !batch.everything {
            return self.settled();
        }
        if let Err(fault) = self.try_deliver(&batch) {
            let changes = self.shared.pending.put_back(&batch, &self.shared.marks);
            self.report(&Event::Pending { changes });
            return Err(fault.into());
        }
        let left = self
            .shared
            .pending
            .delivered(&self.shared.marks, self.now());
        if left == 0 {
            self.report(&Event::Delivered);
        }
        self.settled()
    }

    /// A barrier: when it succeeds, every invalidation so far has reached the store.
    ///
    /// # Errors
    /// `Undelivered` or `Unavailable` when something waits still.
    pub fn flush_blocking(&self) -> Result<(), Error> {
        self.deliver_pending_blocking()
    }

    fn all_records(&self) -> [Request<'static>; 1] {
        let namespace = self.shared.namespace.clone();
        [Request::Remove(vec![Removal::AllRecords(namespace)])]
    }

    fn settled(&self) -> Result<(), Error> {
        match self.shared.pending.is_empty() {
            true => Ok(()),
            false => Err(Error::undelivered("invalidations wait for delivery")),
        }
    }

    fn try_deliver(&self, batch: &Batch) -> Result<(), Fault> {
        if batch.everything {
            let remove = self.all_records();
            let replies = self
                .shared
                .stores
                .blocking
                .exec_blocking(self.now(), &remove);
            let _ = self.replies(replies)?;
            self.shared.own_drops.note_all(self.now());
            self.dropped(
                None,
                Dropped {
                    record: true,
                    ..Dropped::default()
                },
                Cause::Delivery,
            );
        }
        if !batch.changes.is_empty() {
            let drops = self.try_invalidate_blocking(&batch.changes)?;
            let _ = self.delivered(drops, Cause::Delivery);
        }
        Ok(())
    }

    fn try_invalidate_blocking(&self, changes: &[Change]) -> Result<Vec<TableDrop>, Fault> {
        let mut machine = self.write_machine(changes);
        let mut step = machine.start();
        loop {
            step = match step {
                WriteStep::Ask(batch) => {
                    let replies = match self.refused() {
                        Some(fault) => Err(fault),
                        None => {
                            let store = &self.shared.stores.blocking;
                            self.replies(store.exec_blocking(self.now(), &batch))
                        }
                    };
                    machine.replied(replies)
                }
                WriteStep::Done(drops) => {
                    self.remember(&machine);
                    return Ok(drops);
                }
                WriteStep::Failed(fault) => return Err(fault),
            }
        }
    }

    fn write_machine<'a>(&self, changes: &'a [Change]) -> WriteMachine<'a> {
        let machine = WriteMachine::new(changes, self.limits());
        let machine = machine.with_met(|table| self.shared.met.of(table));
        match self.is_remote() {
            true => machine,
            false => machine.one_after_the_other(),
        }
    }

    fn remember(&self, machine: &WriteMachine<'_>) {
        for (table, shapes) in machine.found() {
            self.shared.met.found(table, shapes);
        }
    }

    /// The breaker's own refusal. It is no fault of the store: counted as one, it would put off the
    /// next try, and under steady writes there would be none.
    fn refused(&self) -> Option<Fault> {
        let allows = self.shared.breaker.allows(self.now());
        (!allows).then(|| Fault::new(FaultKind::Unavailable))
    }

    fn replies(&self, replies: Result<Vec<Reply>, Fault>) -> Result<Vec<Reply>, Fault> {
        self.heard(replies.as_ref().err());
        replies
    }

    fn note(&self, changes: &[Change]) {
        if self.is_remote() {
            let tables = changes.iter().map(|change| &change.table_key);
            self.shared.own_drops.note(tables, self.now());
        }
    }

    fn push(&self, batch: &Batch) -> Invalidation {
        match batch.everything {
            true => self.shared.own_drops.note_all(self.now()),
            false => self.note(&batch.changes),
        }
        let changes = self.shared.pending.push(batch, &self.shared.marks);
        self.report(&Event::Pending { changes });
        Invalidation::Pending
    }

    fn all_dropped(&self, replies: Result<Vec<Reply>, Fault>, cause: Cause) -> Invalidation {
        let Ok(replies) = replies else {
            return self.enqueue_all();
        };
        self.shared.own_drops.note_all(self.now());
        let existed = match replies.as_slice() {
            [Reply::Removed { existed }] => *existed,
            _ => 0,
        };
        let dropped = Dropped {
            record: true,
            existed,
            ..Dropped::default()
        };
        self.dropped(None, dropped, cause);
        Invalidation::Delivered(Vec::new())
    }

    fn delivered(&self, drops: Vec<TableDrop>, cause: Cause) -> Invalidation {
        // Until now a reader may have confirmed what is dropped.
        if self.is_remote() {
            let tables = drops.iter().map(|drop| &drop.table);
            self.shared.own_drops.note(tables, self.now());
        }
        for TableDrop { table, dropped } in &drops {
            self.dropped(Some(table), *dropped, cause);
        }
        Invalidation::Delivered(drops)
    }
}

fn shapes_of(replies: Vec<Reply>) -> Result<Vec<Vec<ShapeName>>, Fault> {
    match replies.into_iter().next() {
        Some(Reply::Records(records)) => Ok(records),
        _ => Err(Fault::new(FaultKind::Protocol)),
    }
}
