//! The SQL that describes a MySQL or MariaDB database: the current one, no other.

use crate::introspect::CatalogQuery;

pub(super) const QUERIES: &[CatalogQuery] = &[
    query("variables", VARIABLES, false),
    query("session", SESSION, false),
    query("tables", TABLES, false),
    query("views", VIEWS, false),
    query("columns", COLUMNS, false),
    query("keys", KEYS, false),
    query("trigger_rights", TRIGGER_RIGHTS, true),
    query("triggers", TRIGGERS, true),
    query("routines", ROUTINES, true),
];

/// The server's own name, port and id, whatever address a client reaches it by. Each server runs
/// the comment that is meant for it.
pub(super) const IDENTITY: CatalogQuery = query(
    "identity",
    "SELECT CAST(@@hostname AS CHAR), CAST(@@port AS CHAR), CAST(DATABASE() AS CHAR)\
     /*!50700 , CAST(@@server_uuid AS CHAR) */\
     /*M!100100 , CAST((SELECT variable_value FROM information_schema.global_variables \
     WHERE variable_name = 'SERVER_UID') AS CHAR) */",
    false,
);

/// Nobody knows of a plain client whether its server replicates, but a replica is read only.
pub(super) const STANDBY: CatalogQuery =
    query("standby", "SELECT CAST(@@global.read_only AS CHAR)", false);

const fn query(name: &'static str, sql: &'static str, optional: bool) -> CatalogQuery {
    CatalogQuery {
        name,
        sql,
        optional,
    }
}

/// name, value. SHOW knows which variables this server has.
const VARIABLES: &str = "
SHOW SESSION VARIABLES WHERE variable_name IN (
    'autocommit', 'character_set_client', 'character_set_connection', 'character_set_results',
    'collation_connection', 'default_week_format', 'div_precision_increment',
    'foreign_key_checks', 'group_concat_max_len', 'lc_time_names', 'lower_case_table_names',
    'old_mode', 'sql_auto_is_null', 'sql_mode', 'sql_select_limit', 'system_time_zone',
    'system_versioning_asof', 'time_zone', 'transaction_isolation', 'tx_isolation', 'version')";

/// name, value.
const SESSION: &str = "
SELECT 'role', CAST(CURRENT_USER() AS CHAR)
UNION ALL SELECT 'database', CAST(DATABASE() AS CHAR)";

/// schema, name, type, engine, whether the engine has transactions.
const TABLES: &str = "
SELECT CAST(t.table_schema AS CHAR), CAST(t.table_name AS CHAR), CAST(t.table_type AS CHAR),
    CAST(t.engine AS CHAR), CAST(e.transactions AS CHAR)
FROM information_schema.tables AS t
LEFT JOIN information_schema.engines AS e ON e.engine = t.engine
WHERE t.table_schema = DATABASE()";

/// name, definition.
const VIEWS: &str = "
SELECT CAST(table_name AS CHAR), CAST(view_definition AS CHAR)
FROM information_schema.views WHERE table_schema = DATABASE()";

/// table, name, declared type, type, characters, precision, scale, fraction, collation,
/// nullable, default, extra, computed, rights. MariaDB writes a missing default as the word NULL.
const COLUMNS: &str = "
SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR), CAST(column_type AS CHAR),
    CAST(data_type AS CHAR), CAST(character_maximum_length AS CHAR),
    CAST(numeric_precision AS CHAR), CAST(numeric_scale AS CHAR),
    CAST(datetime_precision AS CHAR), CAST(collation_name AS CHAR), CAST(is_nullable AS CHAR),
    CASE WHEN column_default IS NULL THEN '0'
        WHEN column_default = 'NULL' AND VERSION() LIKE '%MariaDB%' THEN '0' ELSE '1' END,
    CAST(extra AS CHAR),
    CASE WHEN COALESCE(generation_expression, '') = '' THEN '0' ELSE '1' END,
    CAST(privileges AS CHAR)
FROM information_schema.columns WHERE table_schema = DATABASE()
ORDER BY table_name, ordinal_position";

/// table, constraint, column, parent schema, parent table, parent column, on delete, on update.
const KEYS: &str = "
SELECT CAST(k.table_name AS CHAR), CAST(k.constraint_name AS CHAR), CAST(k.column_name AS CHAR),
    CAST(k.referenced_table_schema AS CHAR), CAST(k.referenced_table_name AS CHAR),
    CAST(k.referenced_column_name AS CHAR), CAST(r.delete_rule AS CHAR),
    CAST(r.update_rule AS CHAR)
FROM information_schema.key_column_usage AS k
LEFT JOIN information_schema.referential_constraints AS r
    ON r.constraint_schema = k.constraint_schema AND r.table_name = k.table_name
    AND r.constraint_name = k.constraint_name
WHERE k.table_schema = DATABASE()
    AND (k.constraint_name = 'PRIMARY' OR k.referenced_table_name IS NOT NULL)
ORDER BY k.table_name, k.constraint_name, k.ordinal_position";

/// One row if this account sees triggers: the server hides them from all others.
const TRIGGER_RIGHTS: &str = "
SELECT '1' FROM information_schema.user_privileges
WHERE privilege_type = 'TRIGGER'
    AND grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')
UNION SELECT '1' FROM information_schema.schema_privileges
WHERE privilege_type = 'TRIGGER' AND DATABASE() LIKE table_schema
    AND grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')";

/// table, name, timing, event, statement.
const TRIGGERS: &str = "
SELECT CAST(event_object_table AS CHAR), CAST(trigger_name AS CHAR),
    CAST(action_timing AS CHAR), CAST(event_manipulation AS CHAR),
    CAST(action_statement AS CHAR)
FROM information_schema.triggers WHERE event_object_schema = DATABASE()
ORDER BY event_object_table, trigger_name";

/// name, type, deterministic, data access.
const ROUTINES: &str = "
SELECT CAST(LOWER(routine_name) AS CHAR), CAST(routine_type AS CHAR),
    CAST(is_deterministic AS CHAR), CAST(sql_data_access AS CHAR)
FROM information_schema.routines WHERE routine_schema = DATABASE()";
