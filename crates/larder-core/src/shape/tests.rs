use std::sync::Arc;

use larder_sql::{Column, ValueKind};
use proptest::prelude::*;

use super::*;
use crate::{
    Change, ChangeScope, Image, RowChange, Value,
    fixture::{AUTHOR, BODY, DELETED, ID, INT, TITLE, image, post, post_columns, table},
};

const BY_AUTHOR: &str = "1|author_id:int|title";

fn name(text: &str) -> ShapeName {
    ShapeName(Arc::from(text))
}

fn key() -> TableKey {
    TableKey(Arc::from("n:s:public.post"))
}

fn encoded(columns: &[Column], asked: &[(usize, Asked)], named: &[usize]) -> String {
    let table = table("t", columns.to_vec());
    Shape::new(&table, asked, &Columns::Some(named.to_vec()))
        .into_named()
        .1
        .0
        .to_string()
}

fn change(changed: Columns, rows: Vec<RowChange>) -> Change {
    let scope = ChangeScope::Rows { changed, rows };
    Change {
        table_key: key(),
        table: Some(post()),
        scope,
    }
}

fn insert(new: Image) -> Change {
    change(
        Columns::All,
        vec![RowChange {
            old: None,
            new: Some(new),
        }],
    )
}

fn delete(old: Image) -> Change {
    change(
        Columns::All,
        vec![RowChange {
            old: Some(old),
            new: None,
        }],
    )
}

fn update(changed: &[usize], old: Image, new: Image) -> Change {
    let row = RowChange {
        old: Some(old),
        new: Some(new),
    };
    change(Columns::Some(changed.to_vec()), vec![row])
}

/// P11: sessions and times differ in what they know of a table.
#[test]
fn a_writer_with_another_catalog_reads_what_was_met_anew() {
    let met = MetShapes::new([name(BY_AUTHOR)].into());
    let affected = |change: &Change| {
        let ready = met.ready_for(change);
        ready
            .iter()
            .map(|it| it.affected_by(change))
            .collect::<Vec<_>>()
    };
    let change = insert(image(&[author(7)]));
    let touched = vec![values(BY_AUTHOR, &[Value::Int(7)])];
    assert_eq!(affected(&change), touched);
    // Columns have other places.
    let mut columns = post_columns();
    columns.swap(AUTHOR, BODY);
    let moved = Change {
        table: Some(table("post", columns)),
        ..insert(image(&[(BODY, Value::Int(7))]))
    };
    assert_eq!(affected(&moved), touched);
    // A column of the shape is of another kind.
    let mut columns = post_columns();
    columns[AUTHOR].kind = ValueKind::Bool;
    let other = Change {
        table: Some(table("post", columns)),
        ..change.clone()
    };
    assert_eq!(affected(&other), [Affected::Record]);
    let unknown = Change {
        table: None,
        ..change.clone()
    };
    assert_eq!(affected(&unknown), [Affected::Record]);
    let elsewhere = Change {
        table_key: TableKey("n:other:public.post".into()),
        ..change.clone()
    };
    assert_ne!(affected(&elsewhere), touched);
    assert_eq!(affected(&change), touched);
}

/// The digests of these values of the first condition, sorted.
fn values(shape: &str, values: &[Value]) -> Affected {
    let fields = Shape::fields(&key(), &name(shape));
    let mut digests: Vec<_> = values
        .iter()
        .map(|value| digest_of(&fields, Canonical::of(value)))
        .collect();
    digests.sort_unstable();
    Affected::Values(digests)
}

fn author(id: i128) -> (usize, Value) {
    (AUTHOR, Value::Int(id))
}

#[test]
fn a_name_says_conditions_kinds_and_watched_columns() {
    let asked = [(DELETED, Asked::Null), (AUTHOR, Asked::Equal(Kind::Int))];
    let by = |named: &[usize]| encoded(&post_columns(), &asked, named);
    assert_eq!(
        by(&[TITLE, AUTHOR]),
        "1|author_id:int,deleted_at:null|title"
    );
    assert_eq!(by(&[]), "1|author_id:int,deleted_at:null|");
    assert_eq!(by(&[ID, TITLE, BODY]), "1|author_id:int,deleted_at:null|*");
    assert_eq!(encoded(&post_columns(), &[], &[TITLE, ID]), "1||id,title");
    assert_eq!(&*ShapeName::any_row().0, "1||*");
}

#[test]
fn odd_column_names_are_escaped_and_an_empty_one_watches_everything() {
    let odd = [
        Column::new("a,b|c:d*%", INT),
        Column::new("é x", INT),
        Column::new("n", INT),
    ];
    let asked = [(0, Asked::Equal(Kind::Int))];
    assert_eq!(
        encoded(&odd, &asked, &[1]),
        "1|a%2Cb%7Cc%3Ad%2A%25:int|é%20x"
    );
    let empty = [Column::new("", INT), Column::new("a", INT)];
    assert_eq!(encoded(&empty, &[], &[0]), "1||*");
}

#[test]
fn a_name_too_long_becomes_a_more_general_shape() {
    let wide: Vec<_> = (0..200)
        .map(|n| Column::new(format!("column_{n:03}"), INT))
        .collect();
    let all_but_one: Vec<_> = (1..200).collect();
    let asked = [(0, Asked::Equal(Kind::Int))];
    assert_eq!(encoded(&wide, &asked, &all_but_one), "1|column_000:int|*");
    let huge = [Column::new("x".repeat(2_000), INT), Column::new("y", INT)];
    assert_eq!(encoded(&huge, &asked, &[]), "1||*");
}

#[test]
fn p11_a_name_that_cannot_be_read_drops_the_record() {
    let change = insert(image(&[author(3)]));
    let long = format!("1||{}", "x".repeat(2_000));
    let many: Vec<_> = (0..17).map(|n| format!("c{n:02}:null")).collect();
    let many = format!("1|{}|*", many.join(","));
    for text in [
        "",
        "1",
        "1|",
        "2||*",
        "1||*|",
        "1|author_id|*",
        "1|author_id:|*",
        "1|author_id:float|*",
        "1|:|*",
        "1||title,",
        "1||title,title",
        "1||title,id",
        "1||%zz",
        "1||%4",
        "1||%41",
        "1||%74itle",
        "1||é%",
        "1|author_id:int,author_id:null|*",
        "1|title:text,author_id:int|*",
        "1||*,id",
        &long,
        &many,
    ] {
        assert_eq!(name(text).affected_by(&change), Affected::Record, "{text}");
    }
}

#[test]
fn p11_a_catalog_that_disagrees_drops_the_record() {
    let change = insert(image(&[author(3), (TITLE, Value::Text("t".into()))]));
    for text in [
        "1|author_id:text|*",
        "1|author:int|*",
        "1|gone:null|*",
        "1||gone",
        "1|body:text|*",
        "1|deleted_at:timestamptz|*",
    ] {
        assert_eq!(name(text).affected_by(&change), Affected::Record, "{text}");
    }
    let mut unknown = change.clone();
    unknown.table = None;
    assert_eq!(name(BY_AUTHOR).affected_by(&unknown), Affected::Record);
    let mut wrong_kind = change;
    wrong_kind.scope = insert(image(&[(AUTHOR, Value::Text("3".into()))])).scope;
    assert_eq!(name(BY_AUTHOR).affected_by(&wrong_kind), Affected::Record);
}

#[test]
fn unknown_rows_drop_the_record() {
    let change = Change {
        scope: ChangeScope::Record,
        ..insert(Image::default())
    };
    assert_eq!(name(BY_AUTHOR).affected_by(&change), Affected::Record);
}

#[test]
fn a_row_that_comes_or_goes_drops_its_value_in_every_shape() {
    for change in [insert(image(&[author(3)])), delete(image(&[author(3)]))] {
        assert_eq!(
            name(BY_AUTHOR).affected_by(&change),
            values(BY_AUTHOR, &[Value::Int(3)])
        );
        assert_eq!(name("1||").affected_by(&change), Affected::Whole);
        assert_eq!(ShapeName::any_row().affected_by(&change), Affected::Whole);
    }
}

#[test]
fn an_insert_counts_whatever_it_says_it_changed() {
    let mut change = insert(image(&[author(3)]));
    if let ChangeScope::Rows { changed, .. } = &mut change.scope {
        *changed = Columns::Some(vec![ID]);
    }
    assert_eq!(
        name(BY_AUTHOR).affected_by(&change),
        values(BY_AUTHOR, &[Value::Int(3)])
    );
}

#[test]
fn r11_an_update_of_neither_condition_nor_watched_columns_touches_nothing() {
    let known = image(&[author(3)]);
    let at = |column| update(&[column], known.clone(), known.clone());
    assert_eq!(name(BY_AUTHOR).affected_by(&at(BODY)), Affected::Untouched);
    assert_eq!(name("1||title").affected_by(&at(BODY)), Affected::Untouched);
    assert_eq!(name("1||title").affected_by(&at(TITLE)), Affected::Whole);
    assert_eq!(name("1||*").affected_by(&at(BODY)), Affected::Whole);
    let nothing = update(&[], known.clone(), known);
    assert_eq!(name("1||*").affected_by(&nothing), Affected::Untouched);
}

#[test]
fn r11_equal_canonical_values_of_a_changed_column_still_count() {
    // numeric 1.0 -> 1.00: one digest, and it drops.
    let one = || Value::Decimal("1".into());
    let mut columns = post_columns();
    columns.push(Column::new(
        "price",
        ValueKind::Decimal {
            precision: None,
            scale: None,
        },
    ));
    let image = || Image {
        cells: vec![None, None, None, None, None, Some(one())],
    };
    let mut change = update(&[5], image(), image());
    change.table = Some(table("post", columns));
    let shape = "1|price:decimal|title";
    assert_eq!(name(shape).affected_by(&change), values(shape, &[one()]));
}

#[test]
fn an_update_drops_the_old_and_the_new_value() {
    let change = update(&[AUTHOR], image(&[author(3)]), image(&[author(4)]));
    let both = values(BY_AUTHOR, &[Value::Int(3), Value::Int(4)]);
    assert_eq!(name(BY_AUTHOR).affected_by(&change), both);
}

#[test]
fn an_unchanged_column_is_known_from_either_image() {
    let one = values(BY_AUTHOR, &[Value::Int(3)]);
    let known = || image(&[author(3)]);
    let old_only = update(&[TITLE], known(), Image::default());
    let new_only = update(&[TITLE], Image::default(), known());
    assert_eq!(name(BY_AUTHOR).affected_by(&old_only), one);
    assert_eq!(name(BY_AUTHOR).affected_by(&new_only), one);
    // A changed column is not: the row may have come from anywhere.
    let changed = update(&[AUTHOR], Image::default(), known());
    assert_eq!(name(BY_AUTHOR).affected_by(&changed), Affected::Whole);
}

#[test]
fn w2_an_unknown_condition_column_drops_the_shape() {
    let shape = name("1|author_id:int,deleted_at:null|title");
    let with = |deleted| shape.affected_by(&insert(image(&[(DELETED, deleted)])));
    assert_eq!(
        shape.affected_by(&insert(Image::default())),
        Affected::Whole
    );
    assert_eq!(with(Value::Null), Affected::Whole);
    // Not NULL excludes the row whatever its author is.
    assert_eq!(with(Value::Timestamp(1)), Affected::Untouched);
    assert_eq!(with(Value::Present), Affected::Untouched);
    // NULL equals nothing.
    let no_author = insert(image(&[(AUTHOR, Value::Null)]));
    assert_eq!(shape.affected_by(&no_author), Affected::Untouched);
    let some_author = insert(image(&[(AUTHOR, Value::Present), (DELETED, Value::Null)]));
    assert_eq!(shape.affected_by(&some_author), Affected::Whole);
}

#[test]
fn w1_a_cascade_that_knows_only_the_key_drops_other_shapes_whole() {
    let cascade = delete(image(&[author(3)]));
    assert_eq!(
        name("1|title:text|*").affected_by(&cascade),
        Affected::Whole
    );
    assert_eq!(
        name(BY_AUTHOR).affected_by(&cascade),
        values(BY_AUTHOR, &[Value::Int(3)])
    );
}

#[test]
fn is_null_is_asked_of_columns_without_a_canonical_kind_too() {
    let shape = "1|body:null|title";
    let with = |body| name(shape).affected_by(&insert(image(&[(BODY, body)])));
    assert_eq!(with(Value::Null), values(shape, &[Value::Null]));
    assert_eq!(with(Value::Present), Affected::Untouched);
}

#[test]
fn rows_of_one_value_drop_it_once_and_one_unknown_row_drops_the_shape() {
    let row = |new| RowChange {
        old: None,
        new: Some(new),
    };
    let two = vec![row(image(&[author(3)])), row(image(&[author(3)]))];
    let shape = name(BY_AUTHOR);
    let change_of = |rows| shape.affected_by(&change(Columns::All, rows));
    assert_eq!(change_of(two.clone()), values(BY_AUTHOR, &[Value::Int(3)]));
    let mixed = [two, vec![row(Image::default())]].concat();
    assert_eq!(change_of(mixed), Affected::Whole);
    assert_eq!(change_of(Vec::new()), Affected::Untouched);
}

#[test]
fn the_order_of_columns_in_a_catalog_does_not_matter() {
    let asked = [(0, Asked::Equal(Kind::Int)), (1, Asked::Null)];
    let swapped = [(1, Asked::Equal(Kind::Int)), (0, Asked::Null)];
    let (a, b, c) = (
        Column::new("a", INT),
        Column::new("b", INT),
        Column::new("c", INT),
    );
    let straight = encoded(&[a.clone(), b.clone(), c.clone()], &asked, &[]);
    assert_eq!(straight, encoded(&[b, a, c], &swapped, &[]));
}

#[test]
fn the_digest_of_a_value_stays_the_same() {
    // Processes of two builds share a store: a change here needs a new FORMAT_VERSION.
    let fields = Shape::fields(&key(), &name(BY_AUTHOR));
    let digest = digest_of(&fields, [Canonical::Int(3)]);
    assert_eq!(format!("{digest:?}"), "868ec4f96333..");
}

proptest! {
    #[test]
    fn any_name_is_read_or_refused(text in "[12|,:*%a-z0-9]{0,24}|\\PC*") {
        let _ = name(&text).affected_by(&insert(image(&[author(3)])));
    }

    #[test]
    fn what_is_encoded_is_read_back(
        names in prop::collection::btree_set("[a,|:*%é ]{1,3}", 1..6),
        split in 0..6_usize,
    ) {
        let columns: Vec<_> = names.iter().map(|name| Column::new(name.clone(), INT)).collect();
        let table = table("t", [columns.clone(), vec![Column::new("zz", INT)]].concat());
        let split = split.min(columns.len());
        let asked: Vec<_> = (0..split).map(|at| (at, Asked::Equal(Kind::Int))).collect();
        let named = Columns::Some((split..columns.len()).collect());
        let (shape, name) = Shape::new(&table, &asked, &named).into_named();
        prop_assert_eq!(name.parse(), Some(shape));
    }
}
