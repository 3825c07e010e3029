DROP TRIGGER larder_outbox_notify ON larder_outbox;
DROP FUNCTION larder_outbox_notify();
