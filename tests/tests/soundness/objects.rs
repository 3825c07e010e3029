//! "Names and objects": views, partitions, inheritance, triggers, rules, generated columns, DDL.

use crate::{case::case, cases};

const T: &[&str] = &[
    "CREATE TABLE t (id INT PRIMARY KEY, x INT, y INT)",
    "INSERT INTO t VALUES (1, 5, 0), (2, 6, 0)",
];

const INHERITED: &[&str] = &[
    "CREATE TABLE a (id INT, x INT)",
    "CREATE TABLE b (id INT, y INT)",
    "CREATE TABLE c (z INT) INHERITS (a, b)",
    "INSERT INTO a VALUES (1, 5)",
    "INSERT INTO b VALUES (1, 5)",
];

const PARTITIONED: &[&str] = &[
    "CREATE TABLE p (id INT, k INT, x INT) PARTITION BY LIST (k)",
    "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
    "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)",
    "CREATE TABLE loose (id INT, k INT, x INT)",
    "INSERT INTO p VALUES (1, 1, 5), (2, 2, 6)",
];

cases! {
    views_widen_and_watch_everything [Sqlite Postgres MariaDb] |db| case(db, T)
        .plain("CREATE VIEW v AS SELECT id, x FROM t WHERE y = 0")
        .cached("SELECT id FROM v WHERE x = 5")
        .changes("UPDATE t SET y = 1 WHERE id = 1")
        .changes("INSERT INTO t VALUES (3, 5, 0)");

    views_on_views_reach_their_tables [Sqlite Postgres MariaDb] |db| case(db, T)
        .plain("CREATE VIEW v AS SELECT id, x FROM t WHERE y = 0")
        .plain("CREATE VIEW w AS SELECT id FROM v WHERE x = 5")
        .cached("SELECT id FROM w")
        .changes("UPDATE t SET y = 1 WHERE id = 1");

    write_to_an_updatable_view_is_a_write_to_its_table [Postgres MariaDb] |db| case(db, T)
        .plain("CREATE VIEW v AS SELECT id AS n, x AS m FROM t")
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("UPDATE v SET m = 7 WHERE n = 1")
        .changes("INSERT INTO v VALUES (4, 7)")
        .changes("DELETE FROM v WHERE m = 7 AND n = 4");

    write_to_a_view_over_a_view_reaches_the_table [Postgres MariaDb] |db| case(db, T)
        .plain("CREATE VIEW v AS SELECT id AS n, x AS m FROM t")
        .plain("CREATE VIEW w AS SELECT n AS o, m AS q FROM v")
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("UPDATE w SET q = 7 WHERE o = 1");

    instead_of_triggers_write_anything [Sqlite Postgres] |db| match db {
        larder_tests::lab::Backend::Sqlite => case(db, T)
            .plain("CREATE VIEW v AS SELECT id FROM t")
            .plain("CREATE TRIGGER g INSTEAD OF DELETE ON v BEGIN \
                    UPDATE t SET x = 7 WHERE id = OLD.id; END"),
        _ => case(db, T)
            .plain("CREATE VIEW v AS SELECT id FROM t")
            .plain("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                    UPDATE t SET x = 7 WHERE id = OLD.id; RETURN OLD; END $$")
            .plain("CREATE TRIGGER g INSTEAD OF DELETE ON v FOR EACH ROW EXECUTE FUNCTION f()"),
        }
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("DELETE FROM v WHERE id = 1");

    materialized_view_changes_at_its_refresh [Postgres] |db| case(db, T)
        .plain("CREATE MATERIALIZED VIEW m AS SELECT id, x FROM t")
        .cached("SELECT id FROM m WHERE x = 7")
        .holds("UPDATE t SET x = 7 WHERE id = 1")
        .changes("REFRESH MATERIALIZED VIEW m");

    view_that_reads_the_clock_is_not_cached [Postgres MariaDb] |db| case(db, T)
        .plain("CREATE VIEW v AS SELECT id, now() AS seen FROM t")
        .uncached("SELECT id FROM v")
        .changes("INSERT INTO t VALUES (3, 3, 3)");

    view_changes_with_its_definition [Postgres MariaDb] |db| case(db, T)
        .plain("CREATE VIEW v AS SELECT id FROM t WHERE x = 5")
        .cached("SELECT id FROM v")
        .changes("CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE x = 6");

    write_to_a_child_is_a_write_to_both_parents [Postgres] |db| case(db, INHERITED)
        .cached("SELECT a.id, b.y FROM a, b WHERE a.x = 5 AND b.y = 5")
        .changes("INSERT INTO c VALUES (9, 5, 5, 0)")
        .changes("UPDATE c SET y = 6")
        .changes("DELETE FROM c");

    write_to_a_parent_is_a_write_to_its_children [Postgres] |db| case(db, INHERITED)
        .plain("INSERT INTO c VALUES (9, 5, 5, 0)")
        .cached("SELECT id, x FROM c WHERE y = 5")
        .changes("UPDATE a SET x = 6 WHERE id = 9")
        .changes("DELETE FROM b WHERE id = 9");

    write_to_a_root_is_a_write_to_its_partitions [Postgres] |db| case(db, PARTITIONED)
        .cached("SELECT id FROM p1 WHERE x = 7")
        .changes("INSERT INTO p VALUES (3, 1, 7)")
        .changes("UPDATE p SET k = 2 WHERE id = 3")
        .changes("UPDATE p SET k = 1, x = 7 WHERE id = 3");

    write_to_a_partition_is_a_write_to_its_root [Postgres] |db| case(db, PARTITIONED)
        .cached("SELECT id FROM p WHERE x = 7")
        .changes("INSERT INTO p1 VALUES (3, 1, 7)")
        .keeps("INSERT INTO p2 VALUES (4, 2, 8)")
        .changes("TRUNCATE p1");

    partitions_come_and_go [Postgres] |db| case(db, PARTITIONED)
        .plain("INSERT INTO loose VALUES (5, 3, 7)")
        .cached("SELECT id FROM p WHERE x = 7")
        .changes("ALTER TABLE p ATTACH PARTITION loose FOR VALUES IN (3)")
        .changes("ALTER TABLE p DETACH PARTITION loose");

    partitions_of_mysql_are_dropped [MariaDb] |db| case(db, &[
            "CREATE TABLE p (id INT, x INT) PARTITION BY RANGE (id) \
             (PARTITION lo VALUES LESS THAN (10), PARTITION hi VALUES LESS THAN (100))",
            "INSERT INTO p VALUES (1, 7), (11, 7), (2, 7)",
        ])
        .cached("SELECT id FROM p WHERE x = 7")
        .changes("ALTER TABLE p TRUNCATE PARTITION lo")
        .changes("ALTER TABLE p DROP PARTITION hi");

    triggers_of_sqlite_write_what_they_name [Sqlite] |db| case(db, T)
        .plain("CREATE TABLE log (id INTEGER PRIMARY KEY, t_id INT, what TEXT)")
        .plain("CREATE TRIGGER g AFTER UPDATE OF y ON t BEGIN \
                INSERT INTO log (t_id, what) VALUES (NEW.id, 'y'); END")
        .cached("SELECT what FROM log WHERE t_id = 1")
        .changes("UPDATE t SET y = 4 WHERE id = 1");

    triggers_write_the_same_table_after_returning [Sqlite] |db| case(db, T)
        .plain("CREATE TRIGGER g AFTER UPDATE OF y ON t BEGIN \
                UPDATE t SET x = 7 WHERE id = NEW.id + 1; END")
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("UPDATE t SET y = 4 WHERE id = 1 RETURNING *");

    triggers_fire_triggers [Sqlite] |db| case(db, T)
        .plain("CREATE TABLE u (id INTEGER PRIMARY KEY, n INT)")
        .plain("CREATE TABLE v (id INTEGER PRIMARY KEY, n INT)")
        .plain("CREATE TRIGGER g AFTER DELETE ON t BEGIN \
                INSERT INTO u (n) VALUES (OLD.id); END")
        .plain("CREATE TRIGGER h AFTER INSERT ON u BEGIN \
                INSERT INTO v (n) VALUES (NEW.n); END")
        .cached("SELECT count(*) FROM v WHERE n = 1")
        .changes("DELETE FROM t WHERE id = 1");

    before_triggers_change_other_columns [Postgres] |db| case(db, T)
        .plain("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN NEW.y := NEW.x + 1; RETURN NEW; END $$")
        .plain("CREATE TRIGGER g BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()")
        .cached("SELECT id FROM t WHERE y = 8")
        .changes("UPDATE t SET x = 7 WHERE id = 1")
        .changes("INSERT INTO t VALUES (3, 7, 0)")
        .changes("INSERT INTO t VALUES (4, 7, 0) RETURNING id, x");

    before_triggers_of_mysql_change_other_columns [MariaDb] |db| case(db, T)
        .plain("CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW SET NEW.y = NEW.x + 1")
        .cached("SELECT id FROM t WHERE y = 8")
        .changes("UPDATE t SET x = 7 WHERE id = 1");

    before_triggers_may_change_the_key_of_a_cascade [Postgres] |db| case(db, &[
            "CREATE TABLE p (id INT PRIMARY KEY)",
            "CREATE TABLE c (id INT PRIMARY KEY, p_id INT REFERENCES p ON DELETE SET NULL, x INT)",
            "INSERT INTO p VALUES (1)", "INSERT INTO c VALUES (1, 1, 5)",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN NEW.x := 7; RETURN NEW; END $$",
            "CREATE TRIGGER g BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION f()",
        ])
        .cached("SELECT id FROM c WHERE x = 7")
        .changes("DELETE FROM p WHERE id = 1");

    dynamic_triggers_write_everything [Postgres] |db| case(db, T)
        .plain("CREATE TABLE other (id INT, n INT)")
        .plain("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN EXECUTE 'INSERT INTO ' || 'other VALUES (1, 7)'; RETURN NULL; END $$")
        .plain("CREATE TRIGGER g AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION f()")
        .cached("SELECT count(*) FROM other WHERE n = 7")
        .changes("UPDATE t SET x = 1 WHERE id = 99");

    rules_rewrite_writes [Postgres] |db| case(db, T)
        .plain("CREATE TABLE other (id INT, n INT)")
        .plain("CREATE RULE r AS ON INSERT TO t DO ALSO INSERT INTO other VALUES (NEW.id, NEW.x)")
        .cached("SELECT count(*) FROM other WHERE n = 7")
        .changes("INSERT INTO t VALUES (3, 7, 0)");

    triggers_on_a_partition_or_child_fire_for_its_parent [Postgres] |db| case(db, INHERITED)
        .plain("CREATE TABLE other (n INT)")
        .plain("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN INSERT INTO other VALUES (NEW.x); RETURN NEW; END $$")
        .plain("CREATE TRIGGER g AFTER UPDATE ON c FOR EACH ROW EXECUTE FUNCTION f()")
        .plain("INSERT INTO c VALUES (9, 5, 5, 0)")
        .cached("SELECT count(*) FROM other WHERE n = 7")
        .changes("UPDATE a SET x = 7 WHERE id = 9");

    w7_generated_columns_follow_their_sources [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT, \
             g INT GENERATED ALWAYS AS (x + 1) STORED)",
            "INSERT INTO t (id, x) VALUES (1, 5), (2, 9)",
        ])
        .cached("SELECT id FROM t WHERE g = 8")
        .changes("UPDATE t SET x = 7 WHERE id = 1")
        .changes("INSERT INTO t (id, x) VALUES (3, 7)")
        .changes("UPDATE t SET x = 7 WHERE id = 2");

    w7_virtual_columns_follow_their_sources [Sqlite MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT, g INT GENERATED ALWAYS AS (x + 1) VIRTUAL)",
            "INSERT INTO t (id, x) VALUES (1, 5)",
        ])
        .cached("SELECT g FROM t WHERE id = 1")
        .changes("UPDATE t SET x = 7 WHERE id = 1")
        .holds("INSERT INTO t (id, x) VALUES (2, 7)");

    w7_on_update_current_timestamp_follows_every_update [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT, \
             u DATETIME NOT NULL DEFAULT '2000-01-01' ON UPDATE CURRENT_TIMESTAMP)",
            "INSERT INTO t (id, x) VALUES (1, 5)",
        ])
        .cached("SELECT u FROM t WHERE id = 1")
        .changes("UPDATE t SET x = 7 WHERE id = 1");

    w7_first_timestamp_of_mysql_updates_itself [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT, u TIMESTAMP NOT NULL)",
            "INSERT INTO t (id, x, u) VALUES (1, 5, '2000-01-01')",
        ])
        .cached("SELECT u FROM t WHERE id = 1")
        .holds("UPDATE t SET x = 7 WHERE id = 1");

    defaults_are_unknown_values [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT DEFAULT 7)",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT INTO t (id) VALUES (1)")
        .holds("INSERT INTO t (id, x) VALUES (2, 8)");

    default_keyword_is_an_unknown_value [Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT DEFAULT 7)",
            "INSERT INTO t VALUES (1, 1)",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("UPDATE t SET x = DEFAULT WHERE id = 1")
        .changes("INSERT INTO t VALUES (2, DEFAULT)");

    row_level_security_is_not_cached [Postgres] |db| case(db, T)
        .plain("ALTER TABLE t ENABLE ROW LEVEL SECURITY")
        .uncached("SELECT id FROM t WHERE x = 5")
        .holds("INSERT INTO t VALUES (3, 5, 0)");

    sequences_are_not_cached [Postgres] |db| case(db, &["CREATE SEQUENCE s"])
        .uncached("SELECT last_value, is_called FROM s")
        .changes("SELECT nextval('s')");

    virtual_tables_are_not_cached [Sqlite] |db| case(db, &[
            "CREATE VIRTUAL TABLE f USING fts5(body)",
            "INSERT INTO f VALUES ('one')",
        ])
        .uncached("SELECT body FROM f WHERE f MATCH 'one'")
        .changes("INSERT INTO f VALUES ('one two')");

    system_catalogs_are_not_cached [Sqlite] |db| case(db, T)
        .uncached("SELECT name FROM sqlite_master WHERE type = 'table'")
        .changes("CREATE TABLE n (id INT)");

    information_schema_is_not_cached [Postgres MariaDb] |db| case(db, T)
        .uncached("SELECT table_name FROM information_schema.tables WHERE table_name = 'n'")
        .changes("CREATE TABLE n (id INT)");

    // On the others a prepared `*` of the driver does not survive the new column.
    ddl_adds_a_column_that_a_star_shows [MariaDb] |db| case(db, T)
        .cached("SELECT * FROM t WHERE id = 1")
        .changes("ALTER TABLE t ADD COLUMN z INT DEFAULT 4")
        .changes("UPDATE t SET z = 5 WHERE id = 1")
        .changes("ALTER TABLE t DROP COLUMN y");

    ddl_renames_columns_so_that_names_move [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT x FROM t WHERE id = 1")
        .changes("ALTER TABLE t RENAME COLUMN x TO w");

    ddl_drops_a_table [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT x FROM t WHERE id = 1")
        .changes("DROP TABLE t");

    ddl_replaces_a_table_by_one_of_other_types [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 5")
        .changes("DROP TABLE t; \
                  CREATE TABLE t (id INT PRIMARY KEY, x VARCHAR(9))");

    ddl_truncate_empties [Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 5")
        .changes("TRUNCATE TABLE t");

    ddl_create_table_as_reads_and_writes [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 5")
        .holds("CREATE TABLE n AS SELECT * FROM t");

    select_into_writes [Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 5")
        .holds("SELECT * INTO n FROM t");

    functions_that_may_write_drop_everything [Postgres] |db| case(db, T)
        .plain("CREATE FUNCTION move(i int) RETURNS int LANGUAGE sql AS \
                'UPDATE t SET x = 7 WHERE id = $1 RETURNING id'")
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("SELECT move(1)")
        .changes("SELECT id FROM (SELECT move(2) AS id) q");

    functions_that_read_tables_are_not_cached [Postgres] |db| case(db, T)
        .plain("CREATE FUNCTION cnt() RETURNS bigint LANGUAGE sql STABLE AS \
                'SELECT count(*) FROM t'")
        .uncached("SELECT cnt()")
        .changes("INSERT INTO t VALUES (3, 3, 3)");

    functions_that_shadow_built_ins_are_not_cached [Postgres] |db| case(db, T)
        .plain("CREATE FUNCTION lower(i int) RETURNS bigint LANGUAGE sql STABLE AS \
                'SELECT count(*) FROM t'")
        .uncached("SELECT lower(1), id FROM t WHERE id = 1")
        .changes("INSERT INTO t VALUES (3, 3, 3)");

    operators_of_the_user_are_not_cached_or_widen [Postgres] |db| case(db, T)
        .plain("CREATE FUNCTION near(int, int) RETURNS bool LANGUAGE sql AS \
                'SELECT (SELECT count(*) FROM t) > 2'")
        .plain("CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = near)")
        .cached_or_not("SELECT id FROM t WHERE x === 1 AND id = 1")
        .changes("INSERT INTO t VALUES (3, 3, 3)");

    procedures_write_everything [MariaDb] |db| case(db, T)
        .plain("CREATE PROCEDURE move() UPDATE t SET x = 7 WHERE id = 1")
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("CALL move()");

    functions_of_mysql_may_write [MariaDb] |db| case(db, T)
        .plain("CREATE FUNCTION move() RETURNS INT BEGIN UPDATE t SET x = 7 WHERE id = 1; \
                RETURN 1; END")
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("SELECT move()");

    do_blocks_write_everything [Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("DO $$ BEGIN UPDATE t SET x = 7 WHERE id = 1; END $$");

    explain_analyze_writes [Postgres] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("EXPLAIN ANALYZE UPDATE t SET x = 7 WHERE id = 1")
        .changes("EXPLAIN (ANALYZE, COSTS off) UPDATE t SET x = 7 WHERE id = 2");

    analyze_writes_on_mariadb [MariaDb] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("ANALYZE FORMAT=JSON UPDATE t SET x = 7 WHERE id = 1");
}
