-- Fails while triggers of a table are left: remove them first, by `Outbox::remove`.
DROP FUNCTION larder_outbox_record();
DROP TABLE larder_outbox;
