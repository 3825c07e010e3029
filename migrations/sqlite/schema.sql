-- The blog and the shop that tests, examples and benches share (SQLite).
CREATE TABLE author (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    name text NOT NULL,
    email varchar(200) UNIQUE,
    active boolean NOT NULL DEFAULT true,
    joined_on date_text NOT NULL DEFAULT '2026-01-01'
);

CREATE TABLE post (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    author_id integer NOT NULL REFERENCES author (id),
    title text NOT NULL,
    body text,
    status text NOT NULL DEFAULT 'draft',
    published boolean NOT NULL DEFAULT false,
    views integer NOT NULL DEFAULT 0,
    created_at datetime_text NOT NULL DEFAULT '2026-01-01 00:00:00'
);
CREATE INDEX post_author ON post (author_id);

CREATE TABLE comment (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    post_id integer NOT NULL REFERENCES post (id) ON DELETE CASCADE ON UPDATE CASCADE,
    author_id integer REFERENCES author (id) ON DELETE SET NULL,
    body text NOT NULL,
    approved boolean NOT NULL DEFAULT false,
    created_at datetime_text NOT NULL DEFAULT '2026-01-01 00:00:00'
);
CREATE INDEX comment_post ON comment (post_id);

CREATE TABLE tag (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    name varchar(50) NOT NULL UNIQUE
);

CREATE TABLE post_tag (
    post_id integer NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    tag_id integer NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    PRIMARY KEY (post_id, tag_id)
);

CREATE TABLE customer (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    name text NOT NULL,
    email varchar(200) NOT NULL UNIQUE,
    vip boolean NOT NULL DEFAULT false,
    credit real,
    referred_by integer REFERENCES customer (id) ON DELETE SET NULL
);

CREATE TABLE friendship (
    customer_id integer NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    friend_id integer NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    PRIMARY KEY (customer_id, friend_id)
);

CREATE TABLE product (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    sku varchar(40) NOT NULL UNIQUE,
    name text NOT NULL,
    price real NOT NULL,
    stock integer NOT NULL DEFAULT 0,
    discontinued boolean NOT NULL DEFAULT false
);

CREATE TABLE "order" (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    customer_id integer NOT NULL REFERENCES customer (id) ON DELETE RESTRICT,
    status varchar(20) NOT NULL DEFAULT 'open',
    note text,
    placed_at timestamp_with_timezone_text NOT NULL DEFAULT '2026-01-01 00:00:00+00:00'
);
CREATE INDEX order_customer ON "order" (customer_id);

CREATE TABLE order_line (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    order_id bigint NOT NULL REFERENCES "order" (id) ON DELETE CASCADE,
    product_id integer NOT NULL REFERENCES product (id),
    quantity integer NOT NULL,
    unit_price real NOT NULL
);
CREATE INDEX order_line_order ON order_line (order_id);
