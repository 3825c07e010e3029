use std::sync::Arc;

use super::*;
use crate::fixtures;

/// What a write asks for in a process that has planned these reads.
fn wants(dialect: Dialect, reads: &[&str], write: &str) -> Wanted {
    wants_with(dialect, reads, write, |_| {}, ChangeLimits::default())
}

fn wants_with(
    dialect: Dialect,
    reads: &[&str],
    write: &str,
    alter: impl FnOnce(&mut Table),
    limits: ChangeLimits,
) -> Wanted {
    let mut catalog = fixtures::catalog(dialect);
    fixtures::alter(&mut catalog, "post", alter);
    let source = fixtures::source(catalog);
    for read in reads {
        let _ = source.plan(read);
    }
    let prepared = source.plan(write);
    let planned = Planned {
        source: Arc::new(source),
        prepared,
        outdated: false,
    };
    wanted(&planned, true, limits).unwrap_or_default()
}

fn asked(dialect: Dialect, reads: &[&str], write: &str) -> Option<String> {
    let wanted = wants(dialect, reads, write);
    assert_eq!(wanted.before, None, "{write}");
    wanted.returning
}

fn before(dialect: Dialect, write: &str) -> Option<String> {
    let before = wants(dialect, &[BY_AUTHOR, BY_KEY], write).before;
    before.map(|before| before.sql)
}

const BY_AUTHOR: &str = "SELECT title FROM post WHERE author_id = 3";
const BY_KEY: &str = "SELECT title FROM post WHERE id = 1";

fn postgres(write: &str) -> Option<String> {
    asked(Dialect::Postgres, &[BY_AUTHOR, BY_KEY], write)
}

#[test]
fn write_asks_for_what_reads_ask_by_and_its_text_does_not_tell() {
    let author = Some(" RETURNING \"author_id\"".to_owned());
    assert_eq!(postgres("UPDATE post SET title = $1 WHERE id = $2"), author);
    assert_eq!(postgres("DELETE FROM post WHERE id IN ($1, $2)"), author);
    assert_eq!(postgres("DELETE FROM post WHERE id = ANY($1)"), author);
    let key = Some(" RETURNING \"id\"".to_owned());
    assert_eq!(
        postgres("INSERT INTO post (author_id, title) VALUES ($1, $2), ($3, $4)"),
        key
    );
    let all = postgres("INSERT INTO post (author_id, title) VALUES ($1 + 1, $2)");
    assert_eq!(all.as_deref(), Some(" RETURNING \"id\", \"author_id\""));
}

/// Whoever cannot look asks for what comes back, and for nothing that needs a look.
#[test]
fn what_cannot_be_looked_at_comes_back_as_far_as_it_can() {
    let reads = &[BY_AUTHOR, BY_KEY, "SELECT id FROM post WHERE title = 'x'"];
    let wanted = |write| wants(Dialect::Postgres, reads, write);
    let titled = wanted("UPDATE post SET title = $1 WHERE id = $2");
    assert!(titled.before.is_some());
    assert_eq!(titled.returning, None);
    let alone = titled.without_before();
    assert_eq!(alone.before, None);
    assert_eq!(alone.returning.as_deref(), Some(" RETURNING \"author_id\""));
    // Of many rows nobody knows which has become which.
    let many = wanted("UPDATE post SET title = $1 WHERE id > $2").without_before();
    assert_eq!(many, Wanted::default());
    let told = wanted("DELETE FROM post WHERE id = $1");
    assert_eq!(told.clone().without_before(), told);
}

#[test]
fn write_that_tells_enough_asks_for_nothing() {
    let only_key = |write| asked(Dialect::Postgres, &[BY_KEY], write);
    assert_eq!(only_key("UPDATE post SET title = $1 WHERE id = $2"), None);
    assert_eq!(only_key("DELETE FROM post WHERE id = $1"), None);
    let told = "UPDATE post SET title = $1 WHERE id = $2 AND author_id = $3";
    assert_eq!(postgres(told), None);
    let told = "UPDATE post SET author_id = $1 WHERE id = $2 AND author_id = $3";
    assert_eq!(postgres(told), None);
    let told = "INSERT INTO post (id, author_id) VALUES ($1, $2)";
    assert_eq!(postgres(told), None);
    let told = "UPDATE post SET title = $1 WHERE id = $2 RETURNING id, author_id, title";
    assert_eq!(postgres(told), None);
    let told = "DELETE FROM post WHERE id = $1 RETURNING *";
    assert_eq!(postgres(told), None);
    for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
        assert_eq!(asked(dialect, &[], "DELETE FROM post WHERE id = 1"), None);
        // Nobody reads what it changes.
        let unread = "UPDATE post SET views = 0 WHERE title > 'a'";
        assert_eq!(asked(dialect, &[BY_AUTHOR, BY_KEY], unread), None);
    }
}

#[test]
fn rows_are_read_first_where_nothing_else_tells_what_they_were() {
    let pg = |write| before(Dialect::Postgres, write);
    // What it changes was something else before, which nobody returns.
    assert_eq!(
        pg("UPDATE post SET author_id = $1 WHERE id = $2").as_deref(),
        Some("SELECT \"id\", \"author_id\" FROM post WHERE id = $1 LIMIT 1001 FOR NO KEY UPDATE")
    );
    // Any number of rows.
    assert_eq!(
        pg("UPDATE post SET title = $1 WHERE views > $2").as_deref(),
        Some(
            "SELECT \"id\", \"author_id\", pg_catalog.substr(\"title\", 1, 256) \
             FROM post WHERE views > $1 LIMIT 1001 FOR NO KEY UPDATE"
        )
    );
    assert_eq!(
        pg("UPDATE post SET id = id + 1").as_deref(),
        Some("SELECT \"id\", \"author_id\" FROM post LIMIT 1001 FOR NO KEY UPDATE")
    );
    assert_eq!(
        pg("DELETE FROM post AS p WHERE p.title = $1").as_deref(),
        Some(
            "SELECT \"id\", \"author_id\" FROM post AS p WHERE p.title = $1 LIMIT 1001 FOR UPDATE"
        )
    );
    // No RETURNING.
    assert_eq!(
        before(Dialect::MySql, "DELETE FROM post WHERE id = ?").as_deref(),
        Some("SELECT `id`, `author_id` FROM post WHERE id = ? LIMIT 1001 FOR UPDATE")
    );
    assert_eq!(
        before(Dialect::Sqlite, "DELETE FROM post WHERE views = ?").as_deref(),
        Some("SELECT \"id\", \"author_id\" FROM post WHERE views = ?1 LIMIT 1001")
    );
}

#[test]
fn new_values_that_the_statement_computes_come_back() {
    let reads = [BY_AUTHOR, BY_KEY];
    let write = "UPDATE post SET author_id = author_id + 1 WHERE views > 3";
    let wanted = wants(Dialect::Postgres, &reads, write);
    assert!(wanted.before.is_some());
    let returning = " RETURNING \"id\", \"author_id\"";
    assert_eq!(wanted.returning.as_deref(), Some(returning));
    // Which row has become which, nobody could tell.
    let moved = "UPDATE post SET id = id + 1 WHERE views > 3";
    let wanted = wants(Dialect::Postgres, &reads, moved);
    assert!(wanted.before.is_some());
    assert_eq!(wanted.returning, None);
    let wanted = wants(Dialect::MySql, &reads, write);
    assert!(wanted.before.is_some());
    assert_eq!(wanted.returning, None);
}

#[test]
fn w3_rows_are_not_read_first_where_they_would_prove_nothing() {
    for write in [
        "DELETE FROM post WHERE author_id IN (SELECT id FROM author WHERE name = 'a')",
        "DELETE FROM post USING author WHERE author.id = post.author_id",
        "UPDATE post SET title = 'a' FROM author WHERE author.id = post.author_id",
        "DELETE FROM post WHERE title = lower('A')",
    ] {
        assert_eq!(before(Dialect::Postgres, write), None, "{write}");
    }
    let limited = "DELETE FROM post WHERE views = 0 LIMIT 1";
    assert_eq!(before(Dialect::MySql, limited), None);
    let write = "DELETE FROM post WHERE views = 0";
    let altered = |alter: fn(&mut Table)| {
        let limits = ChangeLimits::default();
        let reads = [BY_AUTHOR, BY_KEY];
        wants_with(Dialect::Postgres, &reads, write, alter, limits).before
    };
    assert!(altered(|_| {}).is_some());
    let lite = |alter: fn(&mut Table)| {
        let limits = ChangeLimits::default();
        let reads = [BY_AUTHOR, BY_KEY];
        wants_with(Dialect::Sqlite, &reads, write, alter, limits).before
    };
    // In autocommit, SQLite may keep what a failing statement has done.
    assert!(lite(|_| {}).is_some());
    assert_eq!(lite(|post| post.conflict_keeps_rows = true), None);
    let after = |post: &mut Table| post.triggers = vec![fixtures::trigger(false, Some(&[]))];
    assert_eq!(lite(after), None);
    assert_eq!(altered(|post| post.transactional = false), None);
    assert_eq!(altered(|post| post.lockable = false), None);
    assert_eq!(altered(|post| post.readable = false), None);
    assert_eq!(altered(|post| post.row_security = true), None);
    let trigger = |post: &mut Table| post.triggers = vec![fixtures::trigger(true, Some(&[]))];
    assert_eq!(altered(trigger), None);
    let parent = |post: &mut Table| post.parents = vec![fixtures::name("author")];
    assert_eq!(altered(parent), None);
    let limits = ChangeLimits {
        old_rows_max: 0,
        ..ChangeLimits::default()
    };
    let none = wants_with(Dialect::Postgres, &[BY_KEY], write, |_| {}, limits);
    assert_eq!(none, Wanted::default());
}

#[test]
fn rows_of_any_number_are_not_asked_of_returning() {
    let insert = "INSERT INTO post (author_id) SELECT id FROM author";
    assert_eq!(postgres(insert), None);
    let computed = "DELETE FROM post WHERE title = lower('A')";
    assert_eq!(postgres(computed), None);
}

#[test]
fn nothing_is_asked_by_a_plan_that_is_old() {
    let source = fixtures::source(fixtures::catalog(Dialect::Sqlite));
    let _ = source.plan(BY_AUTHOR);
    let prepared = source.plan("DELETE FROM post WHERE id = 1");
    let mut planned = Planned {
        source: Arc::new(source),
        prepared,
        outdated: false,
    };
    let limits = ChangeLimits::default();
    let author = " RETURNING \"author_id\"";
    assert_eq!(
        wanted(&planned, true, limits).unwrap().returning.as_deref(),
        Some(author)
    );
    planned.outdated = true;
    assert_eq!(wanted(&planned, true, limits), None);
}

#[test]
fn what_is_read_in_part_is_known_only_where_it_ends() {
    let source = fixtures::source(fixtures::catalog(Dialect::Postgres));
    let _ = source.plan(BY_AUTHOR);
    let planned = Planned {
        prepared: source.plan("UPDATE post SET title = $1 WHERE views > 3"),
        source: Arc::new(source),
        outdated: false,
    };
    let wanted = wanted(&planned, true, ChangeLimits::default()).unwrap();
    let before = wanted.before.unwrap();
    let title = |chars: usize| {
        let text = Value::Text("ä".repeat(chars).into());
        let cell = |_row, _at, column: &Column| (*column.name == *"title").then(|| text.clone());
        let images = before.images(&planned, 1, cell).unwrap();
        images[0].cells[2] == Some(text.clone())
    };
    assert!(title(255));
    assert!(!title(256));
    // One row more than may be read says that there are more.
    assert_eq!(before.images(&planned, 1_001, |_, _, _| None), None);
}
