-- The outbox of larder (PostgreSQL 13 and later): rows that other programs have written, for a
-- relay to invalidate by. Run it as one text, in the schema that is to hold the outbox; the triggers
-- of each table come from `Outbox::install`.
CREATE TABLE larder_outbox (
    -- Not numbered by a sequence: a trigger that draws from one changes lastval() for the writer.
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    operation text NOT NULL,
    old_row jsonb,
    new_row jsonb,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX larder_outbox_recorded_at ON larder_outbox (recorded_at);

-- The function names the outbox with its schema and runs with the rights of its owner, so that it
-- works for every role and search_path. Its arguments are the columns that an image may tell; a row
-- above 64 KiB has no image, and a value above 1 KiB is left out of it. Nobody else may set it on a
-- table: a type of theirs could bring a cast to JSON that would run with the owner's rights.
DO $install$
BEGIN
    EXECUTE format($create$
CREATE FUNCTION %1$I.larder_outbox_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pg_catalog, pg_temp AS $body$
BEGIN
    IF current_setting('larder.session', true) = 'on' THEN
        RETURN NULL;
    END IF;
    INSERT INTO %1$I.larder_outbox (table_schema, table_name, operation, old_row, new_row)
    VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP,
        (SELECT jsonb_object_agg(key, value)
        FROM jsonb_each(CASE WHEN TG_NARGS > 0 AND pg_column_size(OLD) <= 65536 THEN to_jsonb(OLD) END)
        WHERE key = ANY (TG_ARGV) AND pg_column_size(value) <= 1024),
        (SELECT jsonb_object_agg(key, value)
        FROM jsonb_each(CASE WHEN TG_NARGS > 0 AND pg_column_size(NEW) <= 65536 THEN to_jsonb(NEW) END)
        WHERE key = ANY (TG_ARGV) AND pg_column_size(value) <= 1024));
    RETURN NULL;
END
$body$
    $create$, current_schema());
    EXECUTE format('REVOKE ALL ON FUNCTION %I.larder_outbox_record() FROM PUBLIC', current_schema());
END
$install$;
