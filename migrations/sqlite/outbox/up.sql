-- The outbox of larder (SQLite 3.38 and later): rows that other programs have written, for a relay
-- to invalidate by. The triggers of each table come from `Outbox::install`.
CREATE TABLE larder_outbox (
    -- AUTOINCREMENT: a number that is used again could be trimmed before it was applied.
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    operation text NOT NULL,
    old_row text,
    new_row text,
    -- Microseconds since 1970.
    recorded_at integer NOT NULL
        DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000.0 AS integer))
);
