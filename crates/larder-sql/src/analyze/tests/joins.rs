use super::*;

#[test]
fn r1_full_join_narrows_neither_side() {
    check(
        &[POSTGRES, SQLITE],
        "SELECT a.id FROM a FULL JOIN b ON a.id = b.id AND a.x = 1",
        &["a() watching id,x", "b() watching id"],
    );
}

#[test]
fn r1_left_join_on_narrows_its_right_side_only() {
    check(
        &ALL,
        "SELECT a.id FROM a LEFT JOIN b ON a.x = 1 AND b.x = 2",
        &["a() watching id,x", "b(x = 2) watching x"],
    );
}

#[test]
fn r1_right_join_on_narrows_its_left_side_only() {
    check(
        &ALL,
        "SELECT a.id FROM a RIGHT JOIN b ON a.x = 1 AND b.x = 2",
        &["a(x = 1) watching id,x", "b() watching x"],
    );
}

#[test]
fn r1_where_equality_narrows_both_sides_of_any_outer_join() {
    for join in ["LEFT", "RIGHT"] {
        check(
            &ALL,
            &format!("SELECT 2 FROM a {join} JOIN b ON a.id = b.a_id WHERE a.x = 1 AND b.x = 2"),
            &["a(x = 1) watching id,x", "b(x = 2) watching a_id,x"],
        );
    }
    check(
        &[POSTGRES, SQLITE],
        "SELECT 2 FROM a FULL JOIN b ON a.id = b.a_id WHERE a.x = 1",
        &["a(x = 1) watching id,x", "b() watching a_id"],
    );
}

#[test]
fn r2_is_null_above_an_outer_join_does_not_narrow() {
    check(
        &ALL,
        "SELECT a.id FROM a LEFT JOIN (b LEFT JOIN c ON b.id = c.b_id) ON a.z = b.z AND c.x IS NULL",
        &[
            "a() watching id,z",
            "b() watching id,z",
            "c() watching b_id,x",
        ],
    );
    check(
        &ALL,
        "SELECT a.id FROM a LEFT JOIN b ON a.id = b.a_id JOIN c ON b.x IS NULL",
        &["a() watching id", "b() watching a_id,x", "c() watching "],
    );
    check(
        &ALL,
        "SELECT a.id FROM a LEFT JOIN b ON a.id = b.a_id WHERE b.x IS NULL AND a.x IS NULL",
        &["a(x is null) watching id,x", "b() watching a_id,x"],
    );
}

#[test]
fn r2_is_null_in_an_own_on_narrows() {
    check(
        &ALL,
        "SELECT a.id FROM a LEFT JOIN b ON a.id = b.a_id AND b.x IS NULL",
        &["a() watching id", "b(x is null) watching a_id,x"],
    );
}

#[test]
fn r8_sqlite_comma_leans_left_so_a_later_right_join_null_extends_all() {
    let sql = "SELECT a.id FROM a, b RIGHT JOIN c ON b.id = c.id WHERE a.x IS NULL";
    check(
        &[SQLITE],
        sql,
        &["a() watching id,x", "b() watching id", "c() watching id"],
    );
    check(
        &[POSTGRES, MYSQL],
        sql,
        &[
            "a(x is null) watching id,x",
            "b() watching id",
            "c() watching id",
        ],
    );
}

#[test]
fn r6_constants_spread_inside_one_canonical_type_only() {
    check(
        &ALL,
        "SELECT a.id FROM a JOIN b ON a.x = b.x WHERE a.x = $1",
        &["a(x = $1) watching id,x", "b(x = $1) watching x"],
    );
    check(
        &ALL,
        "SELECT a.id FROM a, b, d WHERE a.c = b.i AND b.i = d.c AND a.c = '1'",
        &[
            "a(c = '1') watching c,id",
            "b() watching i",
            "d() watching c",
        ],
    );
    check(
        &ALL,
        "SELECT a.id FROM a, b, d WHERE b.n = a.c AND b.n = d.c AND a.c = 'x'",
        &[
            "a(c = 'x') watching c,id",
            "b() watching n",
            "d() watching c",
        ],
    );
}

#[test]
fn r6_no_constant_passes_through_a_derived_column() {
    check(
        &ALL,
        "SELECT a.id FROM (SELECT i AS v FROM d) q JOIN a ON a.c = q.v WHERE q.v = '1'",
        &["d() watching i", "a() watching c,id"],
    );
}

#[test]
fn x1_constants_spread_towards_the_nullable_side() {
    check(
        &ALL,
        "SELECT p.id, c.id FROM post p LEFT JOIN comment c ON c.post_id = p.id WHERE p.id = 5",
        &[
            "post(id = 5) watching id",
            "comment(post_id = 5) watching id,post_id",
        ],
    );
    check(
        &ALL,
        "SELECT c.id FROM a JOIN b ON a.x = b.x LEFT JOIN c ON c.k = b.x WHERE a.x = 5",
        &[
            "a(x = 5) watching x",
            "b(x = 5) watching x",
            "c(k = 5) watching id,k",
        ],
    );
}

#[test]
fn x1_constants_never_spread_towards_the_preserved_side() {
    check(
        &ALL,
        "SELECT a.id FROM a LEFT JOIN b ON a.id = b.a_id AND b.a_id = 5",
        &["a() watching id", "b(a_id = 5) watching a_id"],
    );
}

#[test]
fn x1_constants_never_spread_over_a_full_join_or_by_is_null() {
    check(
        &[POSTGRES, SQLITE],
        "SELECT a.id FROM a FULL JOIN b ON a.id = b.a_id WHERE a.id = 5",
        &["a(id = 5) watching id", "b() watching a_id"],
    );
    check(
        &ALL,
        "SELECT a.id FROM a LEFT JOIN b ON a.x = b.x WHERE a.x IS NULL",
        &["a(x is null) watching id,x", "b() watching x"],
    );
}

#[test]
fn disjuncts_spread_each_for_itself() {
    check(
        &ALL,
        "SELECT a.id FROM a LEFT JOIN b ON b.a_id = a.id WHERE a.id = 1 OR (a.id = 2 AND a.x = 3)",
        &[
            "a(id = 1) watching id,x",
            "a(id = 2, x = 3) watching id,x",
            "b(a_id = 1) watching a_id",
            "b(a_id = 2) watching a_id",
        ],
    );
}

#[test]
fn self_joins_keep_their_instances_apart() {
    check(
        &ALL,
        "SELECT l.id FROM a l JOIN a r ON r.id = l.x WHERE l.y = $1",
        &["a(y = $1) watching id,x,y", "a() watching id"],
    );
}

#[test]
fn each_block_narrows_its_own_instances() {
    check(
        &ALL,
        "SELECT COUNT(*) AS num_items FROM (SELECT id, title FROM post WHERE author_id = $1) AS sub_query",
        &["post(author_id = $1) watching author_id"],
    );
    check(
        &ALL,
        "SELECT id FROM a WHERE x = 1 AND EXISTS (SELECT 1 FROM b WHERE b.a_id = a.id AND b.y = 2)",
        &["a(x = 1) watching id,x", "b(y = 2) watching a_id,y"],
    );
    check(
        &ALL,
        "SELECT id FROM a WHERE x NOT IN (SELECT x FROM b WHERE y = 2)",
        &["a() watching id,x", "b(y = 2) watching x,y"],
    );
}

#[test]
fn nothing_is_pushed_into_a_derived_table_or_cte() {
    check(
        &ALL,
        "SELECT q.id FROM (SELECT id, x FROM a) q WHERE q.x = 1",
        &["a() watching id,x"],
    );
    check(
        &ALL,
        "WITH q AS (SELECT id, x FROM a) SELECT id FROM q WHERE x = 1",
        &["a() watching id,x"],
    );
}

#[test]
fn set_operations_narrow_per_block() {
    check(
        &ALL,
        "SELECT id FROM a WHERE x = 1 UNION ALL SELECT id FROM b WHERE y = 2 ORDER BY id",
        &["a(x = 1) watching id,x", "b(y = 2) watching id,y"],
    );
}

#[test]
fn lateral_subqueries_see_their_siblings() {
    check(
        &[POSTGRES],
        "SELECT p.id, q.id FROM post p, LATERAL (SELECT c.id FROM comment c WHERE c.post_id = p.id) q \
         WHERE p.author_id = $1",
        &[
            "post(author_id = $1) watching author_id,id",
            "comment() watching id,post_id",
        ],
    );
}
