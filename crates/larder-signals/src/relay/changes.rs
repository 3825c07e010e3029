//! From recorded rows to [`Changes`], through the same closure that writes of our own take.

use std::{collections::BTreeMap, sync::Arc};

use larder_core::{Image, RowChange, Source, Value};
use larder_sql::{
    Catalog, Column, Dialect, Literal, Table, ValueKind,
    catalog::Resolution,
    outbox::{Claimed, Outbox},
    plan::Columns,
};

use super::scalars::{self, Scalar};
use crate::{
    cascade::Closure,
    change_set::{ChangeLimits, Changes},
    event::{Event, EventKind},
    image::{set, unknown},
};

/// What the rows tell; `None` when one is of a table that the catalog does not have, which may hang
/// together with any other.
pub(super) fn of_claimed(
    source: &Source,
    outbox: &Outbox,
    claimed: &[Claimed],
    limits: ChangeLimits,
) -> Option<Changes> {
    let catalog = source.catalog()?;
    let reader = Reader {
        dialect: source.dialect(),
        outbox,
    };
    let mut events: Vec<Event> = Vec::new();
    for row in claimed {
        let table = table_of(&catalog, row)?;
        add(&mut events, reader.event(&table, row));
    }
    let mut closure = Closure::new(source, &catalog, limits);
    events.into_iter().for_each(|event| closure.seed(event));
    Some(closure.finish())
}

fn table_of(catalog: &Catalog, row: &Claimed) -> Option<Arc<Table>> {
    let (schema, name) = row.table.as_ref()?;
    match catalog.resolve(Some(schema), name) {
        Resolution::Known(table) => Some(table),
        _ => None,
    }
}

/// Rows of one kind are one event: the closure tells only so many events apart.
fn add(events: &mut Vec<Event>, event: Event) {
    let same = |known: &&mut Event| {
        known.table.name == event.table.name
            && known.kind == event.kind
            && known.changed == event.changed
    };
    match events.iter_mut().find(same) {
        Some(known) => known.rows.extend(event.rows),
        None => events.push(event),
    }
}

/// What the images of one dialect mean.
#[derive(Clone, Copy)]
struct Reader<'a> {
    dialect: Dialect,
    outbox: &'a Outbox,
}

impl Reader<'_> {
    fn event(self, table: &Arc<Table>, row: &Claimed) -> Event {
        let state = |text: &Option<String>| self.state(table, text.as_deref());
        let (old, new) = (state(&row.old), state(&row.new));
        // In SQLite, INSERT and UPDATE may have replaced rows that fired no trigger.
        let replaces = self.dialect == Dialect::Sqlite;
        let (kind, changed, old, new) = match &*row.operation {
            "INSERT" if !replaces => (EventKind::Insert, Columns::All, None, Some(new.image)),
            "UPDATE" if !replaces => {
                let changed = changed(table, &old, &new);
                (EventKind::Update, changed, Some(old.image), Some(new.image))
            }
            "DELETE" => (EventKind::Delete, Columns::All, Some(old.image), None),
            "TRUNCATE" => return Event::truncate(table),
            _ => return Event::unknown(table),
        };
        Event::rows(table, kind, changed, vec![RowChange { old, new }])
    }

    /// What a text tells of a row; nothing, when it cannot be read.
    fn state(self, table: &Table, text: Option<&str>) -> State {
        let mut state = State {
            image: unknown(table),
            written: BTreeMap::new(),
        };
        let members = text.and_then(scalars::members).unwrap_or_default();
        for (name, scalar) in members {
            let bytes_of = self.outbox.told_in_bytes(&name);
            let position = table.column(bytes_of.unwrap_or(&name));
            let found = position.and_then(|p| Some((p, table.columns.get(p)?)));
            let Some((position, column)) = found else {
                continue;
            };
            let value = match (bytes_of, &scalar) {
                (Some(_), Scalar::Null) => Value::Null,
                (Some(_), _) => Value::Present,
                (None, scalar) => self.value(column, scalar),
            };
            if value != Value::Present || bytes_of.is_some() && self.are_bytes(&scalar) {
                state.written.insert(position, scalar);
            }
            set(&mut state.image, position, Some(value));
        }
        state
    }

    fn are_bytes(self, scalar: &Scalar) -> bool {
        matches!(scalar, Scalar::Text(bytes) if !self.outbox.is_untold(bytes))
    }

    /// The canonical value; "not NULL" for what has none, or was cut.
    fn value(self, column: &Column, scalar: &Scalar) -> Value {
        let value = match (&column.kind, scalar) {
            (_, Scalar::Null) => return Value::Null,
            (ValueKind::Text { .. }, Scalar::Text(text)) => {
                let cut = self.outbox.text_chars_cut();
                let is_whole = cut.is_none_or(|most| text.chars().count() < most);
                let literal = Literal::Text(text.as_str().into());
                let value = || Value::from_literal(column, self.dialect, &literal);
                is_whole.then(value).flatten()
            }
            // A value of the wrong class is how SQLite's trigger says "not told".
            (ValueKind::Text { .. }, _) => None,
            (ValueKind::Integer { .. }, Scalar::Text(_)) if self.dialect == Dialect::Sqlite => None,
            (_, Scalar::Text(text) | Scalar::Number(text)) => spelled(column, text),
            (_, Scalar::Bool(true)) => spelled(column, "true"),
            (_, Scalar::Bool(false)) => spelled(column, "false"),
        };
        value.unwrap_or(Value::Present)
    }
}

/// What is known of a row at one moment.
struct State {
    image: Image,
    /// As it was written, by column, where that tells a change: values that are equal may be shown
    /// differently (R11).
    written: BTreeMap<usize, Scalar>,
}

/// A value as PostgreSQL spells it, and the others too where they have the kind; in JSON, a T
/// stands between date and time.
fn spelled(column: &Column, text: &str) -> Option<Value> {
    let has_time = matches!(
        column.kind,
        ValueKind::Timestamp { .. } | ValueKind::TimestampTz { .. }
    );
    let text = match has_time {
        true => text.replacen('T', " ", 1),
        false => text.to_owned(),
    };
    Value::from_literal(column, Dialect::Postgres, &Literal::Text(text.into()))
}

/// The columns that are not known to be the same before and after.
fn changed(table: &Table, old: &State, new: &State) -> Columns {
    let is_same = |position: &usize| {
        let before = old.written.get(position);
        before.is_some() && before == new.written.get(position)
    };
    let positions = 0..table.columns.len();
    Columns::Some(positions.filter(|position| !is_same(position)).collect())
}
