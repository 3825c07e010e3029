use super::*;
use crate::catalog::Volatility;

#[test]
fn functions_off_the_pure_list_are_not_cached() {
    for (dialects, call) in [
        (&ALL[..], "random()"),
        (&[POSTGRES, MYSQL][..], "now()"),
        (&[POSTGRES][..], "nextval('s')"),
        (&[POSTGRES][..], "gen_random_uuid()"),
        (&[POSTGRES][..], "pg_notify('a', 'b')"),
        (&[MYSQL][..], "last_insert_id()"),
        (&[MYSQL][..], "rand()"),
        (&[SQLITE][..], "strftime('%Y', c)"),
        (&[SQLITE][..], "datetime($1)"),
    ] {
        let call = if dialects.contains(&MYSQL) && call == "random()" {
            continue;
        } else {
            call
        };
        refused(
            dialects,
            &format!("SELECT {call} FROM a"),
            "not known to be pure",
        );
    }
    refused(
        &ALL,
        "SELECT id FROM post WHERE created < CURRENT_TIMESTAMP",
        "not known to be pure",
    );
    refused(
        &[POSTGRES],
        "SELECT id FROM a, generate_series(1, random()) g",
        "not known to be pure",
    );
}

#[test]
fn w5_a_select_that_calls_an_unknown_function_is_no_read() {
    for sql in [
        "SELECT transfer(1, 2)",
        "SELECT id FROM a WHERE x = cnt()",
        "SELECT id FROM audit_log(3)",
        "WITH gone AS (DELETE FROM a RETURNING id) SELECT id FROM gone",
        "SELECT id INTO copy FROM a",
    ] {
        assert!(read_plan(&catalog(POSTGRES), sql).is_none(), "{sql}");
    }
}

#[test]
fn w5_the_catalog_and_the_user_judge_functions() {
    let sql = "SELECT cnt() FROM a";
    let mut catalog = catalog(POSTGRES);
    catalog.functions.insert("cnt".into(), Volatility::Stable);
    assert!(described(&catalog, sql)[0].contains("not known to be pure"));
    catalog.functions.insert("cnt".into(), Volatility::Volatile);
    assert_eq!(described(&catalog, sql), ["not a read"]);
    // An overload of a built-in name may win over it.
    catalog
        .functions
        .insert("lower".into(), Volatility::Immutable);
    assert!(described(&catalog, "SELECT lower(c) FROM a")[0].contains("not known to be pure"));
    let lists = FunctionLists {
        pure: ["cnt".to_owned()].into(),
        ..FunctionLists::default()
    };
    let plan = analyze(sql, &catalog, &lists);
    assert!(matches!(&plan.parts[0], Part::Read(read) if read.uncacheable.is_none()));
}

#[test]
fn set_config_changes_the_session() {
    let plan = planned(
        &catalog(POSTGRES),
        "SELECT set_config('search_path', 'x', false)",
    );
    assert!(matches!(plan.parts[0], Part::Session));
}

#[test]
fn locks_samples_and_foreign_clauses_are_not_cached() {
    refused(
        &[POSTGRES, MYSQL],
        "SELECT id FROM a FOR UPDATE",
        "locks rows",
    );
    refused(
        &[POSTGRES, MYSQL],
        "SELECT id FROM a FOR SHARE",
        "locks rows",
    );
    refused(
        &[POSTGRES],
        "SELECT id FROM (SELECT id FROM a FOR UPDATE) q",
        "locks rows",
    );
    refused(
        &[POSTGRES],
        "SELECT id FROM a TABLESAMPLE BERNOULLI (10)",
        "samples rows",
    );
}

#[test]
fn relations_that_are_not_ordinary_are_not_cached() {
    let mut catalog = catalog(POSTGRES);
    let mut sequence = table(POSTGRES, "public", "s last_value:int");
    sequence.kind = TableKind::Other("sequence");
    add(&mut catalog, sequence);
    let mut guarded = table(POSTGRES, "public", "guarded id:int");
    guarded.row_security = true;
    add(&mut catalog, guarded);
    assert!(described(&catalog, "SELECT last_value FROM s")[0].contains("sequence"));
    let read = read_plan(&catalog, "SELECT id FROM guarded WHERE id = 1").unwrap();
    assert!(
        read.needs_scope
            .as_ref()
            .unwrap()
            .0
            .contains("name a scope")
    );
    // Its policies ask for columns that nobody names.
    assert_eq!(read.dependencies[0].watched, Columns::All);
    let mut unclear = table(POSTGRES, "public", "unclear id:int");
    unclear.row_security = true;
    unclear.row_policies = None;
    add(&mut catalog, unclear);
    assert!(described(&catalog, "SELECT id FROM unclear")[0].contains("row-level security"));
    let mut stored = table(POSTGRES, "public", "stored id:int");
    stored.kind = TableKind::MaterializedView;
    add(&mut catalog, stored);
    assert_eq!(
        described(&catalog, "SELECT id FROM stored WHERE id = 1"),
        ["stored(id = 1) watching id"]
    );
}

#[test]
fn date_words_are_not_cached() {
    for sql in [
        "SELECT id FROM post WHERE created > 'today'",
        "SELECT id FROM post WHERE created > 'Now '",
        "SELECT id FROM post WHERE created > timestamp 'tomorrow 10:00'",
        "SELECT id FROM post WHERE created > 'yesterday'::timestamp",
        "SELECT id FROM post WHERE created > lower($1)::timestamp",
        "SELECT id FROM post WHERE created > title::timestamp",
    ] {
        refused(&[POSTGRES], sql, "current moment");
    }
    check(
        &[POSTGRES],
        "SELECT created::date, date_trunc('day', created)::date FROM post",
        &["post() watching created"],
    );
    let read = read_plan(
        &catalog(POSTGRES),
        "SELECT id FROM post WHERE created > $2::timestamp AND title = $1",
    );
    assert_eq!(read.expect("a read").dated_parameters, [1]);
}

#[test]
fn variables_are_not_cached() {
    for sql in ["SELECT @@sql_mode FROM a", "SELECT id FROM a WHERE x = @x"] {
        let described = described(&catalog(MYSQL), sql).join("");
        assert!(!described.starts_with("a("), "{sql}: {described}");
    }
}

#[test]
fn r12_mysql_operators_that_depend_on_the_mode_are_not_cached() {
    for term in [
        "a = 1 AND b = 2 || x = 3",
        "a = 1 AND b = 2 && x = 3",
        "a = 1 XOR b = 2",
        "!a = 1",
        "a = 1 /*! OR b = 2 */",
        "a = 1 /*M! OR b = 2 */",
    ] {
        let described = described(&catalog(MYSQL), &format!("SELECT id FROM t WHERE {term}"));
        assert!(!described[0].starts_with("t("), "{term}: {described:?}");
    }
    check(
        &[MYSQL],
        "SELECT id FROM a WHERE c = 'a || b && !c := d' /* plain */",
        &["a(c = 'a || b && !c := d') watching c,id"],
    );
    check(
        &[MYSQL],
        "SELECT id FROM a WHERE x != 1 AND y = 2",
        &["a(y = 2) watching id,x,y"],
    );
}

#[test]
fn r12_quotes_under_an_unknown_or_unusual_mode_are_not_cached() {
    let mut catalog = catalog(MYSQL);
    catalog.session.clear();
    assert!(described(&catalog, "SELECT id FROM a WHERE c = \"x\"")[0].contains("sql_mode"));
    assert!(described(&catalog, r"SELECT id FROM a WHERE c = '\'' ")[0].contains("sql_mode"));
    catalog.session = vec![("sql_mode".into(), "ANSI_QUOTES".into())];
    assert!(described(&catalog, "SELECT id FROM a")[0].contains("ANSI_QUOTES"));
    catalog.session = vec![
        ("sql_mode".into(), "".into()),
        ("sql_auto_is_null".into(), "ON".into()),
    ];
    assert!(described(&catalog, "SELECT id FROM a")[0].contains("sql_auto_is_null"));
}

#[test]
fn natural_and_full_join_of_mysql_are_judged_by_the_parser() {
    // MySQL has no FULL JOIN: `full` is an alias there.
    let described = described(
        &catalog(MYSQL),
        "SELECT a.id FROM a FULL JOIN b ON a.id = b.id",
    );
    assert!(!described[0].starts_with("a(id"), "{described:?}");
}

#[test]
fn white_space_that_servers_read_as_letters_is_not_cached() {
    refused(&ALL, "SELECT id\u{a0}FROM a", "uncacheable");
    check(
        &ALL,
        "SELECT id FROM a WHERE c = 'wide\u{3000}space'",
        &["a(c = 'wide\u{3000}space') watching c,id"],
    );
}

#[test]
fn one_argument_age_depends_on_today() {
    refused(
        &[POSTGRES],
        "SELECT age(created) FROM post",
        "not known to be pure",
    );
}

#[test]
fn built_in_functions_are_never_taken_for_writes() {
    for (dialect, call) in [
        (POSTGRES, "pg_sleep(1)"),
        (POSTGRES, "has_table_privilege('a', 'select')"),
        (POSTGRES, "pg_stat_get_numscans(1)"),
        (MYSQL, "ST_Distance(x, y)"),
        (MYSQL, "CONVERT_TZ(x, 'a', 'b')"),
        (SQLITE, "pragma_table_info('a')"),
    ] {
        let plan = planned(&catalog(dialect), &format!("SELECT {call} FROM a"));
        assert!(matches!(plan.parts[0], Part::Read(_)), "{call}");
    }
}
