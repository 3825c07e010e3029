//! The SQL that describes a SQLite database (3.37 and later).

use crate::introspect::CatalogQuery;

pub(super) const QUERIES: &[CatalogQuery] = &[
    query("session", SESSION, false),
    query("databases", DATABASES, false),
    query("tables", TABLES, false),
    query("columns", COLUMNS, false),
    query("view_columns", VIEW_COLUMNS, true),
    query("foreign_keys", FOREIGN_KEYS, false),
    query("definitions", DEFINITIONS, false),
];

pub(super) const IDENTITY: CatalogQuery = query(
    "identity",
    "SELECT CAST(file AS TEXT) FROM pragma_database_list WHERE name = 'main'",
    false,
);

const fn query(name: &'static str, sql: &'static str, optional: bool) -> CatalogQuery {
    CatalogQuery {
        name,
        sql,
        optional,
    }
}

/// name, value.
const SESSION: &str = "
SELECT 'version', sqlite_version()
UNION ALL SELECT 'encoding', (SELECT encoding FROM pragma_encoding)
UNION ALL SELECT 'foreign_keys', (SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys)
UNION ALL SELECT 'read_uncommitted',
    (SELECT CAST(read_uncommitted AS TEXT) FROM pragma_read_uncommitted)
UNION ALL SELECT 'reverse_unordered_selects',
    (SELECT CAST(reverse_unordered_selects AS TEXT) FROM pragma_reverse_unordered_selects)";

/// name, in lookup order: temp comes first.
const DATABASES: &str = "
SELECT CAST(name AS TEXT) FROM pragma_database_list ORDER BY name <> 'temp', seq";

/// schema, name, type, without rowid.
const TABLES: &str = "
SELECT CAST(schema AS TEXT), CAST(name AS TEXT), CAST(type AS TEXT), CAST(wr AS TEXT)
FROM pragma_table_list";

/// schema, table, name, declared type, not null, default, place in the primary key, hidden.
const COLUMNS: &str = "
SELECT CAST(t.schema AS TEXT), CAST(t.name AS TEXT), CAST(c.name AS TEXT), CAST(c.type AS TEXT),
    CAST(c.\"notnull\" AS TEXT), CAST(c.dflt_value AS TEXT), CAST(c.pk AS TEXT),
    CAST(c.hidden AS TEXT)
FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name, t.schema) AS c
WHERE t.type = 'table' AND t.schema = 'main'
ORDER BY t.name, c.cid";

/// As for tables; fails when one view is broken.
const VIEW_COLUMNS: &str = "
SELECT CAST(t.schema AS TEXT), CAST(t.name AS TEXT), CAST(c.name AS TEXT), CAST(c.type AS TEXT),
    CAST(c.\"notnull\" AS TEXT), CAST(c.dflt_value AS TEXT), CAST(c.pk AS TEXT),
    CAST(c.hidden AS TEXT)
FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name, t.schema) AS c
WHERE t.type = 'view' AND t.schema = 'main'
ORDER BY t.name, c.cid";

/// table, number, column, parent, parent column (NULL = its primary key), on delete, on update.
const FOREIGN_KEYS: &str = "
SELECT CAST(t.name AS TEXT), CAST(k.id AS TEXT), CAST(k.\"from\" AS TEXT),
    CAST(k.\"table\" AS TEXT), CAST(k.\"to\" AS TEXT), CAST(k.on_delete AS TEXT),
    CAST(k.on_update AS TEXT)
FROM pragma_table_list AS t JOIN pragma_foreign_key_list(t.name, t.schema) AS k
WHERE t.type = 'table' AND t.schema = 'main'
ORDER BY t.name, k.id, k.seq";

/// schema, type, name, table, SQL.
const DEFINITIONS: &str = "
SELECT 'main', CAST(type AS TEXT), CAST(name AS TEXT), CAST(tbl_name AS TEXT), CAST(sql AS TEXT)
FROM main.sqlite_master WHERE type IN ('table', 'view', 'trigger')
UNION ALL
SELECT 'temp', CAST(type AS TEXT), CAST(name AS TEXT), CAST(tbl_name AS TEXT), CAST(sql AS TEXT)
FROM temp.sqlite_master WHERE type = 'trigger'";
