-- The outbox of larder (MySQL 8, MariaDB 10.5 and later): rows that other programs have written, for
-- a relay to invalidate by. The triggers of each table come from `Outbox::install`.
CREATE TABLE larder_outbox (
    id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    table_schema varchar(64) NOT NULL,
    table_name varchar(64) NOT NULL,
    operation varchar(8) NOT NULL,
    -- JSON, but text: nobody queries it, and checking it would cost the writer.
    old_row longtext,
    new_row longtext,
    -- In UTC.
    recorded_at datetime(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
