//! W2, W3, W6 and "Writes": every way to change rows.

use larder_tests::{
    lab::{Backend, Lab},
    row::{Row, cached},
};
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};

use crate::{case::case, cases};

const T: &[&str] = &[
    "CREATE TABLE t (id INT PRIMARY KEY, x INT, y INT)",
    "CREATE TABLE u (id INT PRIMARY KEY, x INT)",
    "INSERT INTO t VALUES (1, 5, 0), (2, 6, 0), (3, 6, 1)",
    "INSERT INTO u VALUES (1, 7), (2, 8)",
];

const UNIQUE: &[&str] = &[
    "CREATE TABLE t (id INT PRIMARY KEY, x INT UNIQUE, y INT)",
    "INSERT INTO t VALUES (1, 5, 0), (2, 6, 0)",
];

cases! {
    w2_old_row_leaves_a_condition_that_the_write_does_not_name [Sqlite Postgres MariaDb] |db|
        case(db, T)
        .cached("SELECT id FROM t WHERE x = 6")
        .changes("UPDATE t SET x = 9 WHERE id = 2")
        .changes("DELETE FROM t WHERE id = 3");

    w2_new_row_enters_a_condition [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 9 AND y = 0")
        .changes("UPDATE t SET x = 9 WHERE id = 2")
        .changes("UPDATE t SET x = 9, y = 0 WHERE id = 3");

    w2_two_conditions_and_one_known_column [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 6 AND y = 1")
        .changes("UPDATE t SET y = 1 WHERE id = 2")
        .keeps("UPDATE t SET y = 2 WHERE x = 5 AND y = 0")
        .changes("UPDATE t SET y = 3 WHERE y = 1");

    w2_column_that_neither_watches_nor_decides [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 6")
        .keeps("UPDATE t SET y = 9 WHERE x = 6")
        .changes("UPDATE t SET x = 6 WHERE id = 1");

    w2_expressions_are_unknown_values [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("UPDATE t SET x = x + 1 WHERE x = 6")
        .changes("UPDATE t SET x = CASE id WHEN 1 THEN 7 ELSE x END");

    w2_moved_keys [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT x FROM t WHERE id = 9")
        .changes("UPDATE t SET id = 9 WHERE id = 1")
        .changes("UPDATE t SET id = id + 1 WHERE id = 9");

    pin_of_another_class_tells_nothing [Sqlite MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 6")
        .changes("DELETE FROM t WHERE x = '6.0'");

    pins_under_not_and_or [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 6")
        .changes("DELETE FROM t WHERE NOT (x = 5) AND id = 3")
        .changes("DELETE FROM t WHERE x = 5 OR id = 2");

    pins_from_subqueries [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 6")
        .changes("DELETE FROM t WHERE id IN (SELECT 2)")
        .changes("UPDATE t SET x = (SELECT 6) WHERE x = (SELECT 5)");

    upsert_updates_the_row_it_meets [Sqlite Postgres] |db| case(db, UNIQUE)
        .cached("SELECT y FROM t WHERE id = 1")
        .changes("INSERT INTO t VALUES (7, 5, 4) ON CONFLICT (x) DO UPDATE SET y = 4")
        .changes("INSERT INTO t VALUES (1, 0, 0) ON CONFLICT (id) DO UPDATE SET y = t.y + 1")
        .changes("INSERT INTO t VALUES (1, 0, 0) ON CONFLICT (id) DO UPDATE \
                  SET y = excluded.y WHERE t.x = 5 RETURNING id");

    upsert_moves_the_row_it_meets [Sqlite Postgres] |db| case(db, UNIQUE)
        .cached("SELECT id FROM t WHERE x = 5")
        .changes("INSERT INTO t VALUES (1, 1, 1) ON CONFLICT (id) DO UPDATE SET x = 99")
        .changes("INSERT INTO t VALUES (2, 1, 1) ON CONFLICT (id) DO UPDATE SET x = 5 \
                  RETURNING y, x AS z");

    upsert_that_does_nothing_may_insert [Sqlite Postgres] |db| case(db, UNIQUE)
        .cached("SELECT id FROM t WHERE y = 4")
        .holds("INSERT INTO t VALUES (1, 9, 4) ON CONFLICT DO NOTHING")
        .changes("INSERT INTO t VALUES (3, 9, 4) ON CONFLICT DO NOTHING");

    upsert_of_mysql [MariaDb] |db| case(db, UNIQUE)
        .cached("SELECT y FROM t WHERE id = 1")
        .changes("INSERT INTO t VALUES (7, 5, 4) ON DUPLICATE KEY UPDATE y = VALUES(y)")
        .changes("INSERT INTO t VALUES (1, 1, 1) ON DUPLICATE KEY UPDATE id = 50");

    replace_deletes_other_rows [Sqlite MariaDb] |db| case(db, UNIQUE)
        .cached("SELECT id FROM t WHERE y = 0")
        .changes("REPLACE INTO t VALUES (9, 6, 1)");

    insert_or_replace_deletes_other_rows [Sqlite] |db| case(db, UNIQUE)
        .cached("SELECT id FROM t WHERE y = 0")
        .changes("INSERT OR REPLACE INTO t VALUES (9, 6, 1)")
        .changes("INSERT OR REPLACE INTO t VALUES (10, 5, 1) RETURNING id");

    update_or_replace_deletes_other_rows [Sqlite] |db| case(db, UNIQUE)
        .cached("SELECT id FROM t WHERE y = 0 AND id = 2")
        .changes("UPDATE OR REPLACE t SET x = 6 WHERE id = 1");

    conflict_clause_of_a_table_deletes_other_rows [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT, y INT, UNIQUE (x) ON CONFLICT REPLACE)",
            "INSERT INTO t VALUES (1, 5, 0), (2, 6, 0)",
        ])
        .cached("SELECT id FROM t WHERE y = 0")
        .changes("INSERT INTO t VALUES (9, 6, 1)")
        .changes("UPDATE t SET x = 5 WHERE id = 9");

    conflict_clause_of_a_column_deletes_other_rows [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY ON CONFLICT REPLACE, y INT)",
            "INSERT INTO t VALUES (1, 0), (2, 0)",
        ])
        .cached("SELECT count(*) FROM t WHERE y = 0")
        .changes("INSERT INTO t VALUES (2, 1)");

    or_fail_keeps_what_came_before_its_error [Sqlite] |db| case(db, UNIQUE)
        .cached("SELECT id FROM t WHERE y = 1")
        .fails("INSERT OR FAIL INTO t VALUES (8, 8, 1), (9, 5, 1)");

    failed_statement_leaves_the_cache_right [Sqlite Postgres MariaDb] |db| case(db, UNIQUE)
        .cached("SELECT id FROM t WHERE y = 1")
        .fails("INSERT INTO t VALUES (8, 8, 1), (9, 5, 1)");

    insert_select_is_unknown_rows [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT INTO t SELECT id + 10, x, 0 FROM u");

    insert_of_several_rows [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .keeps("INSERT INTO t VALUES (11, 8, 0), (12, 9, 0)")
        .changes("INSERT INTO t VALUES (13, 8, 0), (14, 7, 0)")
        .changes_with("INSERT INTO t (y, id, x) VALUES (?, ?, ?), (?, ?, ?)",
            [0.into(), 15.into(), 9.into(), 0.into(), 16.into(), 7.into()]);

    insert_with_fewer_columns [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x IS NULL")
        .changes("INSERT INTO t (y, id) VALUES (1, 20)");

    insert_default_values [Sqlite Postgres] |db| case(db, &[
            "CREATE TABLE t (id INTEGER DEFAULT 3, x INT DEFAULT 7)",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT INTO t DEFAULT VALUES");

    insert_set_of_mysql [MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT INTO t SET id = 21, x = 7")
        .changes("REPLACE INTO t SET id = 22, x = 7");

    insert_with_a_with_clause [Sqlite Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("WITH q AS (SELECT 30 AS id) INSERT INTO t SELECT id, 7, 0 FROM q");

    returning_of_expressions_and_aliases [Sqlite Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT INTO t VALUES (40, 7, 0) RETURNING x + 1 AS x, y AS id, id AS y")
        .changes("UPDATE t SET x = 7 WHERE id = 1 RETURNING 9 AS x, id")
        .changes("UPDATE t SET y = 8, x = 1 WHERE id = 1 RETURNING y AS x, x AS y")
        .holds("UPDATE t SET x = 1 WHERE id = 1 RETURNING y AS x, x AS y, *")
        .changes("DELETE FROM t WHERE y = 0 AND id = 40 RETURNING id AS x");

    returning_of_old_and_new [Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 5")
        .changes("UPDATE t SET x = 7 WHERE id = 1 RETURNING id, x")
        .changes("UPDATE t SET x = 5 WHERE id = 1 RETURNING t.*, 1");

    update_from_another_table [Sqlite Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("UPDATE t SET x = u.x FROM u WHERE u.id = t.id AND t.x = 5")
        .changes("UPDATE t SET x = u.x - 1 FROM u WHERE u.id = t.id RETURNING y, t.id");

    update_of_joined_tables_of_mysql [MariaDb] |db| case(db, T)
        .cached("SELECT t.id, u.id FROM t, u WHERE t.x = 7 AND u.x = 9")
        .changes("UPDATE t JOIN u ON u.id = t.id SET t.x = 7, u.x = 9 WHERE u.id = 1")
        .changes("UPDATE t, u SET u.x = 1 WHERE u.id = t.id AND t.id = 1");

    update_with_tuples [Sqlite Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("UPDATE t SET (y, x) = (1, 7) WHERE id = 1")
        .changes("UPDATE t SET (x, y) = (SELECT 8, 0) WHERE id = 1");

    update_with_limit [MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("UPDATE t SET x = 7 WHERE x = 6 ORDER BY id DESC LIMIT 1")
        .changes("DELETE FROM t WHERE y = 1 ORDER BY id LIMIT 1");

    delete_using_another_table [Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 5")
        .changes("DELETE FROM t USING u WHERE u.id = t.id AND u.x = 7");

    delete_from_several_tables_of_mysql [MariaDb] |db| case(db, T)
        .cached("SELECT t.id, u.id FROM t JOIN u ON u.id = t.id WHERE u.x = 7")
        .changes("DELETE t, u FROM t JOIN u ON u.id = t.id WHERE u.x = 7");

    delete_with_an_alias_of_mysql [MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 5")
        .changes("DELETE q FROM t AS q JOIN u ON u.id = q.id WHERE u.x = 7");

    delete_everything [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 5")
        .changes("DELETE FROM t");

    data_modifying_ctes_are_writes [Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("WITH m AS (UPDATE t SET x = 7 WHERE id = 1 RETURNING id) SELECT id FROM m")
        .changes("WITH m AS (DELETE FROM t WHERE x = 7 RETURNING *) \
                  INSERT INTO u SELECT id + 50, x FROM m")
        .changes("WITH m AS (DELETE FROM u RETURNING id) \
                  INSERT INTO t SELECT id + 60, 7, 0 FROM m");

    select_of_a_data_modifying_cte_writes [Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 5")
        .changes("WITH m AS (DELETE FROM t) SELECT 1");

    merge_writes [Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN UPDATE SET x = u.x \
                  WHEN NOT MATCHED THEN INSERT VALUES (u.id, u.x, 0)")
        .changes("MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE");

    copy_drops_the_record [Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 5")
        .holds("COPY t TO '/dev/null'")
        .changes("COPY t FROM PROGRAM 'printf \"9\\t5\\t0\\n\"'");

    truncate_cascade_empties_children [Postgres] |db| case(db, &[
            "CREATE TABLE p (id INT PRIMARY KEY)",
            "CREATE TABLE c (id INT PRIMARY KEY, p_id INT REFERENCES p)",
            "CREATE TABLE d (id INT PRIMARY KEY, c_id INT REFERENCES c, x INT)",
            "INSERT INTO p VALUES (1)", "INSERT INTO c VALUES (1, 1)",
            "INSERT INTO d VALUES (1, 1, 5)",
        ])
        .cached("SELECT id FROM d WHERE x = 5")
        .changes("TRUNCATE p CASCADE");

    truncate_of_several_tables [Postgres] |db| case(db, T)
        .cached("SELECT id FROM u WHERE x = 7")
        .changes("TRUNCATE t, u RESTART IDENTITY");

    prepared_statements_in_text_write [Postgres MariaDb] |db| match db {
        larder_tests::lab::Backend::Postgres => case(db, T)
            .cached("SELECT id FROM t WHERE x = 7")
            .changes("PREPARE p AS UPDATE t SET x = 7 WHERE id = 1; EXECUTE p"),
        _ => case(db, T)
            .cached("SELECT id FROM t WHERE x = 7")
            .changes("EXECUTE IMMEDIATE 'UPDATE t SET x = 7 WHERE id = 1'"),
    };

    limit_parameters_are_part_of_the_key [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached_with("SELECT id FROM t ORDER BY id LIMIT ? OFFSET ?", [1i64.into(), 1i64.into()])
        .changes("INSERT INTO t VALUES (0, 9, 9)");

    large_updates_drop_the_record [Sqlite Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT)",
            "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
             WHERE i < 1500) SELECT i, 1 FROM n",
        ])
        .cached("SELECT count(*) FROM t WHERE x = 1")
        .changes("UPDATE t SET x = 2 RETURNING id, x");

    write_that_looks_like_a_read [Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 5")
        .holds("SELECT id FROM t WHERE x = 5 FOR UPDATE")
        .holds("TABLE t")
        .holds("VALUES (1)");

    locking_reads_are_not_cached [Postgres MariaDb] |db| case(db, T)
        .uncached("SELECT id FROM t WHERE x = 5 FOR UPDATE")
        .holds("INSERT INTO u VALUES (9, 9)");

    sampled_reads_are_not_cached [Postgres] |db| case(db, T)
        .uncached("SELECT id FROM t TABLESAMPLE BERNOULLI (100)")
        .changes("DELETE FROM t WHERE id = 1");

    json_updates_change_their_column [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, j JSONB)",
            "INSERT INTO t VALUES (1, '{\"a\": 1}')",
        ])
        .cached("SELECT id FROM t WHERE j->>'a' = '2'")
        .changes("UPDATE t SET j = jsonb_set(j, '{a}', '2') WHERE id = 1")
        .changes("UPDATE t SET j['a'] = '3'");

    array_elements_change_their_column [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, v INT[])",
            "INSERT INTO t VALUES (1, '{1,2}')",
        ])
        .cached("SELECT id FROM t WHERE v = '{1,9}'")
        .changes("UPDATE t SET v[2] = 9 WHERE id = 1");

    bound_values_of_another_class_are_stored_otherwise [Sqlite MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes_with("INSERT INTO t VALUES (?, ?, 0)", [30.into(), "07".into()])
        .changes_with("INSERT INTO t VALUES (?, ?, 0)", [31.into(), 7.0f64.into()])
        .changes_with("UPDATE t SET x = ? WHERE id = ?", [" 7".into(), 1.into()])
        .changes_with("DELETE FROM t WHERE id = ?", ["30".into()])
        .changes_with("DELETE FROM t WHERE id = ?", ["31.0".into()]);

    bound_nulls_are_known_values [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x IS NULL")
        .changes_with("UPDATE t SET x = ? WHERE id = ?", [None::<i32>.into(), 1.into()])
        .changes_with("UPDATE t SET x = ? WHERE id = ?", [4.into(), 1.into()])
        .changes_with("INSERT INTO t VALUES (?, ?, ?)",
            [32.into(), None::<i32>.into(), None::<i32>.into()])
        .holds("UPDATE t SET x = NULL WHERE x = NULL");

    lists_pin_each_of_their_values [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT y FROM t WHERE id = 3")
        .keeps("UPDATE t SET y = 9 WHERE id IN (1, 2)")
        .changes_with("UPDATE t SET y = ? WHERE id IN (?, ?)", [8.into(), 2.into(), 3.into()])
        .changes("DELETE FROM t WHERE (id = 1 OR id = 3) AND y = 8");

    contradictions_and_tautologies_in_where [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 6")
        .holds("DELETE FROM t WHERE id = 1 AND id = 2")
        .changes("UPDATE t SET x = 5 WHERE id = 2 OR 1 = 0")
        .changes("DELETE FROM t WHERE id = 1 OR 1 = 1");
}

/// A terminal that reads one row of RETURNING says nothing of the others; nor does one that reads
/// none.
#[tokio::test]
async fn rows_of_returning_that_nobody_reads_count_too() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let lab = Lab::start_empty(backend).await;
        for sql in T {
            lab.plain.execute_unprepared(sql).await.unwrap();
        }
        let kind = lab.plain.get_database_backend();
        let statement = |sql: &str| Statement::from_string(kind, sql);
        let read = || {
            let read = statement("SELECT id FROM t WHERE x = 6 OR x = 9");
            cached::<Row>(read)
        };
        let update = "UPDATE t SET x = x + 3 WHERE x IN (5, 6) RETURNING id, x";
        for run in 0..3 {
            read().all(&lab.db).await.unwrap();
            match run {
                0 => drop(lab.db.query_one_raw(statement(update)).await.unwrap()),
                1 => drop(lab.db.execute_raw(statement(update)).await.unwrap()),
                _ => {
                    let inside = lab.db.begin().await.unwrap();
                    inside.query_one_raw(statement(update)).await.unwrap();
                    inside
                        .execute_unprepared("UPDATE t SET x = 9")
                        .await
                        .unwrap();
                    inside.commit().await.unwrap();
                }
            }
            let answer = read().all(&lab.db).await.unwrap();
            let truth = read().all(&lab.plain).await.unwrap();
            assert_eq!(answer, truth, "{backend:?}, run {run}");
            let back = "UPDATE t SET x = 6";
            lab.db.execute_unprepared(back).await.unwrap();
        }
    }
}
