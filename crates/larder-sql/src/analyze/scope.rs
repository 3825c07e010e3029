//! Which column of which source a name means.
//!
//! Blocks (one per SELECT) form a tree; a name is looked up in its block and then outwards. A
//! source is what FROM lists: an instance of a base table, or something whose rows are computed.

use std::sync::Arc;

use sqlparser::ast::{Expr, Ident};

use super::{names, operand::unnested};
use crate::{
    Dialect, Table, ValueKind,
    plan::{Columns, Reason, Term},
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
    fn positions<'s>(
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

    fn is_called(&self, name: &str, dialect: Dialect) -> bool {
        self.name
            .as_deref()
            .is_some_and(|own| names::same(own, name, dialect))
    }

    fn is_in_schema(&self, schema: &str, dialect: Dialect) -> bool {
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

    /// The base column that an expression is, for narrowing: exactly one source of this very block
    /// can be meant, and it is an instance with a column whose equality is understood.
    pub(super) fn base_column(&self, block: usize, expr: &Expr) -> Option<ColumnRef> {
        let sources = self.sources(block);
        let (candidates, column): (Vec<&Source>, _) = match unnested(expr) {
            Expr::Identifier(column) => {
                if sources.iter().any(|s| matches!(s.columns, Names::Unknown)) {
                    return None;
                }
                let name = names::fold(column, self.dialect);
                let having = sources
                    .iter()
                    .filter(|s| s.positions(&name, self.dialect).next().is_some());
                (having.collect(), column)
            }
            Expr::CompoundIdentifier(parts) => {
                let (column, qualifier) = parts.split_last()?;
                (self.qualified(block, qualifier), column)
            }
            _ => return None,
        };
        let [source] = candidates.as_slice() else {
            return None;
        };
        let name = names::fold(column, self.dialect);
        if names::is_uncertain(&name, self.dialect) {
            return None;
        }
        let mut positions = source.positions(&name, self.dialect);
        let (Some(position), None) = (positions.next(), positions.next()) else {
            return None;
        };
        let instance = source.instance?;
        let kind = &self
            .instances
            .get(instance)?
            .table
            .columns
            .get(position)?
            .kind;
        (*kind != ValueKind::Opaque).then_some(ColumnRef {
            instance,
            column: position,
        })
    }

    /// The sources of this block that a qualifier names.
    fn qualified(&self, block: usize, qualifier: &[Ident]) -> Vec<&Source> {
        let dialect = self.dialect;
        let sources = self.sources(block).iter();
        match qualifier {
            [name] => {
                let name = names::fold(name, dialect);
                sources.filter(|s| s.is_called(&name, dialect)).collect()
            }
            [schema, name] => {
                let (schema, name) = (names::fold(schema, dialect), names::fold(name, dialect));
                sources
                    .filter(|s| s.is_called(&name, dialect) && s.is_in_schema(&schema, dialect))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Watches every column that a bare name may mean.
    pub(super) fn name(&mut self, block: usize, ident: &Ident) -> Result<(), Reason> {
        let name = names::fold(ident, self.dialect);
        let mut hits = Vec::new();
        let mut found = false;
        let mut level = Some(block);
        while let Some(block) = level.and_then(|level| self.blocks.get(level)) {
            let mut column_found = false;
            for source in &block.sources {
                for position in source.positions(&name, self.dialect) {
                    column_found = true;
                    hits.push((source.instance, Some(position)));
                }
                // A table's name as a value is its whole row (R10).
                if source.is_called(&name, self.dialect) {
                    found = true;
                    hits.push((source.instance, None));
                }
            }
            found |= column_found
                || block
                    .aliases
                    .iter()
                    .any(|a| names::same(a, &name, self.dialect));
            if column_found {
                break;
            }
            let instances = block.sources.iter().filter(|s| s.instance.is_some());
            if instances.clone().next().is_some() {
                match hidden(&name, self.dialect) {
                    Hidden::RowId => {
                        found = true;
                        hits.extend(instances.map(|s| (s.instance, None)));
                    }
                    Hidden::System => return Err(system_column(&name)),
                    Hidden::No => {}
                }
            }
            level = block.outer;
        }
        if !found || names::is_uncertain(&name, self.dialect) {
            return Err(unresolved(&name));
        }
        for (instance, column) in hits {
            self.watch(instance, column);
        }
        Ok(())
    }

    /// Watches what a qualified name means.
    pub(super) fn qualified_name(&mut self, block: usize, parts: &[Ident]) -> Result<(), Reason> {
        let Some((column, qualifier)) = parts.split_last() else {
            return Err(unresolved(""));
        };
        let name = names::fold(column, self.dialect);
        let sources = self.visible(block, qualifier);
        if sources.is_empty() || names::is_uncertain(&name, self.dialect) {
            return Err(unresolved(&name));
        }
        let mut hits = Vec::new();
        for source in sources {
            let before = hits.len();
            let positions = source.positions(&name, self.dialect);
            hits.extend(positions.map(|position| (source.instance, Some(position))));
            if hits.len() > before {
                continue;
            }
            match (
                hidden(&name, self.dialect),
                source.instance,
                &source.columns,
            ) {
                (Hidden::RowId, Some(instance), _) => hits.push((Some(instance), None)),
                (Hidden::System, Some(_), _) => return Err(system_column(&name)),
                // PostgreSQL reads `t.f` as the call `f(t)` when `f` is no column.
                (_, None, Names::Unknown) if self.dialect != Dialect::Postgres => {}
                _ => return Err(unresolved(&name)),
            }
        }
        for (instance, column) in hits {
            self.watch(instance, column);
        }
        Ok(())
    }

    /// Watches all columns of the sources that a qualifier names (`t.*`).
    pub(super) fn whole_row(&mut self, block: usize, qualifier: &[Ident]) -> Result<(), Reason> {
        let instances: Vec<_> = match self.visible(block, qualifier) {
            sources if sources.is_empty() => {
                return Err(Reason::new("a name before .* is not known"));
            }
            sources => sources.iter().map(|source| source.instance).collect(),
        };
        for instance in instances {
            self.watch(instance, None);
        }
        Ok(())
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

    fn visible(&self, block: usize, qualifier: &[Ident]) -> Vec<&Source> {
        let mut level = Some(block);
        while let Some(block) = level {
            let sources = self.qualified(block, qualifier);
            if !sources.is_empty() {
                return sources;
            }
            level = self.blocks.get(block).and_then(|block| block.outer);
        }
        Vec::new()
    }
}

/// Columns that tables have without listing them (R7).
enum Hidden {
    No,
    RowId,
    System,
}

fn hidden(name: &str, dialect: Dialect) -> Hidden {
    match dialect {
        Dialect::Sqlite
            if ["rowid", "oid", "_rowid_"]
                .iter()
                .any(|r| r.eq_ignore_ascii_case(name)) =>
        {
            Hidden::RowId
        }
        Dialect::Postgres
            if ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "oid"].contains(&name) =>
        {
            Hidden::System
        }
        _ => Hidden::No,
    }
}

fn unresolved(name: &str) -> Reason {
    Reason::new(format!("the name {name} is not known"))
}

fn system_column(name: &str) -> Reason {
    Reason::new(format!("the system column {name} is read"))
}
