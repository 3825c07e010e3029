use super::*;
use crate::plan::Operation;

#[track_caller]
fn is(operation: Operation, sql: &str) {
    for dialect in ALL {
        let read = read_plan(&catalog(dialect), &in_style(sql, dialect)).expect("a read");
        assert_eq!(read.operation, operation, "{dialect:?}: {sql}");
    }
}

#[test]
fn operations_follow_from_the_shape_of_the_query() {
    is(Operation::Fetch, "SELECT id FROM a");
    is(Operation::Fetch, "SELECT id FROM a LIMIT 2");
    is(Operation::Get, "SELECT id FROM a WHERE id = $1 LIMIT 1");
    is(
        Operation::Exists,
        "SELECT EXISTS (SELECT 1 FROM a WHERE id = $1)",
    );
    is(Operation::Exists, "SELECT 1 FROM a WHERE id = $1 LIMIT 1");
    is(Operation::Exists, "SELECT 1 FROM a WHERE id = $1");
    is(
        Operation::Count,
        "SELECT COUNT(*) AS num_items FROM (SELECT id FROM a) AS sub_query",
    );
    is(Operation::Count, "SELECT count(x) FROM a");
    is(Operation::Aggregate, "SELECT count(*), max(x) FROM a");
    is(Operation::Aggregate, "SELECT x, count(*) FROM a GROUP BY x");
    is(Operation::Aggregate, "SELECT COALESCE(sum(x), 0) FROM a");
    is(Operation::Fetch, "SELECT id FROM a UNION SELECT id FROM b");
}

#[test]
fn a_bound_limit_decides_at_the_call() {
    let catalog = catalog(POSTGRES);
    let read = read_plan(&catalog, "SELECT id FROM a WHERE id = $1 LIMIT $2").expect("a read");
    assert_eq!(read.operation, Operation::Fetch);
    assert_eq!(read.limit, Some(Operand::Parameter(1)));
    assert_eq!(read.operation_with(Some(1)), Operation::Get);
    assert_eq!(read.operation_with(Some(2)), Operation::Fetch);
    let read = read_plan(&catalog, "SELECT 1 FROM a LIMIT $1").expect("a read");
    assert_eq!(read.operation_with(Some(1)), Operation::Exists);
}

#[test]
fn lists_with_placeholders_vary_in_length() {
    let varies = |sql: &str| planned(&catalog(POSTGRES), sql).variable_arity;
    assert!(varies("SELECT id FROM a WHERE x IN ($1)"));
    assert!(varies("SELECT id FROM a WHERE (x, y) IN (($1, $2))"));
    assert!(!varies("SELECT id FROM a WHERE x IN (1, 2)"));
    assert!(!varies("SELECT id FROM a WHERE x = $1"));
    assert!(varies("INSERT INTO a (x) VALUES ($1), ($2)"));
    assert!(!varies("INSERT INTO a (x) VALUES ($1)"));
}

#[test]
fn normalized_text_forgets_layout_and_nothing_else() {
    let text = |dialect, sql: &str| planned(&catalog(dialect), sql).normalized.to_string();
    let plain = "SELECT id FROM a WHERE x = $1";
    assert_eq!(
        text(POSTGRES, "select  id from a -- why\n where x=$1;"),
        plain
    );
    assert_eq!(text(MYSQL, "select id from a where x = ?"), plain);
    assert_eq!(text(SQLITE, "select id from a where x = ?1"), plain);
    for (one, other) in [
        ("SELECT id AS value FROM a", "SELECT id AS VALUE FROM a"),
        (
            "SELECT id FROM a WHERE c = 'x'",
            "SELECT id FROM a WHERE c = 'X'",
        ),
        ("SELECT id FROM a", "SELECT ID FROM a"),
        ("SELECT DISTINCT id FROM a", "SELECT id FROM a"),
        (
            "SELECT id FROM a ORDER BY id",
            "SELECT id FROM a ORDER BY id DESC",
        ),
        (
            "SELECT id FROM a LIMIT 1",
            "SELECT id FROM a LIMIT 1 OFFSET 1",
        ),
        (
            "SELECT id FROM a WHERE x = ?",
            "SELECT id FROM a WHERE x = ? AND y = ?",
        ),
        (
            "SELECT id FROM a UNION SELECT id FROM b",
            "SELECT id FROM a UNION ALL SELECT id FROM b",
        ),
    ] {
        for dialect in ALL {
            assert_ne!(text(dialect, one), text(dialect, other), "{dialect:?}");
        }
    }
    assert_ne!(
        text(MYSQL, r"SELECT id FROM a WHERE c = '\n'"),
        text(MYSQL, "SELECT id FROM a WHERE c = '\n'"),
    );
    assert_ne!(
        text(SQLITE, "SELECT id FROM a WHERE x = ?1 AND y = ?1"),
        text(SQLITE, "SELECT id FROM a WHERE x = ? AND y = ?"),
    );
}

#[test]
fn a_text_that_names_its_columns_is_kept_as_it_was_written() {
    let text = |dialect, sql: &str| planned(&catalog(dialect), sql).normalized.to_string();
    for (one, other) in [
        ("SELECT count(*) FROM a", "SELECT COUNT( * ) FROM a"),
        ("SELECT x+1 FROM a", "SELECT x + 1 FROM a"),
        (
            "SELECT * FROM (SELECT max(x) FROM a) AS t",
            "SELECT * FROM (SELECT MAX(x) FROM a) AS t",
        ),
    ] {
        for dialect in [MYSQL, SQLITE] {
            assert_ne!(text(dialect, one), text(dialect, other), "{dialect:?}");
        }
    }
    let aliased = "SELECT count(*) AS n FROM a";
    for dialect in ALL {
        let same = text(dialect, "select count( * ) as n from a");
        assert_eq!(text(dialect, aliased), same, "{dialect:?}");
    }
}

#[test]
fn sea_orm_statements_are_read_precisely() {
    check(
        &[POSTGRES],
        r#"SELECT "post"."id", "post"."author_id", "post"."title" FROM "post" WHERE "post"."author_id" = $1 ORDER BY "post"."id" ASC LIMIT $2"#,
        &["post(author_id = $1) watching author_id,id,title"],
    );
    check(
        &[MYSQL],
        "SELECT `post`.`id`, `post`.`title` FROM `post` WHERE `post`.`id` = ? LIMIT ?",
        &["post(id = $1) watching id,title"],
    );
    check(
        &[SQLITE],
        r#"SELECT "post"."id", "post"."title" FROM "post" WHERE "post"."id" IN (?, ?)"#,
        &["post(id in $1,$2) watching id,title"],
    );
    check(
        &[POSTGRES],
        r#"SELECT "post"."id", CAST("post"."kind" AS "text") FROM "post" WHERE "post"."id" = $1"#,
        &["post(id = $1) watching id,kind"],
    );
    check(
        &[POSTGRES],
        r#"SELECT "A"."id" AS "A_id", "B"."id" AS "B_id" FROM "post" AS "A" LEFT JOIN "comment" AS "B" ON "A"."id" = "B"."post_id" WHERE "A"."id" = $1"#,
        &[
            "post(id = $1) watching id",
            "comment(post_id = $1) watching id,post_id",
        ],
    );
}

#[test]
fn a_count_of_rows_does_not_watch_the_columns_listed_inside() {
    check(
        &ALL,
        "SELECT COUNT(*) AS num_items FROM (SELECT a.id, a.x, a.y FROM a WHERE a.x = $1) AS sub_query",
        &["a(x = $1) watching x"],
    );
    check(
        &ALL,
        "SELECT count(*) FROM (SELECT a.id, CAST(b.n AS text) FROM a JOIN b ON b.a_id = a.id \
         ORDER BY a.y LIMIT 3) AS q",
        &["a() watching id,y", "b() watching a_id"],
    );
}

#[test]
fn a_count_over_anything_but_plain_rows_watches_what_is_listed() {
    for sql in [
        "SELECT count(*) FROM (SELECT DISTINCT x FROM a) AS q",
        "SELECT count(x) FROM (SELECT x FROM a) AS q",
        "SELECT count(*) FROM (SELECT x FROM a) AS q WHERE x > 1",
        "SELECT count(*) FROM (SELECT max(x) FROM a) AS q",
        "SELECT count(*) FROM (SELECT x FROM a GROUP BY x) AS q",
        "SELECT count(*) FROM (SELECT x + 1 AS v FROM a) AS q",
        "SELECT count(*) FROM (SELECT x FROM a UNION SELECT x FROM a) AS q",
        "SELECT x FROM (SELECT x FROM a) AS q",
    ] {
        for dialect in ALL {
            let found = described(&catalog(dialect), sql);
            assert!(
                found.iter().all(|one| one.contains('x')),
                "{dialect:?}: {sql}: {found:?}"
            );
        }
    }
}

#[test]
fn a_count_of_rows_still_resolves_every_name() {
    refused(
        &ALL,
        "SELECT count(*) FROM (SELECT nowhere FROM a) AS q",
        "nowhere is not known",
    );
}
