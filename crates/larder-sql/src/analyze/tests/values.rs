use super::*;

#[test]
fn equality_in_and_is_null_narrow() {
    check(
        &ALL,
        "SELECT id FROM a WHERE x = 1 AND y IN (1, $1) AND z IS NULL",
        &["a(x = 1, y in 1,$1, z is null) watching id,x,y,z"],
    );
    check(
        &ALL,
        "SELECT id FROM a WHERE -1 = x OR c = 'it''s'",
        &["a(x = -1) watching c,id,x", "a(c = 'it's') watching c,id,x"],
    );
}

#[test]
fn everything_else_widens_its_term_and_never_its_disjunct() {
    for term in [
        "x <> 1",
        "x > 1",
        "x BETWEEN 1 AND 2",
        "c LIKE 'a%'",
        "NOT x = 1",
        "x NOT IN (1, 2)",
        "x IS NOT NULL",
        "x + 1 = 2",
        "lower(c) = 'a'",
        "x = y",
        "x = (SELECT 1)",
        "CASE WHEN x = 1 THEN 1 ELSE 0 END = 1",
        "(x = 1) = (y = 1)",
    ] {
        let watching = described(
            &catalog(POSTGRES),
            &format!("SELECT id FROM a WHERE {term}"),
        );
        assert!(watching[0].starts_with("a() "), "{term}: {watching:?}");
        let beside = described(
            &catalog(POSTGRES),
            &format!("SELECT id FROM a WHERE {term} AND v = 7"),
        );
        assert!(beside[0].starts_with("a(v = 7) "), "{term}: {beside:?}");
        let or = described(
            &catalog(POSTGRES),
            &format!("SELECT id FROM a WHERE {term} OR v = 7"),
        );
        assert!(or[0].starts_with("a() "), "{term}: {or:?}");
    }
}

#[test]
fn null_safe_equality_widens() {
    check(
        &[MYSQL],
        "SELECT id FROM a WHERE x <=> 1",
        &["a() watching id,x"],
    );
    check(
        &[POSTGRES],
        "SELECT id FROM a WHERE x IS NOT DISTINCT FROM 1",
        &["a() watching id,x"],
    );
}

#[test]
fn r5_a_bare_boolean_narrows_in_postgres_only() {
    check(
        &[POSTGRES],
        "SELECT id FROM t WHERE f",
        &["t(f = true) watching f,id"],
    );
    check(
        &[POSTGRES],
        "SELECT id FROM t WHERE f IS TRUE",
        &["t(f = true) watching f,id"],
    );
    check(
        &[POSTGRES],
        "SELECT id FROM t WHERE NOT f",
        &["t() watching f,id"],
    );
    check(
        &[POSTGRES],
        "SELECT id FROM t WHERE f IS NOT TRUE",
        &["t() watching f,id"],
    );
    check(
        &[MYSQL, SQLITE],
        "SELECT id FROM t WHERE f",
        &["t() watching f,id"],
    );
    check(
        &[MYSQL, SQLITE],
        "SELECT id FROM t WHERE f IS TRUE",
        &["t() watching f,id"],
    );
    check(
        &[MYSQL, SQLITE],
        "SELECT id FROM t WHERE f = TRUE",
        &["t(f = 1) watching f,id"],
    );
    check(
        &[POSTGRES],
        "SELECT id FROM t WHERE f = TRUE",
        &["t(f = true) watching f,id"],
    );
}

#[test]
fn in_lists_keep_null_for_the_binder_and_widen_on_expressions() {
    check(
        &ALL,
        "SELECT id FROM a WHERE x IN (1, NULL)",
        &["a(x in 1,null) watching id,x"],
    );
    check(
        &ALL,
        "SELECT id FROM a WHERE x IN (1, y)",
        &["a() watching id,x,y"],
    );
    let long = vec!["1"; 300].join(", ");
    check(
        &ALL,
        &format!("SELECT id FROM a WHERE x IN ({long})"),
        &["a() watching id,x"],
    );
}

#[test]
fn row_values_narrow_by_each_column() {
    check(
        &ALL,
        "SELECT id FROM a WHERE (x, y) = (1, 2)",
        &["a(x = 1, y = 2) watching id,x,y"],
    );
    check(
        &ALL,
        "SELECT id FROM a WHERE (x, y) IN ((1, 2), (3, 4))",
        &[
            "a(x = 1, y = 2) watching id,x,y",
            "a(x = 3, y = 4) watching id,x,y",
        ],
    );
    check(
        &ALL,
        "SELECT id FROM a WHERE (x, y) NOT IN ((1, 2))",
        &["a() watching id,x,y"],
    );
}

#[test]
fn any_of_an_array_parameter_narrows_and_all_widens() {
    for array in ["$1", "$1::int[]", "ARRAY[$1, 2]", "ANY_"] {
        let expected = match array {
            "ARRAY[$1, 2]" => "a(x in $1,2) watching id,x",
            "ANY_" => continue,
            _ => "a(x = any $1) watching id,x",
        };
        check(
            &[POSTGRES],
            &format!("SELECT id FROM a WHERE x = ANY({array})"),
            &[expected],
        );
    }
    for other in [
        "x = ALL($1)",
        "x <> ANY($1)",
        "x = ANY($1::numeric[])",
        "x = ANY('{1,2}')",
    ] {
        check(
            &[POSTGRES],
            &format!("SELECT id FROM a WHERE {other}"),
            &["a() watching id,x"],
        );
    }
}

#[test]
fn casts_widen_unless_they_give_a_parameter_the_columns_own_type() {
    check(
        &[POSTGRES],
        "SELECT id FROM post WHERE kind = CAST($1 AS kind)",
        &["post(kind = $1) watching id,kind"],
    );
    check(
        &[POSTGRES],
        "SELECT id FROM post WHERE \"post\".\"kind\" = (CAST($1 AS \"kind\"))",
        &["post(kind = $1) watching id,kind"],
    );
    check(
        &[POSTGRES],
        "SELECT id FROM a WHERE x = $1::bigint",
        &["a(x = $1) watching id,x"],
    );
    for term in [
        "title = $1::varchar(3)",
        "title = 'a'::text",
        "CAST(kind AS text) = $1",
        "title = CAST($1 AS kind)",
        "author_id = $1::numeric",
        "title COLLATE \"C\" = $1",
        "title = $1 COLLATE \"C\"",
    ] {
        let described = described(
            &catalog(POSTGRES),
            &format!("SELECT id FROM post WHERE {term}"),
        );
        assert!(described[0].starts_with("post() "), "{term}: {described:?}");
    }
    check(
        &[MYSQL],
        "SELECT id FROM a WHERE x = CAST($1 AS SIGNED)",
        &["a() watching id,x"],
    );
}

#[test]
fn opaque_columns_never_narrow() {
    check(
        &ALL,
        "SELECT id FROM a WHERE n = 'x'",
        &["a() watching id,n"],
    );
    check(
        &ALL,
        "SELECT id FROM a WHERE n IS NULL",
        &["a() watching id,n"],
    );
}

#[test]
fn is_null_on_a_not_null_date_widens_in_mysql() {
    check(
        &[MYSQL],
        "SELECT id FROM post WHERE day IS NULL",
        &["post() watching day,id"],
    );
    check(
        &[POSTGRES],
        "SELECT id FROM post WHERE day IS NULL",
        &["post(day is null) watching day,id"],
    );
    check(
        &[MYSQL],
        "SELECT id FROM post WHERE created IS NULL",
        &["post(created is null) watching created,id"],
    );
}

#[test]
fn contradictions_keep_the_table() {
    check(
        &ALL,
        "SELECT id FROM a WHERE x = 1 AND x = 2",
        &["a(x = 1) watching id,x"],
    );
    check(
        &ALL,
        "SELECT id FROM a WHERE x = NULL",
        &["a(x = null) watching id,x"],
    );
}

#[test]
fn r9_having_and_its_kin_never_narrow() {
    check(
        &[MYSQL, SQLITE],
        "SELECT a + 1 AS x, count(*) FROM t GROUP BY a HAVING x = 6",
        &["t() watching a,x"],
    );
    check(
        &[POSTGRES],
        "SELECT a, count(*) FROM t GROUP BY ROLLUP (a) HAVING a IS NULL",
        &["t() watching a"],
    );
    check(
        &[POSTGRES],
        "SELECT count(*) FILTER (WHERE x = 1), row_number() OVER (PARTITION BY a = 1) FROM t",
        &["t() watching a,x"],
    );
}

#[test]
fn custom_operators_switch_narrowing_off() {
    let mut catalog = catalog(POSTGRES);
    catalog.custom_operators.insert("@@@".into());
    assert_eq!(
        described(&catalog, "SELECT id FROM a WHERE x = 1"),
        ["a() watching id,x"]
    );
    catalog.custom_operators.insert("=".into());
    assert!(described(&catalog, "SELECT id FROM a WHERE x = 1")[0].contains("operator ="));
}

#[test]
fn byte_strings_are_read_where_they_are_byte_strings() {
    check(
        &[MYSQL, SQLITE],
        "SELECT at FROM e WHERE raw = X'41'",
        &["e(raw = 1 bytes) watching at,raw"],
    );
    check(
        &[POSTGRES],
        "SELECT at FROM e WHERE raw = X'41'",
        &["e() watching at,raw"],
    );
}

#[test]
fn mysql_strings_with_backslashes_are_no_operands() {
    check(
        &[MYSQL],
        r"SELECT id FROM a WHERE c = 'a\'b'",
        &["a() watching c,id"],
    );
    check(
        &[SQLITE],
        r"SELECT id FROM a WHERE c = 'a\b'",
        &[r"a(c = 'a\b') watching c,id"],
    );
}

#[test]
fn parameters_are_numbered_in_the_order_of_the_text() {
    check(
        &[MYSQL, SQLITE],
        "SELECT CASE WHEN x = ? THEN ? ELSE ? END FROM a WHERE y = ? LIMIT ?",
        &["a(y = $4) watching x,y"],
    );
    check(
        &[SQLITE],
        "SELECT id FROM a WHERE x = ?2 AND y = ?1",
        &["a(x = $2, y = $1) watching id,x,y"],
    );
    let mixed = described(&catalog(SQLITE), "SELECT id FROM a WHERE x = ?2 AND y = ?");
    assert!(mixed[0].contains("parameter"), "{mixed:?}");
    check(
        &[POSTGRES],
        "SELECT id FROM a WHERE x = $2 AND y = $1",
        &["a(x = $2, y = $1) watching id,x,y"],
    );
    for named in [":x", "@x", "$x", "$1"] {
        let sql = format!("SELECT id FROM a WHERE x = {named} AND y = ?1");
        let described = described(&catalog(SQLITE), &sql);
        assert!(
            described[0].contains("named parameter"),
            "{named}: {described:?}"
        );
    }
    refused(&[POSTGRES], "SELECT id FROM a WHERE x = $0", "parameter");
    refused(
        &[POSTGRES],
        "SELECT id FROM a WHERE x = $99999999999999999999",
        "parameter",
    );
}

#[test]
fn row_conditions_project_a_where_on_one_table() {
    let catalog = catalog(POSTGRES);
    let lists = FunctionLists::default();
    let cx = crate::analyze::Analysis {
        catalog: &catalog,
        functions: &lists,
        dialect: POSTGRES,
        text: "",
        quirk: None,
        parameters_numbered: true,
        strings_exact: true,
    };
    let table = &catalog.tables[&TableName::new("public", "a")];
    let conditions = |sql: &str, alias: Option<&str>, others: bool| {
        let text = crate::analyze::text::read(sql, &catalog).expect("tokens");
        let statements = crate::analyze::parse(&text, POSTGRES).expect("a statement");
        let [sqlparser::ast::Statement::Delete(delete)] = statements.as_slice() else {
            panic!("not a delete");
        };
        crate::analyze::row_conditions(delete.selection.as_ref(), table, alias, others, &cx)
            .iter()
            .map(|terms| terms.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(conditions("DELETE FROM a", None, false), [0]);
    assert_eq!(
        conditions("DELETE FROM a WHERE x = 1 AND a.y IS NULL", None, false),
        [2]
    );
    assert_eq!(
        conditions("DELETE FROM a WHERE x = 1 OR y = 2", None, false),
        [1, 1]
    );
    assert_eq!(
        conditions(
            "DELETE FROM a AS q WHERE q.x = 1 AND a.y = 2",
            Some("q"),
            false
        ),
        [1]
    );
    // With other sources a bare name may be theirs, and a join may null-extend the row.
    assert_eq!(
        conditions("DELETE FROM a WHERE x = 1 AND a.y = 2", None, true),
        [1]
    );
    assert_eq!(
        conditions("DELETE FROM a WHERE a.y IS NULL", None, true),
        [0]
    );
}
