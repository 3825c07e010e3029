//! R7 and "Names and objects": which table and which column a name means.

use crate::{case::case, cases};

const T: &[&str] = &[
    "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, y INT)",
    "INSERT INTO t (id, x) VALUES (1, 5), (2, 6)",
];

cases! {
    r7_rowid_watches_everything [Sqlite] |db| case(db, T)
        .cached("SELECT rowid FROM t WHERE x = 5")
        .changes("UPDATE t SET id = 9 WHERE x = 5");

    r7_rowid_as_a_condition_widens [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id TEXT PRIMARY KEY, x INT)", "INSERT INTO t VALUES ('a', 5)",
        ])
        .cached("SELECT x FROM t WHERE _rowid_ = 2")
        .changes("INSERT INTO t VALUES ('b', 6)");

    r7_oid_is_a_column_where_one_is_called_so [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, oid INT)", "INSERT INTO t VALUES (1, 5)",
        ])
        .cached("SELECT id FROM t WHERE oid = 7")
        .changes("UPDATE t SET oid = 7 WHERE id = 1");

    r7_system_columns_are_not_cached [Postgres] |db| case(db, T)
        .uncached("SELECT CAST(xmin AS text), CAST(ctid AS text) FROM t WHERE x = 5")
        .changes("UPDATE t SET x = x");

    r7_double_quoted_strings_of_sqlite [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)", "INSERT INTO t VALUES (1, 'z')",
        ])
        .uncached("SELECT id FROM t WHERE c = \"y\"")
        .changes("INSERT INTO t VALUES (2, 'y')");

    r7_functions_written_as_columns_are_not_cached [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT)",
            "CREATE TABLE other (n INT)",
            "INSERT INTO t VALUES (1, 5)", "INSERT INTO other VALUES (1)",
            "CREATE FUNCTION total(t) RETURNS bigint LANGUAGE sql STABLE \
             AS 'SELECT sum(n) FROM other'",
        ])
        .uncached("SELECT t.total FROM t")
        .changes("INSERT INTO other VALUES (2)");

    schemas_hold_tables_of_one_name [Postgres] |db| case(db, &[
            "CREATE SCHEMA s", "CREATE TABLE t (id INT PRIMARY KEY, x INT)",
            "CREATE TABLE s.t (id INT PRIMARY KEY, x INT)",
            "INSERT INTO t VALUES (1, 5)", "INSERT INTO s.t VALUES (1, 50)",
        ])
        .cached("SELECT x FROM t WHERE id = 1")
        .keeps("UPDATE s.t SET x = 51 WHERE id = 1")
        .changes("UPDATE public.t SET x = 6 WHERE id = 1")
        .changes("UPDATE \"public\".\"t\" SET x = 7 WHERE id = 1")
        .changes("UPDATE ONLY T SET x = 8 WHERE id = 1");

    databases_hold_tables_of_one_name [MariaDb] |db| case(db, T)
        .cached("SELECT x FROM t WHERE id = 1")
        .changes("UPDATE `t` SET x = 6 WHERE id = 1")
        .changes("UPDATE t AS u SET u.x = 7 WHERE u.id = 1");

    sqlite_names_fold_case_and_quotes [Sqlite] |db| case(db, T)
        .cached("SELECT x FROM [T] WHERE \"ID\" = 1")
        .changes("UPDATE main.`T` SET X = 6 WHERE iD = 1")
        .changes("UPDATE \"t\" SET \"x\" = 7 WHERE [id] = 1")
        .keeps("UPDATE T SET x = 7 WHERE ID = 2");

    quoted_names_keep_case_on_postgres [Postgres] |db| case(db, &[
            "CREATE TABLE \"T\" (\"Id\" INT PRIMARY KEY, id INT)",
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "INSERT INTO \"T\" VALUES (1, 2)",
        ])
        .cached("SELECT id FROM \"T\" WHERE \"Id\" = 1")
        .keeps("INSERT INTO t VALUES (1)")
        .changes("UPDATE \"T\" SET ID = 3 WHERE \"Id\" = 1")
        .keeps("INSERT INTO \"T\" VALUES (3, 1)");

    names_of_mysql_columns_ignore_case [MariaDb] |db| case(db, T)
        .cached("SELECT X FROM t WHERE ID = 1")
        .changes("UPDATE t SET x = 6 WHERE id = 1");

    keywords_as_names [Sqlite Postgres] |db| case(db, &[
            "CREATE TABLE \"order\" (\"group\" INT PRIMARY KEY, \"select\" INT)",
            "INSERT INTO \"order\" VALUES (1, 5)",
        ])
        .cached("SELECT \"select\" FROM \"order\" WHERE \"group\" = 1")
        .changes("UPDATE \"order\" SET \"select\" = 6 WHERE \"group\" = 1")
        .keeps("INSERT INTO \"order\" VALUES (2, 1)");

    names_beyond_ascii [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE größe (id INT PRIMARY KEY, wert INT)",
            "INSERT INTO größe VALUES (1, 5)",
        ])
        .cached("SELECT wert FROM größe WHERE id = 1")
        .changes("UPDATE größe SET wert = 6 WHERE id = 1");

    comments_do_not_hide_a_write [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT /* one */ x FROM t -- two\n WHERE id = 1")
        .changes("/* a */ UPDATE t -- b\n SET x = 6 /* ; SELECT */ WHERE id = 1");

    strings_do_not_hide_a_write [Sqlite Postgres MariaDb] |db| case(db, T)
        .cached("SELECT x FROM t WHERE id = 1")
        .changes("UPDATE t SET x = length('/* ; -- ') WHERE id = 1");

    several_statements_in_one_text [Sqlite Postgres] |db| case(db, T)
        .cached("SELECT x FROM t WHERE id = 1")
        .changes("; SELECT 1; UPDATE t SET x = 6 WHERE id = 1; SELECT 2")
        .changes("WITH q AS (SELECT 1) SELECT * FROM q; UPDATE t SET x = 7 WHERE id = 1");

    numbered_parameters_out_of_order [Sqlite] |db| case(db, T)
        .cached_with("SELECT id FROM t WHERE x = ?2 AND id <> ?1", [9.into(), 7.into()])
        .changes_with("UPDATE t SET x = ?2 WHERE id = ?1", [1.into(), 7.into()]);

    numbered_parameters_out_of_order_on_postgres [Postgres] |db| case(db, T)
        .cached_with("SELECT id FROM t WHERE x = $2 AND id <> $1", [9.into(), 7.into()])
        .changes_with("UPDATE t SET x = $2 WHERE id = $1", [1.into(), 7.into()]);

    // The driver sends the second parameter for `?`, SQLite's own rule would be the third.
    numbered_and_plain_parameters_mixed_are_not_cached [Sqlite] |db| case(db, T)
        .uncached_with("SELECT id FROM t WHERE id <> ?2 AND x = ?",
            [0.into(), 9.into(), 7.into()])
        .changes("UPDATE t SET x = 9 WHERE id = 1");

    numbered_and_plain_parameters_mixed_in_a_write [Sqlite] |db| case(db, T)
        .cached("SELECT id FROM t WHERE x = 0")
        .changes_with("UPDATE t SET x = ? WHERE id = ?2", [0.into(), 1.into(), 9.into()])
        .changes_with("UPDATE t SET y = ?3, x = ? WHERE id = ?2",
            [3.into(), 1.into(), 0.into()]);

    update_in_an_aliased_table_sets_its_own_column [Sqlite Postgres] |db| case(db, T)
        .cached("SELECT x FROM t WHERE id = 1")
        .changes("UPDATE t AS u SET x = 6 WHERE u.id = 1")
        .keeps("UPDATE t AS u SET x = 6 WHERE u.id = 2");

    correlated_names_resolve_inside_out [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE a (id INT PRIMARY KEY, x INT)",
            "CREATE TABLE b (id INT PRIMARY KEY, y INT)",
            "INSERT INTO a VALUES (1, 1), (2, 2)", "INSERT INTO b VALUES (1, 1)",
        ])
        .cached("SELECT id FROM a WHERE id IN (SELECT x FROM b WHERE y = 1)")
        .changes("UPDATE a SET x = 5 WHERE id = 2")
        .changes("DELETE FROM b");

    order_by_prefers_the_output_name [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT, y INT)",
            "INSERT INTO t VALUES (1, 5, 9), (2, 6, 8)",
        ])
        .cached("SELECT id, y AS x FROM t ORDER BY x")
        .changes("UPDATE t SET y = 10 WHERE id = 2");

    sqlite_where_may_name_an_output_alias [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT)", "INSERT INTO t VALUES (1, 5)",
        ])
        .cached_or_not("SELECT id, x + 1 AS y FROM t WHERE y = 6")
        .changes("INSERT INTO t VALUES (2, 5)");
}
