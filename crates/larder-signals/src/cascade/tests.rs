use larder_sql::{Column, Dialect, catalog::Trigger, plan::WriteOperation};

use super::*;
use crate::{Returned, fixtures::*};

const PG: Dialect = Dialect::Postgres;

fn deleted(catalog: Catalog, table: &str, id: i64) -> Changes {
    let delete = Statement::delete(catalog, table).matching(vec![vec![among(0, &[id])]]);
    delete.changes(&[], Returned::Nothing)
}

#[test]
fn w1_a_cascaded_delete_knows_only_the_foreign_key() {
    let changes = deleted(catalog(PG), "post", 1);
    assert_eq!(
        rows(&changes, "post"),
        [gone(image([Some(1), None, None, None]))]
    );
    assert_eq!(
        rows(&changes, "comment"),
        [gone(image([None, Some(1), None]))]
    );
}

#[test]
fn w1_cascades_go_on_with_what_is_left_known() {
    let changes = deleted(catalog(PG), "author", 3);
    assert_eq!(
        rows(&changes, "post"),
        [gone(image([None, Some(3), None, None]))]
    );
    assert_eq!(rows(&changes, "comment"), [gone(image([None; 3]))]);
}

#[test]
fn w1_on_update_cascade_has_the_new_key_in_the_new_image() {
    let update =
        Statement::update(catalog(PG), "post", vec![to(0, 7)]).matching(vec![vec![among(0, &[1])]]);
    let changes = update.changes(&[], Returned::Nothing);
    let expected = turned(image([None, Some(1), None]), image([None, Some(7), None]));
    let found = of_table(&changes, "comment").expect("rows");
    assert_eq!(found, [(Columns::Some(vec![1]), vec![expected])]);
}

#[test]
fn an_update_that_leaves_the_referenced_key_alone_does_not_cascade() {
    let update = Statement::update(catalog(PG), "post", vec![to(3, 7)]);
    assert_eq!(
        tables(&update.changes(&[], Returned::Nothing)),
        [table_key("post")]
    );
}

#[test]
fn an_insert_does_not_cascade() {
    let insert = Statement::insert(catalog(PG), "author", vec![vec![to(0, 1)]]);
    assert_eq!(
        tables(&insert.changes(&[], Returned::Nothing)),
        [table_key("author")]
    );
}

fn with_action(action: ForeignKeyAction) -> Catalog {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "comment", |comment| {
        comment.foreign_keys[0].on_delete = action;
        let mut changed = integer("changed");
        changed.generated = true;
        comment.columns.push(changed);
    });
    catalog
}

#[test]
fn w1_set_null_has_null_in_the_new_image_and_changes_what_follows_from_it() {
    let changes = deleted(with_action(ForeignKeyAction::SetNull), "post", 1);
    let mut new = image([None; 4]);
    set(&mut new, 1, Some(Value::Null));
    let expected = turned(image([None, Some(1), None, None]), new);
    let found = of_table(&changes, "comment").expect("rows");
    assert_eq!(found, [(Columns::Some(vec![1, 3]), vec![expected])]);
}

#[test]
fn w1_set_default_knows_nothing_of_the_new_image() {
    let changes = deleted(with_action(ForeignKeyAction::SetDefault), "post", 1);
    let expected = turned(image([None, Some(1), None, None]), image([None; 4]));
    assert_eq!(rows(&changes, "comment"), [expected]);
}

#[test]
fn a_foreign_key_without_action_writes_no_child() {
    let changes = deleted(with_action(ForeignKeyAction::Nothing), "post", 1);
    assert_eq!(tables(&changes), [table_key("post")]);
}

#[test]
fn w1_a_child_behind_a_before_trigger_changes_in_every_column() {
    let mut catalog = with_action(ForeignKeyAction::SetNull);
    alter(&mut catalog, "comment", |comment| {
        comment.triggers = vec![trigger(true, Some(&[]))]
    });
    let changes = deleted(catalog, "post", 1);
    let expected = turned(image([None, Some(1), None, None]), image([None; 4]));
    let found = of_table(&changes, "comment").expect("rows");
    assert_eq!(found, [(Columns::All, vec![expected])]);
}

#[test]
fn a_key_of_another_kind_tells_the_child_nothing() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "comment", |comment| {
        comment.columns[1] = Column::new("post_id", larder_sql::ValueKind::Opaque);
    });
    let changes = deleted(catalog, "post", 1);
    assert_eq!(rows(&changes, "comment"), [gone(image([None; 3]))]);
}

#[test]
fn a_table_that_references_itself_ends_with_any_row() {
    let mut catalog = Catalog::new(PG);
    let mut tree = table("tree", &[integer("id"), integer("parent_id")]);
    tree.foreign_keys = vec![key(
        &[1],
        "tree",
        ForeignKeyAction::Cascade,
        ForeignKeyAction::Cascade,
    )];
    put(&mut catalog, tree);
    let changes = deleted(catalog, "tree", 1);
    let found = rows(&changes, "tree");
    assert!(found.contains(&gone(image([Some(1), None]))));
    assert!(found.contains(&gone(image([None, Some(1)]))));
    assert!(found.contains(&gone(image([None, None]))));
}

#[test]
fn tables_that_reference_each_other_end() {
    let mut catalog = Catalog::new(PG);
    for (name, parent) in [("a", "b"), ("b", "a")] {
        let mut table = table(name, &[integer("id"), integer("other")]);
        table.foreign_keys = vec![key(
            &[1],
            parent,
            ForeignKeyAction::Cascade,
            ForeignKeyAction::SetNull,
        )];
        put(&mut catalog, table);
    }
    assert_eq!(
        tables(&deleted(catalog, "a", 1)),
        [table_key("a"), table_key("b")]
    );
}

#[test]
fn a_chain_longer_than_the_bound_goes_on_with_records() {
    let mut catalog = Catalog::new(PG);
    let names: Vec<String> = (0..300).map(|n| format!("t{n:03}")).collect();
    for (n, name) in names.iter().enumerate() {
        let mut table = table(name, &[integer("id"), integer("other")]);
        if let Some(parent) = n.checked_sub(1).and_then(|n| names.get(n)) {
            table.foreign_keys = vec![key(
                &[1],
                parent,
                ForeignKeyAction::Cascade,
                ForeignKeyAction::Cascade,
            )];
        }
        put(&mut catalog, table);
    }
    let changes = deleted(catalog, "t000", 1);
    assert_eq!(tables(&changes).len(), 300);
    assert_eq!(of_table(&changes, "t299"), None);
}

#[test]
fn truncate_empties_every_table_that_references_it() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "comment", |comment| {
        comment.foreign_keys[0].on_delete = ForeignKeyAction::Nothing;
        comment.foreign_keys[0].on_update = ForeignKeyAction::Nothing;
    });
    let truncate = Statement::new(catalog, "author", WriteOperation::Truncate);
    let changes = truncate.changes(&[], Returned::Nothing);
    for table in ["author", "comment", "post"] {
        assert_eq!(of_table(&changes, table), None, "{table}");
    }
}

#[test]
fn a_trigger_that_says_what_it_writes_drops_those_records() {
    let mut catalog = catalog(PG);
    put(&mut catalog, table("log", &[integer("id")]));
    alter(&mut catalog, "comment", |t| {
        t.triggers = vec![trigger(false, Some(&["log"]))]
    });
    let changes = deleted(catalog, "comment", 1);
    assert_eq!(rows(&changes, "comment").len(), 1);
    assert_eq!(of_table(&changes, "log"), None);
    assert_eq!(tables(&changes), [table_key("comment"), table_key("log")]);
}

#[test]
fn what_a_trigger_writes_cascades_as_unknown_rows() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "comment", |t| {
        t.triggers = vec![trigger(false, Some(&["author"]))]
    });
    let changes = deleted(catalog, "comment", 1);
    // The trigger may do anything to authors, posts go with theirs, and comments with posts.
    for table in ["author", "post", "comment"] {
        assert_eq!(of_table(&changes, table), None, "{table}");
    }
}

#[test]
fn a_trigger_that_writes_its_own_table_drops_its_record() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "comment", |t| {
        t.triggers = vec![trigger(false, Some(&["comment"]))]
    });
    assert_eq!(of_table(&deleted(catalog, "comment", 1), "comment"), None);
}

#[test]
fn a_trigger_that_does_not_say_what_it_writes_changes_everything() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "comment", |t| {
        t.triggers = vec![trigger(false, None)]
    });
    // Also when the write reaches the table by cascade only.
    assert!(matches!(deleted(catalog, "author", 1), Changes::Everything));
}

#[test]
fn a_trigger_on_another_operation_does_not_fire() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "comment", |t| {
        t.triggers = vec![Trigger {
            on_delete: false,
            ..trigger(false, None)
        }];
    });
    assert_eq!(
        tables(&deleted(catalog, "comment", 1)),
        [table_key("comment")]
    );
}

#[test]
fn a_trigger_that_writes_a_table_the_catalog_does_not_list_drops_its_record() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "comment", |t| {
        t.triggers = vec![trigger(false, Some(&["audit"]))]
    });
    assert_eq!(of_table(&deleted(catalog, "comment", 1), "audit"), None);
}

#[test]
fn a_rule_changes_everything() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "comment", |t| t.has_rules = true);
    assert!(matches!(
        deleted(catalog, "comment", 1),
        Changes::Everything
    ));
}

#[test]
fn a_write_to_a_view_that_analysis_left_alone_changes_everything() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "comment", |t| {
        t.kind = TableKind::View {
            definition: "SELECT 1".into(),
        }
    });
    assert!(matches!(
        deleted(catalog, "comment", 1),
        Changes::Everything
    ));
}

/// `event` with the partitions `event_1` (columns in another order) and `event_2`.
fn partitioned() -> Catalog {
    let mut catalog = catalog(PG);
    put(
        &mut catalog,
        table("event", &[integer("id"), integer("kind")]),
    );
    for (name, columns) in [
        ("event_1", [integer("kind"), integer("id")]),
        ("event_2", [integer("id"), integer("kind")]),
    ] {
        let mut partition = table(name, &columns);
        partition.parents = vec![self::name("event")];
        put(&mut catalog, partition);
    }
    catalog
}

#[test]
fn a_write_to_a_root_is_a_write_to_its_partitions_by_column_name() {
    let changes = deleted(partitioned(), "event", 1);
    assert_eq!(rows(&changes, "event"), [gone(image([Some(1), None]))]);
    assert_eq!(rows(&changes, "event_1"), [gone(image([None, Some(1)]))]);
    assert_eq!(rows(&changes, "event_2"), [gone(image([Some(1), None]))]);
}

#[test]
fn a_write_to_a_partition_is_a_write_to_its_root() {
    let delete = Statement::delete(partitioned(), "event_1").matching(vec![vec![among(1, &[1])]]);
    let changes = delete.changes(&[], Returned::Nothing);
    assert_eq!(rows(&changes, "event"), [gone(image([Some(1), None]))]);
    assert_eq!(tables(&changes), [table_key("event"), table_key("event_1")]);
}

#[test]
fn a_trigger_on_a_partition_fires_for_a_write_to_its_root() {
    let mut catalog = partitioned();
    alter(&mut catalog, "event_2", |t| {
        t.triggers = vec![trigger(false, None)]
    });
    assert!(matches!(deleted(catalog, "event", 1), Changes::Everything));
}

#[test]
fn a_row_that_may_move_between_partitions_may_cascade_its_deletion() {
    let mut catalog = partitioned();
    let mut child = table("child", &[integer("id"), integer("event_id")]);
    child.foreign_keys = vec![key(
        &[1],
        "event",
        ForeignKeyAction::Cascade,
        ForeignKeyAction::Nothing,
    )];
    put(&mut catalog, child);
    let update = Statement::update(catalog, "event", vec![to(0, 2)]);
    assert_eq!(
        of_table(&update.changes(&[], Returned::Nothing), "child"),
        None
    );
}
