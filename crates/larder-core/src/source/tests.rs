use super::*;
use crate::fixture::{catalog, post, table};

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
    assert_eq!(&*source().table_key(&post().name).0, "db:public.post");
}
