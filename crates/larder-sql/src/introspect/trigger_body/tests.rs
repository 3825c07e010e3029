use super::*;
use crate::{
    Dialect, Table,
    catalog::{TableKind, Volatility},
};

fn catalog(dialect: Dialect) -> Catalog {
    let mut catalog = Catalog::new(dialect);
    catalog.search_path.push("main".into());
    for name in ["post", "audit", "Order"] {
        let name = TableName::new("main", name);
        catalog.tables.insert(
            name.clone(),
            Table::new(name, TableKind::Base, Vec::new()).into(),
        );
    }
    catalog
        .functions
        .insert("lower".into(), Volatility::Immutable);
    catalog
        .functions
        .insert("upper".into(), Volatility::Volatile);
    catalog
}

/// `expected` = the written tables, "?" when the body must count as unknown.
fn check(language: Language, body: &str, expected: &str) {
    let dialect = match language {
        Language::PlPgSql => Dialect::Postgres,
        Language::MySql => Dialect::MySql,
        Language::Sqlite => Dialect::Sqlite,
    };
    let found = match writes(language, body, None, &catalog(dialect)) {
        Some(tables) => tables
            .iter()
            .map(|table| &*table.name)
            .collect::<Vec<_>>()
            .join(","),
        None => "?".to_owned(),
    };
    assert_eq!(found, expected, "{body}");
}

#[test]
fn trigger_that_only_changes_its_row_writes_no_table() {
    let check = |body, expected| check(Language::PlPgSql, body, expected);
    check("BEGIN NEW.updated_at = now(); RETURN NEW; END;", "");
    check(
        "begin\n  new.updated_at := current_timestamp; -- delete\n  return new;\nend",
        "",
    );
    check(
        "DECLARE n integer := 0; label text; BEGIN \
         IF NEW.a IS DISTINCT FROM OLD.a AND CASE WHEN NEW.b THEN true ELSE false END THEN \
         NEW.v := lower(NEW.a); ELSIF NEW.b THEN n := n + 1; ELSE NULL; END IF; \
         RAISE NOTICE 'delete from post %', n; PERFORM pg_notify('c', NEW.id::text); \
         RETURN NEW; END",
        "",
    );
    check(
        "BEGIN SELECT count(*) INTO NEW.n FROM post; RETURN NEW; END",
        "",
    );
}

#[test]
fn static_writes_name_their_tables() {
    let check = |body, expected| check(Language::PlPgSql, body, expected);
    check(
        "BEGIN INSERT INTO audit (post_id, at) VALUES (NEW.id, now()) ON CONFLICT (post_id) \
         DO UPDATE SET at = now(); UPDATE ONLY Post p SET n = n + 1 WHERE id = NEW.id; \
         DELETE FROM main.\"Order\" WHERE id = 1; RETURN NULL; END",
        "Order,audit,post",
    );
}

#[test]
fn body_that_is_not_plain_is_unknown() {
    for body in [
        "BEGIN EXECUTE 'delete from post'; RETURN NEW; END",
        "BEGIN PERFORM my_function(NEW.id); RETURN NEW; END",
        "BEGIN PERFORM other.now(); RETURN NEW; END",
        "BEGIN NEW.a := upper(NEW.a); RETURN NEW; END",
        "BEGIN NEW.a := \"lower\"(NEW.a); RETURN NEW; END",
        "BEGIN NEW.x := 1; EXCEPTION WHEN others THEN RETURN NULL; END",
        "BEGIN WITH gone AS (DELETE FROM post RETURNING *) INSERT INTO audit SELECT * FROM gone; END",
        "BEGIN INSERT INTO audit WITH gone AS (DELETE FROM post RETURNING *) SELECT * FROM gone; END",
        "BEGIN INSERT INTO missing VALUES (1); RETURN NEW; END",
        "BEGIN FOR r IN SELECT * FROM post LOOP NULL; END LOOP; END",
        "BEGIN CALL p(); RETURN NEW; END",
        "BEGIN TRUNCATE post; RETURN NEW; END",
        "BEGIN NEW.a := 'unterminated; RETURN NEW; END",
        "BEGIN IF true RETURN NEW; END",
        "BEGIN INSERT INTO",
    ] {
        check(Language::PlPgSql, body, "?");
    }
}

#[test]
fn mysql_bodies_are_read_alike() {
    let check = |body, expected| check(Language::MySql, body, expected);
    check("SET NEW.updated_at = NOW(6)", "");
    check(
        "SET NEW.a = IF(NEW.b > 1, 'x', LOWER(NEW.c)), NEW.d = 2",
        "",
    );
    check("UPDATE post SET n = n + 1 WHERE id = NEW.post_id", "post");
    check(
        "BEGIN DECLARE n INT DEFAULT 0; IF NEW.a <> OLD.a THEN REPLACE audit (a) VALUES (1); \
         ELSEIF n = 1 THEN SIGNAL SQLSTATE '45000'; END IF; DELETE FROM `Order` WHERE id = 1; \
         INSERT IGNORE audit VALUES (1) ON DUPLICATE KEY UPDATE a = 2; END",
        "Order,audit",
    );
    for body in [
        "CALL p()",
        "UPDATE post, audit SET post.n = 1, audit.n = 1",
        "UPDATE post JOIN audit ON post.id = audit.id SET audit.n = 1",
        "DELETE post, audit FROM post JOIN audit",
        "DELETE FROM post USING post JOIN audit",
        "BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION DELETE FROM audit; END",
        "SET NEW.a = stored_function(1)",
        "SET NEW.a = 1 /*!, NEW.b = f() */",
    ] {
        check(body, "?");
    }
}

#[test]
fn sqlite_bodies_begin_after_the_header() {
    let check = |body, expected| check(Language::Sqlite, body, expected);
    check(
        "CREATE TRIGGER t AFTER UPDATE OF a ON post WHEN new.a > (SELECT 1) BEGIN \
         INSERT OR REPLACE INTO audit VALUES (new.id, datetime('now')); \
         UPDATE OR IGNORE POST SET n = 1 WHERE id = new.id; \
         SELECT RAISE(ABORT, 'no') WHERE new.a = 1; END",
        "audit,post",
    );
    check(
        "CREATE TRIGGER t AFTER INSERT ON post BEGIN SELECT my_function(1); END",
        "?",
    );
    check(
        "CREATE TRIGGER t AFTER INSERT ON post BEGIN WITH x AS (SELECT 1) DELETE FROM audit; END",
        "?",
    );
}

#[test]
fn reading_a_body_never_panics() {
    let alphabet = [
        "BEGIN", "IF", "THEN", "END", ";", "(", ".", "UPDATE", "x", "SET", "'", "=", "FROM",
        "DELETE", "OR",
    ];
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let mut body = String::new();
        for _ in 0..12 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let pick = usize::try_from(state >> 33).unwrap_or_default() % alphabet.len();
            body.push_str(alphabet.get(pick).copied().unwrap_or_default());
            body.push(' ');
        }
        for language in [Language::PlPgSql, Language::MySql, Language::Sqlite] {
            let _ = writes(language, &body, None, &catalog(Dialect::Sqlite));
        }
    }
}
