//! W1: what foreign keys do to other tables.

use crate::{case::case, cases};

/// On SQLite foreign keys act by default through the driver.
const CASCADE: &[&str] = &[
    "CREATE TABLE p (id INT PRIMARY KEY, x INT)",
    "CREATE TABLE c (id INT PRIMARY KEY, p_id INT, ok BOOLEAN, \
     FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TABLE d (id INT PRIMARY KEY, c_id INT, n INT, \
     FOREIGN KEY (c_id) REFERENCES c (id) ON DELETE CASCADE ON UPDATE CASCADE)",
    "INSERT INTO p VALUES (1, 0), (2, 0), (3, 0)",
    "INSERT INTO c VALUES (10, 1, true), (20, 2, true), (21, 2, false)",
    "INSERT INTO d VALUES (100, 10, 5), (200, 20, 5), (300, 21, 6)",
];

const SET_NULL: &[&str] = &[
    "CREATE TABLE p (id INT PRIMARY KEY, x INT)",
    "CREATE TABLE c (id INT PRIMARY KEY, p_id INT, ok BOOLEAN, \
     FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE SET NULL ON UPDATE SET NULL)",
    "INSERT INTO p VALUES (1, 0), (2, 0), (3, 0)",
    "INSERT INTO c VALUES (10, 1, true), (20, 2, true), (30, 3, true)",
];

const TREE: &[&str] = &[
    "CREATE TABLE n (id INT PRIMARY KEY, up INT, x INT, \
     FOREIGN KEY (up) REFERENCES n (id) ON DELETE CASCADE)",
    "INSERT INTO n VALUES (1, NULL, 5)",
    "INSERT INTO n VALUES (2, 1, 6)",
    "INSERT INTO n VALUES (3, 2, 7)",
    "INSERT INTO n VALUES (4, NULL, 7)",
];

cases! {
    w1_deleted_children_leave_conditions_that_no_key_names [Sqlite Postgres MariaDb] |db|
        case(db, CASCADE)
        .cached("SELECT count(*) FROM c WHERE ok = true")
        .changes("DELETE FROM p WHERE id = 1");

    w1_children_of_other_parents_stay_hits [Sqlite Postgres MariaDb] |db| case(db, CASCADE)
        .cached("SELECT id FROM c WHERE p_id = 2")
        .keeps("DELETE FROM p WHERE id = 1")
        .keeps("UPDATE p SET x = 5 WHERE id = 2")
        .changes("DELETE FROM p WHERE id = 2");

    w1_grandchildren_go_as_well [Sqlite Postgres MariaDb] |db| case(db, CASCADE)
        .cached("SELECT count(*) FROM d WHERE n = 5")
        .changes("DELETE FROM p WHERE id = 1")
        .changes("DELETE FROM p WHERE x = 0 AND id = 2");

    w1_deletes_of_unknown_parents_reach_grandchildren [Sqlite Postgres MariaDb] |db|
        case(db, CASCADE)
        .cached("SELECT n FROM d WHERE c_id = 10")
        .changes("DELETE FROM p WHERE x + id = 1");

    w1_moved_keys_move_children [Sqlite Postgres MariaDb] |db| case(db, CASCADE)
        .cached("SELECT id FROM c WHERE p_id = 9")
        .changes("UPDATE p SET id = 9 WHERE id = 1")
        .changes("UPDATE p SET id = id + 1 WHERE id = 9");

    w1_moved_keys_leave_their_old_condition [Sqlite Postgres MariaDb] |db| case(db, CASCADE)
        .cached("SELECT id FROM c WHERE p_id = 2 AND ok = true")
        .changes("UPDATE p SET id = 9 WHERE id = 2");

    w1_set_null_on_delete [Sqlite Postgres MariaDb] |db| case(db, SET_NULL)
        .cached("SELECT id FROM c WHERE p_id IS NULL")
        .changes("DELETE FROM p WHERE id = 1")
        .changes("UPDATE p SET id = 9 WHERE id = 2");

    w1_set_null_leaves_its_old_condition [Sqlite Postgres MariaDb] |db| case(db, SET_NULL)
        .cached("SELECT id FROM c WHERE p_id = 2")
        .keeps("DELETE FROM p WHERE id = 1")
        .changes("DELETE FROM p WHERE id = 2");

    w1_set_default [Sqlite Postgres] |db| case(db, &[
            "CREATE TABLE p (id INT PRIMARY KEY)",
            "CREATE TABLE c (id INT PRIMARY KEY, \
             p_id INT DEFAULT 3 REFERENCES p (id) ON DELETE SET DEFAULT)",
            "INSERT INTO p VALUES (1), (3)", "INSERT INTO c VALUES (10, 1)",
        ])
        .cached("SELECT id FROM c WHERE p_id = 3")
        .changes("DELETE FROM p WHERE id = 1");

    w1_trees_lose_whole_branches [Sqlite Postgres MariaDb] |db| case(db, TREE)
        .cached("SELECT id FROM n WHERE x = 7")
        .changes("DELETE FROM n WHERE id = 1");

    w1_trees_lose_branches_by_their_parent [Sqlite Postgres MariaDb] |db| case(db, TREE)
        .cached("SELECT id FROM n WHERE up = 2")
        .changes("DELETE FROM n WHERE id = 1");

    w1_replaced_rows_cascade [Sqlite MariaDb] |db| case(db, CASCADE)
        .cached("SELECT n FROM d WHERE n = 5")
        .changes("REPLACE INTO p VALUES (1, 7)");

    w1_replaced_rows_cascade_by_or_replace [Sqlite] |db| case(db, CASCADE)
        .cached("SELECT n FROM d WHERE n = 5")
        .changes("INSERT OR REPLACE INTO p VALUES (1, 7)")
        .changes("UPDATE OR REPLACE p SET id = 2 WHERE id = 3");

    w1_keys_of_several_columns [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE p (a INT, b INT, PRIMARY KEY (a, b))",
            "CREATE TABLE c (id INT PRIMARY KEY, pb INT, pa INT, \
             FOREIGN KEY (pa, pb) REFERENCES p (a, b) ON DELETE CASCADE ON UPDATE CASCADE)",
            "INSERT INTO p VALUES (1, 2), (1, 3)", "INSERT INTO c VALUES (10, 2, 1), (11, 3, 1)",
        ])
        .cached("SELECT id FROM c WHERE pa = 1 AND pb = 2")
        .keeps("UPDATE p SET b = 4 WHERE a = 1 AND b = 3")
        .changes("UPDATE p SET b = 5 WHERE a = 1 AND b = 2")
        .changes("UPDATE p SET b = 2 WHERE a = 1 AND b = 4")
        .changes("DELETE FROM p WHERE b = 2");

    w1_keys_that_reference_the_primary_key_by_default [Sqlite Postgres] |db| case(db, &[
            "CREATE TABLE p (id INT PRIMARY KEY)",
            "CREATE TABLE c (id INT PRIMARY KEY, p_id INT REFERENCES p ON DELETE CASCADE)",
            "INSERT INTO p VALUES (1)", "INSERT INTO c VALUES (10, 1)",
        ])
        .cached("SELECT id FROM c WHERE p_id = 1")
        .changes("DELETE FROM p WHERE id = 1");

    w1_keys_that_reference_a_unique_column [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE p (id INT PRIMARY KEY, code INT UNIQUE)",
            "CREATE TABLE c (id INT PRIMARY KEY, code INT, \
             FOREIGN KEY (code) REFERENCES p (code) ON DELETE CASCADE ON UPDATE CASCADE)",
            "INSERT INTO p VALUES (1, 70), (2, 80)", "INSERT INTO c VALUES (10, 70), (11, 80)",
        ])
        .cached("SELECT id FROM c WHERE code = 70")
        .changes("DELETE FROM p WHERE id = 1")
        .changes("UPDATE p SET code = 70 WHERE id = 2");

    w1_upsert_moves_children [Sqlite Postgres] |db| case(db, CASCADE)
        .cached("SELECT id FROM c WHERE p_id = 9")
        .changes("INSERT INTO p VALUES (1, 0) ON CONFLICT (id) DO UPDATE SET id = 9");

    w1_keys_across_types [Sqlite Postgres] |db| case(db, &[
            "CREATE TABLE p (id BIGINT PRIMARY KEY)",
            "CREATE TABLE c (id INT PRIMARY KEY, p_id SMALLINT, \
             FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE CASCADE)",
            "INSERT INTO p VALUES (1), (2)", "INSERT INTO c VALUES (10, 1)",
        ])
        .cached("SELECT id FROM c WHERE p_id = 1")
        .keeps("DELETE FROM p WHERE id = 2")
        .changes("DELETE FROM p WHERE id = 1");

    w1_cascade_updates_generated_columns_of_children [Postgres] |db| case(db, &[
            "CREATE TABLE p (id INT PRIMARY KEY)",
            "CREATE TABLE c (id INT PRIMARY KEY, p_id INT, \
             FOREIGN KEY (p_id) REFERENCES p (id) ON DELETE SET NULL)",
            "ALTER TABLE c ADD COLUMN g INT GENERATED ALWAYS AS (coalesce(p_id, 7)) STORED",
            "INSERT INTO p VALUES (1)", "INSERT INTO c (id, p_id) VALUES (10, 1)",
        ])
        .cached("SELECT id FROM c WHERE g = 7")
        .changes("DELETE FROM p WHERE id = 1");

    w1_cascade_over_tables_that_fold_case [Sqlite] |db| case(db, &[
            "CREATE TABLE Parent (Id INTEGER PRIMARY KEY)",
            "CREATE TABLE child (id INT, P_ID INT REFERENCES PARENT(ID) ON DELETE CASCADE)",
            "INSERT INTO parent VALUES (1)", "INSERT INTO child VALUES (10, 1)",
        ])
        .cached("SELECT id FROM Child WHERE p_id = 1")
        .changes("DELETE FROM parent WHERE id = 1");

    w1_cascade_fires_triggers_of_the_child [Sqlite] |db| case(db, CASCADE)
        .plain("CREATE TABLE log (id INTEGER PRIMARY KEY, n INT)")
        .plain("CREATE TRIGGER g AFTER DELETE ON d BEGIN INSERT INTO log (n) VALUES (OLD.n); END")
        .cached("SELECT count(*) FROM log WHERE n = 5")
        .changes("DELETE FROM p WHERE id = 1");

    w1_text_keys_that_fold_case_cascade [Sqlite] |db| case(db, &[
            "CREATE TABLE p (k TEXT PRIMARY KEY COLLATE NOCASE)",
            "CREATE TABLE c (id INT, k TEXT REFERENCES p(k) ON DELETE CASCADE ON UPDATE CASCADE)",
            "INSERT INTO p VALUES ('Ada')", "INSERT INTO c VALUES (10, 'ADA')",
        ])
        .cached("SELECT id FROM c WHERE k = 'ADA'")
        .changes("DELETE FROM p WHERE k = 'ada'");

    w1_text_keys_of_a_folding_parent_in_a_byte_wise_child [MariaDb] |db| case(db, &[
            "CREATE TABLE p (k VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY)",
            "CREATE TABLE c (id INT PRIMARY KEY, k VARCHAR(9) COLLATE utf8mb4_general_ci, \
             FOREIGN KEY (k) REFERENCES p (k) ON DELETE CASCADE)",
            "INSERT INTO p VALUES ('Ada')", "INSERT INTO c VALUES (10, 'ADA')",
        ])
        .cached("SELECT id FROM c WHERE k = 'ADA'")
        .changes("DELETE FROM p WHERE k = 'ada'");

    w1_numeric_keys_of_another_scale_cascade [Postgres] |db| case(db, &[
            "CREATE TABLE p (k NUMERIC PRIMARY KEY)",
            "CREATE TABLE c (id INT, k NUMERIC REFERENCES p(k) ON DELETE CASCADE)",
            "INSERT INTO p VALUES (1.0)", "INSERT INTO c VALUES (10, 1.00)",
        ])
        .cached("SELECT id FROM c WHERE k = 1")
        .changes("DELETE FROM p WHERE k = 1.000");

    w1_partitioned_parents_cascade [Postgres] |db| case(db, &[
            "CREATE TABLE p (id INT PRIMARY KEY) PARTITION BY RANGE (id)",
            "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
            "CREATE TABLE c (id INT PRIMARY KEY, p_id INT REFERENCES p ON DELETE CASCADE, x INT)",
            "INSERT INTO p VALUES (1), (2)", "INSERT INTO c VALUES (10, 1, 5), (11, 2, 5)",
        ])
        .plain("ALTER TABLE p ADD COLUMN note INT")
        .cached("SELECT id FROM c WHERE x = 5")
        .keeps("UPDATE p SET note = 7 WHERE id = 1")
        .changes("DELETE FROM p WHERE id = 1")
        .changes("DELETE FROM p1 WHERE id = 2");

    w1_move_between_partitions_fires_delete_triggers [Postgres] |db| case(db, &[
            "CREATE TABLE p (id INT, k INT) PARTITION BY LIST (k)",
            "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
            "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)",
            "CREATE TABLE gone (id INT)",
            "INSERT INTO p VALUES (1, 1)",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN INSERT INTO gone VALUES (OLD.id); RETURN OLD; END $$",
            "CREATE TRIGGER g AFTER DELETE ON p FOR EACH ROW EXECUTE FUNCTION f()",
        ])
        .cached("SELECT count(*) FROM gone WHERE id = 1")
        .changes("UPDATE p SET k = 2 WHERE id = 1");

    w1_partitioned_children_cascade [Postgres] |db| case(db, &[
            "CREATE TABLE p (id INT PRIMARY KEY)",
            "CREATE TABLE c (id INT, p_id INT REFERENCES p ON DELETE CASCADE, x INT) \
             PARTITION BY LIST (x)",
            "CREATE TABLE c5 PARTITION OF c FOR VALUES IN (5)",
            "INSERT INTO p VALUES (1)", "INSERT INTO c VALUES (10, 1, 5)",
        ])
        .cached("SELECT id FROM c5 WHERE x = 5")
        .changes("DELETE FROM p WHERE id = 1");
}
