//! The closure of a write over the catalog: foreign key actions, triggers, table families (W1).
//!
//! Seeds are the direct effects of a statement. Each event is followed to the tables that the
//! server may write because of it; an event that is too wide to follow row by row is followed as
//! "unknown rows", and what the catalog cannot resolve ends in [`Changes::Everything`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use larder_core::{Change, ChangeScope, Image, RowChange, Source, Value};
use larder_sql::{
    Catalog, Table, TableName,
    catalog::{ForeignKey, ForeignKeyAction, TableKind},
    outbox,
    plan::Columns,
};

use crate::{
    change_set::{ChangeLimits, Changes, holds, union},
    event::{Event, EventKind},
    family,
    image::{cell, set, unknown},
};

/// Follows events until nothing new comes up.
pub(crate) struct Closure<'a> {
    source: &'a Source,
    catalog: &'a Catalog,
    limits: ChangeLimits,
    open: Vec<Event>,
    seen: Vec<Event>,
    /// Tables whose rows are unknown already, and whether that was carried to their families.
    wide: BTreeMap<TableName, bool>,
    truncated: BTreeSet<TableName>,
    result: Changes,
}

/// Events told apart before the closure goes on with unknown rows. Chains of self-references end
/// far below it: their images run out of known cells and repeat.
const EVENTS_MAX: usize = 128;

impl<'a> Closure<'a> {
    pub(crate) fn new(source: &'a Source, catalog: &'a Catalog, limits: ChangeLimits) -> Self {
        Self {
            source,
            catalog,
            limits,
            open: Vec::new(),
            seen: Vec::new(),
            wide: BTreeMap::new(),
            truncated: BTreeSet::new(),
            result: Changes::none(),
        }
    }

    /// Whether a BEFORE trigger or a rule may store other values than were sent (W6, W7).
    pub(crate) fn rewrites_rows(&self, table: &Table, kind: EventKind) -> bool {
        let rewrites = |member: &Table| {
            member.has_rules || member.triggers.iter().any(|t| t.before && kind.fires(t))
        };
        let family = self.catalog.family(&table.name);
        rewrites(table) || family.iter().any(|member| rewrites(member))
    }

    /// Whether the table has neither ancestors nor descendants.
    pub(crate) fn stands_alone(&self, table: &Table) -> bool {
        self.catalog
            .family(&table.name)
            .iter()
            .all(|member| member.name == table.name)
    }

    pub(crate) fn seed(&mut self, event: Event) {
        self.open.push(event);
    }

    /// The changes of all seeds and of everything that follows from them.
    pub(crate) fn finish(mut self) -> Changes {
        while let Some(event) = self.open.pop() {
            if let Some(event) = self.admit(event) {
                self.follow(&event);
                // What nothing comes after need not be remembered.
                if !self.open.is_empty() && !event.kind.is_wide() {
                    self.seen.push(event.clone());
                }
                self.take(event);
            }
            if matches!(self.result, Changes::Everything) {
                return Changes::Everything;
            }
        }
        self.result
    }

    /// Takes an event in, unless it was taken in before; widens it at the bounds.
    fn admit(&mut self, mut event: Event) -> Option<Event> {
        let too_many = self.seen.len() >= EVENTS_MAX || event.rows.len() > self.limits.rows_max;
        if too_many && !event.kind.is_wide() {
            event.kind = EventKind::Unknown;
        }
        let name = &event.table.name;
        let covered = self
            .wide
            .get(name)
            .is_some_and(|spread| *spread || !event.spreads);
        if event.kind.is_wide() {
            event.rows.clear();
            event.changed = Columns::All;
            let truncates =
                event.kind == EventKind::Truncate && self.truncated.insert(name.clone());
            *self.wide.entry(name.clone()).or_default() |= event.spreads;
            return (!covered || truncates).then_some(event);
        }
        (!covered && !self.seen.contains(&event)).then_some(event)
    }

    fn follow(&mut self, event: &Event) {
        // Rules rewrite statements in ways the catalog does not tell; an INSTEAD OF trigger stands
        // behind a view that analysis could not take apart.
        if event.table.has_rules || matches!(event.table.kind, TableKind::View { .. }) {
            self.result = Changes::Everything;
            return;
        }
        self.follow_triggers(event);
        if event.spreads {
            self.follow_family(event);
        }
        for (child, key) in self.catalog.children_of(&event.table.name) {
            if !event.spreads && self.copies_a_key_to_an_ancestor(child, key) {
                continue;
            }
            if event.kind == EventKind::Truncate {
                self.open.push(Event::truncate(child));
            } else if let Some(caused) = self.caused(event, child, key) {
                self.open.push(caused);
            }
        }
    }

    /// Adds the event's own effect to the result. The outbox is never cached, and every write to a
    /// table with its triggers writes it too.
    fn take(&mut self, event: Event) {
        let is_nothing = event.rows.is_empty() && !event.kind.is_wide();
        if is_nothing || outbox::is_outbox(&event.table.name) {
            return;
        }
        let scope = if event.kind.is_wide() {
            ChangeScope::Record
        } else {
            ChangeScope::Rows {
                changed: event.changed,
                rows: event.rows,
            }
        };
        let change = Change {
            table_key: self.source.table_key(&event.table.name),
            table: Some(event.table),
            scope,
        };
        self.result
            .merge(Changes::Tables(vec![change]), self.limits);
    }

    /// Triggers: the records of the tables that their bodies write, or everything.
    fn follow_triggers(&mut self, event: &Event) {
        for trigger in event.table.triggers.iter().filter(|t| event.kind.fires(t)) {
            let Some(written) = &trigger.writes else {
                self.result = Changes::Everything;
                return;
            };
            for name in written {
                match self.catalog.table(name) {
                    Some(table) => self.open.push(Event::unknown(table)),
                    None => {
                        let record = Changes::record(self.source.table_key(name), None);
                        self.result.merge(record, self.limits);
                    }
                }
            }
        }
    }

    fn follow_family(&mut self, event: &Event) {
        let members = self.catalog.family(&event.table.name);
        let below = match event.kind {
            EventKind::Update => family::below(&event.table.name, members),
            _ => BTreeSet::new(),
        };
        for member in members.iter().filter(|m| m.name != event.table.name) {
            // An update of the root may move a row: one partition loses it, another gets it.
            self.open.push(if below.contains(&member.name) {
                Event {
                    spreads: false,
                    ..Event::unknown(member)
                }
            } else {
                family::carried(event, member)
            });
        }
    }

    /// Whether a foreign key is the server's own copy, for a partition, of one that references an
    /// ancestor: the event of the ancestor has followed that one.
    fn copies_a_key_to_an_ancestor(&self, child: &Table, key: &ForeignKey) -> bool {
        let family = self.catalog.family(&key.parent);
        child.foreign_keys.iter().any(|other| {
            other.columns == key.columns
                && family::below(&other.parent, family).contains(&key.parent)
        })
    }

    /// What the event does to a child table through one foreign key; its images know only the key.
    fn caused(&self, event: &Event, child: &Arc<Table>, key: &ForeignKey) -> Option<Event> {
        let parent: Vec<Option<usize>> = key
            .parent_columns
            .iter()
            .map(|name| event.table.column(name))
            .collect();
        let action = match event.kind {
            EventKind::Insert => return None,
            EventKind::Delete => key.on_delete,
            EventKind::Update => {
                let touched = |p: &Option<usize>| p.is_none_or(|p| holds(&event.changed, p));
                if !parent.is_empty() && !parent.iter().any(touched) {
                    return None;
                }
                // A row that moves between partitions may count as deleted.
                if key.on_delete != ForeignKeyAction::Nothing && !self.stands_alone(&event.table) {
                    return Some(Event::unknown(child));
                }
                key.on_update
            }
            EventKind::Truncate | EventKind::Unknown => {
                let acts = [key.on_delete, key.on_update] != [ForeignKeyAction::Nothing; 2];
                return acts.then(|| Event::unknown(child));
            }
        };
        let deletes = event.kind == EventKind::Delete && action == ForeignKeyAction::Cascade;
        let link = Link {
            event,
            child,
            key,
            parent,
        };
        match action {
            ForeignKeyAction::Nothing => None,
            _ if deletes => Some(Event::rows(
                child,
                EventKind::Delete,
                Columns::All,
                link.rows(|_| None),
            )),
            _ => Some(self.rewritten_child(&link, action)),
        }
    }

    /// CASCADE on update, SET NULL or SET DEFAULT: the key of the child's rows changes.
    fn rewritten_child(&self, link: &Link<'_>, action: ForeignKeyAction) -> Event {
        let child = link.child;
        let rewrites = self.rewrites_rows(child, EventKind::Update);
        let rows = link.rows(|row| {
            let new = match action {
                ForeignKeyAction::Cascade if !rewrites => link.image(row.new.as_ref()),
                // Of a key of several columns, PostgreSQL may null only some.
                ForeignKeyAction::SetNull if !rewrites && link.key.columns.len() == 1 => {
                    let mut image = unknown(child);
                    link.key
                        .columns
                        .iter()
                        .for_each(|column| set(&mut image, *column, Some(Value::Null)));
                    image
                }
                _ => unknown(child),
            };
            Some(new)
        });
        let changed = if rewrites {
            Columns::All
        } else {
            let follows = |c: &larder_sql::Column| c.generated || c.on_update;
            let following = (0..)
                .zip(&child.columns)
                .filter(|(_, c)| follows(c))
                .map(|(p, _)| p);
            union(
                &Columns::Some(Vec::new()),
                link.key.columns.iter().copied().chain(following),
            )
        };
        Event::rows(child, EventKind::Update, changed, rows)
    }
}

/// One foreign key between the table of an event and a child.
struct Link<'a> {
    event: &'a Event,
    child: &'a Arc<Table>,
    key: &'a ForeignKey,
    /// The referenced columns by position; `None` when the parent has no such column.
    parent: Vec<Option<usize>>,
}

impl Link<'_> {
    /// The child's row changes: one per parent row, without repetition.
    fn rows(&self, new: impl Fn(&RowChange) -> Option<Image>) -> Vec<RowChange> {
        let mut rows: Vec<RowChange> = Vec::new();
        for row in &self.event.rows {
            let change = RowChange {
                old: Some(self.image(row.old.as_ref())),
                new: new(row),
            };
            if rows.last() != Some(&change) {
                rows.push(change);
            }
        }
        rows
    }

    /// The child's image that a parent image implies.
    fn image(&self, parent: Option<&Image>) -> Image {
        let mut image = unknown(self.child);
        // A self-reference may use one column twice; the last one known stands.
        for (column, position) in self.key.columns.iter().zip(&self.parent) {
            let value = position.and_then(|position| {
                let from = self.event.table.columns.get(position)?;
                let to = self.child.columns.get(*column)?;
                family::same_class(&from.kind, &to.kind).then_some(())?;
                cell(parent?, position).cloned()
            });
            set(&mut image, *column, value);
        }
        image
    }
}

#[cfg(test)]
mod tests;
