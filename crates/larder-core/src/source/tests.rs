use std::any::TypeId;

use larder_sql::plan::Operation;

use super::*;
use crate::{
    BoundRead, Param, ResultIdentity,
    fixture::{catalog, post, table},
};

const READ: &str = "SELECT id FROM post WHERE id = 1";

fn source() -> Source {
    Source::new(
        "db",
        Dialect::Postgres,
        SourceLimits::default(),
        FunctionLists::default(),
    )
}

#[test]
fn the_same_catalog_again_keeps_the_plans_and_another_one_forgets_them() {
    let source = source();
    source.set_catalog(catalog(Dialect::Postgres, &[post()]));
    let first = source.plan(READ);
    assert_eq!((source.catalog_version(), first.catalog_version()), (1, 1));
    source.set_catalog(catalog(Dialect::Postgres, &[post()]));
    assert!(Arc::ptr_eq(&first, &source.plan(READ)));
    source.set_catalog(catalog(Dialect::Postgres, &[post(), table("tag", vec![])]));
    assert_eq!(source.catalog_version(), 2);
    assert_eq!(source.plan(READ).catalog_version(), 2);
}

#[test]
fn a_plan_tells_the_content_of_the_whole_catalog() {
    let source = source();
    let told = |tables: &[Arc<larder_sql::Table>]| {
        source.set_catalog(catalog(Dialect::Postgres, tables));
        source.plan(READ).catalog_fingerprint()
    };
    let one = told(&[post()]);
    let two = told(&[post(), table("tag", vec![])]);
    assert_ne!(one, two);
    assert_eq!(
        told(&[post()]),
        one,
        "the version is another, the content the same"
    );
}

#[test]
fn a_plan_made_with_an_older_catalog_is_never_used() {
    let source = source();
    source.set_catalog(catalog(Dialect::Postgres, &[post()]));
    let old = source.plan(READ);
    source.set_catalog(catalog(Dialect::Postgres, &[]));
    // What a thread does that was still analysing with the older catalog.
    source.plans.insert(READ, old, false);
    assert_eq!(source.plan(READ).catalog_version(), 2);
}

#[test]
fn a_table_key_names_source_and_table() {
    assert_eq!(&*source().table_key(&post().name).0, ":db:public.post");
}

fn bind(source: &Source, sql: &str, params: &[Param<'_>]) -> Result<BoundRead, Reason> {
    let result = ResultIdentity {
        adapter: "test",
        terminal: "all",
        type_id: TypeId::of::<()>(),
        type_name: "()",
        schema_fingerprint: 0,
    };
    source.plan(sql).bind(params, &result, None)
}

fn loaded() -> Source {
    let source = source();
    let mut catalog = catalog(Dialect::Postgres, &[post()]);
    catalog.search_path = vec!["public".into()];
    source.set_catalog(catalog);
    source
}

#[test]
fn without_a_catalog_no_read_is_cached_and_every_write_is_unknown() {
    let source = source();
    for sql in ["SELECT 1", READ, "SELECT * FROM nothing"] {
        let refused = bind(&source, sql, &[]).unwrap_err();
        assert_eq!(refused.to_string(), "catalog not loaded", "{sql}");
    }
    for sql in [
        "DELETE FROM post",
        "INSERT INTO post (id) VALUES (1)",
        "UPDATE post SET id = 1",
    ] {
        let prepared = source.plan(sql);
        let is_unknown = prepared.plan().parts.iter().all(|part| match part {
            Part::Write(write) => write.unknown_scope.is_some(),
            part => matches!(part, Part::Unknown(_)),
        });
        assert!(is_unknown, "{sql}");
    }
}

#[test]
fn a_statement_of_the_orm_is_bound_to_its_row() {
    let source = loaded();
    let sql = r#"SELECT "post"."id", "post"."title" FROM "post" WHERE "post"."id" = $1 LIMIT $2"#;
    let bound = bind(&source, sql, &[Param::Int(1), Param::Int(1)]).unwrap();
    assert_eq!(&*bound.entry.table.0, ":db:public.post");
    let shapes: Vec<_> = bound.dependencies.iter().map(|it| &*it.shape.0).collect();
    assert_eq!(shapes, ["1|id:int|title"]);
    assert_ne!(
        bound,
        bind(&source, sql, &[Param::Int(2), Param::Int(1)]).unwrap()
    );
    // White space and keyword case are no part of the key.
    let again = sql
        .replace("SELECT", "select ")
        .replace("WHERE", "/* by id */ where");
    assert_eq!(
        bound,
        bind(&source, &again, &[Param::Int(1), Param::Int(1)]).unwrap()
    );
}

#[test]
fn a_bound_limit_decides_the_operation() {
    let source = loaded();
    let operation = |sql: &str, params: &[Param<'_>]| source.plan(sql).operation(params);
    let limited = "SELECT id FROM post LIMIT $1";
    assert_eq!(operation(limited, &[Param::Int(1)]), Some(Operation::Get));
    assert_eq!(operation(limited, &[Param::Int(2)]), Some(Operation::Fetch));
    assert_eq!(
        operation(limited, &[Param::Int(-1)]),
        Some(Operation::Fetch)
    );
    assert_eq!(operation(limited, &[]), Some(Operation::Fetch));
    assert_eq!(
        operation("SELECT id FROM post LIMIT 1", &[]),
        Some(Operation::Get)
    );
    assert_eq!(
        operation("SELECT count(*) FROM post", &[]),
        Some(Operation::Count)
    );
    assert_eq!(operation("DELETE FROM post", &[]), None);
}

#[test]
fn a_parameter_that_names_the_current_moment_is_not_cached() {
    let source = loaded();
    let sql = "SELECT id FROM post WHERE deleted_at > CAST($1 AS timestamp)";
    let bind = |param| bind(&source, sql, &[param]).map_err(|reason| reason.to_string());
    let refused = Err("a parameter names the current moment".to_owned());
    assert_eq!(bind(Param::Text("yesterday".into())), refused);
    assert_eq!(
        bind(Param::Other("text", (*b"now").as_slice().into())),
        refused
    );
    assert_eq!(
        bind(Param::Array("text", vec![Param::Text("TODAY".into())])),
        refused
    );
    assert!(bind(Param::Text("2024-01-01 00:00:00".into())).is_ok());
    assert!(bind(Param::Timestamp(0)).is_ok());
}
