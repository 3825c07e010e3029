//! From a write plan, its parameters and what the server returned to [`Changes`].
//!
//! The rules are W1, W2, W6 and W7: a value counts as known only where the server says so or the
//! column stores exactly what was sent; everything else is unknown, and unknown drops more.

use larder_core::{Image, Param, Prepared, RowChange, Source, Value};
use larder_sql::{
    Dialect, Plan, Table,
    plan::{Assignment, Columns, NewRows, Part, WriteOperation, WritePlan, WriteTarget},
};

use crate::{
    cascade::Closure,
    change_set::{ChangeLimits, Changes, holds, union},
    event::{Event, EventKind},
    image::{Bound, cell, filled, projected, restricted, set, unknown},
};

/// What the server told about the rows of a write.
///
/// An image's cells are by column position of the *written table*; the plan's `returning` maps
/// result columns to them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Returned<'a> {
    /// Nothing: no RETURNING, or its rows were not read.
    Nothing,
    /// Every row of RETURNING, read to the end.
    All(&'a [Image]),
    /// Rows of RETURNING of which some may be missing (a terminal that reads one row). They count
    /// only where the statement cannot have touched more.
    Some(&'a [Image]),
    /// The rows as [`RowsBefore`](crate::RowsBefore) found them, all of them. They count only where
    /// the statement has matched as many (W3).
    Before {
        /// Before the statement.
        old: &'a [Image],
        /// How many rows the statement has matched, changed or not.
        matched: Matched,
        /// Every row of RETURNING, or none.
        new: &'a [Image],
    },
    /// The AUTO_INCREMENT value that MySQL reports for the statement. It counts only for an INSERT
    /// of one row that leaves that column out.
    InsertId(u64),
}

/// How many rows a statement has matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Matched {
    /// So many.
    Exactly(usize),
    /// So many and maybe more: a terminal has read one row.
    AtLeast(usize),
}

/// What a statement may have changed, direct effects and the closure over cascades, triggers and
/// table families.
///
/// # Staleness
///
/// The result covers every table that the statement can have written as the catalog knows it;
/// whatever the catalog cannot resolve comes back as [`Changes::Everything`].
#[must_use]
pub fn changes_of(
    source: &Source,
    prepared: &Prepared,
    params: &[Param<'_>],
    returned: Returned<'_>,
    limits: ChangeLimits,
) -> Changes {
    of_plan(source, prepared.plan(), params, returned, limits)
}

/// [`changes_of`] for a plan that no source has prepared.
pub(crate) fn of_plan(
    source: &Source,
    plan: &Plan,
    params: &[Param<'_>],
    returned: Returned<'_>,
    limits: ChangeLimits,
) -> Changes {
    let parts = &plan.parts;
    // RETURNING belongs to one statement; with several its rows cannot be told apart.
    let returned = if parts.len() == 1 {
        returned
    } else {
        Returned::Nothing
    };
    let mut changes = Changes::none();
    for part in parts {
        let more = match part {
            Part::Read(_)
            | Part::Transaction(_)
            | Part::Session
            | Part::Setting
            | Part::Neutral => continue,
            Part::Write(plan) => of_write(source, plan, params, returned, limits),
            // DDL, text that was not understood, and whatever is new.
            _ => Changes::Everything,
        };
        changes.merge(more, limits);
    }
    changes
}

fn of_write(
    source: &Source,
    plan: &WritePlan,
    params: &[Param<'_>],
    returned: Returned<'_>,
    limits: ChangeLimits,
) -> Changes {
    if plan.unknown_scope.is_some() {
        return Changes::Everything;
    }
    // Without a catalog the foreign keys are unknown too.
    let Some(catalog) = source.catalog() else {
        return Changes::Everything;
    };
    let returned = if plan.targets.len() == 1 {
        returned
    } else {
        Returned::Nothing
    };
    let mut closure = Closure::new(source, &catalog, limits);
    let bound = Bound {
        dialect: source.dialect(),
        params,
    };
    for target in &plan.targets {
        let rewritten = closure.rewrites_rows(&target.table, EventKind::of(target.operation));
        let alone = closure.stands_alone(&target.table);
        let write = Write {
            target,
            bound,
            returned,
            rewritten,
            alone,
            limits,
        };
        for event in write.events() {
            closure.seed(event);
        }
    }
    closure.finish()
}

/// One target of a write with all that is known about it.
struct Write<'a> {
    target: &'a WriteTarget,
    bound: Bound<'a>,
    returned: Returned<'a>,
    /// A BEFORE trigger may store other values than were sent (W6, W7).
    rewritten: bool,
    /// The table has neither ancestors nor descendants, so that its primary key is unique.
    alone: bool,
    limits: ChangeLimits,
}

impl Write<'_> {
    fn table(&self) -> &Table {
        &self.target.table
    }

    fn events(&self) -> Vec<Event> {
        match self.known_before() {
            Some(old) if self.target.operation == WriteOperation::Update => self.updated_from(old),
            Some(old) => {
                let rows = old.iter().cloned().map(removed).collect();
                vec![self.event_of(Columns::All, Some(rows))]
            }
            None => vec![self.event()],
        }
    }

    /// The rows before the statement, when it is certain that they are all that it has written (W3).
    fn known_before(&self) -> Option<&[Image]> {
        let Returned::Before { old, matched, .. } = self.returned else {
            return None;
        };
        let certain = self.target.chosen.is_some()
            && self.alone
            && !self.rewritten
            && !self.table().conflict_replaces
            && old.len() <= self.limits.rows_max
            && match matched {
                Matched::Exactly(matched) => old.len() == matched,
                Matched::AtLeast(matched) => {
                    let pins = self.bound.pins(self.table(), &self.target.old);
                    old.len() == matched && self.single(&pins).is_some_and(|most| matched <= most)
                }
            };
        certain.then_some(old)
    }

    /// An event for each set of columns that has changed in a row: a column that was set to what it
    /// was has not.
    fn updated_from(&self, old: &[Image]) -> Vec<Event> {
        let changed = self.changed();
        let stored = self.stored_row();
        // Triggers fire whether or not there is a row.
        let mut events = vec![self.event_of(changed.clone(), Some(Vec::new()))];
        for row in old {
            let row = &restricted(self.table(), row, |_| true);
            let kept = restricted(self.table(), row, |column| !holds(&changed, column));
            let new = match self.returned_for(row) {
                Some(returned) => filled(&filled(returned, &stored), &kept),
                None => filled(&stored, &kept),
            };
            let Some(changed) = self.really_changed(&changed, row, &new) else {
                continue;
            };
            let change = RowChange {
                old: Some(row.clone()),
                new: Some(new),
            };
            match events.iter_mut().find(|event| event.changed == changed) {
                Some(event) => event.rows.push(change),
                None => events.push(self.event_of(changed, Some(vec![change]))),
            }
        }
        events
    }

    /// The columns that differ as a client receives them (R11); `None` = the row is what it was.
    fn really_changed(&self, changed: &Columns, old: &Image, new: &Image) -> Option<Columns> {
        let table = self.table();
        let Columns::Some(changed) = changed else {
            return Some(Columns::All);
        };
        let same = |column: usize| {
            let kind = table.columns.get(column).map(|it| &it.kind);
            kind.is_some_and(|kind| kind.is_told_by_its_value(self.bound.dialect))
                && cell(old, column).is_some_and(|value| *value != Value::Present)
                && cell(old, column) == cell(new, column)
        };
        // What the server computes changes only with something else, unless it is set by hand.
        let computed = |column: usize| {
            let by_hand = self.target.set.contains(&column);
            let column = table.columns.get(column);
            !by_hand && column.is_some_and(|it| it.generated || it.on_update)
        };
        let differ: Vec<usize> = changed.iter().copied().filter(|it| !same(*it)).collect();
        (!differ.iter().all(|column| computed(*column))).then_some(Columns::Some(differ))
    }

    /// The row of RETURNING that this one has become, by its key.
    fn returned_for(&self, old: &Image) -> Option<&Image> {
        let Returned::Before { new, .. } = self.returned else {
            return None;
        };
        let key = &self.table().primary_key;
        let is_same = |new: &&Image| {
            let equal = |column: &usize| {
                is_told(old, *column)
                    && cell(old, *column) == cell(new, *column)
                    && !holds(&self.target.changed, *column)
            };
            !key.is_empty() && key.iter().all(equal)
        };
        new.iter().find(is_same)
    }

    fn event(&self) -> Event {
        let (changed, rows) = match self.target.operation {
            // A declared ON CONFLICT REPLACE deletes other rows than the statement names.
            _ if self.table().conflict_replaces => (Columns::All, None),
            WriteOperation::Insert => (Columns::All, self.inserted()),
            WriteOperation::Update => self.updated(),
            WriteOperation::Delete => (Columns::All, self.deleted()),
            _ => (Columns::All, None),
        };
        self.event_of(changed, rows)
    }

    fn event_of(&self, changed: Columns, rows: Option<Vec<RowChange>>) -> Event {
        let kind = EventKind::of(self.target.operation);
        match rows.filter(|rows| rows.len() <= self.limits.rows_max) {
            Some(rows) => Event::rows(&self.target.table, kind, changed, rows),
            None if kind == EventKind::Truncate => Event::truncate(&self.target.table),
            None => Event::unknown(&self.target.table),
        }
    }

    fn inserted(&self) -> Option<Vec<RowChange>> {
        let values: Vec<Image> = match &self.target.new {
            NewRows::Assigned(rows) if rows.len() > self.limits.rows_max => return None,
            NewRows::Assigned(rows) => rows.iter().map(|row| self.stored(row)).collect(),
            _ => Vec::new(),
        };
        let at_most = (!values.is_empty()).then_some(values.len());
        let images = match self.complete_rows(at_most) {
            Some(returned) => self.joined(returned, values),
            // INSERT .. SELECT without RETURNING: rows of which nothing is known.
            None if values.is_empty() => vec![unknown(self.table())],
            None => self.with_insert_id(values),
        };
        Some(
            images
                .into_iter()
                .map(|new| RowChange {
                    old: None,
                    new: Some(new),
                })
                .collect(),
        )
    }

    /// Returned rows completed from VALUES. Nothing promises that RETURNING keeps the order of
    /// VALUES, so each returned row is joined with every VALUES row.
    fn joined(&self, returned: Vec<Image>, values: Vec<Image>) -> Vec<Image> {
        let missing = |column: usize| returned.iter().any(|row| cell(row, column).is_none());
        let values = projected(self.table(), &values, missing);
        if values.is_empty() || values.len().saturating_mul(returned.len()) > self.limits.rows_max {
            // Both lists stand for all rows, each with what it knows.
            return returned.into_iter().chain(values).collect();
        }
        let joined = returned
            .iter()
            .flat_map(|row| values.iter().map(|v| filled(row, v)));
        joined.collect()
    }

    fn with_insert_id(&self, mut values: Vec<Image>) -> Vec<Image> {
        if let (Some((column, id)), [image], NewRows::Assigned(rows)) =
            (self.insert_id(), values.as_mut_slice(), &self.target.new)
            && rows.iter().flatten().all(|a| a.column != column)
        {
            set(image, column, Some(Value::Int(i128::from(id))));
        }
        values
    }

    /// The column that MySQL's generated key went to, and the key.
    fn insert_id(&self) -> Option<(usize, u64)> {
        let Returned::InsertId(id) = self.returned else {
            return None;
        };
        let mut columns = self
            .table()
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| c.auto_increment);
        let (column, known) = (columns.next()?, columns.next().is_none());
        let integer = matches!(column.1.kind, larder_sql::ValueKind::Integer { .. });
        let certain = known && integer && !self.rewritten && id > 0;
        (certain && self.bound.dialect == Dialect::MySql).then_some((column.0, id))
    }

    fn updated(&self) -> (Columns, Option<Vec<RowChange>>) {
        let (changed, stored) = (self.changed(), self.stored_row());
        let pins = self.bound.pins(self.table(), &self.target.old);
        let unchanged = |column: usize| !holds(&changed, column);
        let rows = match self.complete_rows(self.single(&pins)) {
            None => pins
                .iter()
                .map(|pin| {
                    // A cell outside `changed` is the same before and after.
                    let kept = restricted(self.table(), pin, unchanged);
                    RowChange {
                        old: Some(pin.clone()),
                        new: Some(filled(&stored, &kept)),
                    }
                })
                .collect(),
            Some(returned) => self.paired(&returned, &pins, unchanged, |row| filled(row, &stored)),
        };
        (changed, Some(rows))
    }

    /// The one list of assignments of an UPDATE.
    fn assignments(&self) -> Option<&[Assignment]> {
        match &self.target.new {
            NewRows::Assigned(rows) => match rows.as_slice() {
                [row] => Some(row),
                _ => None,
            },
            _ => None,
        }
    }

    /// What an UPDATE may change (W7).
    fn changed(&self) -> Columns {
        if self.rewritten {
            return Columns::All;
        }
        let assigned = self.assignments().into_iter().flatten();
        union(&self.target.changed, assigned.map(|it| it.column))
    }

    /// The new row as an UPDATE tells it.
    fn stored_row(&self) -> Image {
        let row = self.assignments();
        row.map_or_else(|| unknown(self.table()), |row| self.stored(row))
    }

    fn deleted(&self) -> Option<Vec<RowChange>> {
        let pins = self.bound.pins(self.table(), &self.target.old);
        let rows = match self.complete_rows(self.single(&pins)) {
            None => pins.into_iter().map(removed).collect(),
            Some(returned) => {
                let mut rows = self.paired(&returned, &pins, |_| true, Image::clone);
                rows.iter_mut().for_each(|row| row.new = None);
                rows
            }
        };
        Some(rows)
    }

    /// Returned rows with old images: cells that `same` admits are as returned, the others as a pin
    /// tells. Which row had which pin is unknown, so each row meets every pin.
    fn paired(
        &self,
        returned: &[Image],
        pins: &[Image],
        same: impl Fn(usize) -> bool,
        new: impl Fn(&Image) -> Image,
    ) -> Vec<RowChange> {
        let table = self.table();
        let open =
            |column: usize| !same(column) || returned.iter().any(|row| cell(row, column).is_none());
        let mut pins = projected(table, pins, open);
        if pins.len().saturating_mul(returned.len()) > self.limits.rows_max {
            pins = vec![unknown(table)];
        }
        let mut rows = Vec::with_capacity(pins.len() * returned.len());
        for row in returned {
            let old = restricted(table, row, &same);
            for pin in &pins {
                let kept = restricted(table, pin, &same);
                rows.push(RowChange {
                    old: Some(filled(&old, pin)),
                    new: Some(filled(&new(row), &kept)),
                });
            }
        }
        rows
    }

    /// The returned rows, when they are certain to be all. An empty result tells nothing: that no
    /// row came back is not "nothing happened".
    fn complete_rows(&self, rows_at_most: Option<usize>) -> Option<Vec<Image>> {
        let rows = match self.returned {
            Returned::All(rows) => rows,
            Returned::Some(rows) if rows_at_most.is_some_and(|n| rows.len() >= n) => rows,
            _ => return None,
        };
        (!rows.is_empty()).then(|| {
            rows.iter()
                .map(|row| restricted(self.table(), row, |_| true))
                .collect()
        })
    }

    /// One row at most, when the WHERE pins the whole primary key to one value.
    fn single(&self, pins: &[Image]) -> Option<usize> {
        let [pin] = pins else { return None };
        let key = &self.table().primary_key;
        let pinned = |column: &usize| is_told(pin, *column);
        (self.alone && !key.is_empty() && key.iter().all(pinned)).then_some(1)
    }

    /// A new row as VALUES or SET tell it (W6).
    fn stored(&self, row: &[Assignment]) -> Image {
        if self.rewritten {
            return unknown(self.table());
        }
        let mut image = self.bound.assigned(self.table(), row);
        for (position, column) in self.table().columns.iter().enumerate() {
            if column.generated {
                set(&mut image, position, None);
            }
        }
        image
    }
}

fn removed(old: Image) -> RowChange {
    RowChange {
        old: Some(old),
        new: None,
    }
}

/// Whether a cell holds one value that is known.
fn is_told(image: &Image, column: usize) -> bool {
    cell(image, column).is_some_and(|value| !matches!(value, Value::Null | Value::Present))
}

#[cfg(test)]
mod tests;
