//! Looking names up: for narrowing, where exactly one column may be meant, and for watching, where
//! every column that may be meant counts.

use sqlparser::ast::{Expr, Ident};

use super::{
    names,
    operand::unnested,
    scope::{ColumnRef, Names, Scope, Source},
};
use crate::{Dialect, ValueKind, plan::Reason};

impl Scope {
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

    pub(super) fn visible(&self, block: usize, qualifier: &[Ident]) -> Vec<&Source> {
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
