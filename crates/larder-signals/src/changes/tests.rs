use larder_core::{Change, ChangeScope};
use larder_sql::{
    Operand, ValueKind,
    plan::{ChosenRows, Reason, Term, Test},
};

use super::*;
use crate::fixtures::*;

const PG: Dialect = Dialect::Postgres;

#[test]
fn insert_knows_what_values_tell_and_nothing_else() {
    let insert = Statement::insert(catalog(PG), "post", vec![vec![to(1, 3)]]);
    let changes = insert.changes(&[], Returned::Nothing);
    assert_eq!(
        rows(&changes, "post"),
        [come(image([None, Some(3), None, None]))]
    );
    assert_eq!(tables(&changes), [table_key("post")]);
}

#[test]
fn insert_is_completed_by_returning() {
    let insert = Statement::insert(catalog(PG), "post", vec![vec![to(1, 3)]]);
    let returned = [image([Some(9), None, None, Some(0)])];
    let changes = insert.changes(&[], Returned::All(&returned));
    assert_eq!(
        rows(&changes, "post"),
        [come(image([Some(9), Some(3), None, Some(0)]))]
    );
}

#[test]
fn rows_of_returning_meet_every_row_of_values_since_their_order_is_not_promised() {
    let insert = Statement::insert(catalog(PG), "post", vec![vec![to(1, 3)], vec![to(1, 4)]]);
    let returned = [image([Some(8)]), image([Some(9)])];
    let changes = insert.changes(&[], Returned::All(&returned));
    let row = |id, author| come(image([Some(id), Some(author), None, None]));
    assert_eq!(
        rows(&changes, "post"),
        [row(8, 3), row(8, 4), row(9, 3), row(9, 4)]
    );
}

#[test]
fn one_row_read_of_many_inserted_does_not_count_as_all() {
    let insert = Statement::insert(catalog(PG), "post", vec![vec![to(1, 3)], vec![to(1, 4)]]);
    let changes = insert.changes(&[], Returned::Some(&[image([Some(8)])]));
    let row = |author| come(image([None, Some(author), None, None]));
    assert_eq!(rows(&changes, "post"), [row(3), row(4)]);
}

#[test]
fn insert_select_knows_nothing_without_returning() {
    let mut insert = Statement::insert(catalog(PG), "post", Vec::new());
    insert.target.new = NewRows::Unknown;
    let changes = insert.changes(&[], Returned::Nothing);
    assert_eq!(rows(&changes, "post"), [come(image([None; 4]))]);
    let returned = [image([Some(1), Some(2), None, None])];
    let changes = insert.changes(&[], Returned::All(&returned));
    assert_eq!(rows(&changes, "post"), [come(returned[0].clone())]);
}

#[test]
fn mysql_generated_key_counts_for_one_row_that_leaves_it_out() {
    let mysql = Dialect::MySql;
    let id = |rows| {
        let insert = Statement::insert(catalog(mysql), "post", rows);
        let changes = insert.changes(&[], Returned::InsertId(9));
        rows_of_ids(&changes)
    };
    assert_eq!(id(vec![vec![to(1, 3)]]), [Some(Value::Int(9))]);
    assert_eq!(id(vec![vec![to(0, 5)]]), [Some(Value::Int(5))]);
    assert_eq!(id(vec![vec![to(1, 3)], vec![to(1, 4)]]), [None, None]);
    let null = Assignment {
        column: 0,
        value: Some(Operand::Literal(larder_sql::Literal::Null)),
    };
    assert_eq!(id(vec![vec![null]]), [None]);
}

fn rows_of_ids(changes: &Changes) -> Vec<Option<Value>> {
    let rows = rows(changes, "post");
    rows.into_iter()
        .map(|row| row.new.and_then(|new| cell(&new, 0).cloned()))
        .collect()
}

#[test]
fn w6_values_are_unknown_behind_a_before_trigger_and_returning_is_not() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "post", |post| {
        post.triggers = vec![trigger(true, Some(&[]))]
    });
    let insert = Statement::insert(catalog, "post", vec![vec![to(1, 3)]]);
    let changes = insert.changes(&[], Returned::Nothing);
    assert_eq!(rows(&changes, "post"), [come(image([None; 4]))]);
    let changes = insert.changes(&[], Returned::All(&[image([Some(1), Some(4)])]));
    assert_eq!(
        rows(&changes, "post"),
        [come(image([Some(1), Some(4), None, None]))]
    );
}

#[test]
fn w6_null_for_a_generated_key_is_unknown() {
    let null = Operand::Literal(larder_sql::Literal::Null);
    let row = vec![
        Assignment {
            column: 0,
            value: Some(null),
        },
        to(1, 3),
    ];
    let insert = Statement::insert(catalog(PG), "post", vec![row]);
    let changes = insert.changes(&[], Returned::Nothing);
    assert_eq!(
        rows(&changes, "post"),
        [come(image([None, Some(3), None, None]))]
    );
}

#[test]
fn w6_what_the_column_would_round_is_unknown() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "post", |post| {
        post.columns[3].kind = ValueKind::Decimal {
            precision: Some(10),
            scale: Some(2),
        };
    });
    let value = Operand::Literal(larder_sql::Literal::Number("1.005".into()));
    let row = vec![Assignment {
        column: 3,
        value: Some(value),
    }];
    let insert = Statement::insert(catalog, "post", vec![row]);
    assert_eq!(
        rows(&insert.changes(&[], Returned::Nothing), "post"),
        [come(image([None; 4]))]
    );
}

#[test]
fn update_pins_the_old_image_and_set_overrides_it_in_the_new_one() {
    let update = Statement::update(catalog(PG), "post", vec![to(1, 4)])
        .matching(vec![vec![among(0, &[1]), among(1, &[3])]]);
    let changes = update.changes(&[], Returned::Nothing);
    let expected = turned(
        image([Some(1), Some(3), None, None]),
        image([Some(1), Some(4), None, None]),
    );
    let found = of_table(&changes, "post").expect("rows");
    assert_eq!(found, [(Columns::Some(vec![1]), vec![expected])]);
}

#[test]
fn update_by_an_expression_leaves_the_new_cell_unknown() {
    let increment = Assignment {
        column: 3,
        value: None,
    };
    let update = Statement::update(catalog(PG), "post", vec![increment])
        .matching(vec![vec![among(0, &[1]), among(3, &[7])]]);
    let changes = update.changes(&[], Returned::Nothing);
    let expected = turned(
        image([Some(1), None, None, Some(7)]),
        image([Some(1), None, None, None]),
    );
    assert_eq!(rows(&changes, "post"), [expected]);
}

#[test]
fn update_takes_unchanged_old_cells_from_returning() {
    let update =
        Statement::update(catalog(PG), "post", vec![to(3, 8)]).matching(vec![vec![among(0, &[1])]]);
    let returned = [image([Some(1), Some(3), None, Some(8)])];
    let changes = update.changes(&[], Returned::All(&returned));
    let expected = turned(image([Some(1), Some(3), None, None]), returned[0].clone());
    assert_eq!(rows(&changes, "post"), [expected]);
}

#[test]
fn update_of_a_pinned_column_keeps_old_and_new_apart() {
    let update =
        Statement::update(catalog(PG), "post", vec![to(1, 4)]).matching(vec![vec![among(1, &[3])]]);
    let returned = [image([Some(1), Some(4), None, None])];
    let changes = update.changes(&[], Returned::All(&returned));
    let expected = turned(image([Some(1), Some(3), None, None]), returned[0].clone());
    assert_eq!(rows(&changes, "post"), [expected]);
}

#[test]
fn returned_rows_meet_every_pin_of_a_changed_column() {
    let update = Statement::update(catalog(PG), "post", vec![to(1, 4)])
        .matching(vec![vec![among(1, &[3, 5])]]);
    let returned = [
        image([Some(1), Some(4), None, None]),
        image([Some(2), Some(4), None, None]),
    ];
    let changes = update.changes(&[], Returned::All(&returned));
    let row = |id, old| {
        turned(
            image([Some(id), Some(old), None, None]),
            image([Some(id), Some(4), None, None]),
        )
    };
    assert_eq!(
        rows(&changes, "post"),
        [row(1, 3), row(1, 5), row(2, 3), row(2, 5)]
    );
}

#[test]
fn one_returned_row_counts_when_the_primary_key_is_pinned_and_not_otherwise() {
    let update = |term| {
        let update =
            Statement::update(catalog(PG), "post", vec![to(3, 8)]).matching(vec![vec![term]]);
        rows(
            &update.changes(
                &[],
                Returned::Some(&[image([Some(1), Some(3), None, Some(8)])]),
            ),
            "post",
        )
    };
    let old = |row: &RowChange| row.old.clone().expect("an update");
    assert_eq!(
        old(&update(among(0, &[1]))[0]),
        image([Some(1), Some(3), None, None])
    );
    assert_eq!(
        old(&update(among(1, &[3]))[0]),
        image([None, Some(3), None, None])
    );
}

#[test]
fn primary_key_of_a_table_with_heirs_does_not_promise_one_row() {
    let mut catalog = catalog(PG);
    let mut heir = table("heir", &[integer("id"), integer("author_id")]);
    heir.parents = vec![name("post")];
    put(&mut catalog, heir);
    let update =
        Statement::update(catalog, "post", vec![to(1, 4)]).matching(vec![vec![among(0, &[1])]]);
    let changes = update.changes(
        &[],
        Returned::Some(&[image([Some(1), Some(4), None, Some(8)])]),
    );
    let expected = turned(
        image([Some(1), None, None, None]),
        image([Some(1), Some(4), None, None]),
    );
    assert_eq!(rows(&changes, "post"), [expected]);
}

#[test]
fn no_returned_row_is_not_nothing_happened() {
    let update =
        Statement::update(catalog(PG), "post", vec![to(3, 8)]).matching(vec![vec![among(0, &[1])]]);
    assert_eq!(
        rows(&update.changes(&[], Returned::All(&[])), "post").len(),
        1
    );
}

#[test]
fn w7_all_columns_change_behind_a_before_trigger() {
    let mut catalog = catalog(PG);
    alter(&mut catalog, "post", |post| {
        post.triggers = vec![trigger(true, Some(&[]))]
    });
    let update =
        Statement::update(catalog, "post", vec![to(3, 8)]).matching(vec![vec![among(0, &[1])]]);
    let returned = [image([Some(1), Some(3), None, Some(8)])];
    let changes = update.changes(&[], Returned::All(&returned));
    let expected = turned(image([Some(1), None, None, None]), returned[0].clone());
    let found = of_table(&changes, "post").expect("rows");
    assert_eq!(found, [(Columns::All, vec![expected])]);
}

#[test]
fn delete_is_completed_by_returning() {
    let delete = Statement::delete(catalog(PG), "comment").matching(vec![vec![among(1, &[5])]]);
    let changes = delete.changes(&[], Returned::Nothing);
    assert_eq!(
        rows(&changes, "comment"),
        [gone(image([None, Some(5), None]))]
    );
    let changes = delete.changes(&[], Returned::All(&[image([Some(9), None, Some(1)])]));
    assert_eq!(
        rows(&changes, "comment"),
        [gone(image([Some(9), Some(5), Some(1)]))]
    );
}

#[test]
fn or_in_the_where_gives_an_image_per_alternative() {
    let delete = Statement::delete(catalog(PG), "comment").matching(vec![
        vec![among(0, &[1])],
        vec![among(1, &[5]), among(2, &[0, 1])],
    ]);
    let changes = delete.changes(&[], Returned::Nothing);
    let expected = [
        gone(image([Some(1), None, None])),
        gone(image([None, Some(5), Some(0)])),
        gone(image([None, Some(5), Some(1)])),
    ];
    assert_eq!(rows(&changes, "comment"), expected);
}

#[test]
fn parameters_pin_by_their_exact_class_and_null_never_matches() {
    let term = Term {
        column: 1,
        test: Test::In(vec![Operand::Parameter(0), Operand::Parameter(1)]),
    };
    let delete = Statement::delete(catalog(PG), "comment").matching(vec![vec![term]]);
    let pinned = |params: &[Param<'_>]| rows(&delete.changes(params, Returned::Nothing), "comment");
    let row = |post| gone(image([None, post, None]));
    assert_eq!(pinned(&[Param::Int(5), Param::Null]), [row(Some(5))]);
    assert_eq!(
        pinned(&[Param::Int(5), Param::Text("6".into())]),
        [row(None)]
    );
    assert_eq!(pinned(&[Param::Null, Param::Null]), [row(None)]);
    assert_eq!(pinned(&[Param::Int(5)]), [row(None)]);
}

#[test]
fn array_elements_pin_like_a_list() {
    let term = Term {
        column: 1,
        test: Test::In(vec![Operand::ParameterElements(0)]),
    };
    let delete = Statement::delete(catalog(PG), "comment").matching(vec![vec![term]]);
    let array = Param::Array("int8", vec![Param::Int(1), Param::Null, Param::Int(2)]);
    let row = |post| gone(image([None, Some(post), None]));
    assert_eq!(
        rows(&delete.changes(&[array], Returned::Nothing), "comment"),
        [row(1), row(2)]
    );
}

#[test]
fn an_unpinned_delete_touches_any_row() {
    let delete = Statement::delete(catalog(PG), "comment");
    assert_eq!(
        rows(&delete.changes(&[], Returned::Nothing), "comment"),
        [gone(image([None; 3]))]
    );
    let never = delete.matching(Vec::new());
    assert_eq!(
        rows(&never.changes(&[], Returned::Nothing), "comment").len(),
        1
    );
}

#[test]
fn lists_beyond_the_bound_pin_nothing() {
    let many: Vec<i64> = (0..300).collect();
    let delete = Statement::delete(catalog(PG), "comment")
        .matching(vec![vec![among(0, &many), among(1, &[5])]]);
    assert_eq!(
        rows(&delete.changes(&[], Returned::Nothing), "comment"),
        [gone(image([None, Some(5), None]))]
    );
}

#[test]
fn more_rows_than_the_limit_drop_the_record() {
    let values = (0..1_001).map(|author| vec![to(1, author)]).collect();
    let insert = Statement::insert(catalog(PG), "post", values);
    assert_eq!(
        of_table(&insert.changes(&[], Returned::Nothing), "post"),
        None
    );
}

#[test]
fn upsert_drops_the_record_and_those_of_its_cascades() {
    let upsert = Statement::new(catalog(PG), "post", WriteOperation::Opaque);
    let changes = upsert.changes(&[], Returned::Nothing);
    assert_eq!(of_table(&changes, "post"), None);
    assert_eq!(of_table(&changes, "comment"), None);
    assert_eq!(tables(&changes), [table_key("comment"), table_key("post")]);
}

#[test]
fn a_table_whose_conflicts_replace_drops_the_record_on_insert() {
    let mut catalog = catalog(Dialect::Sqlite);
    alter(&mut catalog, "post", |post| post.conflict_replaces = true);
    let insert = Statement::insert(catalog, "post", vec![vec![to(1, 3)]]);
    let changes = insert.changes(&[], Returned::Nothing);
    assert_eq!(of_table(&changes, "post"), None);
    assert_eq!(of_table(&changes, "comment"), None);
}

fn everything(source: &Source, part: Part) -> bool {
    let changes = of_plan(
        source,
        &plan(part),
        &[],
        Returned::Nothing,
        ChangeLimits::default(),
    );
    matches!(changes, Changes::Everything)
}

#[test]
fn ddl_unknown_text_and_unknown_scope_change_everything() {
    let insert = Statement::insert(catalog(PG), "post", vec![vec![to(1, 3)]]);
    assert!(everything(
        &insert.source,
        Part::Schema { temporary: false }
    ));
    assert!(everything(&insert.source, Part::Unknown(Reason::new("x"))));
    let mut plan = insert.plan();
    if let Part::Write(write) = &mut plan.parts[0] {
        write.unknown_scope = Some(Reason::new("calls a function"));
    }
    assert!(everything(&insert.source, plan.parts.remove(0)));
    assert!(!everything(&insert.source, Part::Session));
    assert!(!everything(&insert.source, Part::Neutral));
}

#[test]
fn a_write_without_a_catalog_changes_everything() {
    let mut insert = Statement::insert(catalog(PG), "post", vec![vec![to(1, 3)]]);
    insert.source =
        Source::new("s", PG, Default::default(), Default::default()).with_namespace(NAMESPACE);
    assert!(matches!(
        insert.changes(&[], Returned::Nothing),
        Changes::Everything
    ));
}

#[test]
fn each_statement_of_a_text_counts_and_none_owns_the_returned_rows() {
    let insert = Statement::insert(catalog(PG), "post", vec![vec![to(1, 3)]]);
    let mut plan = insert.plan();
    plan.parts
        .extend(Statement::delete(catalog(PG), "author").plan().parts);
    let returned = [image([Some(9)])];
    let limits = ChangeLimits::default();
    let changes = of_plan(&insert.source, &plan, &[], Returned::All(&returned), limits);
    let expected = ["author", "comment", "post"].map(table_key);
    assert_eq!(tables(&changes), expected);
    let Changes::Tables(all) = &changes else {
        panic!("tables")
    };
    let id_known = |change: &Change| match &change.scope {
        ChangeScope::Rows { rows, .. } => rows.iter().any(|row| {
            row.new
                .as_ref()
                .is_some_and(|new| cell(new, 0) == Some(&Value::Int(9)))
        }),
        _ => false,
    };
    assert!(!all.iter().any(id_known));
}

/// `post` rows as they were, and what the statement matched.
fn before<'a>(old: &'a [Image], matched: usize, new: &'a [Image]) -> Returned<'a> {
    let matched = Matched::Exactly(matched);
    Returned::Before { old, matched, new }
}

fn chosen(mut statement: Statement) -> Statement {
    statement.target.chosen = Some(ChosenRows {
        text: "post".into(),
        parameters: Vec::new(),
    });
    statement
}

fn post(id: i64, author: i64, views: i64) -> Image {
    image([Some(id), Some(author), None, Some(views)])
}

#[test]
fn rows_before_a_delete_are_what_is_gone() {
    let delete = chosen(Statement::delete(catalog(PG), "post"));
    let old = [post(1, 3, 0), post(2, 4, 0)];
    let changes = delete.changes(&[], before(&old, 2, &[]));
    assert_eq!(
        rows(&changes, "post"),
        [gone(old[0].clone()), gone(old[1].clone())]
    );
    // What goes with them is known as well.
    let comments = |post| gone(image([None, Some(post), None]));
    assert_eq!(rows(&changes, "comment"), [comments(1), comments(2)]);
    let none = delete.changes(&[], before(&[], 0, &[]));
    assert!(none.is_empty());
}

#[test]
fn w3_rows_before_do_not_count_when_more_or_fewer_were_matched() {
    let delete = chosen(Statement::delete(catalog(PG), "post"));
    let old = [post(1, 3, 0)];
    for matched in [0, 2] {
        let changes = delete.changes(&[], before(&old, matched, &[]));
        assert_eq!(rows(&changes, "post"), [gone(image([None; 4]))]);
    }
    // Other rows may have been chosen, however many.
    let by_others = Statement::delete(catalog(PG), "post");
    let changes = by_others.changes(&[], before(&old, 1, &[]));
    assert_eq!(rows(&changes, "post"), [gone(image([None; 4]))]);
}

#[test]
fn one_row_read_by_a_terminal_is_all_only_where_the_key_says_so() {
    let delete = chosen(Statement::delete(catalog(PG), "post"));
    let old = [post(1, 3, 0)];
    let matched = Matched::AtLeast(1);
    let one = Returned::Before {
        old: &old,
        matched,
        new: &[],
    };
    let changes = delete.changes(&[], one);
    assert_eq!(rows(&changes, "post"), [gone(image([None; 4]))]);
    let by_key = delete.matching(vec![vec![among(0, &[1])]]);
    let changes = by_key.changes(&[], one);
    assert_eq!(rows(&changes, "post"), [gone(old[0].clone())]);
}

#[test]
fn w3_rows_before_do_not_count_under_a_trigger_or_in_a_family() {
    let old = [post(1, 3, 0)];
    for altering in [
        (|post: &mut Table| post.triggers = vec![trigger(true, Some(&[]))]) as fn(&mut Table),
        |post| post.parents = vec![name("author")],
    ] {
        let mut altered = catalog(PG);
        alter(&mut altered, "post", altering);
        let delete = chosen(Statement::delete(altered, "post"));
        let changes = delete.changes(&[], before(&old, 1, &[]));
        assert_eq!(rows(&changes, "post"), [gone(image([None; 4]))]);
    }
}

#[test]
fn update_knows_each_row_before_and_after() {
    let update = chosen(Statement::update(catalog(PG), "post", vec![to(1, 7)]));
    let old = [post(1, 3, 5), post(2, 4, 6)];
    let changes = update.changes(&[], before(&old, 2, &[]));
    let moved = |old: &Image, new| RowChange {
        old: Some(old.clone()),
        new: Some(new),
    };
    assert_eq!(
        rows(&changes, "post"),
        [moved(&old[0], post(1, 7, 5)), moved(&old[1], post(2, 7, 6))]
    );
}

#[test]
fn column_that_is_set_to_what_it_was_has_not_changed() {
    let set = vec![to(1, 3), to(3, 9)];
    let update = chosen(Statement::update(catalog(PG), "post", set));
    // One row changes its author, one its views, one nothing.
    let old = [post(1, 4, 9), post(2, 3, 8), post(3, 3, 9)];
    let changes = update.changes(&[], before(&old, 3, &[]));
    let Changes::Tables(changes) = changes else {
        panic!("everything");
    };
    let told: Vec<_> = changes
        .iter()
        .map(|change| match &change.scope {
            ChangeScope::Rows { changed, rows } => (changed.clone(), rows.len()),
            _ => panic!("a record"),
        })
        .collect();
    assert_eq!(told.len(), 2);
    assert!(told.contains(&(Columns::Some(vec![1]), 1)));
    assert!(told.contains(&(Columns::Some(vec![3]), 1)));
    let same = chosen(Statement::update(catalog(PG), "post", vec![to(1, 3)]));
    let changes = same.changes(&[], before(&[post(1, 3, 0)], 1, &[]));
    assert!(changes.is_empty());
}

#[test]
fn r11_a_decimal_that_is_set_to_an_equal_one_has_changed() {
    let decimal = |scale: Option<u32>| {
        let mut altered = catalog(PG);
        alter(&mut altered, "post", |post| {
            let precision = scale.map(|_| 10);
            post.columns[3].kind = ValueKind::Decimal { precision, scale };
        });
        let one = Assignment {
            column: 3,
            value: Some(Operand::Literal(larder_sql::Literal::Number("1.0".into()))),
        };
        chosen(Statement::update(altered, "post", vec![one]))
    };
    let mut old = post(1, 3, 0);
    old.cells[3] = Some(Value::Decimal("1".into()));
    let old = [old];
    // 1.00 may become 1.0.
    let unbounded = decimal(None).changes(&[], before(&old, 1, &[]));
    assert_eq!(rows(&unbounded, "post").len(), 1);
    let bounded = decimal(Some(2)).changes(&[], before(&old, 1, &[]));
    assert!(bounded.is_empty());
}

#[test]
fn computed_columns_follow_the_others() {
    let mut altered = catalog(PG);
    alter(&mut altered, "post", |post| {
        post.columns[3].generated = true
    });
    let mut update = chosen(Statement::update(altered, "post", vec![to(1, 3)]));
    update.target.changed = Columns::Some(vec![1, 3]);
    let same = update.changes(&[], before(&[post(1, 3, 0)], 1, &[]));
    assert!(same.is_empty());
    let changes = update.changes(&[], before(&[post(1, 4, 0)], 1, &[]));
    let new = image([Some(1), Some(3), None, None]);
    assert_eq!(rows(&changes, "post")[0].new, Some(new));
}

#[test]
fn computed_column_that_is_set_by_hand_is_one_like_others() {
    let mut altered = catalog(PG);
    alter(&mut altered, "post", |post| {
        post.columns[3].on_update = true
    });
    let touch = vec![Assignment {
        column: 3,
        value: None,
    }];
    let touch = chosen(Statement::update(altered, "post", touch));
    let changes = touch.changes(&[], before(&[post(1, 3, 0)], 1, &[]));
    assert_eq!(rows(&changes, "post").len(), 1);
}

#[test]
fn computed_values_come_from_the_returned_row_of_the_same_key() {
    let set = vec![Assignment {
        column: 1,
        value: None,
    }];
    let update = chosen(Statement::update(catalog(PG), "post", set));
    let old = [post(1, 3, 0), post(2, 4, 0)];
    let new = [image([Some(2), Some(5)]), image([Some(1), Some(4)])];
    let changes = update.changes(&[], before(&old, 2, &new));
    let authors: Vec<_> = rows(&changes, "post")
        .iter()
        .map(|row| row.new.as_ref().unwrap().cells[1].clone())
        .collect();
    assert_eq!(authors, [Some(Value::Int(4)), Some(Value::Int(5))]);
    // Without it the new value is open.
    let changes = update.changes(&[], before(&old, 2, &[]));
    assert_eq!(
        rows(&changes, "post")[0].new.as_ref().unwrap().cells[1],
        None
    );
}

#[test]
fn row_without_a_key_is_none_of_those_that_come_back() {
    let set = vec![Assignment {
        column: 1,
        value: None,
    }];
    let update = chosen(Statement::update(catalog(Dialect::Sqlite), "post", set));
    let keyless = |author| {
        let mut row = post(1, author, 0);
        row.cells[0] = Some(Value::Null);
        row
    };
    let (old, new) = ([keyless(1), keyless(2)], [keyless(2), keyless(3)]);
    let changes = update.changes(&[], before(&old, 2, &new));
    let news = rows(&changes, "post");
    assert!(
        news.iter()
            .all(|row| row.new.as_ref().unwrap().cells[1].is_none())
    );
}
