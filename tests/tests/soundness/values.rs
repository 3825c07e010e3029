//! R5, R11, W6 and "Values and conditions": when two values are the same, and when not.

use sea_orm::prelude::{Decimal, Uuid};

use crate::{case::case, cases};

const NUMBERS: &[&str] = &[
    "CREATE TABLE t (id INT PRIMARY KEY, i INT)",
    "INSERT INTO t VALUES (1, 1), (2, 2)",
];
const TEXTS: &[&str] = &[
    "CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(9) NOT NULL)",
    "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
];

cases! {
    r5_truth_of_an_integer_is_not_equal_to_one [Sqlite MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, f BOOLEAN)",
            "INSERT INTO t VALUES (1, 1)",
        ])
        .cached("SELECT id FROM t WHERE f")
        .changes("INSERT INTO t VALUES (2, 2)");

    r5_is_true_of_an_integer_widens [Sqlite MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, f BOOLEAN)",
            "INSERT INTO t VALUES (1, 1)",
        ])
        .cached("SELECT id FROM t WHERE f IS TRUE")
        .changes("INSERT INTO t VALUES (2, 2)");

    r5_equal_to_true_is_equal_to_one [Sqlite MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, f BOOLEAN)",
            "INSERT INTO t VALUES (1, 1)",
        ])
        .cached("SELECT id FROM t WHERE f = TRUE")
        .keeps("INSERT INTO t VALUES (2, 2)")
        .changes("INSERT INTO t VALUES (3, TRUE)");

    r5_boolean_column_narrows [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, f BOOLEAN)",
            "INSERT INTO t VALUES (1, true)",
        ])
        .cached("SELECT id FROM t WHERE f")
        .keeps("INSERT INTO t VALUES (2, false)")
        .changes("INSERT INTO t VALUES (3, true)")
        .changes("UPDATE t SET f = NULL WHERE id = 3");

    r5_bound_booleans [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, f BOOLEAN)",
            "INSERT INTO t VALUES (1, true)",
        ])
        .cached_with("SELECT id FROM t WHERE f = ?", [true.into()])
        .keeps_with("INSERT INTO t VALUES (2, ?)", [false.into()])
        .changes_with("INSERT INTO t VALUES (3, ?)", [true.into()]);

    r11_equal_numerics_of_another_scale_are_another_answer [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, n NUMERIC)",
            "INSERT INTO t VALUES (1, 1.0)",
        ])
        .cached("SELECT CAST(n AS text) FROM t WHERE n = 1")
        .changes("UPDATE t SET n = 1.00 WHERE id = 1")
        .changes("UPDATE t SET n = 1.000 WHERE n = 1 RETURNING id, n");

    r11_a_decimal_that_the_client_rounds_is_not_known [Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, n DECIMAL(40, 28))",
            "INSERT INTO t VALUES (1, 12345.1234567890123456789012345678), (2, 0.1)",
        ])
        .cached("SELECT id FROM t WHERE n = 12345.1234567890123456789012345678")
        .changes("UPDATE t SET n = 0 WHERE id = 1")
        .changes("UPDATE t SET n = 12345.1234567890123456789012345678 WHERE id = 2")
        .changes("DELETE FROM t WHERE id = 2");

    r11_a_decimal_that_the_client_rounds_is_not_unchanged [Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, n DECIMAL(40, 28))",
            "INSERT INTO t VALUES (1, 12345.1234567890123456789012345678)",
        ])
        .cached("SELECT CAST(n AS CHAR(60)) FROM t WHERE id = 1")
        .changes("UPDATE t SET n = 12345.123456789012345678901235 WHERE id = 1");

    r11_a_text_among_blobs_is_another_answer [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)",
            "INSERT INTO t VALUES (1, 'a')",
        ])
        .cached("SELECT id FROM t WHERE b = 'a'")
        .changes("UPDATE t SET b = X'61' WHERE id = 1")
        .changes("UPDATE t SET b = 'a' WHERE id = 1");

    blobs_are_known_from_the_row [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)",
            "INSERT INTO t VALUES (1, X'61'), (2, X'FF')",
        ])
        .cached("SELECT id FROM t WHERE b = X'61'")
        .keeps("UPDATE t SET b = X'62' WHERE id = 2")
        .changes("UPDATE t SET b = X'61' WHERE id = 2");

    r11_zero_byte_ends_no_text [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, c TEXT)",
            "INSERT INTO t VALUES (1, 5, 'a' || char(0) || 'b')",
        ])
        .cached("SELECT c, hex(c) FROM t WHERE x = 5")
        .changes("UPDATE t SET c = 'a' WHERE id = 1")
        .changes("UPDATE t SET c = 'a' || char(0) WHERE id = 1");

    r11_column_that_is_touched_by_hand_is_another_answer [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, x INT, \
             at DATETIME(6) DEFAULT '2026-01-01' ON UPDATE CURRENT_TIMESTAMP(6))",
            "INSERT INTO t (id, x) VALUES (1, 5)",
        ])
        .cached("SELECT CAST(at AS CHAR) FROM t WHERE x = 5")
        .changes("UPDATE t SET at = NOW(6) WHERE id = 1")
        .changes("UPDATE t SET at = '2026-02-02' WHERE id = 1")
        .changes("UPDATE t SET x = 5, at = '2026-03-03' WHERE id = 1");

    r11_negative_zero_is_another_answer [Sqlite Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, f DOUBLE PRECISION)",
            "INSERT INTO t VALUES (1, 0.0)",
        ])
        .cached("SELECT CAST(1e300 * f AS TEXT), f FROM t WHERE f = 0.0")
        .holds("UPDATE t SET f = -0.0 WHERE id = 1")
        .holds("UPDATE t SET f = CAST('-0' AS DOUBLE PRECISION) WHERE id = 1");

    r11_case_in_a_case_insensitive_column_is_another_answer [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c TEXT COLLATE NOCASE)",
            "INSERT INTO t VALUES (1, 'a')",
        ])
        .cached("SELECT c FROM t WHERE c = 'A'")
        .changes("UPDATE t SET c = 'A' WHERE c = 'a'")
        .changes("UPDATE t SET c = 'a' WHERE c = 'a' RETURNING c")
        .changes("INSERT INTO t VALUES (2, 'A')");

    r11_case_in_a_mysql_column_is_another_answer [MariaDb] |db| case(db, TEXTS)
        .cached("SELECT c FROM t WHERE c = 'A'")
        .changes("UPDATE t SET c = 'A' WHERE c = 'a'")
        .changes("INSERT INTO t VALUES (3, 'a ')");

    r11_other_spelling_of_an_interval_is_another_answer [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, v INTERVAL)",
            "INSERT INTO t VALUES (1, '1 day')",
        ])
        .cached("SELECT CAST(v AS text) FROM t WHERE v = '24 hours'")
        .changes("UPDATE t SET v = '24 hours' WHERE id = 1");

    r11_padding_is_not_compared_but_is_sent [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c CHAR(5))",
            "INSERT INTO t VALUES (1, 'ab')",
        ])
        .cached("SELECT id FROM t WHERE c = 'ab   '")
        .changes("INSERT INTO t VALUES (2, 'ab ')");

    class_of_a_text_parameter_on_an_int_column [Sqlite MariaDb] |db| case(db, NUMBERS)
        .cached_with("SELECT id FROM t WHERE i = ?", ["01".into()])
        .changes("INSERT INTO t VALUES (3, 1)");

    class_of_an_int_parameter_on_a_text_column [MariaDb] |db| case(db, TEXTS)
        .cached_with("SELECT id FROM t WHERE c = ?", [5.into()])
        .changes("INSERT INTO t VALUES (3, '5x')")
        .changes("INSERT INTO t VALUES (4, '05')");

    class_of_an_int_parameter_on_a_sqlite_text_column [Sqlite] |db| case(db, TEXTS)
        .cached_with("SELECT id FROM t WHERE c = ?", [5.into()])
        .changes("INSERT INTO t VALUES (3, 5)")
        .changes("INSERT INTO t VALUES (4, '5')");

    class_of_a_float_on_an_int_column [Sqlite MariaDb Postgres] |db| case(db, NUMBERS)
        .cached_with("SELECT id FROM t WHERE i = ?", [2.0f64.into()])
        .changes("INSERT INTO t VALUES (3, 2)");

    class_of_a_bool_on_an_int_column [Sqlite MariaDb] |db| case(db, NUMBERS)
        .cached_with("SELECT id FROM t WHERE i = ?", [true.into()])
        .changes("INSERT INTO t VALUES (3, 1)");

    class_of_other_widths_of_integers [Sqlite Postgres MariaDb] |db| case(db, NUMBERS)
        .cached_with("SELECT id FROM t WHERE i = ?", [2i64.into()])
        .keeps_with("INSERT INTO t VALUES (3, ?)", [3i32.into()])
        .changes_with("INSERT INTO t VALUES (4, ?)", [2i32.into()]);

    class_of_a_literal_with_leading_zeros [Sqlite Postgres MariaDb] |db| case(db, NUMBERS)
        .cached("SELECT id FROM t WHERE i = 007")
        .changes("INSERT INTO t VALUES (3, 7)");

    class_of_hexadecimal_literals [Sqlite MariaDb] |db| case(db, NUMBERS)
        .cached("SELECT id FROM t WHERE i = 0x10")
        .changes("INSERT INTO t VALUES (3, 16)");

    class_of_signs_in_front_of_literals [Sqlite Postgres MariaDb] |db| case(db, NUMBERS)
        .cached("SELECT id FROM t WHERE i = - -7 OR i = +8 OR i = -9")
        .changes("INSERT INTO t VALUES (3, 7)")
        .changes("INSERT INTO t VALUES (4, 8)")
        .changes("INSERT INTO t VALUES (5, -9)");

    class_of_a_text_literal_on_an_int_column [Sqlite Postgres MariaDb] |db| case(db, NUMBERS)
        .cached("SELECT id FROM t WHERE i = ' 7'")
        .changes("INSERT INTO t VALUES (3, 7)");

    class_of_exponents [Sqlite Postgres MariaDb] |db| case(db, NUMBERS)
        .cached("SELECT id FROM t WHERE i = 1e1")
        .changes("INSERT INTO t VALUES (3, 10)");

    class_of_a_typed_cast_of_a_bare_parameter [Postgres] |db| case(db, TEXTS)
        .cached_with("SELECT id FROM t WHERE c = ?::varchar(1)", ["xyz".into()])
        .changes("INSERT INTO t VALUES (3, 'x')");

    class_of_the_same_parameter_at_two_places [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, i INT, c TEXT)",
        ])
        .cached_with("SELECT id FROM t WHERE i = ?1 OR c = ?1", ["1".into()])
        .changes("INSERT INTO t VALUES (1, 1, 'x')")
        .changes("INSERT INTO t VALUES (2, 9, '1')");

    text_bytes_are_compared_on_byte_wise_columns [Sqlite Postgres] |db| case(db, TEXTS)
        .cached_with("SELECT id FROM t WHERE c = ?", ["a".into()])
        .keeps("INSERT INTO t VALUES (3, 'A')")
        .keeps("INSERT INTO t VALUES (4, 'a ')")
        .changes("INSERT INTO t VALUES (5, 'a')");

    text_pads_under_utf8mb4_bin [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(9) COLLATE utf8mb4_bin NOT NULL)",
        ])
        .cached("SELECT id FROM t WHERE c = 'a'")
        .changes("INSERT INTO t VALUES (1, 'a ')");

    text_narrows_under_a_no_pad_binary_collation [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(9) COLLATE utf8mb4_nopad_bin NOT NULL)",
        ])
        .cached_with("SELECT id FROM t WHERE c = ?", ["a".into()])
        .holds("INSERT INTO t VALUES (1, 'a ')")
        .changes("INSERT INTO t VALUES (2, 'a')");

    text_accents_under_a_general_collation [MariaDb] |db| case(db, TEXTS)
        .cached("SELECT id FROM t WHERE c = 'e'")
        .changes("INSERT INTO t VALUES (3, 'é')")
        .changes("INSERT INTO t VALUES (4, 'E')");

    text_under_an_explicit_collation_widens [Sqlite] |db| case(db, TEXTS)
        .cached("SELECT id FROM t WHERE c = 'z' COLLATE NOCASE")
        .changes("INSERT INTO t VALUES (3, 'Z')");

    text_column_under_an_explicit_collation_widens [Sqlite] |db| case(db, TEXTS)
        .cached("SELECT id FROM t WHERE c COLLATE RTRIM = 'z'")
        .changes("INSERT INTO t VALUES (3, 'z  ')");

    text_in_list_under_an_explicit_collation_widens [Sqlite] |db| case(db, TEXTS)
        .cached("SELECT id FROM t WHERE c COLLATE NOCASE IN ('z')")
        .changes("INSERT INTO t VALUES (3, 'Z')");

    text_under_an_explicit_mysql_collation_widens [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(9) COLLATE utf8mb4_nopad_bin NOT NULL)",
        ])
        .cached("SELECT id FROM t WHERE c = 'z' COLLATE utf8mb4_general_ci")
        .changes("INSERT INTO t VALUES (1, 'Z')");

    text_under_a_nondeterministic_collation_widens [Postgres] |db| case(db, &[
            "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            "CREATE TABLE t (id INT PRIMARY KEY, c TEXT COLLATE ci)",
        ])
        .cached("SELECT id FROM t WHERE c = 'z'")
        .changes("INSERT INTO t VALUES (1, 'Z')");

    text_under_an_explicit_nondeterministic_collation_widens [Postgres] |db| case(db, &[
            "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            "CREATE TABLE t (id INT PRIMARY KEY, c TEXT)",
        ])
        .cached("SELECT id FROM t WHERE c = 'z' COLLATE ci")
        .changes("INSERT INTO t VALUES (1, 'Z')");

    text_of_a_domain_resolves_to_its_base [Postgres] |db| case(db, &[
            "CREATE DOMAIN name_t AS VARCHAR(9)",
            "CREATE TABLE t (id INT PRIMARY KEY, c name_t)",
        ])
        .cached_with("SELECT id FROM t WHERE c = ?", ["a".into()])
        .changes("INSERT INTO t VALUES (1, 'a')");

    enum_is_its_label [Postgres] |db| case(db, &[
            "CREATE TYPE mood AS ENUM ('sad', 'ok')",
            "CREATE TABLE t (id INT PRIMARY KEY, m mood)",
            "INSERT INTO t VALUES (1, 'sad')",
        ])
        .cached("SELECT id FROM t WHERE m = 'ok'")
        .keeps("INSERT INTO t VALUES (2, 'sad')")
        .changes("UPDATE t SET m = 'ok' WHERE id = 1");

    enum_of_mysql_widens [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, e ENUM('x', 'y'), s SET('p', 'q'))",
        ])
        .cached("SELECT id FROM t WHERE e = 1 OR s = 2")
        .changes("INSERT INTO t VALUES (1, 'X', NULL)")
        .changes("INSERT INTO t VALUES (2, 'y', 'Q')");

    uuid_in_any_spelling [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, u UUID)",
            "INSERT INTO t VALUES (1, NULL)",
        ])
        .cached("SELECT id FROM t WHERE u = '{A0EEBC99-9C0B4EF8-BB6D6BB9BD380A11}'")
        .changes("UPDATE t SET u = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' WHERE id = 1");

    uuid_as_a_parameter [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, u UUID)",
            "INSERT INTO t VALUES (1, NULL)",
        ])
        .cached_with("SELECT id FROM t WHERE u = ?", [Uuid::from_u128(7).into()])
        .keeps_with("INSERT INTO t VALUES (2, ?)", [Uuid::from_u128(8).into()])
        .changes("INSERT INTO t VALUES (3, '00000000-0000-0000-0000-000000000007')")
        .changes("INSERT INTO t VALUES (4, '00000000000000000000000000000007') RETURNING *");

    decimal_of_another_scale_is_the_same_condition [Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, d DECIMAL(10,4))",
        ])
        .cached_with("SELECT id FROM t WHERE d = ?", [Decimal::new(150, 2).into()])
        .changes("INSERT INTO t VALUES (1, 1.5)")
        .changes_with("INSERT INTO t VALUES (2, ?)", [Decimal::new(15000, 4).into()])
        .keeps("INSERT INTO t VALUES (3, 1.6)");

    decimal_against_a_float_widens [Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, d DECIMAL(30,20))",
        ])
        .cached_with("SELECT id FROM t WHERE d = ?", [0.1f64.into()])
        .changes("INSERT INTO t VALUES (1, 0.1)")
        .holds("INSERT INTO t VALUES (2, 0.10000000000000000001)");

    decimal_literal_on_sqlite [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, d DECIMAL(10,4))",
        ])
        .cached("SELECT id FROM t WHERE d = 1.50")
        .changes("INSERT INTO t VALUES (1, 1.5)")
        .changes("INSERT INTO t VALUES (2, '1.5')");

    date_with_a_time_is_cut [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, d DATE)",
        ])
        .cached("SELECT id FROM t WHERE d = '2024-01-01 10:00'")
        .changes("INSERT INTO t VALUES (1, '2024-01-01')");

    date_in_other_spellings [Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, d DATE)",
        ])
        .cached("SELECT id FROM t WHERE d = '20240102'")
        .changes("INSERT INTO t VALUES (1, '2024-01-02')")
        .changes("INSERT INTO t VALUES (2, '2024-1-2')");

    date_narrows_by_its_canonical_form [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, d DATE)",
        ])
        .cached("SELECT id FROM t WHERE d = '2024-01-02'")
        .keeps("INSERT INTO t VALUES (1, '2024-01-03')")
        .changes("INSERT INTO t VALUES (2, '2024-01-02')")
        .changes("INSERT INTO t VALUES (3, '2024-1-2')");

    date_zero_is_null_on_mysql [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, d DATE NOT NULL)",
        ])
        .cached("SELECT id FROM t WHERE d IS NULL")
        .plain("SET GLOBAL sql_mode = ''")
        .changes("INSERT IGNORE INTO t VALUES (1, '0000-00-00')");

    timestamps_with_a_zone_are_moments [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, w TIMESTAMPTZ)",
        ])
        .cached("SELECT id FROM t WHERE w = '2024-01-01T12:00:00+02:00'")
        .changes("INSERT INTO t VALUES (1, '2024-01-01 10:00:00+00')")
        .changes("INSERT INTO t VALUES (2, '2024-01-01 15:30:00+05:30')");

    timestamps_round_to_their_precision [Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, w TIMESTAMP(0) NULL)",
        ])
        .cached("SELECT id FROM t WHERE w = '2024-01-01 10:00:01'")
        .holds("INSERT INTO t VALUES (1, '2024-01-01 10:00:00.6')")
        .changes("INSERT INTO t VALUES (2, '2024-01-01 10:00:01')");

    w6_numeric_rounds_what_is_inserted [Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, n DECIMAL(10,2))",
        ])
        .cached("SELECT id FROM t WHERE n = 1.01")
        .changes("INSERT INTO t VALUES (1, 1.006)")
        .changes_with("INSERT INTO t VALUES (2, ?)", [Decimal::new(10061, 4).into()]);

    w6_float_into_an_int_rounds [Postgres MariaDb] |db| case(db, NUMBERS)
        .cached("SELECT id FROM t WHERE i = 7")
        .changes("INSERT INTO t VALUES (3, 6.9)")
        .changes("UPDATE t SET i = 7.1 WHERE id = 1");

    w6_affinity_turns_text_into_integers [Sqlite] |db| case(db, NUMBERS)
        .cached("SELECT id FROM t WHERE i = 5")
        .changes("INSERT INTO t VALUES (3, '5')")
        .changes("INSERT INTO t VALUES (4, 5.0)")
        .changes("UPDATE t SET i = ' 5 ' WHERE id = 1")
        .changes_with("UPDATE t SET i = ? WHERE id = 2", ["5.0".into()]);

    w6_affinity_turns_integers_into_text [Sqlite] |db| case(db, TEXTS)
        .cached("SELECT id FROM t WHERE c = '5'")
        .changes("INSERT INTO t VALUES (3, 5)")
        .changes_with("UPDATE t SET c = ? WHERE id = 1", [5.into()]);

    w6_columns_without_a_type_keep_classes_apart [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
        ])
        .cached("SELECT id FROM t WHERE v = 5")
        .holds("INSERT INTO t VALUES (1, '5')")
        .changes("INSERT INTO t VALUES (2, 5.0)")
        .changes("INSERT INTO t VALUES (3, 5)");

    w6_text_in_an_int_column_may_be_anything [Sqlite] |db| case(db, NUMBERS)
        .cached("SELECT id, i FROM t WHERE i = 'abc'")
        .changes("INSERT INTO t VALUES (3, 'abc')")
        .changes("UPDATE t SET i = 'abc' WHERE id = 1");

    w6_clamped_and_cut_values_of_lax_mysql [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, i TINYINT, \
             c VARCHAR(3) COLLATE utf8mb4_nopad_bin)",
        ])
        .cached("SELECT id FROM t WHERE i = 127 OR c = 'abc'")
        .changes("INSERT IGNORE INTO t VALUES (1, 300, NULL)")
        .changes("INSERT IGNORE INTO t VALUES (2, 0, 'abcdef')");

    w6_null_into_auto_increment_is_the_next_number [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, i INT)",
        ])
        .cached("SELECT i FROM t WHERE id IN (1, 2)")
        .changes("INSERT INTO t VALUES (NULL, 5)")
        .changes("INSERT INTO t VALUES (0, 6)");

    w6_rowid_alias_takes_null_as_the_next_number [Sqlite] |db| case(db, &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY, i INT)",
        ])
        .cached("SELECT i FROM t WHERE id = 1")
        .changes("INSERT INTO t VALUES (NULL, 5)");

    w6_null_under_ignore_becomes_a_default [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, i INT NOT NULL)",
            "INSERT INTO t VALUES (1, 4)",
        ])
        .cached("SELECT id FROM t WHERE i = 0")
        .changes("UPDATE IGNORE t SET i = NULL WHERE id = 1")
        .changes("INSERT IGNORE INTO t VALUES (2, NULL), (3, NULL)");

    w6_assignments_read_each_other_from_left_to_right [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)",
            "INSERT INTO t VALUES (1, 5, 6)",
        ])
        .cached("SELECT id FROM t WHERE b = 6")
        .holds("UPDATE t SET a = b, b = a WHERE id = 1")
        .changes("UPDATE t SET a = 9, b = a WHERE id = 1");

    w6_literals_of_other_classes_into_booleans [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, f BOOLEAN)",
        ])
        .cached("SELECT id FROM t WHERE f = true")
        .changes("INSERT INTO t VALUES (1, 'yes')")
        .changes("INSERT INTO t VALUES (2, 'on')");

    w6_char_pads_what_is_inserted [Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c CHAR(3))",
        ])
        .cached("SELECT id FROM t WHERE c = 'a'")
        .changes("INSERT INTO t VALUES (1, 'a  ')");

    w6_quotes_and_escapes_mean_what_the_server_says [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(9) COLLATE utf8mb4_nopad_bin NOT NULL)",
        ])
        .cached_with("SELECT id FROM t WHERE c = ?", ["a'b\\c".into()])
        .changes(r"INSERT INTO t VALUES (1, 'a\'b\\c')")
        .changes(r#"INSERT INTO t VALUES (2, "a'b\\c")"#)
        .changes(r"INSERT INTO t VALUES (3, 'a''b' '\\c')");

    w6_adjacent_strings_and_escape_strings [Postgres] |db| case(db, TEXTS)
        .cached_with("SELECT id FROM t WHERE c = ?", ["a'b\\c".into()])
        .changes(r"INSERT INTO t VALUES (3, 'a''b\c')")
        .changes(r"INSERT INTO t VALUES (4, E'a\'b\\c')")
        .changes(r"INSERT INTO t VALUES (5, $q$a'b\c$q$)")
        .changes(r"INSERT INTO t VALUES (6, U&'a\0027b\\c')")
        .changes("INSERT INTO t VALUES (7, 'a''b'\n'\\c')");

    w6_bytes_in_any_spelling [Postgres] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, b BYTEA)",
        ])
        .cached_with("SELECT id FROM t WHERE b = ?", [vec![1u8, 97].into()])
        .changes(r"INSERT INTO t VALUES (1, '\x0161')")
        .changes(r"INSERT INTO t VALUES (2, '\001a')");

    w6_blobs_in_any_spelling [Sqlite MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, b BLOB)",
        ])
        .cached_with("SELECT id FROM t WHERE b = ?", [vec![97u8, 98].into()])
        .changes("INSERT INTO t VALUES (1, X'6162')")
        .changes_with("INSERT INTO t VALUES (2, ?)", [vec![97u8, 98].into()])
        .holds("INSERT INTO t VALUES (3, 'ab')");

    w6_unsigned_and_big_numbers [MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, u BIGINT UNSIGNED)",
        ])
        .cached_with("SELECT id FROM t WHERE u = ?", [u64::MAX.into()])
        .keeps("INSERT INTO t VALUES (1, 9223372036854775807)")
        .changes("INSERT INTO t VALUES (2, 18446744073709551615)");

    parameters_of_one_text_and_other_types_are_other_entries [Sqlite MariaDb] |db|
        case(db, TEXTS)
        .cached_with("SELECT id, ? FROM t", ["1".into()])
        .holds("INSERT INTO t VALUES (3, 'z')");

    nulls_become_known_values [Sqlite Postgres MariaDb] |db| case(db, &[
            "CREATE TABLE t (id INT PRIMARY KEY, i INT)",
            "INSERT INTO t VALUES (1, NULL), (2, 3)",
        ])
        .cached("SELECT id FROM t WHERE i IS NULL")
        .changes("UPDATE t SET i = 7 WHERE id = 1")
        .changes("UPDATE t SET i = NULL WHERE i = 3")
        .keeps("INSERT INTO t VALUES (3, 3)")
        .changes("INSERT INTO t (id) VALUES (4)");
}
