//! The join tree of a block, and for each instance in it the conditions that its rows must meet to
//! matter (R1, R2, R8, X1).

use std::collections::BTreeSet;

use sqlparser::ast::{Expr, JoinConstraint, JoinOperator};

use super::{
    Analysis,
    condition::{self, Form, Place},
    scope::Scope,
};
use crate::plan::Reason;

/// What FROM lists, joined.
#[derive(Debug)]
pub(super) enum Tree<'q> {
    /// An instance, or something else whose rows are computed.
    Leaf(Option<usize>),
    Join(Box<Join<'q>>),
}

/// One join.
#[derive(Debug)]
pub(super) struct Join<'q> {
    pub(super) kind: Kind,
    pub(super) left: Tree<'q>,
    pub(super) right: Tree<'q>,
    pub(super) on: Option<&'q Expr>,
}

/// The sides of a join whose rows it keeps without a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Inner,
    Left,
    Right,
    Full,
}

/// The kind and the constraint of a join operator; others are not understood.
pub(super) fn kind(operator: &JoinOperator) -> Result<(Kind, &JoinConstraint), Reason> {
    match operator {
        JoinOperator::Join(on)
        | JoinOperator::Inner(on)
        | JoinOperator::CrossJoin(on)
        | JoinOperator::StraightJoin(on) => Ok((Kind::Inner, on)),
        JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => Ok((Kind::Left, on)),
        JoinOperator::Right(on) | JoinOperator::RightOuter(on) => Ok((Kind::Right, on)),
        JoinOperator::FullOuter(on) => Ok((Kind::Full, on)),
        _ => Err(Reason::new("a kind of join is not understood")),
    }
}

impl<'q> Tree<'q> {
    /// The join of two trees.
    pub(super) fn join(kind: Kind, left: Self, right: Self, on: Option<&'q Expr>) -> Self {
        Self::Join(Box::new(Join {
            kind,
            left,
            right,
            on,
        }))
    }

    /// The instances at the leaves.
    pub(super) fn instances(&self) -> BTreeSet<usize> {
        match self {
            Self::Leaf(instance) => instance.iter().copied().collect(),
            Self::Join(join) => &join.left.instances() | &join.right.instances(),
        }
    }

    /// The instances that a join of this tree may null-extend.
    fn null_extended(&self) -> BTreeSet<usize> {
        let Self::Join(join) = self else {
            return BTreeSet::new();
        };
        let mut extended = &join.left.null_extended() | &join.right.null_extended();
        if join.extends_left() {
            extended.append(&mut join.left.instances());
        }
        if join.extends_right() {
            extended.append(&mut join.right.instances());
        }
        extended
    }
}

impl Join<'_> {
    fn extends_left(&self) -> bool {
        matches!(self.kind, Kind::Right | Kind::Full)
    }

    fn extends_right(&self) -> bool {
        matches!(self.kind, Kind::Left | Kind::Full)
    }

    /// R1: whether rows of that operand which fail ON change nothing. A side that is kept without
    /// a partner is not narrowed.
    fn on_narrows_left(&self) -> bool {
        matches!(self.kind, Kind::Inner | Kind::Right)
    }

    fn on_narrows_right(&self) -> bool {
        matches!(self.kind, Kind::Inner | Kind::Left)
    }
}

/// The conditions of one block.
pub(super) struct Conditions<'s, 'q> {
    pub(super) scope: &'s Scope,
    pub(super) block: usize,
    pub(super) cx: &'s Analysis<'s>,
    pub(super) tree: &'s Tree<'q>,
    pub(super) selection: Option<&'q Expr>,
}

impl Conditions<'_, '_> {
    /// What a row of this instance must satisfy to matter, over all columns of the block. Each
    /// factor alone is necessary, so their conjunction is.
    pub(super) fn of(&self, instance: usize) -> Form {
        let mut factors = Factors::default();
        if let Some(selection) = self.selection {
            let form = self.form(selection, self.tree, &self.tree.null_extended());
            factors.forms.push(form);
        }
        self.descend(self.tree, instance, &mut factors);
        self.holding(self.tree, instance, &mut factors);
        condition::conjoin(factors.forms)
    }

    /// Walks down to the instance and collects the ONs that narrow it, and the inner ONs that hold
    /// for the rows which those ONs see (X1).
    fn descend(&self, tree: &Tree<'_>, instance: usize, factors: &mut Factors) {
        let Tree::Join(join) = tree else { return };
        let on_left = join.left.instances().contains(&instance);
        let (own, narrows) = if on_left {
            (&join.left, join.on_narrows_left())
        } else {
            (&join.right, join.on_narrows_right())
        };
        if let (Some(on), true) = (join.on, narrows) {
            self.add(join, on, tree, factors);
            self.holding(&join.left, instance, factors);
            self.holding(&join.right, instance, factors);
        }
        self.descend(own, instance, factors);
    }

    /// Collects the inner ONs that hold for every row of a tree: those reached through inner joins
    /// and preserved sides. The way to the instance itself is `descend`'s.
    fn holding(&self, tree: &Tree<'_>, instance: usize, factors: &mut Factors) {
        let Tree::Join(join) = tree else { return };
        let holds_instance = tree.instances().contains(&instance);
        if let (Some(on), Kind::Inner, false) = (join.on, join.kind, holds_instance) {
            self.add(join, on, tree, factors);
        }
        if matches!(join.kind, Kind::Inner | Kind::Left) {
            self.holding(&join.left, instance, factors);
        }
        if matches!(join.kind, Kind::Inner | Kind::Right) {
            self.holding(&join.right, instance, factors);
        }
    }

    fn add(&self, join: &Join<'_>, on: &Expr, tree: &Tree<'_>, factors: &mut Factors) {
        if factors.seen.insert(std::ptr::from_ref(on)) {
            let extended = &join.left.null_extended() | &join.right.null_extended();
            factors.forms.push(self.form(on, tree, &extended));
        }
    }

    fn form(&self, expr: &Expr, below: &Tree<'_>, null_extended: &BTreeSet<usize>) -> Form {
        let visible = below.instances();
        Place {
            scope: self.scope,
            block: self.block,
            visible: &visible,
            null_extended,
            cx: self.cx,
        }
        .form(expr)
    }
}

/// The forms collected so far, each ON once.
#[derive(Default)]
struct Factors {
    forms: Vec<Form>,
    seen: BTreeSet<*const Expr>,
}
