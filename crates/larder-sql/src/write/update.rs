//! UPDATE of one table, beside others or alone, and of several (MySQL).

use std::sync::Arc;

use sqlparser::ast::{
    AssignmentTarget, Ident, ObjectName, SqliteOnConflict, TableFactor, TableWithJoins, Update,
    UpdateTableFromKind,
};

use super::{chosen::chosen, collect::Writes, names, returning, stored};
use crate::{
    Dialect, Table,
    analyze::{fold, row_conditions},
    plan::{Assignment, Columns, NewRows, OldRows, Reason, WriteOperation, WriteTarget},
};

impl Writes<'_, '_> {
    pub(super) fn update(&mut self, update: &Update) {
        if matches!(
            update.or,
            Some(SqliteOnConflict::Fail | SqliteOnConflict::Rollback)
        ) {
            self.error_keeps_rows();
        }
        if !update.table.joins.is_empty() {
            return self.update_join(update);
        }
        let Some((name, alias)) = plain_table(&update.table.relation) else {
            return self.unknown(Reason::new("an update of something that is no table"));
        };
        if matches!(update.from, Some(UpdateTableFromKind::BeforeSet(_))) || update.output.is_some()
        {
            return self.unknown(Reason::new("an update in another dialect's form"));
        }
        let Some(table) = self.base(name) else { return };
        if table.conflict_replaces || update.or == Some(SqliteOnConflict::Replace) {
            return self.opaque(table);
        }
        let alone = update.from.is_none();
        let items = update.returning.as_deref();
        self.returning(returning::columns(items, &table, alias, alone, self.cx));
        match self.updated(update, &table, alias, alone) {
            Some(target) => self.target(target),
            None => self.opaque(table),
        }
    }

    /// `None` when a column is not the catalog's.
    fn updated(
        &self,
        update: &Update,
        table: &Arc<Table>,
        alias: Option<&Ident>,
        alone: bool,
    ) -> Option<WriteTarget> {
        let (cx, mut assigned) = (self.cx, Vec::new());
        for assignment in &update.assignments {
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => {
                    let (column, whole) = stored::assigned_column(name, table, cx)?;
                    let known = table.columns.get(column)?;
                    let value = stored::stored(&assignment.value, known, cx).filter(|_| whole);
                    assigned.push(Assignment { column, value });
                }
                AssignmentTarget::Tuple(names) => {
                    for name in names {
                        let (column, _) = stored::assigned_column(name, table, cx)?;
                        assigned.push(Assignment {
                            column,
                            value: None,
                        });
                    }
                }
            }
        }
        let columns: Vec<usize> = assigned
            .iter()
            .map(|assignment| assignment.column)
            .collect();
        let changed = stored::changed(&columns, table, cx);
        let condition = update.selection.as_ref();
        let alias_name = alias.map(|alias| fold(alias, cx.dialect));
        Some(WriteTarget {
            table: Arc::clone(table),
            operation: WriteOperation::Update,
            old: OldRows::Matching(row_conditions(
                condition,
                table,
                alias_name.as_deref(),
                !alone,
                cx,
            )),
            new: NewRows::Assigned(vec![new_row(assigned, &changed, table)]),
            changed,
            set: columns,
            chosen: (alone && update.or.is_none() && update.limit.is_none())
                .then(|| chosen(&update.table.relation, alias, condition, table, cx))
                .flatten(),
        })
    }

    /// MySQL's UPDATE a JOIN b SET ..: the tables of the assigned columns, all of them where a
    /// column could be anybody's.
    fn update_join(&mut self, update: &Update) {
        let Some(sources) = plain_tables(std::slice::from_ref(&update.table)) else {
            return self.unknown(Reason::new(
                "an update of a join with something that is no table",
            ));
        };
        let mut written = vec![false; sources.len()];
        for assignment in &update.assignments {
            let AssignmentTarget::ColumnName(column) = &assignment.target else {
                return self.unknown(Reason::new("an update of several columns at once"));
            };
            let qualifier = match column.0.as_slice() {
                [.., qualifier, _] => qualifier.as_ident(),
                _ => None,
            };
            let mut found = false;
            for ((name, alias), written) in sources.iter().zip(&mut written) {
                let hit = qualifier.is_none_or(|qualifier| means(qualifier, name, *alias));
                *written |= hit;
                found |= hit;
            }
            if !found {
                return self.unknown(Reason::new("an update of an unknown table of a join"));
            }
        }
        for ((name, _), written) in sources.iter().zip(written) {
            if written {
                self.opaque_name(name);
            }
        }
    }
}

/// One assignment for every changed column. A column assigned twice, and one that a trigger or the
/// server computes, is unknown.
fn new_row(assigned: Vec<Assignment>, changed: &Columns, table: &Table) -> Vec<Assignment> {
    let columns: Vec<usize> = match changed {
        Columns::Some(columns) => columns.clone(),
        Columns::All => (0..table.columns.len()).collect(),
    };
    // All changed means that somebody else has a hand in the row.
    let certain = *changed != Columns::All;
    let value_of = |column: usize| {
        let mut values = assigned
            .iter()
            .filter(|assignment| assignment.column == column);
        match (values.next(), values.next()) {
            (Some(only), None) if certain => only.value.clone(),
            _ => None,
        }
    };
    columns
        .into_iter()
        .map(|column| Assignment {
            column,
            value: value_of(column),
        })
        .collect()
}

/// The name and alias of a table that stands for itself.
pub(super) fn plain_table(factor: &TableFactor) -> Option<(&ObjectName, Option<&Ident>)> {
    match factor {
        TableFactor::Table {
            name,
            alias,
            args: None,
            version: None,
            sample: None,
            ..
        } => {
            let renames = alias
                .as_ref()
                .is_some_and(|alias| !alias.columns.is_empty());
            (!renames).then_some((name, alias.as_ref().map(|alias| &alias.name)))
        }
        _ => None,
    }
}

/// All tables of a FROM, when they are nothing but tables.
pub(super) fn plain_tables(from: &[TableWithJoins]) -> Option<Vec<(&ObjectName, Option<&Ident>)>> {
    from.iter()
        .flat_map(|source| {
            let joined = source.joins.iter().map(|join| &join.relation);
            std::iter::once(&source.relation).chain(joined)
        })
        .map(plain_table)
        .collect()
}

/// Whether MySQL may read a qualifier as this table. More is fine: it only invalidates more.
pub(super) fn means(qualifier: &Ident, name: &ObjectName, alias: Option<&Ident>) -> bool {
    let called = |own: &Ident| qualifier.value.eq_ignore_ascii_case(&own.value);
    match alias {
        Some(alias) => called(alias),
        None => names::schema_and_name(name, Dialect::MySql)
            .is_some_and(|(_, own)| qualifier.value.eq_ignore_ascii_case(&own)),
    }
}
