//! One test per rule, and per row of part 3 ("Writes", W3, W5-W7), that plans decide.

use super::{LITE, MY, PG, catalog, check, plan, show};
use crate::{
    FunctionLists, analyze,
    plan::{Part, WritePlan},
};

fn write(dialect: crate::Dialect, sql: &str) -> WritePlan {
    let mut parts = plan(dialect, sql).parts;
    match parts.pop() {
        Some(Part::Write(write)) if parts.is_empty() => write,
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn w3_rows_are_their_own_when_where_names_columns_and_constants_alone() {
    let own = |dialect, sql| write(dialect, sql).targets[0].chosen.is_some();
    assert!(own(PG, "DELETE FROM post"));
    assert!(own(
        PG,
        "UPDATE post SET title = 'x' WHERE id = $1 AND note IS NOT NULL OR title > 'a'"
    ));
    assert!(own(
        PG,
        "UPDATE post p SET title = 'x' WHERE p.id IN (1, 2)"
    ));
    for sql in [
        "DELETE FROM post WHERE author_id IN (SELECT id FROM author)",
        "DELETE FROM post WHERE id = lower('a')",
        "DELETE FROM post WHERE EXISTS (SELECT 1 FROM author)",
        "DELETE FROM post USING author WHERE post.author_id = author.id",
        "UPDATE post SET title = 'x' FROM author WHERE post.author_id = author.id",
        "DELETE FROM post WHERE elsewhere = 1",
    ] {
        assert!(!own(PG, sql), "{sql}");
    }
    assert!(!own(MY, "DELETE FROM post WHERE author_id = 1 LIMIT 1"));
    // A row that is skipped and one that has come make one count.
    assert!(!own(
        LITE,
        "UPDATE OR IGNORE post SET title = 'x' WHERE id = 1"
    ));
}

#[test]
fn rows_are_chosen_by_a_text_with_parameters_of_its_own() {
    let chosen = |dialect, sql| {
        let chosen = write(dialect, sql).targets[0].chosen.clone().expect(sql);
        (chosen.text.to_string(), chosen.parameters)
    };
    let (text, parameters) = chosen(
        PG,
        "UPDATE post AS p SET title = $1 WHERE p.id = $3 AND (p.title = $2 OR p.author_id = $3)",
    );
    assert_eq!(
        (text.as_str(), parameters),
        (
            "post AS p WHERE p.id = $1 AND (p.title = $2 OR p.author_id = $1)",
            vec![2, 1]
        )
    );
    let (text, parameters) = chosen(
        MY,
        "UPDATE `post` SET title = ? WHERE `post`.`id` = ? AND title LIKE ?",
    );
    assert_eq!(
        (text.as_str(), parameters),
        ("`post` WHERE `post`.`id` = ? AND title LIKE ?", vec![1, 2])
    );
    let (text, parameters) = chosen(LITE, "DELETE FROM \"post\" WHERE id IN (?, ?)");
    assert_eq!(
        (text.as_str(), parameters),
        ("\"post\" WHERE id IN (?1, ?2)", vec![0, 1])
    );
    let (text, _) = chosen(PG, "delete from post where id = any($1) -- all of them");
    assert_eq!(text, "post WHERE id = ANY($1)");
    let (text, _) = chosen(
        PG,
        "UPDATE post SET title = 'it''s' WHERE title = E'a\\tb' RETURNING id",
    );
    assert_eq!(text, "post WHERE title = E'a\\tb'");
}

#[test]
fn w5_what_runs_unseen_code_writes_everything() {
    for sql in [
        "SELECT transfer(1, 2)",
        "SELECT no_such_function()",
        "EXPLAIN ANALYZE SELECT transfer(1, 2)",
        "CALL transfer(1, 2)",
        "DO $$ BEGIN DELETE FROM post; END $$",
        "EXECUTE prepared(1)",
    ] {
        check(PG, sql, "+ everything");
    }
    check(MY, "EXECUTE prepared USING @a", "unknown");
    check(MY, "DO transfer(1)", "+ everything");
    check(
        PG,
        "UPDATE post SET title = transfer(1, 2) WHERE id = 1",
        "update post [title] id=1 -> title=? + everything",
    );
    // Functions that the catalog calls immutable write nothing.
    check(
        PG,
        "UPDATE post SET title = slug('a') WHERE id = 1",
        "update post [title] id=1 -> title=?",
    );
}

#[test]
fn w5_the_users_lists_are_heard() {
    let lists = FunctionLists {
        harmless: ["transfer".to_owned()].into(),
        ..FunctionLists::default()
    };
    let plan = analyze(
        "INSERT INTO author (name) VALUES (transfer(1, 2))",
        &catalog(PG),
        &lists,
    );
    assert!(matches!(&plan.parts[..], [Part::Write(write)] if write.unknown_scope.is_none()));
}

#[test]
fn w5_explain_analyze_writes_what_it_explains() {
    check(
        PG,
        "EXPLAIN ANALYZE UPDATE post SET title = 'x' WHERE id = 1",
        "update post [title] id=1 -> title='x'",
    );
    check(
        PG,
        "EXPLAIN (ANALYZE, BUFFERS) DELETE FROM post WHERE id = 1",
        "delete post id=1",
    );
    check(
        PG,
        "EXPLAIN (ANALYZE false) DELETE FROM post WHERE id = 1",
        "neutral",
    );
    check(PG, "EXPLAIN DELETE FROM post WHERE id = 1", "neutral");
    check(
        PG,
        "EXPLAIN ANALYSE DELETE FROM post WHERE id = 1",
        "+ everything",
    );
    check(
        MY,
        "ANALYZE FORMAT=JSON DELETE FROM post WHERE id = 1",
        "+ everything",
    );
    check(MY, "ANALYZE DELETE FROM post", "+ everything");
}

#[test]
fn w5_select_into_makes_a_table() {
    check(PG, "SELECT id INTO copied FROM post", "schema");
    check(
        PG,
        "SELECT id INTO TEMP copied FROM post",
        "schema temporary",
    );
    check(
        PG,
        "SELECT id INTO pg_temp.copied FROM post",
        "schema temporary",
    );
}

#[test]
fn w6_expressions_and_defaults_are_unknown() {
    check(
        PG,
        "INSERT INTO post (author_id, title, note) VALUES (1 + 1, DEFAULT, lower('A'))",
        "insert post -> author_id=?,title=?,note=?",
    );
    check(
        PG,
        "UPDATE post SET author_id = author_id + 1",
        "update post [author_id] (any) -> author_id=?",
    );
    // MySQL assigns from left to right.
    check(
        MY,
        "UPDATE post SET title = note, note = title",
        "update post [title,note] (any) -> title=?,note=?",
    );
}

#[test]
fn w6_null_into_columns_that_draw_a_value_is_unknown() {
    check(
        LITE,
        "INSERT INTO author (id, name) VALUES (NULL, NULL)",
        "insert author -> id=?,name=null",
    );
    check(
        MY,
        "UPDATE post SET author_id = NULL, note = NULL",
        "update post [author_id,note] (any) -> author_id=?,note=null",
    );
}

#[test]
fn w6_ignore_stores_something_else() {
    check(
        MY,
        "INSERT IGNORE INTO author (name) VALUES ('a')",
        "insert author -> ?",
    );
    check(MY, "UPDATE IGNORE author SET name = 'a'", "+ everything");
}

#[test]
fn w6_before_triggers_make_values_unknown() {
    check(
        PG,
        "INSERT INTO stamped (a) VALUES (1) RETURNING id, a",
        "insert stamped -> ? returning id,a",
    );
    check(
        PG,
        "UPDATE stamped SET a = 1 WHERE id = 2",
        "update stamped [*] id=2 -> id=?,a=?,b=?",
    );
    check(
        PG,
        "DELETE FROM stamped WHERE id = 2",
        "delete stamped id=2",
    );
}

#[test]
fn w6_generated_columns_and_double_assignments_are_unknown() {
    check(
        PG,
        "INSERT INTO computed (a, double_a) VALUES (1, 2)",
        "insert computed -> a=1,double_a=?",
    );
    check(
        LITE,
        "UPDATE author SET name = 'a', name = 'b'",
        "update author [name] (any) -> name=?",
    );
}

#[test]
fn w6_fields_of_composites_are_unknown() {
    check(
        PG,
        "UPDATE post SET note.part = 'a'",
        "update post [note] (any) -> note=?",
    );
    check(
        PG,
        "UPDATE post SET (title, note) = ('a', 'b')",
        "update post [title,note] (any) -> title=?,note=?",
    );
}

#[test]
fn w7_changed_columns_are_closed_over_what_the_server_computes() {
    check(
        PG,
        "UPDATE computed SET a = 1 WHERE id = 2",
        "update computed [a,double_a,touched] id=2 -> a=1,double_a=?,touched=?",
    );
}

#[test]
fn rules_may_write_anything() {
    check(PG, "DELETE FROM ruled WHERE id = 1", "+ everything");
}

#[test]
fn what_replaces_other_rows_is_opaque() {
    check(
        LITE,
        "INSERT OR REPLACE INTO author (id, name) VALUES (1, 'a')",
        "opaque author",
    );
    check(
        LITE,
        "REPLACE INTO author (id, name) VALUES (1, 'a')",
        "opaque author",
    );
    check(LITE, "UPDATE OR REPLACE author SET id = 1", "opaque author");
    check(
        LITE,
        "INSERT INTO replacing (name) VALUES ('a')",
        "opaque replacing",
    );
    check(
        LITE,
        "UPDATE replacing SET name = 'a' WHERE id = 1",
        "opaque replacing",
    );
    check(
        MY,
        "REPLACE INTO author (id, name) VALUES (1, 'a')",
        "opaque author",
    );
}

#[test]
fn what_fails_half_way_keeps_rows() {
    assert!(write(LITE, "INSERT OR FAIL INTO author (id) VALUES (1), (1)").error_keeps_rows);
    assert!(write(LITE, "UPDATE OR ROLLBACK author SET id = 1").error_keeps_rows);
    assert!(write(PG, "CALL transfer(1, 2)").error_keeps_rows);
    assert!(!write(LITE, "INSERT INTO author (id) VALUES (1), (1)").error_keeps_rows);
}

#[test]
fn writes_to_views_reach_their_base_tables() {
    check(
        PG,
        "UPDATE post_view SET author_id = 1 WHERE id = 2",
        "opaque post",
    );
    check(PG, "DELETE FROM view_of_view", "opaque post");
    check(PG, "INSERT INTO cte_view (id) VALUES (1)", "+ everything");
    check(
        PG,
        "INSERT INTO triggered_view (id) VALUES (1)",
        "+ everything",
    );
}

#[test]
fn writes_to_what_is_no_table_of_the_catalog_write_everything() {
    check(PG, "INSERT INTO elsewhere (id) VALUES (1)", "+ everything");
    check(PG, "UPDATE pg_class SET relname = 'x'", "+ everything");
    check(LITE, "INSERT INTO search (q) VALUES ('x')", "+ everything");
    // A column that the catalog does not have: the catalog is old.
    check(PG, "UPDATE post SET fresh = 1", "opaque post");
    check(PG, "INSERT INTO post (fresh) VALUES (1)", "opaque post");
}

#[test]
fn a_materialized_view_is_written_by_refresh() {
    check(PG, "REFRESH MATERIALIZED VIEW totals", "opaque totals");
    check(
        PG,
        "REFRESH MATERIALIZED VIEW CONCURRENTLY public.totals WITH NO DATA",
        "opaque totals",
    );
    check(PG, "REFRESH MATERIALIZED VIEW elsewhere", "+ everything");
}

#[test]
fn bulk_loads_are_opaque() {
    check(PG, "COPY post FROM '/tmp/x'", "opaque post");
    check(PG, "COPY post (id) FROM STDIN", "opaque post");
    check(PG, "COPY post TO STDOUT", "neutral");
    check(
        PG,
        "COPY (DELETE FROM post WHERE id = 1 RETURNING id) TO STDOUT",
        "delete post id=1",
    );
    check(MY, "LOAD DATA INFILE 'x' INTO TABLE post", "+ everything");
    assert_eq!(
        show(PG, "COPY post FROM STDIN; DELETE FROM author;\n\\."),
        "unknown"
    );
}

#[test]
fn r12_text_whose_operators_depend_on_the_mode_writes_unknown_rows() {
    check(
        MY,
        "UPDATE post SET title = 'x' WHERE id = 1 AND author_id = 2 || author_id = 3",
        "opaque post",
    );
    check(
        MY,
        "DELETE FROM post WHERE id = 1 XOR id = 2",
        "opaque post",
    );
    assert!(show(MY, "DELETE FROM post /*! WHERE id = 1 */").contains("+ everything"));
    assert_eq!(
        show(MY, "UPDATE /*M! x */ post SET title = 'a' nonsense"),
        "unknown"
    );
}

#[test]
fn the_returning_of_an_inner_write_is_not_the_statements() {
    check(
        PG,
        "WITH gone AS (DELETE FROM post RETURNING id) INSERT INTO elsewhere SELECT id FROM gone RETURNING id",
        "delete post (any) + everything",
    );
}

#[test]
fn an_alias_of_mysqls_using_is_not_taken_for_a_table() {
    check(
        MY,
        "DELETE FROM author USING post AS author WHERE author.id = 1",
        "opaque post",
    );
    check(
        MY,
        "DELETE FROM author USING (SELECT 1) AS x JOIN post AS author",
        "+ everything",
    );
}

#[test]
fn modifiers_are_not_taken_for_tables() {
    check(PG, "UPDATE ONLY post SET title = 'x'", "+ everything");
    check(PG, "DELETE FROM ONLY post", "+ everything");
    check(MY, "DELETE QUICK FROM post", "+ everything");
}

#[test]
fn returning_may_follow_what_stays_the_same_with_it() {
    let takes = |dialect, sql| write(dialect, sql).takes_returning;
    for sql in [
        "INSERT INTO post (title) VALUES ($1)",
        "UPDATE post SET title = $1 WHERE id = $2",
        "UPDATE post p SET title = $1 WHERE p.id = $2",
        "DELETE FROM post WHERE id = $1",
    ] {
        assert!(takes(PG, sql), "{sql}");
    }
    assert!(takes(LITE, "DELETE FROM post WHERE id = ?"));
    for sql in [
        // It is there already.
        "DELETE FROM post WHERE id = $1 RETURNING id",
        // A bare column may be that of another table.
        "UPDATE post SET title = a.name FROM author a WHERE post.id = a.id",
        "DELETE FROM post USING author WHERE post.author_id = author.id",
        // It would stand in a comment, or after the end.
        "DELETE FROM post WHERE id = 1 -- done",
        "DELETE FROM post WHERE id = 1;",
        "DELETE FROM post /* all */",
        // Nothing is known of their rows.
        "TRUNCATE post",
        "INSERT INTO post (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET title = 'x'",
    ] {
        assert!(!takes(PG, sql), "{sql}");
    }
    assert!(!takes(MY, "DELETE FROM post WHERE id = 1"));
    assert!(!takes(LITE, "DELETE FROM post WHERE id = 1 LIMIT 1"));
}

#[test]
fn returning_is_not_asked_of_a_table_that_may_not_be_read() {
    for forbid in [
        (|table: &mut crate::Table| table.readable = false) as fn(&mut crate::Table),
        |table| table.row_security = true,
    ] {
        let mut catalog = catalog(PG);
        let name = crate::TableName::new("public", "post");
        let mut post = crate::Table::clone(&catalog.tables[&name]);
        forbid(&mut post);
        catalog.tables.insert(name, std::sync::Arc::new(post));
        let plan = analyze(
            "DELETE FROM post WHERE id = 1",
            &catalog,
            &FunctionLists::default(),
        );
        let [Part::Write(write)] = plan.parts.as_slice() else {
            panic!("{plan:?}");
        };
        assert!(!write.takes_returning);
    }
}

#[test]
fn columns_with_the_schema_of_their_table_are_its_own() {
    let own = write(
        PG,
        "UPDATE public.post SET title = 'x' WHERE public.post.id = $1 RETURNING public.post.id, public.post.*",
    );
    assert!(own.targets[0].chosen.is_some());
    assert_eq!(own.returning[..2], [Some(0), Some(0)]);
    let other = write(
        PG,
        "DELETE FROM public.post WHERE blog.post.id = $1 RETURNING blog.post.id",
    );
    assert!(other.targets[0].chosen.is_none());
    assert_eq!(other.returning, [None]);
    // The alias has taken the place of the name.
    let alias = write(PG, "DELETE FROM public.post AS p WHERE public.post.id = $1");
    assert!(alias.targets[0].chosen.is_none());
}

#[test]
fn set_is_known_by_what_it_sets() {
    for sql in [
        "SET search_path = blog, public",
        "SET SESSION search_path TO blog",
        "SET TIME ZONE 'UTC'",
        "SET timezone TO 'UTC'",
        "SET ROLE reader",
    ] {
        check(PG, sql, "setting");
    }
    check(MY, "SET time_zone = '+00:00'", "setting");
    check(MY, "SET NAMES utf8mb4", "setting");
    check(PG, "SET statement_timeout = 5000", "neutral");
    check(MY, "SET SESSION lock_wait_timeout = 5", "neutral");
    for sql in [
        "SET LOCAL search_path = blog",
        "SET app.tenant = '7'",
        "SET SESSION AUTHORIZATION other",
        "SET row_security = off",
        "RESET search_path",
        "DISCARD ALL",
    ] {
        check(PG, sql, "session");
    }
    for sql in [
        "SET autocommit = 0",
        "SET time_zone = '+00:00', autocommit = 0",
        "SET GLOBAL time_zone = '+00:00'",
        "SET @a = 1",
    ] {
        check(MY, sql, "session");
    }
}
