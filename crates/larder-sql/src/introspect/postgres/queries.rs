//! The SQL that describes a PostgreSQL database (12 and later).

use crate::introspect::CatalogQuery;

pub(super) const QUERIES: &[CatalogQuery] = &[
    query("session", SESSION),
    query("search_path", SEARCH_PATH),
    query("relations", RELATIONS),
    query("columns", COLUMNS),
    query("enum_labels", ENUM_LABELS),
    query("primary_keys", PRIMARY_KEYS),
    query("foreign_keys", FOREIGN_KEYS),
    query("inheritance", INHERITANCE),
    query("triggers", TRIGGERS),
    query("policies", POLICIES),
    query("functions", FUNCTIONS),
    query("operators", OPERATORS),
];

/// The system identifier tells clusters apart, whatever address a client reaches them by; the
/// port setting and the database name do the rest.
pub(super) const IDENTITY: CatalogQuery = query(
    "identity",
    "SELECT system_identifier::text, current_setting('port'), current_database()::text \
     FROM pg_catalog.pg_control_system()",
);

/// A server in recovery replays what its primary has committed.
pub(super) const STANDBY: CatalogQuery =
    query("standby", "SELECT pg_catalog.pg_is_in_recovery()::text");

const fn query(name: &'static str, sql: &'static str) -> CatalogQuery {
    CatalogQuery {
        name,
        sql,
        optional: false,
    }
}

/// name, value. Every setting that changes what a text means or how a value is printed.
const SESSION: &str = "
SELECT * FROM (
    SELECT 'role' AS name, current_user::text AS value
    UNION ALL SELECT 'session_role', session_user::text
    UNION ALL SELECT 'past_policies', (rolsuper OR rolbypassrls)::text
        FROM pg_catalog.pg_roles WHERE rolname = current_user
    UNION ALL SELECT 'database', current_database()::text
    UNION ALL SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN (
        'search_path', 'TimeZone', 'DateStyle', 'IntervalStyle', 'bytea_output',
        'extra_float_digits', 'standard_conforming_strings', 'transform_null_equals',
        'row_security', 'client_encoding', 'lc_monetary', 'lc_numeric', 'lc_time', 'xmlbinary',
        'xmloption', 'array_nulls', 'default_text_search_config', 'timezone_abbreviations',
        'server_version_num')
) AS settings ORDER BY name";

/// schema, in lookup order, the implicit ones included.
const SEARCH_PATH: &str = "
SELECT path.schema::text
FROM unnest(current_schemas(true)) WITH ORDINALITY AS path (schema, position)
ORDER BY path.position";

/// oid, schema, name, kind, persistence, row security, rules, view definition, readable,
/// lockable.
///
/// A view's definition takes a lock on the tables of the view. The timeout is that of this statement
/// alone: a schema change that is not yet committed makes it fail, instead of stopping every read.
const RELATIONS: &str = "
SELECT c.oid::text, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text,
    c.relrowsecurity::text,
    EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite AS r
        WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')::text,
    CASE WHEN c.relkind = 'v' AND pg_catalog.set_config('lock_timeout', '100ms', true) <> ''
        THEN pg_catalog.pg_get_viewdef(c.oid) END,
    CASE WHEN c.relkind <> 'S'
        THEN pg_catalog.has_table_privilege(c.oid, 'SELECT') ELSE false END::text,
    CASE WHEN c.relkind <> 'S'
        THEN pg_catalog.has_table_privilege(c.oid, 'UPDATE') ELSE false END::text
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND NOT pg_catalog.pg_is_other_temp_schema(n.oid)";

/// relation, condition, whom it binds and how: of the policies that reads are under.
const POLICIES: &str = "
SELECT p.polrelid::text, pg_catalog.pg_get_expr(p.polqual, p.polrelid),
    pg_catalog.concat_ws(' ', p.polcmd, p.polpermissive, p.polroles, c.relforcerowsecurity, c.relowner)
FROM pg_catalog.pg_policy AS p
JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
WHERE p.polcmd IN ('*', 'r')
ORDER BY p.polrelid, p.polname";

/// relation, name, declared type, not null, generated, numbered, default, then of the base type
/// that domains resolve to: oid, built-in name, class, modifier, and whether the column's
/// collation is deterministic (NULL without collation).
const COLUMNS: &str = "
WITH RECURSIVE resolved (type, base, modifier, has_default) AS (
    SELECT oid, oid, -1, false FROM pg_catalog.pg_type WHERE typtype <> 'd'
    UNION ALL
    SELECT d.oid, r.base,
        CASE d.typtypmod WHEN -1 THEN r.modifier ELSE d.typtypmod END,
        r.has_default OR d.typdefault IS NOT NULL
    FROM resolved AS r JOIN pg_catalog.pg_type AS d ON d.typbasetype = r.type AND d.typtype = 'd'
)
SELECT c.oid::text, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
    a.attnotnull::text, (a.attgenerated <> '')::text,
    (a.attidentity <> '' OR coalesce(
        pg_catalog.pg_get_expr(f.adbin, f.adrelid) LIKE 'nextval(%', false))::text,
    (a.atthasdef OR r.has_default)::text,
    t.oid::text,
    CASE t.typnamespace WHEN 'pg_catalog'::regnamespace THEN t.typname::text END,
    t.typtype::text,
    (CASE a.atttypmod WHEN -1 THEN r.modifier ELSE a.atttypmod END)::text,
    l.collisdeterministic::text
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN resolved AS r ON r.type = a.atttypid
JOIN pg_catalog.pg_type AS t ON t.oid = r.base
LEFT JOIN pg_catalog.pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND NOT pg_catalog.pg_is_other_temp_schema(n.oid)
ORDER BY a.attrelid, a.attnum";

/// type, label.
const ENUM_LABELS: &str = "
SELECT enumtypid::text, enumlabel::text
FROM pg_catalog.pg_enum ORDER BY enumtypid, enumsortorder";

/// relation, column.
const PRIMARY_KEYS: &str = "
SELECT i.indrelid::text, a.attname::text
FROM pg_catalog.pg_index AS i
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indisprimary AND k.position <= i.indnkeyatts
ORDER BY i.indrelid, k.position";

/// constraint, child, parent, child column, parent column, on delete, on update, whether ON
/// DELETE sets only some columns (PostgreSQL 15; read through JSON as older servers lack it).
const FOREIGN_KEYS: &str = "
SELECT f.oid::text, f.conrelid::text, f.confrelid::text, c.attname::text, p.attname::text,
    f.confdeltype::text, f.confupdtype::text,
    (coalesce(pg_catalog.to_jsonb(f) ->> 'confdelsetcols', '') <> '')::text
FROM pg_catalog.pg_constraint AS f
CROSS JOIN LATERAL ROWS FROM (unnest(f.conkey), unnest(f.confkey))
    WITH ORDINALITY AS k (child, parent, position)
JOIN pg_catalog.pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = k.child
JOIN pg_catalog.pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = k.parent
WHERE f.contype = 'f'
ORDER BY f.oid, k.position";

/// child, parent.
const INHERITANCE: &str = "
SELECT inhrelid::text, inhparent::text
FROM pg_catalog.pg_inherits ORDER BY inhrelid, inhseqno";

/// relation, name, type bits, language, function settings, built-in function, body.
///
/// A function whose search path is pinned to the built-in schema, as the manual advises for those
/// that run with their owner's rights, means the same to every caller.
///
/// Functions that a column's default or a CHECK calls run as triggers do, after INSERT and UPDATE
/// (21 has those bits). Those that the database takes for volatile may write, unless they are
/// written in C, or hold no word that writes and no name of another such function.
const TRIGGERS: &str = "
SELECT t.tgrelid::text, t.tgname::text, t.tgtype::text, l.lanname::text,
    CASE WHEN p.proconfig = ARRAY['search_path=pg_catalog, pg_temp'] THEN 'pinned'
        ELSE (p.proconfig IS NOT NULL)::text END,
    CASE p.pronamespace WHEN 'pg_catalog'::regnamespace THEN p.proname::text END,
    p.prosrc
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE NOT t.tgisinternal
UNION ALL
SELECT u.relation::text, p.proname::text, '21', l.lanname::text, (p.proconfig IS NOT NULL)::text,
    NULL, p.prosrc
FROM (
    SELECT 'pg_catalog.pg_attrdef'::regclass AS class, oid, adrelid AS relation
    FROM pg_catalog.pg_attrdef
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::regclass, oid, conrelid
    FROM pg_catalog.pg_constraint WHERE contype = 'c' AND conrelid <> 0
) AS u
JOIN pg_catalog.pg_depend AS d ON d.classid = u.class AND d.objid = u.oid
    AND d.refclassid = 'pg_catalog.pg_proc'::regclass
JOIN pg_catalog.pg_proc AS p ON p.oid = d.refobjid AND p.provolatile = 'v'
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
WHERE p.prosrc = ''
    OR p.prosrc ~* '\\m(insert|update|delete|merge|truncate|copy|call|do|execute|perform)\\M'
    OR EXISTS (SELECT 1 FROM pg_catalog.pg_proc AS other
        JOIN pg_catalog.pg_language AS written ON written.oid = other.prolang
        WHERE other.provolatile = 'v' AND written.lanname NOT IN ('c', 'internal')
            AND other.oid <> p.oid
            AND position(pg_catalog.lower(other.proname::text) IN pg_catalog.lower(p.prosrc)) > 0)
ORDER BY 1, 2";

/// name, volatility. An aggregate is as volatile as the functions that it is made of. Immutable
/// overloads of built-in names that an extension brings for its own types (citext's min and max)
/// are as pure as the built-in ones and left out, else every use of the name would be in doubt.
const FUNCTIONS: &str = "
SELECT pg_catalog.lower(u.name), u.volatility
FROM (
    SELECT p.oid, p.proname::text AS name, CASE
        WHEN p.prokind = 'p' THEN 'v'
        ELSE greatest(p.provolatile::text, s.provolatile::text, f.provolatile::text)
        END AS volatility
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    LEFT JOIN pg_catalog.pg_aggregate AS a ON a.aggfnoid = p.oid
    LEFT JOIN pg_catalog.pg_proc AS s ON s.oid = a.aggtransfn
    LEFT JOIN pg_catalog.pg_proc AS f ON f.oid = a.aggfinalfn
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        AND NOT pg_catalog.pg_is_other_temp_schema(n.oid)
) AS u
WHERE NOT (u.volatility = 'i'
    AND EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = u.oid AND d.deptype = 'e')
    AND EXISTS (SELECT 1 FROM pg_catalog.pg_proc AS b
        WHERE b.pronamespace = 'pg_catalog'::regnamespace AND b.proname = u.name))";

/// name. Only an operator that takes a built-in type, a domain or an enum can be chosen for a
/// comparison that would narrow: those of extension types (citext, hstore, PostGIS) cannot.
const OPERATORS: &str = "
SELECT DISTINCT o.oprname::text
FROM pg_catalog.pg_operator AS o
JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
JOIN pg_catalog.pg_type AS t ON t.oid IN (o.oprleft, o.oprright)
WHERE o.oprname = '=' AND n.nspname <> 'pg_catalog'
    AND n.nspname = ANY (current_schemas(true))
    AND (t.typnamespace = 'pg_catalog'::regnamespace OR t.typtype IN ('d', 'e'))";
