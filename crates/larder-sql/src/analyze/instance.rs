//! From the conditions of a block to the terms on one instance: constants spread along equalities
//! (R6, X1), the rest is projected away.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    condition::{Atom, Form},
    scope::ColumnRef,
};
use crate::plan::{Operand, Term, Test};

/// The conjunctions of a form on one instance alone. One empty conjunction = any row.
pub(super) fn project(form: &Form, instance: usize) -> Vec<Vec<Term>> {
    let mut conjunctions: Vec<Vec<Term>> = Vec::new();
    for disjunct in form {
        let terms = terms(disjunct, instance);
        if terms.is_empty() {
            return vec![terms];
        }
        if !conjunctions.contains(&terms) {
            conjunctions.push(terms);
        }
    }
    conjunctions
}

fn terms(disjunct: &[Atom], instance: usize) -> Vec<Term> {
    let mut classes = Classes::default();
    for atom in disjunct {
        match atom {
            Atom::Same(a, b) => classes.join(*a, *b),
            Atom::In(column, values) => classes.learn(*column, values),
            Atom::IsNull(_) => {}
        }
    }
    let mut terms = BTreeMap::new();
    for atom in disjunct {
        // IS NULL never spreads.
        if let Atom::IsNull(column) = atom
            && column.instance == instance
        {
            terms.insert(column.column, Test::IsNull);
        }
    }
    // An equality beside it can never hold together with it; either is enough.
    for (column, values) in classes.constants_of(instance) {
        terms.insert(column, Test::In(values.to_vec()));
    }
    let terms = terms.into_iter();
    terms.map(|(column, test)| Term { column, test }).collect()
}

/// Columns that are equal in a conjunction, and the shortest list of values for each class. All
/// columns of a class are of one canonical type.
#[derive(Default)]
struct Classes {
    index: BTreeMap<ColumnRef, usize>,
    parents: Vec<usize>,
    values: Vec<Option<Arc<[Operand]>>>,
}

impl Classes {
    fn join(&mut self, a: ColumnRef, b: ColumnRef) {
        let (a, b) = (self.class_of(a), self.class_of(b));
        if a == b {
            return;
        }
        if let Some(parent) = self.parents.get_mut(b) {
            *parent = a;
        }
        if let Some(values) = self.values.get_mut(b).and_then(Option::take) {
            self.narrow(a, values);
        }
    }

    fn learn(&mut self, column: ColumnRef, values: &Arc<[Operand]>) {
        let class = self.class_of(column);
        self.narrow(class, Arc::clone(values));
    }

    fn narrow(&mut self, class: usize, values: Arc<[Operand]>) {
        let Some(known) = self.values.get_mut(class) else {
            return;
        };
        if known
            .as_ref()
            .is_none_or(|known| rank(&values) < rank(known))
        {
            *known = Some(values);
        }
    }

    fn constants_of(&mut self, instance: usize) -> Vec<(usize, Arc<[Operand]>)> {
        let columns: Vec<ColumnRef> = self
            .index
            .keys()
            .copied()
            .filter(|column| column.instance == instance)
            .collect();
        columns
            .into_iter()
            .filter_map(|column| {
                let class = self.class_of(column);
                let values = self.values.get(class)?.clone()?;
                Some((column.column, values))
            })
            .collect()
    }

    fn class_of(&mut self, column: ColumnRef) -> usize {
        let fresh = self.parents.len();
        let mut class = *self.index.entry(column).or_insert(fresh);
        if class == fresh {
            self.parents.push(fresh);
            self.values.push(None);
        }
        while let Some(&parent) = self.parents.get(class) {
            if parent == class {
                break;
            }
            class = parent;
        }
        self.index.insert(column, class);
        class
    }
}

/// Which of two lists to keep: the shorter; an array parameter has no known length.
fn rank(values: &[Operand]) -> usize {
    let open = values
        .iter()
        .any(|value| matches!(value, Operand::ParameterElements(_)));
    if open { usize::MAX } else { values.len() }
}
