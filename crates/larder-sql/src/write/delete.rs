//! DELETE, TRUNCATE and MERGE.

use std::sync::Arc;

use sqlparser::ast::{CascadeOption, Delete, FromTable, Ident, Merge, ObjectName, Truncate};

use super::{
    chosen::chosen,
    collect::Writes,
    names, returning,
    update::{means, plain_table, plain_tables},
};
use crate::{
    Dialect, Table,
    analyze::{fold, row_conditions},
    plan::{ChosenRows, Columns, NewRows, OldRows, Reason, WriteOperation, WriteTarget},
};

impl Writes<'_, '_> {
    pub(super) fn delete(&mut self, delete: &Delete) {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let single = match from.as_slice() {
            [source] if delete.tables.is_empty() && source.joins.is_empty() => {
                plain_table(&source.relation)
            }
            _ => None,
        };
        let Some((name, alias)) = single else {
            return self.delete_several(delete);
        };
        let using = delete.using.as_deref().unwrap_or_default();
        if self.cx.dialect == Dialect::MySql && !using.is_empty() {
            return self.delete_several(delete);
        }
        let Some(table) = self.base(name) else { return };
        let (cx, alone) = (self.cx, using.is_empty());
        let items = delete.returning.as_deref();
        self.returning(returning::columns(items, &table, alias, alone, cx));
        let condition = delete.selection.as_ref();
        let alias_name = alias.map(|alias| fold(alias, cx.dialect));
        let old = row_conditions(condition, &table, alias_name.as_deref(), !alone, cx);
        let chosen = match from.as_slice() {
            [source] if alone && delete.limit.is_none() => {
                chosen(&source.relation, alias, condition, &table, cx)
            }
            _ => None,
        };
        self.target(removed(table, WriteOperation::Delete, old, chosen));
    }

    /// MySQL's DELETE a, b FROM a JOIN b .., and its other form, where FROM names the targets by
    /// their aliases and USING lists the sources: any row of the named ones.
    fn delete_several(&mut self, delete: &Delete) {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let mut sources = plain_tables(from);
        let mut targets: Vec<&ObjectName> = delete.tables.iter().collect();
        if targets.is_empty() {
            targets = sources.iter().flatten().map(|(name, _)| *name).collect();
            sources = plain_tables(delete.using.as_deref().unwrap_or_default());
        }
        let Some(sources) = sources.filter(|_| !targets.is_empty()) else {
            return self.unknown(Reason::new("a delete from something that is no table"));
        };
        for target in targets {
            // More than one may answer to the name; all of them count.
            let called = |(name, alias): &&(&ObjectName, Option<&Ident>)| {
                last_ident(target).is_some_and(|ident| means(ident, name, *alias))
            };
            let meant: Vec<_> = sources.iter().filter(called).collect();
            if meant.is_empty() {
                self.unknown(Reason::new("a delete from an unknown table of a join"));
            }
            for (name, _) in meant {
                self.opaque_name(name);
            }
        }
    }

    /// TRUNCATE empties the table, what inherits from it and, by CASCADE, what refers to it.
    pub(super) fn truncate(&mut self, truncate: &Truncate) {
        for named in &truncate.table_names {
            let table = match names::target(&named.name, self.cx) {
                names::Target::Base(table) => table,
                names::Target::Opaque(tables) => {
                    tables.into_iter().for_each(|table| self.opaque(table));
                    continue;
                }
                names::Target::Unknown(reason) => {
                    self.unknown(reason);
                    continue;
                }
            };
            let mut emptied = Vec::new();
            self.gather(
                &table,
                &mut emptied,
                truncate.cascade == Some(CascadeOption::Cascade),
            );
            for table in emptied {
                let any = vec![Vec::new()];
                self.target(removed(table, WriteOperation::Truncate, any, None));
            }
        }
    }

    /// The closure of what a TRUNCATE empties, the named table first.
    fn gather(&self, table: &Arc<Table>, emptied: &mut Vec<Arc<Table>>, cascade: bool) {
        let mut next = vec![Arc::clone(table)];
        while let Some(table) = next.pop() {
            if emptied.iter().any(|known| known.name == table.name) {
                continue;
            }
            let family = self.cx.catalog.family(&table.name).iter();
            next.extend(family.filter(|it| it.name != table.name).cloned());
            if cascade {
                let children = self.cx.catalog.children_of(&table.name);
                next.extend(children.map(|(child, _)| Arc::clone(child)));
            }
            emptied.push(table);
        }
    }

    /// MERGE inserts, updates and deletes by turns.
    pub(super) fn merge(&mut self, merge: &Merge) {
        match plain_table(&merge.table) {
            Some((name, _)) => self.opaque_name(name),
            None => self.unknown(Reason::new("a merge into something that is no table")),
        }
    }
}

fn removed(
    table: Arc<Table>,
    operation: WriteOperation,
    old: Vec<Vec<crate::plan::Term>>,
    chosen: Option<ChosenRows>,
) -> WriteTarget {
    WriteTarget {
        table,
        operation,
        changed: Columns::All,
        old: OldRows::Matching(old),
        new: NewRows::None,
        set: Vec::new(),
        chosen,
    }
}

fn last_ident(name: &ObjectName) -> Option<&Ident> {
    name.0.last()?.as_ident()
}
