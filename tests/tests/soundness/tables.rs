//! Tables whose columns are not where a naive reading of VALUES or `*` expects them.

use crate::{case::case, cases};

cases! {
    values_skip_generated_columns_on_sqlite [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, g INT AS (x + 1), x INT, y INT)",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT INTO t VALUES (1, 7, 0)")
        .changes("INSERT INTO t VALUES (2, 7, 0) RETURNING *")
        .keeps("INSERT INTO t VALUES (3, 8, 7)");

    values_skip_invisible_columns_on_mariadb [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, h INT INVISIBLE DEFAULT 3, x INT, y INT)",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT INTO t VALUES (1, 7, 0)")
        .changes("REPLACE INTO t VALUES (2, 7, 0)");

    star_skips_invisible_columns_on_mariadb [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, h INT INVISIBLE DEFAULT 3, x INT, y INT)",
            "INSERT INTO t VALUES (1, 5, 6)",
        ])
        .cached("SELECT * FROM t WHERE h = 3")
        .changes("INSERT INTO t VALUES (2, 7, 0) RETURNING *")
        .changes("UPDATE t SET h = 4 WHERE id = 1");

    values_follow_dropped_columns [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, gone INT, x INT, y INT)",
            "ALTER TABLE t DROP COLUMN gone",
            "ALTER TABLE t ADD COLUMN z INT",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT INTO t VALUES (1, 7, 0, 0)")
        .changes("INSERT INTO t VALUES (2, 7, 0) RETURNING *")
        .keeps("INSERT INTO t VALUES (3, 8, 7, 7)");

    values_follow_reordered_columns_on_mariadb [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, y INT, x INT)",
            "ALTER TABLE t MODIFY x INT AFTER id",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT INTO t VALUES (1, 7, 0)")
        .keeps("INSERT INTO t VALUES (3, 8, 7)");

    values_of_identity_columns [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT GENERATED ALWAYS AS IDENTITY, x INT)",
        ])
        .cached("SELECT id FROM t WHERE id = 1")
        .changes("INSERT INTO t OVERRIDING USER VALUE VALUES (50, 7)")
        .changes("INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (1, 7)");

    tables_without_rowid [Sqlite] |db| case(db, &[
            "CREATE TABLE t (a INT, b INT, x INT, PRIMARY KEY (b, a)) WITHOUT ROWID",
            "INSERT INTO t VALUES (1, 2, 3)",
        ])
        .cached("SELECT x FROM t WHERE b = 2 AND a = 1")
        .keeps("INSERT INTO t VALUES (2, 1, 9)")
        .changes("UPDATE t SET x = 4 WHERE a = 1");

    strict_tables [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, v ANY) STRICT",
            "INSERT INTO t VALUES (1, 5, '01')",
        ])
        .cached("SELECT id FROM t WHERE v = 1 OR x = 7")
        .changes("UPDATE t SET v = 1.0 WHERE id = 1")
        .changes("INSERT INTO t VALUES (2, '7', NULL)");

    returning_star_of_a_joined_update [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT)",
            "CREATE TABLE u (id INT PRIMARY KEY, x INT)",
            "INSERT INTO t VALUES (1, 5)", "INSERT INTO u VALUES (1, 9)",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("UPDATE t SET x = 7 FROM u WHERE u.id = t.id RETURNING *")
        .changes("UPDATE t SET x = 5 FROM u WHERE u.id = t.id RETURNING u.*, t.*")
        .changes("UPDATE t SET x = 7 FROM u WHERE u.id = t.id RETURNING u.x, u.id")
        .changes("DELETE FROM t USING u WHERE u.id = t.id RETURNING u.*");

    defaults_that_call_functions_write_what_they_write [Postgres] |db| case(db, &[
            "CREATE TABLE counter (id INT PRIMARY KEY, n INT)",
            "INSERT INTO counter VALUES (1, 0)",
            "CREATE FUNCTION next_no() RETURNS int LANGUAGE sql AS \
             'UPDATE counter SET n = n + 1 WHERE id = 1 RETURNING n'",
            "CREATE TABLE t (id INT PRIMARY KEY, no INT DEFAULT next_no())",
        ])
        .cached("SELECT n FROM counter WHERE id = 1")
        .changes("INSERT INTO t (id) VALUES (1)")
        .changes("INSERT INTO t VALUES (2, DEFAULT)")
        .changes("INSERT INTO t (id) VALUES (3) RETURNING *");

    defaults_that_only_compute_stay_precise [Postgres] |db| case(db, &[
            "CREATE FUNCTION token() RETURNS text LANGUAGE plpgsql AS \
             $$ BEGIN RETURN md5(random()::text || clock_timestamp()::text); END $$",
            "CREATE TABLE t (id INT PRIMARY KEY, x INT, token TEXT DEFAULT token())",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .keeps("INSERT INTO t (id, x) VALUES (1, 8)")
        .changes("INSERT INTO t (id, x) VALUES (2, 7)");

    checks_that_call_functions_write_what_they_write [Postgres] |db| case(db, &[
            "CREATE TABLE log (n INT)",
            "CREATE FUNCTION audit(i int) RETURNS bool LANGUAGE plpgsql AS \
             $$ BEGIN INSERT INTO log VALUES (i); RETURN true; END $$",
            "CREATE TABLE t (id INT PRIMARY KEY CHECK (audit(id)))",
        ])
        .cached("SELECT count(*) FROM log")
        .changes("INSERT INTO t VALUES (1)");

    instead_rules_on_views_write_other_tables [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT)",
            "CREATE TABLE other (id INT, n INT)",
            "INSERT INTO t VALUES (1, 5)",
            "CREATE VIEW v AS SELECT id, x FROM t",
            "CREATE RULE r AS ON UPDATE TO v DO INSTEAD \
             INSERT INTO other VALUES (NEW.id, NEW.x)",
        ])
        .cached("SELECT count(*) FROM other WHERE n = 7")
        .changes("UPDATE v SET x = 7 WHERE id = 1");

    history_of_versioned_tables [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT, y INT) WITH SYSTEM VERSIONING",
            "INSERT INTO t VALUES (1, 6, 0)",
        ])
        .cached_or_not("SELECT count(*) FROM t FOR SYSTEM_TIME ALL WHERE x = 6")
        .changes("UPDATE t SET y = 9 WHERE id = 1")
        .holds("DELETE FROM t WHERE id = 1");

    current_rows_of_versioned_tables [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT, y INT) WITH SYSTEM VERSIONING",
            "INSERT INTO t VALUES (1, 6, 0)",
        ])
        .cached_or_not("SELECT id, row_start IS NULL, CAST(row_start AS CHAR) FROM t WHERE x = 6")
        .changes("UPDATE t SET y = 9 WHERE id = 1");

    tables_of_another_engine [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT) ENGINE=MyISAM",
            "INSERT INTO t VALUES (1, 6)",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .fails("INSERT INTO t VALUES (2, 7), (1, 0)")
        .changes("INSERT INTO t VALUES (3, 7)");

    merge_tables_and_federated_tables_are_not_cached [MariaDb] |db| case(db, &[
            "CREATE TABLE a (id INT, x INT) ENGINE=MyISAM",
            "CREATE TABLE m (id INT, x INT) ENGINE=MERGE UNION=(a) INSERT_METHOD=LAST",
        ])
        .cached_or_not("SELECT id FROM m WHERE x = 7")
        .changes("INSERT INTO a VALUES (1, 7)");

    write_to_a_merge_table_is_a_write_to_its_parts [MariaDb] |db| case(db, &[
            "CREATE TABLE a (id INT, x INT) ENGINE=MyISAM",
            "CREATE TABLE m (id INT, x INT) ENGINE=MERGE UNION=(a) INSERT_METHOD=LAST",
        ])
        .cached("SELECT id FROM a WHERE x = 7")
        .changes("INSERT INTO m VALUES (1, 7)");

    rare_spellings_of_mysql_writes [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT)",
            "CREATE TABLE u (id INT PRIMARY KEY, x INT)",
            "INSERT INTO u VALUES (20, 7)",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT t VALUE (1, 7)")
        .changes("INSERT HIGH_PRIORITY INTO t (id, x) VALUES (2, 7)")
        .changes("REPLACE t SELECT * FROM u")
        .changes("UPDATE LOW_PRIORITY t SET x = 8 WHERE id = 1")
        .changes("DELETE QUICK FROM t WHERE id = 2")
        .changes("INSERT INTO t () VALUES (3, 7)")
        .changes("DELETE t.* FROM t WHERE id = 3")
        .changes("TRUNCATE t")
        .changes("INSERT INTO t VALUES (4, 7)")
        .changes("RENAME TABLE t TO old_t, u TO t")
        .changes("INSERT INTO t (id, x) VALUES (30, 7) RETURNING x AS id, id AS x")
        .changes("DELETE FROM t WHERE id = 30 RETURNING x AS id");

    rare_spellings_of_postgres_writes [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT)",
            "CREATE TABLE u (id INT PRIMARY KEY, x INT)",
            "INSERT INTO u VALUES (20, 7)",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT INTO t AS q (x, id) VALUES (7, 1)")
        .changes("INSERT INTO t TABLE u")
        .changes("UPDATE t * SET (x) = ROW (8) WHERE id = 1")
        .changes("DELETE FROM ONLY t WHERE t.id = 20")
        .changes("INSERT INTO t VALUES (2, 7) ON CONFLICT ON CONSTRAINT t_pkey DO NOTHING")
        .changes("UPDATE public.t q SET x = 9 WHERE q.id = 2")
        .changes("ALTER TABLE t ALTER COLUMN x TYPE INT USING 7")
        .changes("EXPLAIN (ANALYZE) DELETE FROM t WHERE id = 2");

    rare_spellings_of_sqlite_writes [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT)",
            "CREATE TABLE u (id INTEGER PRIMARY KEY, x INT)",
            "INSERT INTO u VALUES (20, 7)",
        ])
        .cached("SELECT id FROM t WHERE x = 7")
        .changes("INSERT INTO t AS q (x) VALUES (7)")
        .changes("INSERT INTO main.t SELECT * FROM u WHERE true ON CONFLICT DO NOTHING")
        .changes("UPDATE main.t NOT INDEXED SET x = 1")
        .changes("UPDATE OR IGNORE t SET x = 7 WHERE id = 1")
        .changes("UPDATE t SET rowid = 50 WHERE oid = 1")
        .changes("DELETE FROM t WHERE rowid = 50")
        .changes("WITH q(i) AS (VALUES (70)) INSERT INTO t SELECT i, 7 FROM q")
        .changes("REPLACE INTO t (rowid, x) VALUES (70, 9)");

    rowid_in_values_is_the_key [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT)",
        ])
        .cached("SELECT x FROM t WHERE id = 5")
        .changes("INSERT INTO t (rowid, x) VALUES (5, 7)")
        .changes("UPDATE t SET _rowid_ = 6 WHERE oid = 5");
}
