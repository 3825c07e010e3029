use larder_core::Value;

use super::*;
use crate::fixtures::*;

fn by_hand(table: &str, condition: Option<&str>) -> ByHand {
    let source = source(catalog(Dialect::Postgres));
    let table = source.catalog().unwrap().tables[&name(table)].clone();
    changes_by_hand(&source, &table, condition, ChangeLimits::default())
}

fn told_by(condition: &str) -> Vec<String> {
    let told = by_hand("post", Some(condition)).told_by;
    told.iter().map(|name| name.to_string()).collect()
}

#[test]
fn a_row_by_hand_may_have_come_changed_or_gone() {
    let found = by_hand("post", Some("id = 1"));
    let image = image([Some(1), None, None, None]);
    let came = RowChange {
        old: None,
        new: Some(image.clone()),
    };
    let expected = [gone(image.clone()), turned(image.clone(), image), came];
    let rows = rows(&found.changes, "post");
    assert_eq!(rows.len(), 3);
    assert!(expected.iter().all(|row| rows.contains(row)), "{rows:?}");
}

#[test]
fn a_row_by_hand_takes_its_cascades_along() {
    let found = by_hand("post", Some("id = 1"));
    let comments = by_image(&found.changes, "comment");
    assert!(!comments.is_empty());
    for image in comments {
        assert_eq!(image.cells[1], Some(Value::Int(1)), "by the post alone");
    }
}

fn by_image(changes: &Changes, table: &str) -> Vec<Image> {
    let Changes::Tables(changes) = changes else {
        return Vec::new();
    };
    let mut images = Vec::new();
    for change in changes.iter().filter(|it| it.table_key == table_key(table)) {
        if let larder_core::ChangeScope::Rows { rows, .. } = &change.scope {
            images.extend(
                rows.iter()
                    .flat_map(|it| [&it.old, &it.new])
                    .flatten()
                    .cloned(),
            );
        }
    }
    images
}

#[test]
fn a_condition_tells_rows_apart_by_what_is_equal() {
    assert_eq!(told_by("author_id = 3"), ["author_id"]);
    assert_eq!(
        told_by("author_id IN (3, 4) AND title IS NULL"),
        ["author_id", "title"]
    );
    assert_eq!(told_by("author_id = 3 AND views > 5"), ["author_id"]);
    assert_eq!(told_by("author_id = 3 OR author_id = 4"), ["author_id"]);
    assert_eq!(told_by("author_id = 3 OR id = 1"), ["id", "author_id"]);
}

#[test]
fn a_condition_that_tells_nothing_stands_for_any_row() {
    for condition in [
        "views > 5",
        "author_id = 3 OR views > 5",
        "author_id = $1",
        "author_id = 3 OR id = $1",
        "author_id = 'x' || 'y'",
        "authorid = 3",
        "author_id =",
        "id = 1) OR (1 = 1",
        "id = 1); DELETE FROM author WHERE (id = 1",
        "id = 1 -- ",
        "",
    ] {
        let found = by_hand("post", Some(condition));
        assert_eq!(found.told_by, Vec::<Arc<str>>::new(), "{condition}");
        let whole = by_hand("post", None);
        assert_eq!(
            tables(&found.changes),
            tables(&whole.changes),
            "{condition}"
        );
        assert!(of_table(&found.changes, "post").is_none(), "{condition}");
    }
}

#[test]
fn any_row_by_hand_drops_what_cascades_reach() {
    let found = by_hand("author", None);
    let expected = ["author", "comment", "post"].map(table_key);
    assert_eq!(tables(&found.changes), expected);
}
