-- Tells `LISTEN larder_outbox` of every transaction that records something. PostgreSQL lets
-- transactions that notify commit one after the other, so this is a choice, and polling the default.
CREATE FUNCTION larder_outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM pg_notify('larder_outbox', '');
    RETURN NULL;
END
$body$;
CREATE TRIGGER larder_outbox_notify AFTER INSERT ON larder_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION larder_outbox_notify();
