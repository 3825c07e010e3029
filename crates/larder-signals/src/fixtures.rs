//! A small catalog and plans by hand, for the tests of this crate.

use std::sync::Arc;

use larder_core::{
    Cache, Change, ChangeScope, Image, Param, ReadOutcome, ReadRequest, RowChange, ShapeName,
    Source, TableKey, Value,
};
use larder_sql::{
    Catalog, Column, Dialect, Literal, Operand, Plan, Table, TableName, ValueKind,
    catalog::{ForeignKey, ForeignKeyAction, TableKind, Trigger},
    plan::{
        Assignment, Columns, NewRows, OldRows, Part, Term, Test, WriteOperation, WritePlan,
        WriteTarget,
    },
};

use crate::{ChangeLimits, Changes, Returned, changes::of_plan};

/// `author(id, name)`, `post(id, author_id, title, views)`, `comment(id, post_id, approved)`.
/// A post goes with its author, a comment with its post; `comment` also follows a changed key.
pub(crate) fn catalog(dialect: Dialect) -> Catalog {
    let mut catalog = Catalog::new(dialect);
    let author = table("author", &[integer("id"), text("name")]);
    let mut post = table(
        "post",
        &[
            integer("id"),
            integer("author_id"),
            text("title"),
            integer("views"),
        ],
    );
    post.foreign_keys = vec![key(
        &[1],
        "author",
        ForeignKeyAction::Cascade,
        ForeignKeyAction::Nothing,
    )];
    let mut comment = table(
        "comment",
        &[integer("id"), integer("post_id"), integer("approved")],
    );
    comment.foreign_keys = vec![key(
        &[1],
        "post",
        ForeignKeyAction::Cascade,
        ForeignKeyAction::Cascade,
    )];
    for mut table in [author, post, comment] {
        table.primary_key = vec![0];
        if let Some(id) = table.columns.first_mut() {
            id.not_null = true;
            id.auto_increment = true;
        }
        put(&mut catalog, table);
    }
    catalog
}

pub(crate) fn name(table: &str) -> TableName {
    TableName::new("public", table)
}

pub(crate) fn table(table: &str, columns: &[Column]) -> Table {
    Table::new(name(table), TableKind::Base, columns.to_vec())
}

pub(crate) fn integer(name: &str) -> Column {
    Column::new(
        name,
        ValueKind::Integer {
            min: i64::MIN,
            max: i64::MAX as u64,
        },
    )
}

pub(crate) fn text(name: &str) -> Column {
    Column::new(name, ValueKind::Text { chars_max: None })
}

pub(crate) fn key(
    columns: &[usize],
    parent: &str,
    on_delete: ForeignKeyAction,
    on_update: ForeignKeyAction,
) -> ForeignKey {
    ForeignKey {
        columns: columns.to_vec(),
        parent: name(parent),
        parent_columns: vec!["id".into()],
        on_delete,
        on_update,
    }
}

/// A trigger on everything.
pub(crate) fn trigger(before: bool, writes: Option<&[&str]>) -> Trigger {
    Trigger {
        name: "t".into(),
        before,
        on_insert: true,
        on_update: true,
        on_delete: true,
        writes: writes.map(|names| names.iter().map(|n| name(n)).collect()),
    }
}

pub(crate) fn put(catalog: &mut Catalog, table: Table) {
    catalog.tables.insert(table.name.clone(), Arc::new(table));
}

/// Changes one table of a catalog.
pub(crate) fn alter(catalog: &mut Catalog, table: &str, change: impl FnOnce(&mut Table)) {
    let mut altered = Table::clone(&catalog.tables[&name(table)]);
    change(&mut altered);
    put(catalog, altered);
}

pub(crate) fn source(catalog: Catalog) -> Source {
    let source = Source::new("s", catalog.dialect, Default::default(), Default::default());
    source.set_catalog(catalog);
    source
}

pub(crate) fn table_key(table: &str) -> TableKey {
    TableKey::new("s", &name(table))
}

/// One write by hand.
pub(crate) struct Statement {
    pub(crate) source: Source,
    pub(crate) target: WriteTarget,
}

impl Statement {
    pub(crate) fn new(catalog: Catalog, table: &str, operation: WriteOperation) -> Self {
        let target = WriteTarget {
            table: catalog.tables[&name(table)].clone(),
            operation,
            changed: Columns::All,
            old: OldRows::Matching(vec![Vec::new()]),
            new: NewRows::None,
            own_rows: true,
        };
        Self {
            source: source(catalog),
            target,
        }
    }

    pub(crate) fn insert(catalog: Catalog, table: &str, rows: Vec<Vec<Assignment>>) -> Self {
        let mut insert = Self::new(catalog, table, WriteOperation::Insert);
        insert.target.old = OldRows::None;
        insert.target.new = NewRows::Assigned(rows);
        insert
    }

    pub(crate) fn update(catalog: Catalog, table: &str, set: Vec<Assignment>) -> Self {
        let mut update = Self::new(catalog, table, WriteOperation::Update);
        update.target.changed = Columns::Some(set.iter().map(|a| a.column).collect());
        update.target.new = NewRows::Assigned(vec![set]);
        update
    }

    pub(crate) fn delete(catalog: Catalog, table: &str) -> Self {
        Self::new(catalog, table, WriteOperation::Delete)
    }

    pub(crate) fn matching(mut self, conjunctions: Vec<Vec<Term>>) -> Self {
        self.target.old = OldRows::Matching(conjunctions);
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        plan(Part::Write(WritePlan {
            targets: vec![self.target.clone()],
            unknown_scope: None,
            returning: Vec::new(),
            error_keeps_rows: false,
        }))
    }

    pub(crate) fn changes(&self, params: &[Param<'_>], returned: Returned<'_>) -> Changes {
        of_plan(
            &self.source,
            &self.plan(),
            params,
            returned,
            ChangeLimits::default(),
        )
    }
}

pub(crate) fn plan(part: Part) -> Plan {
    Plan {
        normalized: "".into(),
        parts: vec![part],
        variable_arity: false,
    }
}

pub(crate) fn number(value: i64) -> Operand {
    Operand::Literal(Literal::Number(value.to_string().into()))
}

/// `column = value`, as an assignment.
pub(crate) fn to(column: usize, value: i64) -> Assignment {
    Assignment {
        column,
        value: Some(number(value)),
    }
}

/// `column IN (values)`.
pub(crate) fn among(column: usize, values: &[i64]) -> Term {
    Term {
        column,
        test: Test::In(values.iter().copied().map(number).collect()),
    }
}

/// An image of integers; `None` = unknown.
pub(crate) fn image<const N: usize>(cells: [Option<i64>; N]) -> Image {
    let value = |cell: i64| Value::Int(i128::from(cell));
    Image {
        cells: cells.into_iter().map(|cell| cell.map(value)).collect(),
    }
}

pub(crate) fn gone(old: Image) -> RowChange {
    RowChange {
        old: Some(old),
        new: None,
    }
}

pub(crate) fn come(new: Image) -> RowChange {
    RowChange {
        old: None,
        new: Some(new),
    }
}

pub(crate) fn turned(old: Image, new: Image) -> RowChange {
    RowChange {
        old: Some(old),
        new: Some(new),
    }
}

/// The changes of one table, each as its changed columns and rows; `None` = its record drops.
pub(crate) fn of_table(changes: &Changes, table: &str) -> Option<Vec<(Columns, Vec<RowChange>)>> {
    let Changes::Tables(changes) = changes else {
        panic!("everything changed")
    };
    let of = |change: &&Change| change.table_key == table_key(table);
    changes
        .iter()
        .filter(of)
        .map(|change| match &change.scope {
            ChangeScope::Rows { changed, rows } => Some((changed.clone(), rows.clone())),
            _ => None,
        })
        .collect()
}

/// The rows of the only change of a table.
pub(crate) fn rows(changes: &Changes, table: &str) -> Vec<RowChange> {
    let found = of_table(changes, table).expect("rows are known");
    assert_eq!(found.len(), 1, "one change of {table}: {found:?}");
    found.into_iter().next().expect("one").1
}

/// The names of the tables concerned.
pub(crate) fn tables(changes: &Changes) -> Vec<TableKey> {
    changes.tables().expect("not everything")
}

/// Stores a result that rests on a whole table, unless it is stored already or bypassed.
pub(crate) fn store(cache: &Cache, table: &str) -> ReadOutcome {
    let outcome = lookup(cache, table);
    match outcome {
        ReadOutcome::Fill(fill) => {
            fill.store_blocking(Arc::new(()), 1);
            lookup(cache, table)
        }
        outcome => outcome,
    }
}

/// Reads the result of [`store`].
pub(crate) fn lookup(cache: &Cache, table: &str) -> ReadOutcome {
    let entry = larder_core::EntryKey {
        table: table_key(table),
        digest: larder_core::Digest([7; 32]),
    };
    let dependency = larder_core::DependencyKey {
        table: table_key(table),
        shape: ShapeName::any_row(),
        value: None,
    };
    cache.read_blocking(ReadRequest {
        entry: &entry,
        dependencies: &[dependency],
        ttl: std::time::Duration::from_secs(3600),
        mode: Default::default(),
    })
}

pub(crate) fn is_hit(cache: &Cache, table: &str) -> bool {
    matches!(lookup(cache, table), ReadOutcome::Hit(_))
}
