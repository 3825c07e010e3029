//! How the sources of a block are joined, and the columns that USING and NATURAL name (R4, R8).

use sqlparser::ast::{Expr, JoinConstraint, ObjectName, TableFactor, TableWithJoins};

use super::{
    from::{self, Kind, Tree},
    names,
    reader::Reader,
    scope::{Names, Source},
};
use crate::{Dialect, plan::Reason};

impl<'q> Reader<'_, '_> {
    /// Adds the sources of a FROM clause to a block and returns how they are joined.
    pub(super) fn from(
        &mut self,
        from: &'q [TableWithJoins],
        block: usize,
    ) -> Result<Tree<'q>, Reason> {
        let mut deferred = Deferred::default();
        let mut whole: Option<Tree<'q>> = None;
        for item in from {
            let first = self.factor(&item.relation, block, &mut deferred)?;
            whole = Some(match (whole, self.cx.dialect) {
                (None, _) => self.joins(first, item, block, &mut deferred)?,
                // R8: in SQLite the comma is a join like the others, and they all lean left.
                (Some(left), Dialect::Sqlite) => {
                    let left = Tree::join(Kind::Inner, left, first, None);
                    self.joins(left, item, block, &mut deferred)?
                }
                (Some(left), _) => {
                    let right = self.joins(first, item, block, &mut deferred)?;
                    Tree::join(Kind::Inner, left, right, None)
                }
            });
        }
        for on in deferred.conditions {
            self.walk(block, on)?;
        }
        for factor in deferred.arguments {
            self.arguments(factor, block)?;
        }
        Ok(whole.unwrap_or(Tree::Leaf(None)))
    }

    pub(super) fn joins(
        &mut self,
        first: Tree<'q>,
        item: &'q TableWithJoins,
        block: usize,
        deferred: &mut Deferred<'q>,
    ) -> Result<Tree<'q>, Reason> {
        let mut tree = first;
        for join in &item.joins {
            if join.global {
                return Err(Reason::new("a global join is not understood"));
            }
            let before = self.scope.sources(block).len();
            let right = self.factor(&join.relation, block, deferred)?;
            let (kind, constraint) = from::kind(&join.join_operator)?;
            let on = match constraint {
                JoinConstraint::On(on) => Some(on),
                JoinConstraint::None => None,
                JoinConstraint::Using(columns) => {
                    self.watch_using(columns, block)?;
                    None
                }
                JoinConstraint::Natural => {
                    self.watch_natural(block, before);
                    None
                }
            };
            tree = Tree::join(kind, tree, right, on);
        }
        Ok(tree)
    }

    fn arguments(&mut self, factor: &TableFactor, block: usize) -> Result<(), Reason> {
        match factor {
            TableFactor::Table {
                args: Some(args), ..
            } => self.walk(block, &args.args),
            TableFactor::Function { args, .. } => self.walk(block, args),
            TableFactor::UNNEST { array_exprs, .. } => self.walk(block, array_exprs),
            _ => Ok(()),
        }
    }

    /// R4: USING names its columns on both sides.
    fn watch_using(&mut self, columns: &[ObjectName], block: usize) -> Result<(), Reason> {
        for column in columns {
            match names::single(column) {
                Some(column) => self.scope.watch_everywhere(block, column),
                None => return Err(Reason::new("a column of using is not known")),
            }
        }
        Ok(())
    }

    /// R4: NATURAL names the columns that both sides have, or all where they are not known.
    fn watch_natural(&mut self, block: usize, right_from: usize) {
        let sources = self.scope.sources(block);
        let (left, right) = sources.split_at(right_from.min(sources.len()));
        let (left_names, right_names) = (all_names(left), all_names(right));
        let dialect = self.cx.dialect;
        let mut watched: Vec<(Option<usize>, Option<usize>)> = Vec::new();
        for (side, other) in [(left, &right_names), (right, &left_names)] {
            for source in side {
                let (Names::Known(own), Some(other)) = (&source.columns, other) else {
                    watched.push((source.instance, None));
                    continue;
                };
                let shared = own.iter().enumerate().filter(|(_, name)| {
                    other.iter().any(|other| names::same(other, name, dialect))
                });
                watched.extend(shared.map(|(position, _)| (source.instance, Some(position))));
            }
        }
        for (instance, column) in watched {
            self.scope.watch(instance, column);
        }
    }
}

/// What must wait until all sources of the block are known.
#[derive(Default)]
pub(super) struct Deferred<'q> {
    pub(super) conditions: Vec<&'q Expr>,
    pub(super) arguments: Vec<&'q TableFactor>,
}

pub(super) fn own_conditions(item: &TableWithJoins) -> impl Iterator<Item = &Expr> {
    item.joins.iter().filter_map(|join| {
        let (_, constraint) = from::kind(&join.join_operator).ok()?;
        match constraint {
            JoinConstraint::On(on) => Some(on),
            _ => None,
        }
    })
}

fn all_names(sources: &[Source]) -> Option<Vec<&str>> {
    let mut all = Vec::new();
    for source in sources {
        let Names::Known(columns) = &source.columns else {
            return None;
        };
        all.extend(columns.iter().map(|name| &**name));
    }
    Some(all)
}
