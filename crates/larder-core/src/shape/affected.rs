//! What a change does to a shape.

use larder_sql::{Table, plan::Columns};

use super::{Asked, Kind, Shape, ShapeName, digest_of};
use crate::{
    Change, ChangeScope, Image, RowChange, TableKey, Value,
    key::{Digest, Fields},
    value::Canonical,
};

/// What a change asks a writer to drop for one shape of the table record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Affected {
    /// Nothing: no row and no column of this shape.
    Untouched,
    /// The stamps of these values, sorted and without repetition. Never empty.
    Values(Vec<Digest>),
    /// The shape's own field, and with it every value.
    Whole,
    /// The whole table record: unknown rows, or a name that this process cannot vouch for.
    Record,
}

impl ShapeName {
    /// What `change` does to this shape (design §5; W1, W2, R11, P11).
    pub fn affected_by(&self, change: &Change) -> Affected {
        ReadyShape::new(self, &change.table_key, change.table.as_deref()).affected_by(change)
    }
}

/// A shape of one table's record as a writer reads it with its catalog: all of its answers but what
/// depends on the change.
#[derive(Debug)]
pub(crate) struct ReadyShape {
    name: ShapeName,
    /// `None` = the catalog does not know the table, or disagrees with the name (P11).
    resolved: Option<Resolved>,
    /// The digest of its values before the values.
    fields: Fields,
}

impl ReadyShape {
    pub(crate) fn new(name: &ShapeName, key: &TableKey, table: Option<&Table>) -> Self {
        Self {
            name: name.clone(),
            resolved: table.and_then(|table| Resolved::new(name, table)),
            fields: Shape::fields(key, name),
        }
    }

    pub(crate) fn name(&self) -> &ShapeName {
        &self.name
    }

    /// [`ShapeName::affected_by`], of a change of the table that it was read with.
    pub(crate) fn affected_by(&self, change: &Change) -> Affected {
        let (ChangeScope::Rows { changed, rows }, Some(resolved)) = (&change.scope, &self.resolved)
        else {
            return Affected::Record;
        };
        let mut digests = Vec::new();
        for row in rows {
            match resolved.row(row, changed, &self.fields, &mut digests) {
                Touch::Known => {}
                Touch::Unknown => return Affected::Whole,
                Touch::Disagrees => return Affected::Record,
            }
        }
        digests.sort_unstable();
        digests.dedup();
        if digests.is_empty() {
            Affected::Untouched
        } else {
            Affected::Values(digests)
        }
    }
}

/// What one image says about a shape's conditions.
enum Touch {
    /// Its digest was added, or it cannot satisfy the conditions.
    Known,
    /// A condition column is not known, and no known one excludes the row (W2).
    Unknown,
    /// A value is not of the kind that the name promises.
    Disagrees,
}

/// A shape whose columns were found in the writer's catalog.
#[derive(Debug)]
struct Resolved {
    conditions: Vec<(usize, Asked)>,
    watched: Option<Vec<usize>>,
}

impl Resolved {
    /// `None` when name and catalog disagree about a column or its kind (P11).
    fn new(name: &ShapeName, table: &Table) -> Option<Self> {
        let position = |name: &str| {
            table
                .columns
                .iter()
                .position(|column| *column.name == *name)
        };
        let shape = name.parse()?;
        let conditions = shape
            .conditions
            .iter()
            .map(|(name, asked)| {
                let at = position(name)?;
                let agrees = match asked {
                    Asked::Null => true,
                    Asked::Equal(kind) => Kind::of(&table.columns.get(at)?.kind) == Some(*kind),
                };
                agrees.then_some((at, *asked))
            })
            .collect::<Option<_>>()?;
        let watched = match &shape.watched {
            None => None,
            Some(names) => Some(
                names
                    .iter()
                    .map(|name| position(name))
                    .collect::<Option<_>>()?,
            ),
        };
        Some(Self {
            conditions,
            watched,
        })
    }

    fn row(
        &self,
        row: &RowChange,
        changed: &Columns,
        fields: &Fields,
        digests: &mut Vec<Digest>,
    ) -> Touch {
        let stays = match (&row.old, &row.new) {
            // A column outside `changed` has one value in both images.
            (Some(old), Some(new)) => {
                if !self.is_touched_by(changed) {
                    return Touch::Known;
                }
                Some((old, new))
            }
            // A row that comes or goes changes every column, whatever `changed` says.
            _ => None,
        };
        let mut before: Option<Side<'_>> = None;
        for (image, other) in [
            (&row.old, stays.map(|(_, new)| new)),
            (&row.new, stays.map(|(old, _)| old)),
        ] {
            let Some(image) = image else { continue };
            if self.conditions.is_empty() {
                return Touch::Unknown;
            }
            let side = Side {
                image,
                other,
                changed,
            };
            // Mostly no condition is among what changes, and both sides have one digest.
            let mut columns = self.conditions.iter().map(|(column, _)| *column);
            if before.is_some_and(|before| columns.all(|it| before.cell(it) == side.cell(it))) {
                continue;
            }
            match self.digest(side, fields) {
                Ok(digest) => digests.extend(digest),
                Err(touch) => return touch,
            }
            before = Some(side);
        }
        Touch::Known
    }

    /// The digest of one image; `Ok(None)` when a known cell excludes it.
    fn digest(&self, side: Side<'_>, fields: &Fields) -> Result<Option<Digest>, Touch> {
        let mut values = Vec::with_capacity(self.conditions.len());
        let mut is_open = false;
        for (column, asked) in &self.conditions {
            match (asked, side.cell(*column)) {
                (_, None) | (Asked::Equal(_), Some(Value::Present)) => is_open = true,
                (Asked::Null, Some(Value::Null)) => values.push(Canonical::Null),
                (Asked::Null, Some(_)) | (Asked::Equal(_), Some(Value::Null)) => return Ok(None),
                (Asked::Equal(kind), Some(value)) => {
                    let value = Canonical::of(value).filter(|value| kind.holds(*value));
                    values.push(value.ok_or(Touch::Disagrees)?);
                }
            }
        }
        if is_open {
            return Err(Touch::Unknown);
        }
        Ok(Some(digest_of(fields, values)))
    }

    fn is_touched_by(&self, changed: &Columns) -> bool {
        let Some(watched) = &self.watched else {
            // `*` stands for all columns, so any change touches it.
            return !matches!(changed, Columns::Some(columns) if columns.is_empty());
        };
        let mut named = self
            .conditions
            .iter()
            .map(|(column, _)| column)
            .chain(watched);
        named.any(|column| contains(changed, *column))
    }
}

/// A row before or after a change.
#[derive(Clone, Copy)]
struct Side<'a> {
    image: &'a Image,
    /// The row on the other side, of a row that stays.
    other: Option<&'a Image>,
    changed: &'a Columns,
}

impl<'a> Side<'a> {
    /// A column outside `changed` has one value on both sides.
    fn cell(&self, column: usize) -> Option<&'a Value> {
        let stays = || known(self.other?, column).filter(|_| !contains(self.changed, column));
        known(self.image, column).or_else(stays)
    }
}

fn contains(columns: &Columns, column: usize) -> bool {
    match columns {
        Columns::Some(columns) => columns.contains(&column),
        _ => true,
    }
}

fn known(image: &Image, column: usize) -> Option<&Value> {
    image.cells.get(column)?.as_ref()
}
