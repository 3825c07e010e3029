-- The blog and the shop that tests, examples and benches share (MariaDB, MySQL).
-- The collation compares byte by byte without padding, so that text conditions narrow.
-- MySQL 8 calls it utf8mb4_0900_bin.
CREATE TABLE author (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name varchar(200) NOT NULL,
    email varchar(200) UNIQUE,
    active boolean NOT NULL DEFAULT true,
    joined_on date NOT NULL DEFAULT '2026-01-01'
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE post (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
    author_id int NOT NULL,
    title varchar(200) NOT NULL,
    body text,
    status ENUM ('draft', 'published', 'archived') NOT NULL DEFAULT 'draft',
    published boolean NOT NULL DEFAULT false,
    views int NOT NULL DEFAULT 0,
    created_at datetime(6) NOT NULL DEFAULT '2026-01-01 00:00:00',
    FOREIGN KEY (author_id) REFERENCES author (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;
CREATE INDEX post_author ON post (author_id);

CREATE TABLE comment (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
    post_id int NOT NULL,
    author_id int,
    body text NOT NULL,
    approved boolean NOT NULL DEFAULT false,
    created_at datetime(6) NOT NULL DEFAULT '2026-01-01 00:00:00',
    FOREIGN KEY (post_id) REFERENCES post (id) ON DELETE CASCADE ON UPDATE CASCADE,
    FOREIGN KEY (author_id) REFERENCES author (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;
CREATE INDEX comment_post ON comment (post_id);

CREATE TABLE tag (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name varchar(50) NOT NULL UNIQUE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE post_tag (
    post_id int NOT NULL,
    tag_id int NOT NULL,
    PRIMARY KEY (post_id, tag_id),
    FOREIGN KEY (post_id) REFERENCES post (id) ON DELETE CASCADE,
    FOREIGN KEY (tag_id) REFERENCES tag (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE customer (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name varchar(200) NOT NULL,
    email varchar(200) NOT NULL UNIQUE,
    vip boolean NOT NULL DEFAULT false,
    credit decimal(10, 2),
    referred_by int,
    FOREIGN KEY (referred_by) REFERENCES customer (id) ON DELETE SET NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE friendship (
    customer_id int NOT NULL,
    friend_id int NOT NULL,
    PRIMARY KEY (customer_id, friend_id),
    FOREIGN KEY (customer_id) REFERENCES customer (id) ON DELETE CASCADE,
    FOREIGN KEY (friend_id) REFERENCES customer (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE product (
    id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
    sku varchar(40) NOT NULL UNIQUE,
    name varchar(200) NOT NULL,
    price decimal(10, 2) NOT NULL,
    stock int NOT NULL DEFAULT 0,
    discontinued boolean NOT NULL DEFAULT false
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;

CREATE TABLE `order` (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer_id int NOT NULL,
    status varchar(20) NOT NULL DEFAULT 'open',
    note text,
    placed_at datetime(6) NOT NULL DEFAULT '2026-01-01 00:00:00',
    FOREIGN KEY (customer_id) REFERENCES customer (id) ON DELETE RESTRICT
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;
CREATE INDEX order_customer ON `order` (customer_id);

CREATE TABLE order_line (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    order_id bigint NOT NULL,
    product_id int NOT NULL,
    quantity int NOT NULL,
    unit_price decimal(10, 2) NOT NULL,
    FOREIGN KEY (order_id) REFERENCES `order` (id) ON DELETE CASCADE,
    FOREIGN KEY (product_id) REFERENCES product (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_nopad_bin;
CREATE INDEX order_line_order ON order_line (order_id);
