//! R1-R6, R8-R10, R12, X1: what a condition may narrow, and what it may not.

use crate::{case::case, cases};

const TWO: &[&str] = &[
    "CREATE TABLE a (id INT PRIMARY KEY, x INT)",
    "CREATE TABLE b (id INT PRIMARY KEY, x INT)",
    "INSERT INTO a VALUES (1, 1), (2, 3)",
    "INSERT INTO b VALUES (1, 1), (3, 4)",
];

/// A chain: `a.z = b.z`, `c.b_id = b.id`.
const CHAIN: &[&str] = &[
    "CREATE TABLE a (id INT PRIMARY KEY, z INT)",
    "CREATE TABLE b (id INT PRIMARY KEY, z INT, x INT)",
    "CREATE TABLE c (id INT PRIMARY KEY, b_id INT, x INT)",
    "INSERT INTO a VALUES (1, 10), (2, 20)",
    "INSERT INTO b VALUES (7, 10, 1)",
];

/// Parents and children.
const BLOG: &[&str] = &[
    "CREATE TABLE p (id INT PRIMARY KEY, title VARCHAR(20))",
    "CREATE TABLE c (id INT PRIMARY KEY, p_id INT, body VARCHAR(20))",
    "INSERT INTO p VALUES (5, 'five'), (6, 'six')",
    "INSERT INTO c VALUES (1, 5, 'one'), (2, 6, 'two')",
];

cases! {
    r1_on_of_a_full_join_narrows_neither_side [Sqlite Postgres] |db| case(db, TWO)
        .cached("SELECT a.id, b.id FROM a FULL JOIN b ON a.id = b.id AND a.x = 1")
        .changes("INSERT INTO a VALUES (9, 2)")
        .changes("INSERT INTO b VALUES (8, 2)");

    r1_on_of_a_left_join_does_not_narrow_its_left_side [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT a.id, b.id FROM a LEFT JOIN b ON a.id = b.id AND a.x = 1")
        .changes("INSERT INTO a VALUES (9, 2)");

    r1_on_of_a_left_join_narrows_its_right_side [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT a.id, b.id FROM a LEFT JOIN b ON a.id = b.id AND b.x = 1")
        .keeps("INSERT INTO b VALUES (9, 2)")
        .changes("INSERT INTO b VALUES (2, 1)");

    r1_on_of_a_right_join_narrows_its_left_side_only [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT a.id, b.id FROM a RIGHT JOIN b ON a.id = b.id AND a.x = 1 AND b.x = 1")
        .keeps("INSERT INTO a VALUES (9, 2)")
        .changes("INSERT INTO b VALUES (9, 2)");

    r2_is_null_in_an_on_above_a_nested_outer_join_widens [Sqlite Postgres MariaDb] |db|
        case(db, CHAIN)
        .cached("SELECT a.id, b.id, c.id FROM a LEFT JOIN (b LEFT JOIN c ON b.id = c.b_id) \
                 ON a.z = b.z AND c.x IS NULL")
        .changes("INSERT INTO c VALUES (1, 7, 5)")
        .changes("DELETE FROM c WHERE id = 1");

    r2_is_null_in_a_later_inner_on_widens [Sqlite Postgres MariaDb] |db| case(db, CHAIN)
        .plain("INSERT INTO c VALUES (1, 7, 5)")
        .cached("SELECT a.id, b.id, c.id FROM a LEFT JOIN b ON a.z = b.z JOIN c ON b.x IS NULL")
        .changes("INSERT INTO b VALUES (8, 20, 4)")
        .changes("DELETE FROM b WHERE id = 8");

    r2_is_null_in_where_over_a_left_join_widens [Sqlite Postgres MariaDb] |db| case(db, CHAIN)
        .cached("SELECT a.id FROM a LEFT JOIN b ON a.z = b.z WHERE b.x IS NULL")
        .changes("INSERT INTO b VALUES (8, 20, 4)");

    r2_is_null_in_an_own_on_narrows [Sqlite Postgres MariaDb] |db| case(db, CHAIN)
        .cached("SELECT a.id, b.id FROM a LEFT JOIN b ON a.z = b.z AND b.x IS NULL")
        .keeps("INSERT INTO b VALUES (8, 20, 4)")
        .changes("INSERT INTO b VALUES (9, 20, NULL)");

    r3_table_inside_a_cte_of_its_own_name_is_a_table [Postgres] |db| case(db, TWO)
        .cached("WITH a AS (SELECT id FROM a WHERE x > 0) SELECT id FROM a")
        .changes("INSERT INTO a VALUES (9, 2)");

    r3_cte_name_ends_with_its_with [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT count(*) FROM a WHERE x IN (WITH a AS (SELECT 1 AS x) SELECT x FROM a)")
        .changes("INSERT INTO a VALUES (9, 1)");

    r3_name_before_its_definition_is_the_table_as_well [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("WITH q AS (SELECT id FROM b), b AS (SELECT 42 AS id) SELECT q.id FROM q, b")
        .holds("INSERT INTO b VALUES (9, 1)");

    r3_qualified_name_is_never_a_cte [Postgres] |db| case(db, TWO)
        .cached("WITH a AS (SELECT 1 AS id) SELECT p.id FROM public.a AS p")
        .changes("INSERT INTO a VALUES (9, 1)");

    r3_qualified_name_is_never_a_cte_in_main [Sqlite] |db| case(db, TWO)
        .cached("WITH a AS (SELECT 1 AS id) SELECT p.id FROM main.a AS p")
        .changes("INSERT INTO a VALUES (9, 1)");

    r4_natural_join_watches_the_columns_it_shares [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE a (id INT PRIMARY KEY, v INT)",
            "CREATE TABLE b (n INT PRIMARY KEY, id INT, other INT)",
            "INSERT INTO a VALUES (1, 10), (2, 20)",
            "INSERT INTO b VALUES (1, 1, 0)",
        ])
        .cached("SELECT v FROM a NATURAL JOIN b")
        .changes("UPDATE b SET id = 2 WHERE n = 1")
        .keeps("UPDATE b SET other = 9 WHERE n = 1");

    r4_using_watches_its_column_on_both_sides [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE a (k INT PRIMARY KEY, id INT, v INT)",
            "CREATE TABLE b (k2 INT PRIMARY KEY, id INT, other INT)",
            "INSERT INTO a VALUES (1, 1, 10), (2, 2, 20)",
            "INSERT INTO b VALUES (1, 1, 0)",
        ])
        .cached("SELECT v FROM a JOIN b USING (id)")
        .changes("UPDATE b SET id = 2 WHERE k2 = 1")
        .changes("UPDATE a SET id = 5 WHERE k = 2")
        .keeps("UPDATE b SET other = 9 WHERE k2 = 1");

    r6_constant_does_not_pass_from_text_over_int_to_text [Sqlite MariaDb] |db| case(db, &[
            "CREATE TABLE a (id INT PRIMARY KEY, c VARCHAR(9))",
            "CREATE TABLE b (id INT PRIMARY KEY, i INT)",
            "CREATE TABLE d (id INT PRIMARY KEY, c VARCHAR(9))",
            "INSERT INTO a VALUES (1, '1')", "INSERT INTO b VALUES (1, 1)",
        ])
        .cached("SELECT d.id FROM a, b, d WHERE a.c = b.i AND b.i = d.c AND a.c = '1'")
        .changes("INSERT INTO d VALUES (7, '01')");

    r6_constant_does_not_pass_through_a_case_insensitive_column [Sqlite] |db| case(db, &[
            "CREATE TABLE a (id INT PRIMARY KEY, c TEXT)",
            "CREATE TABLE b (id INT PRIMARY KEY, n TEXT COLLATE NOCASE)",
            "CREATE TABLE d (id INT PRIMARY KEY, c TEXT)",
            "INSERT INTO a VALUES (1, 'x')", "INSERT INTO b VALUES (1, 'x')",
        ])
        .cached("SELECT d.id FROM a, b, d WHERE b.n = a.c AND b.n = d.c AND a.c = 'x'")
        .changes("INSERT INTO d VALUES (7, 'X')");

    r6_constant_does_not_pass_through_a_derived_column [Sqlite MariaDb] |db| case(db, &[
            "CREATE TABLE a (id INT PRIMARY KEY, c VARCHAR(9))",
            "CREATE TABLE d (id INT PRIMARY KEY, i INT)",
            "INSERT INTO d VALUES (1, 1)",
        ])
        .cached("SELECT a.id FROM (SELECT i AS v FROM d) q JOIN a ON a.c = q.v WHERE q.v = '1'")
        .changes("INSERT INTO a VALUES (7, '01')");

    r8_is_null_before_a_comma_and_a_right_join_widens [Sqlite] |db| case(db, &[
            "CREATE TABLE a (id INT PRIMARY KEY, x INT)",
            "CREATE TABLE b (id INT PRIMARY KEY)",
            "CREATE TABLE c (id INT PRIMARY KEY)",
            "INSERT INTO b VALUES (1)", "INSERT INTO c VALUES (1)",
        ])
        .cached("SELECT a.id, c.id FROM a, b RIGHT JOIN c ON b.id = c.id WHERE a.x IS NULL")
        .changes("INSERT INTO a VALUES (1, 5)");

    r9_having_over_an_alias_does_not_narrow [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, x INT)",
            "INSERT INTO t VALUES (1, 5, 6)",
        ])
        .cached("SELECT a + 1 AS x, count(*) FROM t GROUP BY a HAVING x = 6")
        .changes("INSERT INTO t VALUES (2, 5, 2)");

    r9_having_over_rollup_does_not_narrow [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, a INT)",
            "INSERT INTO t VALUES (1, 5)",
        ])
        .cached("SELECT a, count(*) FROM t GROUP BY ROLLUP (a) HAVING a IS NULL")
        .changes("INSERT INTO t VALUES (2, 6)");

    r9_filter_does_not_narrow [Sqlite Postgres] |db| case(db, TWO)
        .cached("SELECT count(*) FILTER (WHERE x = 1), count(*) FROM a")
        .changes("INSERT INTO a VALUES (9, 2)");

    r9_window_does_not_narrow [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT id, sum(x) OVER (PARTITION BY x = 1) FROM a")
        .changes("INSERT INTO a VALUES (9, 2)");

    r10_column_aliases_are_mapped_by_position [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)",
            "INSERT INTO t VALUES (1, 7, 2), (2, 2, 7)",
        ])
        .cached("SELECT x.id FROM t AS x(id, b, a) WHERE x.a = 2")
        .changes("INSERT INTO t VALUES (3, 9, 2)")
        .changes("UPDATE t SET b = 2 WHERE id = 2")
        .holds("INSERT INTO t VALUES (4, 2, 9)");

    r10_whole_row_watches_every_column [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, a INT)",
            "INSERT INTO t VALUES (1, 7)",
        ])
        .cached("SELECT CAST(x AS text) FROM t x WHERE id = 1")
        .changes("UPDATE t SET a = 8 WHERE id = 1");

    r10_count_of_an_alias_is_a_whole_row [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, a INT)",
            "INSERT INTO t VALUES (1, 7)",
        ])
        .cached("SELECT count(x) FROM t x")
        .changes("INSERT INTO t VALUES (2, 8)");

    r12_double_pipe_depends_on_the_mode_and_is_not_cached [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, c INT)",
        ])
        .uncached("SELECT id FROM t WHERE a = 1 AND b = 2 || c = 3")
        .holds("INSERT INTO t VALUES (1, 9, 9, 3)")
        .holds("INSERT INTO t VALUES (2, 1, 23, 3)");

    r12_double_ampersand_and_negation_are_not_cached [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)",
        ])
        .uncached("SELECT id FROM t WHERE a = 1 && !b")
        .changes("INSERT INTO t VALUES (1, 1, 0)");

    r12_executable_comments_are_code_and_not_cached [MariaDb] |db| case(db, TWO)
        .uncached("SELECT id FROM a WHERE x = 1 /*! OR x = 2 */")
        .changes("INSERT INTO a VALUES (9, 2)");

    r12_write_with_double_ampersand_drops_everything [MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE x = 7")
        .changes("UPDATE a SET x = 7 WHERE x = 3 && id = 2");

    r12_write_with_an_executable_comment_drops_everything [MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE x = 7")
        .changes("UPDATE b /*! , a */ SET /*! a.x = 7, */ b.x = 1 WHERE b.id = 1 AND a.id = 2");

    r12_negated_tests_do_not_narrow [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE x IS NOT NULL AND x NOT IN (1, 5) AND NOT x = 6")
        .changes("INSERT INTO a VALUES (9, 2)");

    x1_has_many_left_join_narrows_its_children [Sqlite Postgres MariaDb] |db| case(db, BLOG)
        .cached("SELECT p.id, c.id FROM p LEFT JOIN c ON c.p_id = p.id WHERE p.id = 5")
        .keeps("INSERT INTO c VALUES (3, 6, 'three')")
        .keeps("UPDATE p SET title = 'sixth' WHERE id = 6")
        .changes("INSERT INTO c VALUES (4, 5, 'four')");

    x1_constants_reach_an_outer_join_inside_an_outer_join [Sqlite Postgres MariaDb] |db|
        case(db, &[
            "CREATE TABLE p (id INT PRIMARY KEY)",
            "CREATE TABLE c (id INT PRIMARY KEY, p_id INT)",
            "CREATE TABLE d (id INT PRIMARY KEY, p_id INT)",
            "INSERT INTO p VALUES (5)", "INSERT INTO c VALUES (1, 5)",
        ])
        .cached("SELECT p.id, c.id, d.id FROM p LEFT JOIN c ON c.p_id = p.id \
                 LEFT JOIN d ON d.p_id = c.p_id WHERE p.id = 5")
        .changes("INSERT INTO d VALUES (1, 5)")
        .changes("INSERT INTO c VALUES (2, 5)")
        .keeps("INSERT INTO c VALUES (3, 6)");

    x1_never_spreads_is_null [Sqlite Postgres MariaDb] |db| case(db, CHAIN)
        .cached("SELECT a.id, c.id FROM a LEFT JOIN b ON a.z = b.z LEFT JOIN c ON c.x = b.x \
                 WHERE b.x IS NULL")
        .changes("INSERT INTO b VALUES (8, 20, 4)");

    x1_never_spreads_to_the_preserved_side [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT a.id, b.id FROM a LEFT JOIN b ON a.x = b.x AND b.x = 1")
        .changes("INSERT INTO a VALUES (9, 2)");

    x1_never_spreads_over_a_full_join [Sqlite Postgres] |db| case(db, TWO)
        .cached("SELECT a.id, b.id FROM a FULL JOIN b ON a.x = b.x AND b.x = 1")
        .changes("INSERT INTO a VALUES (9, 2)")
        .changes("INSERT INTO b VALUES (9, 7)");

    in_skips_nulls [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE x IN (1, NULL, 2)")
        .keeps("INSERT INTO a VALUES (7, 5)")
        .keeps("INSERT INTO a VALUES (8, NULL)")
        .changes("INSERT INTO a VALUES (9, 2)");

    in_with_a_value_of_another_class_widens [Sqlite MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(9) NOT NULL)",
            "INSERT INTO t VALUES (1, 'x')",
        ])
        .cached("SELECT id FROM t WHERE c IN ('x', 5)")
        .changes("INSERT INTO t VALUES (2, '5')");

    in_with_one_inexact_value_widens [Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, i INT)",
        ])
        .cached("SELECT id FROM t WHERE i IN (1, 2.0)")
        .changes("INSERT INTO t VALUES (2, 2)");

    in_equal_null_matches_nothing [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached_with("SELECT id FROM a WHERE x = ?", [None::<i32>.into()])
        .holds("INSERT INTO a VALUES (9, NULL)");

    in_row_values_narrow [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE (id, x) IN ((1, 1), (9, 2))")
        .changes("INSERT INTO a VALUES (9, 2)")
        .holds("INSERT INTO a VALUES (8, 2)");

    in_null_safe_equality_widens [MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE x <=> NULL")
        .changes("INSERT INTO a VALUES (9, NULL)");

    in_is_not_distinct_widens [Sqlite Postgres] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE x IS NOT DISTINCT FROM NULL")
        .changes("INSERT INTO a VALUES (9, NULL)");

    in_sqlite_is_with_a_value_is_not_cached [Sqlite] |db| case(db, TWO)
        .uncached_with("SELECT id FROM a WHERE x IS ?", [None::<i32>.into()])
        .changes("INSERT INTO a VALUES (9, NULL)");

    all_of_an_empty_array_is_true [Postgres] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE x = ALL (ARRAY[]::int[])")
        .changes("INSERT INTO a VALUES (9, 2)");

    any_of_an_array_literal_is_right [Postgres] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE x = ANY (ARRAY[1, 2])")
        .changes("INSERT INTO a VALUES (9, 2)");

    not_is_over_or [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE x = 1 OR id = 9 OR x IS NULL")
        .changes("INSERT INTO a VALUES (9, 2)")
        .changes("INSERT INTO a VALUES (10, NULL)")
        .keeps("INSERT INTO a VALUES (11, 5)");

    contradiction_leaves_the_table_in_the_entry [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT count(*) FROM a WHERE x = 1 AND x = 2")
        .holds("INSERT INTO a VALUES (9, 2)");

    exists_and_negated_subqueries_watch_their_tables [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.id = a.id AND b.x = 4)")
        .keeps("INSERT INTO b VALUES (2, 5)")
        .changes("UPDATE b SET x = 4 WHERE id = 1");

    not_in_subquery_sees_nulls [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE x NOT IN (SELECT x FROM b)")
        .changes("INSERT INTO b VALUES (9, NULL)");

    scalar_subqueries_anywhere_are_dependencies [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT id, (SELECT max(x) FROM b) FROM a ORDER BY (SELECT min(x) FROM b), id")
        .changes("INSERT INTO b VALUES (9, 100)");

    limit_subqueries_are_dependencies [Sqlite Postgres] |db| case(db, TWO)
        .cached("SELECT id FROM a ORDER BY id LIMIT (SELECT count(*) FROM b WHERE x > 3)")
        .changes("INSERT INTO b VALUES (9, 100)");

    order_by_columns_are_watched [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a ORDER BY x")
        .changes("UPDATE a SET x = 0 WHERE id = 2");

    group_by_columns_are_watched [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT count(*) FROM a GROUP BY x")
        .changes("UPDATE a SET x = 1 WHERE id = 2");

    set_operations_depend_on_both_sides [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a WHERE x = 1 UNION ALL SELECT id FROM b WHERE x = 4")
        .keeps("INSERT INTO a VALUES (8, 4)")
        .changes("INSERT INTO b VALUES (8, 4)");

    except_depends_on_its_right_side [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT id FROM a EXCEPT SELECT id FROM b WHERE x = 4")
        .changes("INSERT INTO b VALUES (2, 4)");

    recursive_cte_depends_on_its_table [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE n (id INT PRIMARY KEY, up INT)",
            "INSERT INTO n VALUES (1, NULL), (2, 1)",
        ])
        .cached("WITH RECURSIVE r AS (SELECT id FROM n WHERE id = 1 UNION ALL \
                 SELECT n.id FROM n JOIN r ON n.up = r.id) SELECT id FROM r")
        .changes("INSERT INTO n VALUES (3, 2)");

    lateral_depends_on_its_table [Postgres] |db| case(db, TWO)
        .cached("SELECT a.id, q.x FROM a LEFT JOIN LATERAL \
                 (SELECT b.x FROM b WHERE b.id = a.id) q ON true")
        .changes("INSERT INTO b VALUES (2, 9)");

    self_join_narrows_each_instance [Sqlite Postgres MariaDb] |db| case(db, TWO)
        .cached("SELECT u.id, v.id FROM a u JOIN a v ON u.x = v.id WHERE u.id = 1")
        .changes("UPDATE a SET x = 2 WHERE id = 1")
        .changes("DELETE FROM a WHERE id = 2");
}
