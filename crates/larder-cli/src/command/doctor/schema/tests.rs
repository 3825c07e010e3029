use larder_sql::{Column, TableName};

use super::*;
use crate::command::doctor::Severity;

fn table(name: &str) -> Table {
    let id = Column::new("id", ValueKind::Uuid);
    let mut table = Table::new(TableName::new("public", name), TableKind::Base, vec![id]);
    table.primary_key = vec![0];
    table
}

fn told(tables: Vec<Table>) -> Vec<(Severity, String, Vec<String>)> {
    let mut catalog = Catalog::new(Dialect::Postgres);
    for table in tables {
        catalog.tables.insert(table.name.clone(), Arc::new(table));
    }
    let found = findings(&catalog).into_iter();
    found.map(|it| (it.severity, it.what, it.items)).collect()
}

fn trigger(writes: Option<&[&str]>) -> Trigger {
    Trigger {
        name: "touch".into(),
        before: false,
        on_insert: true,
        on_update: true,
        on_delete: true,
        writes: writes.map(|it| {
            it.iter()
                .map(|name| TableName::new("public", *name))
                .collect()
        }),
    }
}

/// What is said of a table beside that the catalog can be read.
fn said(change: impl FnOnce(&mut Table)) -> Vec<(Severity, String, Vec<String>)> {
    let mut post = table("post");
    change(&mut post);
    let mut found = told(vec![post]);
    found.remove(0);
    found
}

#[test]
fn a_plain_schema_is_only_readable() {
    let what = "its catalog can be read: 1 table".to_owned();
    assert_eq!(told(vec![table("post")]), [(Note, what, Vec::new())]);
    assert_eq!(told(Vec::new())[0].0, Warning);
}

#[test]
fn what_a_schema_does_to_the_cache_is_told() {
    let one =
        |severity, what: &str, item: &str| vec![(severity, what.to_owned(), vec![item.to_owned()])];
    assert_eq!(
        said(|it| it.triggers = vec![trigger(None)]),
        one(
            Warning,
            "triggers whose writes are not known",
            "touch on public.post"
        )
    );
    assert_eq!(
        said(|it| it.triggers = vec![trigger(Some(&["audit"]))]),
        one(
            Note,
            "triggers whose writes are known",
            "touch on public.post writes public.audit"
        )
    );
    assert_eq!(
        said(|it| it.primary_key.clear()),
        one(Warning, "tables without a primary key", "public.post")
    );
    assert_eq!(
        said(|it| it.row_security = true),
        one(
            Note,
            "tables under row-level security",
            "public.post, by row and session"
        )
    );
    assert_eq!(
        said(|it| it.has_rules = true),
        one(Warning, "tables with rewrite rules", "public.post")
    );
    assert_eq!(
        said(|it| it.transactional = false),
        one(
            Warning,
            "tables whose engine knows no transactions",
            "public.post"
        )
    );
    assert_eq!(
        said(|it| it.kind = TableKind::MaterializedView)
            .first()
            .map(|it| it.1.as_str()),
        Some("views and others")
    );
}

#[test]
fn only_texts_that_widen_are_told() {
    let column = |name: &str, declared: &str, kind: ValueKind| Column {
        declared: declared.into(),
        ..Column::new(name, kind)
    };
    let found = said(|it| {
        it.columns.extend([
            column("title", "varchar(10)", ValueKind::Opaque),
            column("body", "text", ValueKind::Text { chars_max: None }),
            column("meta", "jsonb", ValueKind::Opaque),
        ]);
    });
    let items = vec!["public.post.title (varchar(10))".to_owned()];
    let what = "text columns under collations that widen".to_owned();
    assert_eq!(found, [(Note, what, items)]);
}

#[test]
fn foreign_keys_that_act_name_what_they_reach() {
    let found = said(|it| {
        let key = |on_delete, on_update| ForeignKey {
            columns: vec![0],
            parent: TableName::new("public", "author"),
            parent_columns: vec!["id".into()],
            on_delete,
            on_update,
        };
        it.foreign_keys = vec![
            key(ForeignKeyAction::Cascade, ForeignKeyAction::SetNull),
            key(ForeignKeyAction::Nothing, ForeignKeyAction::Nothing),
        ];
    });
    let item = "public.author -> public.post (id: on delete cascade, on update set null)";
    let what = "foreign keys that act".to_owned();
    assert_eq!(found, [(Note, what, vec![item.to_owned()])]);
}
