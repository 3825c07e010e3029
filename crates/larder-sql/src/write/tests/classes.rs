//! Transaction control, session commands, DDL and the rest, by text.

use super::{LITE, MY, PG, check, plan};
use crate::plan::Part;

#[test]
fn transaction_control_is_read_from_text() {
    for (sql, expected) in [
        ("BEGIN", "begin"),
        ("begin isolation level serializable", "begin"),
        ("START TRANSACTION READ ONLY", "begin"),
        ("COMMIT", "commit"),
        ("END", "commit"),
        ("COMMIT WORK AND CHAIN", "commit chain"),
        ("COMMIT AND NO CHAIN", "commit"),
        ("ROLLBACK", "rollback"),
        ("ABORT", "rollback"),
        ("ROLLBACK AND CHAIN", "rollback chain"),
        ("SAVEPOINT A1", "savepoint a1"),
        (r#"SAVEPOINT "A1""#, "savepoint A1"),
        ("RELEASE SAVEPOINT a1", "release a1"),
        ("RELEASE a1", "release a1"),
        ("ROLLBACK TO a1", "rollback to a1"),
        ("ROLLBACK WORK TO SAVEPOINT a1", "rollback to a1"),
        ("PREPARE TRANSACTION 'x'", "two-phase"),
        ("COMMIT PREPARED 'x'", "two-phase"),
        ("ROLLBACK PREPARED 'x'", "two-phase"),
        (
            "BEGIN; INSERT INTO author (name) VALUES ('a'); COMMIT",
            "begin; insert author -> name='a'; commit",
        ),
    ] {
        check(PG, sql, expected);
    }
    for (sql, expected) in [
        ("START TRANSACTION WITH CONSISTENT SNAPSHOT", "begin"),
        ("COMMIT RELEASE", "commit"),
        ("ROLLBACK AND NO CHAIN RELEASE", "rollback"),
        ("SAVEPOINT `A1`", "savepoint a1"),
        ("XA START 'x'", "two-phase"),
        ("XA COMMIT 'x'", "two-phase"),
        (
            "BEGIN NOT ATOMIC DELETE FROM post; END",
            "schema temporary; unknown",
        ),
    ] {
        check(MY, sql, expected);
    }
    for (sql, expected) in [
        ("BEGIN IMMEDIATE TRANSACTION", "begin"),
        ("BEGIN EXCLUSIVE", "begin"),
        ("END TRANSACTION", "commit"),
        ("ROLLBACK TRANSACTION TO SAVEPOINT s", "rollback to s"),
        ("SAVEPOINT 'S'", "savepoint s"),
    ] {
        check(LITE, sql, expected);
    }
}

#[test]
fn session_commands_change_the_session() {
    for sql in [
        "SET LOCAL work_mem = '1MB'",
        "SET SESSION AUTHORIZATION nobody",
        "SET CONSTRAINTS ALL DEFERRED",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "RESET ALL",
        "RESET ROLE",
        "DISCARD ALL",
        "SELECT set_config('search_path', 'x', false)",
    ] {
        check(PG, sql, "session");
    }
    for sql in [
        "SET autocommit = 0",
        "SET @a = 1",
        "USE other",
        "LOCK TABLES post WRITE",
        "UNLOCK TABLES",
    ] {
        check(MY, sql, "session");
    }
    check(MY, "SET @a = transfer(1)", "unknown");
}

#[test]
fn pragmas_that_change_answers_change_the_session() {
    for sql in [
        "PRAGMA case_sensitive_like = ON",
        "PRAGMA case_sensitive_like(1)",
        "PRAGMA read_uncommitted = 1",
        "PRAGMA recursive_triggers = 1",
        "PRAGMA writable_schema = 1",
        "PRAGMA journal_mode = OFF",
        "PRAGMA no_such_pragma",
    ] {
        check(LITE, sql, "session");
    }
    for sql in [
        "PRAGMA table_info(post)",
        "PRAGMA main.table_xinfo('post')",
        "PRAGMA case_sensitive_like",
        "PRAGMA foreign_keys = ON",
        "PRAGMA foreign_keys",
        "PRAGMA journal_mode = WAL",
        "PRAGMA busy_timeout = 5000",
        "PRAGMA main.synchronous = NORMAL",
        "PRAGMA user_version",
    ] {
        check(LITE, sql, "neutral");
    }
}

#[test]
fn ddl_is_schema_whether_parsed_or_not() {
    for sql in [
        "CREATE TABLE x (id int)",
        "CREATE TABLE x AS SELECT * FROM post",
        "CREATE INDEX i ON post (title)",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON post (title) WHERE title IS NOT NULL",
        "CREATE VIEW v AS SELECT 1",
        "CREATE MATERIALIZED VIEW v AS SELECT 1",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE RULE r AS ON DELETE TO post DO INSTEAD NOTHING",
        "CREATE FOREIGN TABLE f (id int) SERVER s",
        "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f()",
        "ALTER TABLE post ADD COLUMN x int",
        "ALTER TABLE whole ATTACH PARTITION part_3 FOR VALUES IN (3)",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "DROP TABLE post",
        "DROP OWNED BY nobody",
        "COMMENT ON TABLE post IS 'x'",
        "GRANT SELECT ON post TO nobody",
        "REVOKE SELECT ON post FROM nobody",
        "SECURITY LABEL ON TABLE post IS 'x'",
        "IMPORT FOREIGN SCHEMA s FROM SERVER r INTO public",
    ] {
        check(PG, sql, "schema");
    }
    check(
        MY,
        "RENAME TABLE post TO post_old, post_new TO post",
        "schema",
    );
    check(
        MY,
        "ALTER TABLE whole EXCHANGE PARTITION p WITH TABLE part_1",
        "schema",
    );
}

#[test]
fn what_only_this_connection_sees_makes_it_bypass() {
    for sql in [
        "CREATE TEMP TABLE post (id int)",
        "CREATE TEMPORARY TABLE post AS SELECT 1",
        "CREATE TABLE pg_temp.post (id int)",
        "CREATE TEMP VIEW post AS SELECT 1",
        "CREATE TEMP SEQUENCE s",
        "CREATE LOCAL TEMPORARY TABLE post (id int)",
        "CREATE OR REPLACE TEMP RECURSIVE VIEW v (n) AS SELECT 1",
    ] {
        check(PG, sql, "schema temporary");
    }
    check(LITE, "CREATE TABLE temp.post (id int)", "schema temporary");
    check(LITE, "ATTACH DATABASE 'x.db' AS x", "schema temporary");
    check(LITE, "DETACH DATABASE x", "schema temporary");
    check(
        MY,
        "CREATE TEMPORARY TABLE post (id int)",
        "schema temporary",
    );
}

#[test]
fn the_end_of_a_body_is_no_commit() {
    // What follows the body cannot be told from it, so it may be a COMMIT as well.
    let parts = plan(
        LITE,
        "CREATE TRIGGER t AFTER INSERT ON post BEGIN DELETE FROM nonsense nonsense nonsense; END; COMMIT",
    )
    .parts;
    assert!(matches!(parts.last(), Some(Part::Unknown(_))), "{parts:?}");
}

#[test]
fn commands_that_read_and_write_nothing_are_neutral() {
    for sql in [
        "SHOW search_path",
        "EXPLAIN SELECT * FROM post",
        "ANALYZE post",
        "VACUUM",
        "VACUUM (ANALYZE, VERBOSE) post",
        "LISTEN x",
        "NOTIFY x, 'y'",
        "CHECKPOINT",
        "REINDEX TABLE post",
        "CLUSTER post",
        "LOCK TABLE post IN EXCLUSIVE MODE",
        "PREPARE p AS UPDATE post SET title = 'x'",
        "DEALLOCATE p",
        "DECLARE c CURSOR FOR SELECT * FROM post",
        "FETCH 1 FROM c",
        "CLOSE c",
        "-- nothing",
        ";",
    ] {
        check(PG, sql, "neutral");
    }
    for sql in [
        "SHOW TABLES",
        "DESCRIBE post",
        "EXPLAIN SELECT 1",
        "ANALYZE TABLE post",
        "OPTIMIZE TABLE post",
        "KILL 5",
    ] {
        check(MY, sql, "neutral");
    }
    check(LITE, "EXPLAIN QUERY PLAN DELETE FROM post", "neutral");
    check(LITE, "ANALYZE", "neutral");
}

#[test]
fn known_verbs_in_unknown_forms_write_everything() {
    for sql in [
        "UPDATE post SET title = 'x' WHERE CURRENT OF c",
        "INSERT INTO post (id) OVERRIDING SYSTEM VALUE VALUES (1) nonsense",
        "SELECT nonsense nonsense nonsense",
        "(SELECT nonsense nonsense nonsense)",
    ] {
        let parts = plan(PG, sql).parts;
        assert!(
            matches!(&parts[..], [Part::Write(write)] if write.unknown_scope.is_some()),
            "{sql}: {parts:?}"
        );
    }
    for sql in ["FROBNICATE post", "'x'", "REPAIR TABLE post", "\u{0}"] {
        let parts = plan(MY, sql).parts;
        assert!(matches!(&parts[..], [Part::Unknown(_)]), "{sql}: {parts:?}");
    }
}

#[test]
fn each_statement_of_an_unparsable_text_is_told_apart() {
    check(
        PG,
        "BEGIN; SELECT nonsense nonsense nonsense; COMMIT",
        "begin; + everything; commit",
    );
}

#[test]
fn implicit_commits_are_told_by_dialect() {
    let commits = |dialect, sql| {
        let plan = plan(dialect, sql);
        plan.parts
            .iter()
            .any(|part| part.may_commit_implicitly(dialect))
    };
    for sql in [
        "CREATE TABLE x (id int)",
        "TRUNCATE post",
        "BEGIN",
        "LOCK TABLES post WRITE",
        "SET autocommit = 1",
    ] {
        assert!(commits(MY, sql), "{sql}");
    }
    assert!(!commits(MY, "UPDATE post SET title = 'x' WHERE id = 1"));
    assert!(!commits(MY, "SELECT 1 FROM post"));
    for sql in [
        "CREATE TABLE x (id int)",
        "TRUNCATE post",
        "BEGIN",
        "SET work_mem = '1MB'",
    ] {
        assert!(!commits(PG, sql), "{sql}");
    }
    assert!(commits(PG, "CALL transfer(1, 2)"));
}
