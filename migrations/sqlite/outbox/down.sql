-- Remove the triggers first, by `Outbox::remove`: a table that keeps them takes no writes any more.
DROP TABLE larder_outbox;
