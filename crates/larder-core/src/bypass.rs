//! Tables that this process must not read from the cache: an invalidation of theirs waits for
//! delivery (G2), or a write of theirs has no known outcome (W4).

use std::{
    collections::{HashMap, HashSet},
    sync::{
        RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    TableKey,
    clock::Moment,
    observer::BypassReason,
    sync::{read, write},
};

/// Uncertain writes marked one by one; above, they fold into one mark on all tables.
const UNCERTAIN_MAX: usize = 1_000;

/// The marks of one process.
#[derive(Debug, Default)]
pub struct BypassMarks {
    /// Whether there may be any mark: the hit path looks at nothing else.
    any: AtomicBool,
    marks: RwLock<Marks>,
}

/// Names one mark of an uncertain write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MarkId(u64);

#[derive(Debug, Default)]
struct Marks {
    undelivered: HashSet<TableKey>,
    undelivered_all: bool,
    uncertain: HashMap<MarkId, Uncertain>,
    /// Folded marks: all tables until then.
    uncertain_all: Option<Moment>,
    next_id: u64,
}

#[derive(Debug)]
struct Uncertain {
    /// `None` = all tables.
    tables: Option<Vec<TableKey>>,
    until: Moment,
}

impl BypassMarks {
    /// Why reads of one of these tables bypass at `now`.
    pub fn reason<'a>(
        &self,
        mut tables: impl Iterator<Item = &'a TableKey>,
        now: Moment,
    ) -> Option<BypassReason> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let marks = read(&self.marks);
        if marks.undelivered_all {
            return Some(BypassReason::Undelivered);
        }
        if marks.uncertain_all.is_some_and(|until| now < until) {
            return Some(BypassReason::Uncertain);
        }
        tables.find_map(|table| marks.reason(table, now))
    }

    /// Marks tables whose write has no known outcome, until then. `None` = all tables.
    pub fn mark_uncertain(
        &self,
        tables: Option<Vec<TableKey>>,
        until: Moment,
        now: Moment,
    ) -> MarkId {
        let mut marks = write(&self.marks);
        marks.uncertain.retain(|_, mark| now < mark.until);
        marks.next_id += 1;
        let id = MarkId(marks.next_id);
        if marks.uncertain.len() < UNCERTAIN_MAX {
            marks.uncertain.insert(id, Uncertain { tables, until });
        } else {
            marks.uncertain_all = marks.uncertain_all.max(Some(until));
        }
        self.any.store(true, Ordering::Release);
        id
    }

    /// Removes a mark: the outcome is known and its invalidation delivered.
    pub fn lift(&self, id: MarkId, now: Moment) {
        let mut marks = write(&self.marks);
        marks.uncertain.remove(&id);
        self.settle(&mut marks, now);
    }

    /// Makes the undelivered tables exactly these.
    pub(crate) fn set_undelivered(&self, tables: HashSet<TableKey>, all: bool, now: Moment) {
        let mut marks = write(&self.marks);
        marks.undelivered = tables;
        marks.undelivered_all = all;
        self.settle(&mut marks, now);
    }

    /// Adds undelivered tables.
    pub(crate) fn add_undelivered<'a>(
        &self,
        tables: impl Iterator<Item = &'a TableKey>,
        all: bool,
    ) {
        let mut marks = write(&self.marks);
        marks.undelivered.extend(tables.cloned());
        marks.undelivered_all |= all;
        self.any.store(true, Ordering::Release);
    }

    fn settle(&self, marks: &mut Marks, now: Moment) {
        marks.uncertain.retain(|_, mark| now < mark.until);
        marks.uncertain_all = marks.uncertain_all.filter(|until| now < *until);
        let any = marks.undelivered_all
            || !marks.undelivered.is_empty()
            || !marks.uncertain.is_empty()
            || marks.uncertain_all.is_some();
        self.any.store(any, Ordering::Release);
    }
}

impl Marks {
    fn reason(&self, table: &TableKey, now: Moment) -> Option<BypassReason> {
        if self.undelivered.contains(table) {
            return Some(BypassReason::Undelivered);
        }
        let covers = |mark: &Uncertain| {
            now < mark.until
                && mark
                    .tables
                    .as_ref()
                    .is_none_or(|tables| tables.contains(table))
        };
        self.uncertain
            .values()
            .any(covers)
            .then_some(BypassReason::Uncertain)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(name: &str) -> TableKey {
        TableKey(name.into())
    }

    #[test]
    fn an_uncertain_table_bypasses_until_lifted_or_over() {
        let marks = BypassMarks::default();
        let (now, later) = (Moment(0), Moment(0) + Duration::from_secs(1));
        let id = marks.mark_uncertain(Some(vec![key("a")]), later, now);
        let reason = |name: &str, now| marks.reason([key(name)].iter(), now);
        assert_eq!(reason("a", now), Some(BypassReason::Uncertain));
        assert_eq!(reason("b", now), None);
        assert_eq!(reason("a", later), None);
        marks.lift(id, now);
        assert_eq!(reason("a", now), None);
    }

    #[test]
    fn more_uncertain_writes_than_remembered_mark_all_tables() {
        let marks = BypassMarks::default();
        for _ in 0..=UNCERTAIN_MAX {
            marks.mark_uncertain(Some(vec![key("a")]), Moment(9), Moment(0));
        }
        assert_eq!(
            marks.reason([key("b")].iter(), Moment(1)),
            Some(BypassReason::Uncertain)
        );
        assert_eq!(marks.reason([key("b")].iter(), Moment(9)), None);
    }

    #[test]
    fn an_undelivered_table_bypasses_until_delivered() {
        let marks = BypassMarks::default();
        marks.add_undelivered([key("a")].iter(), false);
        let reason = |name: &str| marks.reason([key(name)].iter(), Moment(0));
        assert_eq!(reason("a"), Some(BypassReason::Undelivered));
        assert_eq!(reason("b"), None);
        marks.set_undelivered(HashSet::new(), false, Moment(0));
        assert_eq!(reason("a"), None);
    }
}
