use larder_core::Value;
use larder_sql::{Column, Table, ValueKind, plan::Columns};

use super::*;
use crate::{ChangeLimits, fixtures::*};

const PG: Dialect = Dialect::Postgres;

/// Recorded rows: table, operation, old, new.
fn told(catalog: larder_sql::Catalog, recorded: &[[&str; 4]]) -> Option<Changes> {
    let outbox = Outbox::new(catalog.dialect);
    let claimed: Vec<Claimed> = recorded
        .iter()
        .map(|[table, operation, old, new]| {
            let mut fields = ["1", "public", table, operation, old, new, "5"];
            let hex: Vec<String> = fields.iter().map(|f| hex(f)).collect();
            if outbox.text_chars_cut().is_some() || !outbox.locks_rows() {
                for place in [1, 2, 4, 5] {
                    fields[place] = &hex[place];
                }
            }
            let row = fields.iter().map(|field| Some((*field).to_owned()));
            outbox.read(row.collect()).unwrap()
        })
        .collect();
    let source = source(catalog);
    changes::of_claimed(&source, &outbox, &claimed, ChangeLimits::default())
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
}

const ROW: &str = r#"{"id": 1, "author_id": 3, "title": "x", "views": 7}"#;

fn post_1() -> larder_core::Image {
    let mut image = image([Some(1), Some(3), None, Some(7)]);
    image.cells[2] = Some(Value::Text("x".into()));
    image
}

#[test]
fn an_insert_and_a_delete_tell_one_row_each() {
    let changes = told(catalog(PG), &[["post", "INSERT", "", ROW]]).unwrap();
    assert_eq!(rows(&changes, "post"), [come(post_1())]);
    assert_eq!(tables(&changes), [table_key("post")]);
    let changes = told(catalog(PG), &[["post", "DELETE", ROW, ""]]).unwrap();
    assert_eq!(rows(&changes, "post"), [gone(post_1())]);
    // Cascades are followed, whether or not they fire triggers of their own.
    let comment = image([None, Some(1), None]);
    assert_eq!(rows(&changes, "comment"), [gone(comment)]);
}

#[test]
fn an_update_changes_the_columns_that_differ_as_they_are_written() {
    let mut catalog = catalog(PG);
    let kind = ValueKind::Decimal {
        precision: None,
        scale: None,
    };
    alter(&mut catalog, "post", |post| {
        post.columns.push(Column::new("price", kind))
    });
    let state = |title: &str, price: &str| {
        format!(r#"{{"id": 1, "author_id": 3, "title": "{title}", "price": {price}}}"#)
    };
    let changed = |old: &str, new: &str| {
        let changes = told(catalog.clone(), &[["post", "UPDATE", old, new]]).unwrap();
        of_table(&changes, "post").unwrap().swap_remove(0).0
    };
    // `views` is not told.
    let before = state("x", "1.0");
    assert_eq!(changed(&before, &before), Columns::Some(vec![3]));
    assert_eq!(
        changed(&before, &state("y", "1.0")),
        Columns::Some(vec![2, 3])
    );
    // R11: the same number, shown differently.
    assert_eq!(
        changed(&before, &state("x", "1.00")),
        Columns::Some(vec![3, 4])
    );
    // A value without a canonical form may be shown differently, too.
    let nan = state("x", "\"NaN\"");
    assert_eq!(changed(&nan, &nan), Columns::Some(vec![3, 4]));
}

#[test]
fn values_of_every_kind_are_read_as_each_server_writes_them() {
    let value = |dialect, kind: ValueKind, json: &str| {
        let mut catalog = catalog(dialect);
        let column = Column::new("v", kind);
        put(
            &mut catalog,
            Table::new(
                name("one"),
                larder_sql::catalog::TableKind::Base,
                vec![column],
            ),
        );
        let image = format!(r#"{{"v":{json}}}"#);
        let changes = told(catalog, &[["one", "DELETE", &image, ""]]).unwrap();
        let row = rows(&changes, "one").swap_remove(0);
        row.old.unwrap().cells[0].clone()
    };
    let text = || ValueKind::Text { chars_max: None };
    let int = || integer("v").kind;
    let stamp = || ValueKind::Timestamp { precision: 6 };
    let mysql = Dialect::MySql;
    let sqlite = Dialect::Sqlite;
    let long = format!("\"{}\"", "x".repeat(256));
    let second = 1_704_103_200_000_000;
    for (dialect, kind, json, expected) in [
        (PG, int(), "5", Value::Int(5)),
        (PG, int(), "5.5", Value::Present),
        (mysql, int(), "\"-5\"", Value::Int(-5)),
        (sqlite, int(), "5", Value::Int(5)),
        (sqlite, int(), "\"\"", Value::Present),
        (sqlite, int(), "\"5\"", Value::Present),
        (sqlite, text(), "0", Value::Present),
        (sqlite, text(), "\"0\"", Value::Text("0".into())),
        (PG, text(), "\"a \\u00e9\"", Value::Text("a é".into())),
        (PG, text(), &long, Value::Text("x".repeat(256).into())),
        (mysql, text(), &long, Value::Present),
        (mysql, text(), "\"a \"", Value::Present),
        (PG, text(), "null", Value::Null),
        (PG, ValueKind::Bool, "true", Value::Bool(true)),
        (PG, ValueKind::Date, "\"2024-01-01\"", Value::Date(19_723)),
        (PG, ValueKind::Date, "\"infinity\"", Value::Present),
        (mysql, ValueKind::Date, "\"0000-00-00\"", Value::Present),
        (
            PG,
            stamp(),
            "\"2024-01-01T10:00:00\"",
            Value::Timestamp(second),
        ),
        (
            mysql,
            stamp(),
            "\"2024-01-01 10:00:00.000000\"",
            Value::Timestamp(second),
        ),
        (
            PG,
            ValueKind::TimestampTz { precision: 6 },
            "\"2024-01-01T12:00:00+02:00\"",
            Value::TimestampTz(second),
        ),
        (PG, ValueKind::Opaque, "1.5", Value::Present),
    ] {
        assert_eq!(
            value(dialect, kind, json),
            Some(expected),
            "{dialect:?} {json}"
        );
    }
}

#[test]
fn what_cannot_be_read_drops_more() {
    let record = |recorded| {
        let changes = told(catalog(PG), &[recorded]).unwrap();
        of_table(&changes, "post").is_none()
    };
    assert!(record(["post", "MERGE", "", ""]));
    assert!(record(["post", "TRUNCATE", "", ""]));
    let changes = told(catalog(PG), &[["post", "DELETE", "{broken", ""]]).unwrap();
    assert_eq!(rows(&changes, "post"), [gone(image([None; 4]))]);
    let changes = told(catalog(PG), &[["post", "INSERT", "", "{\"gone\": 1}"]]).unwrap();
    assert_eq!(rows(&changes, "post"), [come(image([None; 4]))]);
    assert!(told(catalog(PG), &[["unheard_of", "INSERT", "", ROW]]).is_none());
}

#[test]
fn sqlite_may_have_replaced_rows_without_a_trigger_to_tell() {
    for operation in ["INSERT", "UPDATE"] {
        let changes = told(catalog(Dialect::Sqlite), &[["post", operation, "", ""]]).unwrap();
        assert_eq!(of_table(&changes, "post"), None);
        // What was replaced is deleted, and its comments with it.
        assert_eq!(of_table(&changes, "comment"), None);
    }
    let changes = told(catalog(Dialect::Sqlite), &[["post", "DELETE", ROW, ""]]).unwrap();
    assert_eq!(rows(&changes, "post"), [gone(post_1())]);
}

#[test]
fn a_full_batch_of_one_table_stays_precise() {
    let images: Vec<String> = (0..1_000).map(|id| format!("{{\"id\": {id}}}")).collect();
    let recorded: Vec<[&str; 4]> = images
        .iter()
        .map(|i| ["comment", "INSERT", "", i])
        .collect();
    let changes = told(catalog(PG), &recorded).unwrap();
    assert_eq!(rows(&changes, "comment").len(), 1_000);
}

#[test]
fn the_outbox_itself_is_no_change_but_its_triggers_count() {
    let with_outbox = |writes: &[&str]| {
        let mut catalog = catalog(PG);
        put(&mut catalog, table("larder_outbox", &[integer("id")]));
        alter(&mut catalog, "larder_outbox", |outbox| {
            outbox.triggers = writes.iter().map(|w| trigger(false, Some(&[w]))).collect();
        });
        alter(&mut catalog, "comment", |comment| {
            comment.triggers = vec![trigger(false, Some(&["larder_outbox"]))];
        });
        let insert = Statement::insert(catalog, "comment", vec![vec![to(1, 3)]]);
        tables(&insert.changes(&[], crate::Returned::Nothing))
    };
    assert_eq!(with_outbox(&[]), [table_key("comment")]);
    assert_eq!(
        with_outbox(&["author"]).len(),
        3,
        "author, post with it, comment"
    );
}

#[test]
fn pace_polls_when_idle_hurries_when_full_and_backs_off_from_failures() {
    let interval = Duration::from_millis(100);
    let mut pace = RelayConfig::new().poll_interval(interval).pace();
    let round = |outcome, more| RelayRound {
        rows: 0,
        lag: Duration::ZERO,
        outcome,
        more,
    };
    let idle = round(RelayOutcome::Idle, false);
    assert_eq!(pace.after(&idle), interval);
    assert_eq!(
        pace.after(&round(RelayOutcome::Trimmed, true)),
        Duration::ZERO
    );
    let pauses = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].map(Duration::from_millis);
    for pause in pauses {
        assert_eq!(pace.after_failure(&"no"), pause);
    }
    assert_eq!(pace.after(&round(RelayOutcome::Kept, true)), pauses[7]);
    assert_eq!(pace.after(&idle), interval);
    assert_eq!(
        RelayConfig::new().rows_max(0),
        RelayConfig::new().rows_max(1)
    );
}
