//! Partitions and inheritance: a write to a table is a write to its ancestors and descendants.
//!
//! The members of a family agree by column *name*; positions may differ.

use std::{collections::BTreeSet, sync::Arc};

use larder_core::{Image, RowChange};
use larder_sql::{Table, TableName, ValueKind, plan::Columns};

use crate::{
    change_set::union,
    event::Event,
    image::{cell, set, unknown},
};

/// The event as another member of the family sees it.
pub(crate) fn carried(event: &Event, member: &Arc<Table>) -> Event {
    let image = |image: &Image| renamed(image, &event.table, member);
    let rows = event
        .rows
        .iter()
        .map(|row| RowChange {
            old: row.old.as_ref().map(image),
            new: row.new.as_ref().map(image),
        })
        .collect();
    Event {
        table: member.clone(),
        kind: event.kind,
        changed: renamed_columns(&event.changed, &event.table, member),
        rows,
        spreads: false,
    }
}

/// The members of a family that descend from `root`.
pub(crate) fn below<'a>(root: &'a TableName, members: &'a [Arc<Table>]) -> BTreeSet<&'a TableName> {
    let mut below = BTreeSet::new();
    loop {
        let found = below.len();
        for member in members {
            if member
                .parents
                .iter()
                .any(|p| p == root || below.contains(p))
            {
                below.insert(&member.name);
            }
        }
        if below.len() == found {
            return below;
        }
    }
}

/// Whether a value moves from a column of kind `a` to one of kind `b` as it is. Kinds that differ
/// in a precision or length may round or cut it (W6).
pub(crate) fn same_class(a: &ValueKind, b: &ValueKind) -> bool {
    match (a, b) {
        (ValueKind::Opaque, _) => false,
        (ValueKind::Integer { .. }, ValueKind::Integer { .. }) => true,
        _ => a == b,
    }
}

fn renamed(image: &Image, from: &Table, to: &Table) -> Image {
    let mut renamed = unknown(to);
    for (position, column) in to.columns.iter().enumerate() {
        let value = from.column(&column.name).and_then(|source| {
            let kind = &from.columns.get(source)?.kind;
            same_class(kind, &column.kind).then(|| cell(image, source).cloned())?
        });
        set(&mut renamed, position, value);
    }
    renamed
}

/// The changed columns by name, with what the member computes by itself.
fn renamed_columns(changed: &Columns, from: &Table, to: &Table) -> Columns {
    let Columns::Some(positions) = changed else {
        return Columns::All;
    };
    let named = positions
        .iter()
        .filter_map(|position| to.column(&from.columns.get(*position)?.name));
    let own = (0..)
        .zip(&to.columns)
        .filter(|(_, c)| c.generated || c.on_update)
        .map(|(p, _)| p);
    union(&Columns::Some(Vec::new()), named.chain(own))
}
