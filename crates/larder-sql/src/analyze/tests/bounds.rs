use proptest::prelude::*;

use super::*;

/// Analyses a hostile text in a thread with the stack of a test. Unbounded recursion overflows it,
/// and unbounded work does not end.
fn bounded(sql: &str) {
    for dialect in ALL {
        let _ = planned(&catalog(dialect), sql);
    }
}

#[test]
fn long_disjunctions_widen() {
    let terms: Vec<_> = (0..70).map(|n| format!("(x = {n} AND y = {n})")).collect();
    check(
        &ALL,
        &format!("SELECT id FROM a WHERE {}", terms.join(" OR ")),
        &["a() watching id,x,y"],
    );
    let factor = "(x = 1 OR y = 2)";
    let product = vec![factor; 40].join(" AND ");
    bounded(&format!("SELECT id FROM a WHERE {product}"));
}

#[test]
fn a_chain_of_equalities_on_one_column_is_a_list() {
    check(
        &ALL,
        "SELECT id FROM a WHERE x = 1 OR x = 2 OR x = 3",
        &["a(x in 1,2,3) watching id,x"],
    );
}

#[test]
fn a_hundred_conditions_are_still_read() {
    let terms: Vec<_> = (0..100)
        .map(|n| format!("\"a\".\"x\" <> ${n}", n = n + 1))
        .collect();
    check(
        &[POSTGRES],
        &format!("SELECT id FROM a WHERE y = 1 AND {}", terms.join(" AND ")),
        &["a(y = 1) watching id,x,y"],
    );
}

#[test]
fn nesting_and_chains_are_bounded() {
    let bytes = 1 << 17;
    for (open, close) in [
        ("(", ")"),
        ("(SELECT ", ")"),
        ("NOT ", ""),
        ("- ", ""),
        ("CASE WHEN ", ""),
    ] {
        let depth = bytes / (open.len() + close.len()) - 20;
        bounded(&format!(
            "SELECT {}1{}",
            open.repeat(depth),
            close.repeat(depth)
        ));
    }
    for link in [
        " + 1",
        " OR x = 1",
        " IS NULL",
        "::int",
        " COLLATE c",
        " UNION SELECT 1",
        " IN (1)",
    ] {
        bounded(&format!("SELECT x{}", link.repeat(bytes / link.len() - 20)));
        bounded(&format!("SELECT x FROM a WHERE x{}", link.repeat(150)));
    }
    for link in [", a", " JOIN a", " NATURAL JOIN a", " LEFT JOIN a ON 1"] {
        bounded(&format!(
            "SELECT 1 FROM a{}",
            link.repeat(bytes / link.len() - 20)
        ));
    }
    bounded(&"SELECT 1;".repeat(10_000));
    bounded(&format!(
        "SELECT id FROM a WHERE x IN (1{})",
        ", 1".repeat(50_000)
    ));
}

#[test]
fn backtracking_of_nested_parentheses_is_bounded() {
    for depth in [5, 10, 20, 40] {
        bounded(&format!(
            "SELECT * FROM {}a{}",
            "(".repeat(depth),
            ")".repeat(depth)
        ));
        bounded(&format!("SELECT * FROM {}a", "(".repeat(depth)));
        bounded(&format!(
            "SELECT * FROM {}1",
            "((SELECT * FROM ".repeat(depth / 2)
        ));
        bounded(&format!("SELECT * FROM {}", "(a JOIN ".repeat(depth)));
        bounded(&format!("SELECT {}", "(CASE WHEN (".repeat(depth / 2)));
        bounded(&format!("SELECT {}", "f(x, (SELECT ".repeat(depth / 2)));
    }
}

#[test]
fn a_mebibyte_of_values_is_read_in_bounded_time() {
    bounded(&format!(
        "SELECT id FROM a WHERE x IN (1{})",
        ", 1".repeat(340_000)
    ));
}

#[test]
fn longer_texts_are_not_analysed() {
    let sql = format!("SELECT '{}'", "x".repeat(1 << 20));
    assert!(read_plan(&catalog(POSTGRES), &sql).is_none());
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "SELECT", "FROM", "WHERE", "a", "b", "t", "post", "x", "y", "id", "=", "1", "$1", "?",
            "'s'", "(", ")", ",", "AND", "OR", "NOT", "IN", "IS", "NULL", "JOIN", "LEFT", "RIGHT",
            "FULL", "ON", "USING", "NATURAL", "WITH", "AS", "UNION", "*", ".", "GROUP", "BY",
            "ORDER", "HAVING", "LIMIT", "EXISTS", "count", "::", "int", "ANY", "ARRAY", "[", "]",
            "CASE", "WHEN", "THEN", "END", "LATERAL", "\"", "`", "--", "/*", "*/", ";", "@", ":",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,3}",
    ]
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(sql in "\\PC{0,80}") {
        for dialect in ALL {
            let _ = planned(&catalog(dialect), &sql);
        }
    }

    #[test]
    fn words_of_sql_never_panic(words in prop::collection::vec(word(), 0..40)) {
        let sql = format!("SELECT {}", words.join(" "));
        for dialect in ALL {
            let _ = planned(&catalog(dialect), &sql);
        }
    }

    #[test]
    fn mutated_queries_never_panic(
        at in 0_usize..200,
        length in 0_usize..10,
        replacement in word(),
    ) {
        let sql = "WITH q AS (SELECT id, x FROM a WHERE (x, y) IN ((1, 2)) OR c = 'x') \
                   SELECT p.id, count(*) FROM post p LEFT JOIN q ON q.id = p.id AND p.flag \
                   WHERE p.author_id = $1 AND p.id = ANY($2) GROUP BY p.id ORDER BY 1 LIMIT 3";
        let end = (at + length).min(sql.len());
        let mutated = format!("{} {replacement} {}", &sql[..at.min(end)], &sql[end..]);
        for dialect in ALL {
            let _ = planned(&catalog(dialect), &mutated);
        }
    }
}
