//! From a dependency template and parameters to dependencies.

mod described;
mod ready;
mod values;

use std::sync::Arc;

use larder_sql::{
    Dialect, Table,
    plan::{Columns, DependencyTemplate, Reason},
};

use crate::{
    DependencyKey, EntryKey, Param, TableKey,
    key::Digest,
    prepared::Place,
    shape::{Asked, CONDITIONS_MAX},
    slots::{Slot, Slots},
    value::{Canonical, of_param},
};
pub use described::{Condition, RestsOn, Widened, WidenedWhy};
use ready::{ReadyOperand, ReadyShape, ReadyTerm};
use values::Values;

/// Widened forms of one template whose shapes are kept: parameters rarely come in more classes.
const WIDENED_KEPT: usize = 4;

/// A read with its parameters: the name of its entry and of what the entry rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundRead {
    /// Where the result lies.
    pub entry: EntryKey,
    /// What it rests on, without repetition; never empty.
    pub dependencies: Vec<DependencyKey>,
}

/// One conjunction on one table, ready to be bound.
#[derive(Debug)]
pub(crate) struct Template {
    table: Arc<Table>,
    key: TableKey,
    dialect: Dialect,
    in_values_max: usize,
    /// Columns that the statement names, and those of terms that cannot narrow.
    named: Vec<usize>,
    watches_all: bool,
    /// Sorted by column name, as conditions are in a shape.
    terms: Vec<ReadyTerm>,
    /// The shape with all the terms.
    full: ReadyShape,
    widened: Slots<TermSet, ReadyShape, WIDENED_KEPT>,
}

/// A set of terms by position; `CONDITIONS_MAX` fits.
type TermSet = u32;

/// What the parameters make of a term.
enum Bound<'a> {
    /// Dropped: any row.
    Widened,
    /// One of these; none = no row at all.
    Values(Vec<Canonical<'a>>),
}

impl Template {
    pub(crate) fn new(template: &DependencyTemplate, place: &Place<'_>) -> Self {
        let table = &template.table;
        let dialect = place.catalog.dialect;
        let most = place.limits.in_values_max;
        let mut terms: Vec<ReadyTerm> = Vec::new();
        let mut named = match &template.watched {
            Columns::Some(columns) => columns.clone(),
            _ => Vec::new(),
        };
        for term in &template.terms {
            // Widening a term leaves its column watched: the dropped condition still reads it.
            named.push(term.column);
            let is_repeated = terms.iter().any(|known| known.column == term.column);
            if terms.len() < CONDITIONS_MAX && !is_repeated {
                terms.extend(ReadyTerm::new(term, table, dialect, most));
            }
        }
        let name_of = |term: &ReadyTerm| table.columns.get(term.column).map(|c| c.name.clone());
        terms.sort_by_cached_key(name_of);
        let watches_all = !matches!(template.watched, Columns::Some(_));
        let key = TableKey::new(place.namespace, place.source, &table.name);
        let full = ReadyShape::new(table, &key, terms.iter(), &named, watches_all);
        let table = table.clone();
        let widened = Slots::new();
        Self {
            table,
            key,
            dialect,
            in_values_max: most,
            named,
            watches_all,
            terms,
            full,
            widened,
        }
    }

    /// Adds the dependencies of this conjunction, `room` at most.
    pub(crate) fn bind(
        &self,
        params: &[Param<'_>],
        room: usize,
        out: &mut Vec<DependencyKey>,
    ) -> Result<(), Reason> {
        if let Some(value) = self.bind_single(params) {
            self.push(&self.full, value, out);
            return Ok(());
        }
        let mut bound = self
            .terms
            .iter()
            .map(|term| self.bind_term(term, params))
            .collect::<Result<Vec<_>, _>>()?;
        widen_until_it_fits(&mut bound, room);
        self.push_products(&bound, out);
        Ok(())
    }

    /// The common case, without allocation: every term has exactly one canonical value.
    fn bind_single(&self, params: &[Param<'_>]) -> Option<Option<Digest>> {
        if !self.full.has_conditions {
            return self.terms.is_empty().then_some(None);
        }
        let mut fields = self.full.fields.clone();
        for term in &self.terms {
            self.single_value(term, params)?.feed(&mut fields);
        }
        Some(Some(fields.digest()))
    }

    fn single_value<'a>(
        &self,
        term: &'a ReadyTerm,
        params: &'a [Param<'_>],
    ) -> Option<Canonical<'a>> {
        let value = match (term.asked, term.operands.as_slice()) {
            (Asked::Null, _) => return Some(Canonical::Null),
            (_, [ReadyOperand::Parameter(position)]) => {
                self.convert(term, params.get(*position)?)?
            }
            (_, [ReadyOperand::Known(value)]) => Canonical::of(value)?,
            _ => return None,
        };
        (value != Canonical::Null).then_some(value)
    }

    fn bind_term<'a>(
        &self,
        term: &'a ReadyTerm,
        params: &'a [Param<'_>],
    ) -> Result<Bound<'a>, Reason> {
        if term.asked == Asked::Null {
            return Ok(Bound::Values(vec![Canonical::Null]));
        }
        let mut values = Values {
            template: self,
            term,
            found: Vec::new(),
        };
        let mut is_exact = true;
        for operand in &term.operands {
            is_exact &= match operand {
                ReadyOperand::Known(value) => values.add(Canonical::of(value)),
                ReadyOperand::Parameter(position) => {
                    values.add(self.convert(term, parameter(params, *position)?))
                }
                ReadyOperand::Elements(position) => {
                    values.add_elements(parameter(params, *position)?)
                }
            };
        }
        Ok(if is_exact {
            Bound::Values(values.found)
        } else {
            Bound::Widened
        })
    }

    fn convert<'a>(&self, term: &ReadyTerm, param: &'a Param<'_>) -> Option<Canonical<'a>> {
        of_param(
            &self.table.columns.get(term.column)?.kind,
            self.dialect,
            param,
        )
    }

    fn push_products(&self, bound: &[Bound<'_>], out: &mut Vec<DependencyKey>) {
        let mut kept: TermSet = 0;
        for (position, term) in bound.iter().enumerate() {
            if matches!(term, Bound::Values(_)) {
                kept |= 1 << position;
            }
        }
        let shape = self.shape(kept);
        if !shape.has_conditions {
            return self.push(&shape, None, out);
        }
        let lists = bound.iter().filter_map(|term| match term {
            Bound::Widened => None,
            Bound::Values(values) => Some(values),
        });
        let mut products = vec![shape.fields.clone()];
        for values in lists {
            products = products
                .iter()
                .flat_map(|fields| {
                    values.iter().map(|value| {
                        let mut fields = fields.clone();
                        value.feed(&mut fields);
                        fields
                    })
                })
                .collect();
        }
        if products.is_empty() {
            // No row can match, so no write to a row does; but the entry still rests on the table,
            // and goes when its record or this shape does.
            let mut fields = shape.fields.clone();
            Canonical::feed_impossible(&mut fields);
            products.push(fields);
        }
        for fields in products {
            self.push(&shape, Some(fields.digest()), out);
        }
    }

    fn shape(&self, kept: TermSet) -> Slot<'_, ReadyShape> {
        let terms = || {
            self.terms
                .iter()
                .enumerate()
                .filter(move |(position, _)| kept & (1 << position) != 0)
                .map(|(_, term)| term)
        };
        if terms().count() == self.terms.len() {
            return Slot::Kept(&self.full);
        }
        self.widened.find_or_make(kept, || {
            ReadyShape::new(
                &self.table,
                &self.key,
                terms(),
                &self.named,
                self.watches_all,
            )
        })
    }

    fn push(&self, shape: &ReadyShape, value: Option<Digest>, out: &mut Vec<DependencyKey>) {
        let is_known = out.iter().any(|known| {
            known.value == value && known.shape == shape.name && known.table == self.key
        });
        if !is_known {
            let (table, shape) = (self.key.clone(), shape.name.clone());
            out.push(DependencyKey {
                table,
                shape,
                value,
                spread: 0,
            });
        }
    }
}

/// Drops the longest lists until the product of all fits.
fn widen_until_it_fits(bound: &mut [Bound<'_>], room: usize) {
    while bound.iter().map(length).fold(1, usize::saturating_mul) > room {
        let Some(longest) = bound.iter_mut().max_by_key(|term| length(term)) else {
            return;
        };
        *longest = Bound::Widened;
    }
}

fn length(term: &Bound<'_>) -> usize {
    match term {
        Bound::Widened => 1,
        Bound::Values(values) => values.len(),
    }
}

fn parameter<'a, 'p>(params: &'a [Param<'p>], position: usize) -> Result<&'a Param<'p>, Reason> {
    params
        .get(position)
        .ok_or_else(|| Reason::new("a parameter is missing"))
}

#[cfg(test)]
mod tests;
