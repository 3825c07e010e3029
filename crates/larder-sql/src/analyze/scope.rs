//! Which column of which source a name means.
//!
//! Blocks (one per SELECT) form a tree; a name is looked up in its block and then outwards. A
//! source is what FROM lists: an instance of a base table, or something whose rows are computed.

use std::sync::Arc;

use sqlparser::ast::Ident;

use super::names;
use crate::{
    Dialect, Table,
    plan::{Columns, Term},
};

/// One column of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ColumnRef {
    pub(super) instance: usize,
    pub(super) column: usize,
}

/// One occurrence of a base table.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) table: Arc<Table>,
    /// False where nothing may be pushed: in views, and where a CTE may be meant instead.
    pub(super) narrows: bool,
    pub(super) watched: Columns,
    /// What its rows must satisfy to matter; one empty conjunction = any row.
    pub(super) conjunctions: Vec<Vec<Term>>,
}

/// The names of a source's columns, as the statement sees them.
#[derive(Clone, Debug)]
pub(super) enum Names {
    Known(Vec<Box<str>>),
    Unknown,
}

/// One element of a FROM list.
#[derive(Debug)]
pub(super) struct Source {
    /// The alias, or the table's name as written.
    pub(super) name: Option<Box<str>>,
    /// The schema by which it may be qualified; an alias hides it.
    pub(super) schema: Option<Box<str>>,
    /// For an instance, the position of a name is the position of the column.
    pub(super) columns: Names,
    pub(super) instance: Option<usize>,
}

/// One SELECT.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) outer: Option<usize>,
    /// The CTEs that its subqueries see.
    pub(super) ctes: Option<usize>,
    pub(super) sources: Vec<Source>,
    /// Names that the SELECT list gives to its expressions.
    pub(super) aliases: Vec<Box<str>>,
}

/// All blocks and instances of a statement.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) dialect: Dialect,
    pub(super) blocks: Vec<Block>,
    pub(super) instances: Vec<Instance>,
}

impl Source {
    pub(super) fn positions<'s>(
        &'s self,
        name: &'s str,
        dialect: Dialect,
    ) -> impl Iterator<Item = usize> + 's {
        let columns = match &self.columns {
            Names::Known(columns) => columns.as_slice(),
            Names::Unknown => &[],
        };
        columns
            .iter()
            .enumerate()
            .filter(move |(_, column)| names::same(column, name, dialect))
            .map(|(position, _)| position)
    }

    pub(super) fn is_called(&self, name: &str, dialect: Dialect) -> bool {
        self.name
            .as_deref()
            .is_some_and(|own| names::same(own, name, dialect))
    }

    pub(super) fn is_in_schema(&self, schema: &str, dialect: Dialect) -> bool {
        self.schema
            .as_deref()
            .is_some_and(|own| names::same(own, schema, dialect))
    }
}

impl Scope {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            blocks: Vec::new(),
            instances: Vec::new(),
        }
    }

    pub(super) fn open(&mut self, outer: Option<usize>, ctes: Option<usize>) -> usize {
        self.blocks.push(Block {
            outer,
            ctes,
            ..Block::default()
        });
        self.blocks.len() - 1
    }

    pub(super) fn sources(&self, block: usize) -> &[Source] {
        self.blocks
            .get(block)
            .map_or(&[], |block| block.sources.as_slice())
    }

    pub(super) fn add_source(&mut self, block: usize, source: Source) {
        if let Some(block) = self.blocks.get_mut(block) {
            block.sources.push(source);
        }
    }

    /// Watches all columns of all sources of a block (`*`).
    pub(super) fn whole_block(&mut self, block: usize) {
        let instances: Vec<_> = self.sources(block).iter().map(|s| s.instance).collect();
        for instance in instances {
            self.watch(instance, None);
        }
    }

    /// Watches the column of this name in every source of a block.
    pub(super) fn watch_everywhere(&mut self, block: usize, column: &Ident) {
        let name = names::fold(column, self.dialect);
        let hits: Vec<_> = self
            .sources(block)
            .iter()
            .flat_map(|source| {
                let positions = source.positions(&name, self.dialect);
                positions.map(|position| (source.instance, Some(position)))
            })
            .collect();
        for (instance, column) in hits {
            self.watch(instance, column);
        }
    }

    /// Appends the columns that `*` or `t.*` stands for; false when they are not known.
    pub(super) fn append_columns(
        &self,
        block: usize,
        qualifier: Option<&[Ident]>,
        columns: &mut Vec<Box<str>>,
    ) -> bool {
        let sources = match qualifier {
            Some(qualifier) => self.visible(block, qualifier),
            None => self.sources(block).iter().collect(),
        };
        for source in sources {
            match &source.columns {
                Names::Known(own) => columns.extend(own.iter().cloned()),
                Names::Unknown => return false,
            }
        }
        true
    }

    /// Watches one column, or all with `None`.
    pub(super) fn watch(&mut self, instance: Option<usize>, column: Option<usize>) {
        let Some(instance) = instance.and_then(|i| self.instances.get_mut(i)) else {
            return;
        };
        match (&mut instance.watched, column) {
            (Columns::All, _) => {}
            (watched, None) => *watched = Columns::All,
            (Columns::Some(columns), Some(column)) => {
                if let Err(at) = columns.binary_search(&column) {
                    columns.insert(at, column);
                }
            }
        }
    }
}
