//! W6 beyond the list: column types that store something else than what was sent.

use crate::{case::case, cases};

cases! {
    year_turns_short_numbers_into_centuries [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, y YEAR)",
        ])
        .cached("SELECT id FROM t WHERE y = 2024")
        .changes("INSERT INTO t VALUES (1, 24)")
        .changes("INSERT INTO t VALUES (2, '24')")
        .changes("INSERT INTO t VALUES (3, 2024)");

    year_is_compared_with_short_numbers [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, y YEAR)",
        ])
        .cached("SELECT id FROM t WHERE y = 24")
        .changes("INSERT INTO t VALUES (3, 2024)");

    bits_in_any_spelling [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, b BIT(8))",
        ])
        .cached("SELECT id FROM t WHERE b = 1")
        .changes("INSERT INTO t VALUES (1, b'1')")
        .changes("INSERT INTO t VALUES (2, true)")
        .changes("INSERT INTO t VALUES (3, X'01')")
        .changes("INSERT INTO t VALUES (4, 1)");

    uuids_and_addresses_of_mariadb [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, u UUID, i INET6)",
        ])
        .cached("SELECT id FROM t WHERE u = '123e4567-e89b-12d3-a456-426655440000' OR i = '::1'")
        .changes("INSERT INTO t VALUES (1, '123E4567E89B12D3A456426655440000', NULL)")
        .changes("INSERT INTO t VALUES (2, NULL, '0:0:0:0:0:0:0:1')");

    integers_of_mysql_from_text_and_hex [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, i INT)",
        ])
        .cached("SELECT id FROM t WHERE i = 16")
        .changes("INSERT INTO t VALUES (1, '16')")
        .changes("INSERT INTO t VALUES (2, 0x10)")
        .changes("INSERT INTO t VALUES (3, 1.6e1)")
        .changes("INSERT INTO t VALUES (4, 8 + 8)");

    booleans_of_mysql_from_anything [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, f BOOLEAN)",
        ])
        .cached_with("SELECT id FROM t WHERE f = ?", [true.into()])
        .changes("INSERT INTO t VALUES (1, '1')")
        .changes("INSERT INTO t VALUES (2, 1)")
        .changes("INSERT INTO t VALUES (3, TRUE)")
        .changes("INSERT INTO t VALUES (4, NOT FALSE)");

    times_beyond_midnight [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, w TIMESTAMP)",
        ])
        .cached("SELECT id FROM t WHERE w = '2024-01-02 00:00:00'")
        .changes("INSERT INTO t VALUES (1, '2024-01-01 24:00:00')")
        .changes("INSERT INTO t VALUES (2, '2024-01-01 23:59:60')")
        .changes("INSERT INTO t VALUES (3, '2024-01-02 00:00:00+05')")
        .changes("INSERT INTO t VALUES (4, '2024-01-02')")
        .changes("INSERT INTO t VALUES (5, 'Jan 2 2024')");

    condition_times_in_unusual_spellings [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, w TIMESTAMP, z TIMESTAMPTZ)",
        ])
        .cached("SELECT id FROM t WHERE w = '2024-01-01 24:00:00' OR w = '2024-03-01 10:00+07' \
                 OR z = '2024-01-01 10:00:00' OR z = '2024-02-01 10:00 Europe/Vienna'")
        .changes("INSERT INTO t VALUES (1, '2024-01-02', NULL)")
        .changes("INSERT INTO t VALUES (2, '2024-03-01 10:00', NULL)")
        .changes("INSERT INTO t VALUES (3, NULL, '2024-01-01 10:00:00+00')")
        .changes("INSERT INTO t VALUES (4, NULL, '2024-02-01 09:00:00+00')");

    object_ids_wrap_around [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, o OID)",
        ])
        .cached("SELECT id FROM t WHERE o = 4294967295")
        .changes("INSERT INTO t VALUES (1, -1)");

    names_are_cut [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, n NAME)",
        ])
        .cached("SELECT id FROM t WHERE n = \
                 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'")
        .changes("INSERT INTO t VALUES (1, \
                  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbb')");

    quoted_char_keeps_one_byte [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c \"char\")",
        ])
        .cached("SELECT id FROM t WHERE c = 'a'")
        .changes("INSERT INTO t VALUES (1, 'abc')");

    varchar_drops_spaces_beyond_its_length [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(3))",
        ])
        .cached("SELECT id FROM t WHERE c = 'abc'")
        .changes("INSERT INTO t VALUES (1, 'abc  ')")
        .changes("INSERT INTO t VALUES (2, 'abcdef'::varchar(3))");

    json_and_arrays_widen [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, j JSONB, v TEXT[], r INT4RANGE, n INET)",
        ])
        .cached("SELECT id FROM t WHERE j = '{\"a\":1,\"b\":2}' OR v = '{a}' OR r = '[1,3]' \
                 OR n = '10.0.0.1/32'")
        .changes("INSERT INTO t VALUES (1, '{\"b\":2, \"a\":1.0}')")
        .changes("INSERT INTO t VALUES (2, NULL, ARRAY['a'])")
        .changes("INSERT INTO t VALUES (3, NULL, NULL, '[1,4)')")
        .changes("INSERT INTO t VALUES (4, NULL, NULL, NULL, '10.0.0.1')");

    numerics_that_are_no_numbers [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, n NUMERIC, f REAL)",
        ])
        .cached("SELECT id FROM t WHERE n = 'NaN' OR f = 'NaN' OR f = 0.1")
        .changes("INSERT INTO t VALUES (1, 'nan', NULL)")
        .changes("INSERT INTO t VALUES (2, NULL, 'NaN')")
        .holds("INSERT INTO t VALUES (3, NULL, 0.1)");

    domains_with_checks_and_other_defaults [Postgres] |db| case(db, &[
            "CREATE DOMAIN money_t AS NUMERIC(10,2) DEFAULT 7",
            "CREATE TABLE t (id INT PRIMARY KEY, n money_t)",
        ])
        .cached("SELECT id FROM t WHERE n = 7.00 OR n = 1.01")
        .changes("INSERT INTO t (id) VALUES (1)")
        .changes("INSERT INTO t VALUES (2, 1.006)");

    enum_whose_label_is_renamed [Postgres] |db| case(db, &[
            "CREATE TYPE mood AS ENUM ('sad', 'ok')",
            "CREATE TABLE t (id INT PRIMARY KEY, m mood)",
            "INSERT INTO t VALUES (1, 'sad')",
        ])
        .cached("SELECT id, CAST(m AS text) FROM t WHERE m >= 'ok' OR id = 1")
        .changes("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'");

    string_is_a_number_on_sqlite [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, s STRING, d DATETIME, f FLOATING_POINT)",
        ])
        .cached("SELECT id FROM t WHERE s = '1' OR d = '2' OR f = '3'")
        .changes("INSERT INTO t VALUES (1, '01', NULL, NULL)")
        .changes("INSERT INTO t VALUES (2, NULL, '2.0', NULL)")
        .changes("INSERT INTO t VALUES (3, NULL, NULL, ' 3')");

    affinity_follows_sqlite_rules_of_substrings [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, a CHARINT, b BLOBINT, c XBLOB, d VARCHARX, \
             e DOUBLEX)",
        ])
        .cached("SELECT id FROM t WHERE a = 1 OR b = 1 OR c = 1 OR d = '1' OR e = 1")
        .changes("INSERT INTO t (id, a) VALUES (1, '1')")
        .changes("INSERT INTO t (id, b) VALUES (2, '1.0')")
        .changes("INSERT INTO t (id, c) VALUES (3, 1.0)")
        .changes("INSERT INTO t (id, d) VALUES (4, 1)")
        .changes("INSERT INTO t (id, e) VALUES (5, '1')");

    rowid_aliases_convert_what_they_get [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT)",
        ])
        .cached("SELECT x FROM t WHERE id = 7")
        .changes("INSERT INTO t VALUES ('7', 5)")
        .changes("UPDATE t SET id = 7.0, x = 6 WHERE id = 7");

    integer_columns_hold_fractions_and_text [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT)",
            "INSERT INTO t VALUES (1, 1.5), (2, 'abc'), (3, X'31')",
        ])
        .cached("SELECT id FROM t WHERE x = 1 OR x = 2")
        .changes("UPDATE t SET x = 1 WHERE x = 1.5 RETURNING x, id")
        .changes("UPDATE t SET x = 2 WHERE x = 'abc' RETURNING x, id")
        .changes("UPDATE t SET x = 2.5 WHERE id = 1 RETURNING x, id");

    big_integers_and_doubles_on_sqlite [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT)",
        ])
        .cached("SELECT id FROM t WHERE x = 9223372036854775807 OR x = 9007199254740992")
        .holds("INSERT INTO t VALUES (1, 9223372036854775808)")
        .changes("INSERT INTO t VALUES (2, 9223372036854775807)")
        .changes("INSERT INTO t VALUES (3, 9007199254740992.0)");

    text_with_a_null_byte [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c TEXT)",
        ])
        .cached_with("SELECT id FROM t WHERE c = ?", ["a\0b".into()])
        .changes_with("INSERT INTO t VALUES (1, ?)", ["a\0b".into()])
        .changes("INSERT INTO t VALUES (2, CAST(X'610062' AS TEXT))");

    empty_text_is_not_null [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(9))",
            "INSERT INTO t VALUES (1, NULL)",
        ])
        .cached("SELECT id FROM t WHERE c = ''")
        .holds("INSERT INTO t VALUES (2, NULL)")
        .changes("UPDATE t SET c = '' WHERE id = 1");

    char_columns_of_mysql_drop_trailing_spaces [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c CHAR(9) COLLATE utf8mb4_nopad_bin)",
        ])
        .cached("SELECT id FROM t WHERE c = 'a'")
        .changes("INSERT INTO t VALUES (1, 'a  ')")
        .changes_with("INSERT INTO t VALUES (2, ?)", ["a ".into()])
        .changes("INSERT INTO t VALUES (3, X'6120')");

    binary_columns_of_mysql_pad [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, b BINARY(3), v VARBINARY(3))",
        ])
        .cached("SELECT id FROM t WHERE b = X'610000' OR v = X'61'")
        .changes("INSERT INTO t VALUES (1, 'a', NULL)")
        .changes("INSERT INTO t VALUES (2, NULL, 'a')");

    datetimes_of_mysql_in_any_spelling [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, w DATETIME)",
        ])
        .cached("SELECT id FROM t WHERE w = '2024-01-02 03:04:05'")
        .changes("INSERT INTO t VALUES (1, 20240102030405)")
        .changes("INSERT INTO t VALUES (2, '2024-01-02T03:04:05')")
        .changes("INSERT INTO t VALUES (3, '24-1-2 3:4:5.2')")
        .changes("INSERT INTO t VALUES (4, TIMESTAMP'2024-01-02 03:04:05')");
}
