//! Every way of writing past the cache.

use larder_tests::lab::{Backend, Lab};
use sea_orm::TransactionTrait;

use crate::{
    on_each,
    site::{READS, Site, dialect, run},
};

on_each!(
    writes_outside_are_seen_and_drop_no_more_than_they_must,
    what_is_rolled_back_is_not_recorded,
    a_statement_that_touches_many_rows_is_told_in_batches,
    tables_of_any_shape_can_be_recorded,
    odd_values_do_no_harm,
    a_change_that_the_database_calls_equal_is_a_change,
    the_outbox_is_never_cached,
);

const POST_1: &str = READS[0];
const POST_2: &str = READS[1];
const OF_AUTHOR_3: &str = READS[2];
const OF_AUTHOR_4: &str = READS[3];
const OF_AUTHOR_5: &str = READS[4];
const COMMENTS_OF_1: &str = READS[5];
const COMMENTS_OF_3: &str = READS[6];
const POSTS: &str = READS[7];
const TAGS: &str = READS[8];
const AUTHOR_3: &str = READS[9];
const LINES: &str = READS[11];

async fn writes_outside_are_seen_and_drop_no_more_than_they_must(backend: Backend) {
    let site = Site::start(backend).await;
    // SQLite's INSERT and UPDATE cannot tell what they have replaced, nor what goes with it.
    let sqlite = backend == Backend::Sqlite;
    let precise = |kept: &[&'static str]| match sqlite {
        true => vec![TAGS, AUTHOR_3, LINES],
        false => [kept, &[TAGS, AUTHOR_3, LINES]].concat(),
    };
    for (what, sql, kept) in [
        (
            "an insert",
            "INSERT INTO post (id, author_id, title) VALUES (6, 4, 'six')",
            precise(&[
                POST_1,
                POST_2,
                OF_AUTHOR_3,
                OF_AUTHOR_5,
                COMMENTS_OF_1,
                COMMENTS_OF_3,
            ]),
        ),
        (
            "an update of a watched column",
            "UPDATE post SET views = views + 1 WHERE id = 1",
            precise(&[POST_2, OF_AUTHOR_4, OF_AUTHOR_5, POSTS, COMMENTS_OF_1]),
        ),
        (
            "an update of a condition column",
            "UPDATE post SET author_id = 4 WHERE id = 1",
            precise(&[POST_2, OF_AUTHOR_5, POSTS, COMMENTS_OF_1, COMMENTS_OF_3]),
        ),
        (
            "a delete with a cascade",
            "DELETE FROM post WHERE id = 3",
            vec![
                POST_1,
                POST_2,
                OF_AUTHOR_3,
                OF_AUTHOR_5,
                COMMENTS_OF_1,
                TAGS,
                AUTHOR_3,
                LINES,
            ],
        ),
        (
            "a changed key with a cascade",
            "UPDATE post SET id = 11 WHERE id = 1",
            precise(&[POST_2, OF_AUTHOR_5, COMMENTS_OF_3]),
        ),
        (
            "a delete that sets NULL",
            "DELETE FROM author WHERE id = 5 AND id NOT IN (SELECT author_id FROM post)",
            vec![POST_1, POSTS, TAGS],
        ),
        (
            "a statement without effect",
            "UPDATE tag SET name = name WHERE id = 1",
            vec![POST_1, LINES],
        ),
    ] {
        if sql.starts_with("UPDATE post SET id") {
            // Its key follows no change.
            site.outside("DELETE FROM post_tag").await;
            site.round().await;
        }
        if sql.starts_with("DELETE FROM author") {
            site.outside("UPDATE post SET author_id = 4 WHERE author_id = 5")
                .await;
            site.round().await;
        }
        site.check(what, &[sql], &kept).await;
    }
    let upsert = match backend {
        Backend::MariaDb => {
            "INSERT INTO post (id, author_id, title) VALUES (2, 5, 'two')
             ON DUPLICATE KEY UPDATE author_id = 5"
        }
        _ => {
            "INSERT INTO post (id, author_id, title) VALUES (2, 5, 'two')
             ON CONFLICT (id) DO UPDATE SET author_id = 5"
        }
    };
    site.outside("INSERT INTO author (id, name) VALUES (5, 'Edsger')")
        .await;
    site.round().await;
    site.check(
        "an upsert",
        &[upsert],
        &precise(&[POST_1, OF_AUTHOR_4, COMMENTS_OF_3]),
    )
    .await;
    if backend != Backend::Postgres {
        // Another row goes, by a key that the statement does not look up.
        site.outside("UPDATE author SET email = 'e@example.org' WHERE id = 5")
            .await;
        site.outside("DELETE FROM comment WHERE author_id = 5")
            .await;
        site.outside("UPDATE post SET author_id = 3 WHERE author_id = 5")
            .await;
        site.round().await;
        let replace = "REPLACE INTO author (id, name, email) VALUES (9, 'New', 'e@example.org')";
        site.check("a replace", &[replace], &[LINES]).await;
        assert_eq!(site.truth("SELECT id FROM author WHERE id = 5").await, []);
    }
}

async fn what_is_rolled_back_is_not_recorded(backend: Backend) {
    let site = Site::start(backend).await;
    site.warm().await;
    let transaction = site.lab.plain.begin().await.unwrap();
    run(&transaction, "UPDATE post SET views = 100 WHERE id = 1").await;
    run(&transaction, "DELETE FROM comment").await;
    transaction.rollback().await.unwrap();
    let round = site.relay.round().await.unwrap();
    assert_eq!((round.rows, round.outcome), (0, larder::RelayOutcome::Idle));
    for read in READS {
        assert!(site.is_hit(read).await, "{read}");
    }
}

async fn a_statement_that_touches_many_rows_is_told_in_batches(backend: Backend) {
    let site = Site::start(backend).await;
    for number in 0..25 {
        let sql = format!(
            "INSERT INTO tag (id, name) VALUES ({}, 'tag {number}')",
            100 + number
        );
        site.outside(&sql).await;
    }
    site.warm().await;
    let relay = site.lab.db.relay(larder::RelayConfig::new().rows_max(10));
    let mut rounds = Vec::new();
    for _ in 0..4 {
        let round = relay.round().await.unwrap();
        rounds.push((round.rows, round.more));
    }
    assert_eq!(rounds, [(10, true), (10, true), (5, false), (0, false)]);
    assert!(site.is_fresh(TAGS).await);
    // More rows of one table than are told apart drop its record, and nothing else.
    site.warm().await;
    for number in 0..100 {
        let name = |row: usize| format!("({}, 'more {row}')", 1_000 + row);
        let rows: Vec<String> = (0..100).map(|row| name(number * 100 + row)).collect();
        site.outside(&format!(
            "INSERT INTO tag (id, name) VALUES {}",
            rows.join(",")
        ))
        .await;
    }
    let relay = site
        .lab
        .db
        .relay(larder::RelayConfig::new().rows_max(10_000));
    assert_eq!(relay.round().await.unwrap().rows, 10_000);
    assert!(site.is_hit(POST_1).await && site.is_fresh(TAGS).await);
}

/// Names in quotes, no primary key, keys of several columns, more columns than a function takes.
async fn tables_of_any_shape_can_be_recorded(backend: Backend) {
    let lab = Lab::start(backend).await;
    let quote = if backend == Backend::MariaDb {
        '`'
    } else {
        '"'
    };
    let q = |name: &str| format!("{quote}{name}{quote}");
    let wide: Vec<String> = (0..150).map(|column| format!("c{column} int")).collect();
    let odd = q("Or der's \\ é");
    for sql in [
        format!(
            "CREATE TABLE {odd} ({} int, {} int, {} int)",
            q("i d"),
            q("it's"),
            q("delete")
        ),
        "CREATE TABLE pair (a int NOT NULL, b int NOT NULL, n int, PRIMARY KEY (b, a))".to_owned(),
        format!(
            "CREATE TABLE wide ({}, id int NOT NULL PRIMARY KEY)",
            wide.join(", ")
        ),
        format!("CREATE TABLE {} (id int)", "x".repeat(60)),
        format!("CREATE TABLE {} (id int)", "x".repeat(61)),
    ] {
        run(&lab.plain, &sql).await;
    }
    let site = Site::on(lab).await;
    let reads = [
        format!("SELECT * FROM {odd} WHERE {} = 1", q("i d")),
        format!("SELECT {} FROM {odd} WHERE {} = 7", q("i d"), q("delete")),
        "SELECT n FROM pair WHERE a = 1 AND b = 2".to_owned(),
        "SELECT c149 FROM wide WHERE id = 1".to_owned(),
        format!("SELECT id FROM {} WHERE id = 1", "x".repeat(60)),
        format!("SELECT id FROM {} WHERE id = 1", "x".repeat(61)),
    ];
    for sql in [
        format!("INSERT INTO {odd} VALUES (1, 2, 7)"),
        format!("UPDATE {odd} SET {} = 3", q("it's")),
        format!("DELETE FROM {odd}"),
        "INSERT INTO pair VALUES (1, 2, 3)".to_owned(),
        "UPDATE pair SET n = 4 WHERE b = 2".to_owned(),
        "INSERT INTO wide (id, c149) VALUES (1, 1)".to_owned(),
        "UPDATE wide SET c149 = 2".to_owned(),
        "DELETE FROM wide".to_owned(),
        format!("INSERT INTO {} VALUES (1)", "x".repeat(60)),
        format!("INSERT INTO {} VALUES (1)", "x".repeat(61)),
    ] {
        for read in &reads {
            assert!(
                site.is_fresh(read).await,
                "{backend:?}: {read} before {sql}"
            );
        }
        site.outside(&sql).await;
        let stale = reads_that_are_stale(&site, &reads).await;
        assert!(!stale.is_empty(), "{backend:?}: {sql} changes no read");
        site.round().await;
        for read in &reads {
            assert!(site.is_fresh(read).await, "{backend:?}: {read} after {sql}");
        }
    }
}

async fn reads_that_are_stale<'a>(site: &Site, reads: &'a [String]) -> Vec<&'a str> {
    let mut stale = Vec::new();
    for read in reads {
        if !site.is_fresh(read).await {
            stale.push(read.as_str());
        }
    }
    stale
}

/// What an image cannot hold must neither fail the write nor be told wrongly.
async fn odd_values_do_no_harm(backend: Backend) {
    let lab = Lab::start_empty(backend).await;
    let (text, bytes) = match backend {
        Backend::Sqlite => ("text", "blob"),
        Backend::Postgres => ("text", "bytea"),
        Backend::MariaDb => (
            "varchar(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin",
            "blob",
        ),
    };
    run(
        &lab.plain,
        &format!(
            "CREATE TABLE odd (id int NOT NULL PRIMARY KEY, t {text}, b {bytes}, d date, \
             n decimal(12,2), f double precision, big bigint)"
        ),
    )
    .await;
    let site = Site::on(lab).await;
    let long = "x".repeat(300);
    let texts = [
        "'a\"b\\\\c'",
        "'é😀'",
        "''",
        "' '",
        "'{}'",
        "'0'",
        "NULL",
        &format!("'{long}'"),
    ];
    for (position, text) in texts.iter().enumerate() {
        let read = match *text {
            "NULL" => "SELECT id FROM odd WHERE t IS NULL ORDER BY id".to_owned(),
            text => format!("SELECT id FROM odd WHERE t = {text} ORDER BY id"),
        };
        let steps = [
            format!(
                "INSERT INTO odd (id, t, big) VALUES ({position}, {text}, -9223372036854775808)"
            ),
            format!("UPDATE odd SET t = 'other' WHERE id = {position}"),
            format!("UPDATE odd SET t = {text}, n = 1.5, d = '2024-02-29' WHERE id = {position}"),
            format!("DELETE FROM odd WHERE id = {position}"),
        ];
        for sql in steps {
            assert!(site.is_fresh(&read).await);
            site.outside(&sql).await;
            site.round().await;
            assert!(
                site.is_fresh(&read).await,
                "{backend:?}: {read} after {sql}"
            );
        }
    }
    if backend == Backend::Sqlite {
        // Any column holds values of any class, and text need not be text.
        let values = [
            "x'00ff'",
            "CAST(x'61ff62' AS TEXT)",
            "'a' || char(0) || 'b'",
            "1.5",
            "'5'",
        ];
        for value in values {
            for column in ["t", "b", "d", "n", "big"] {
                let insert = format!("INSERT INTO odd (id, {column}) VALUES ({value}, {value})");
                site.outside(&insert).await;
                site.outside("UPDATE odd SET f = 1").await;
                site.outside("DELETE FROM odd").await;
                site.round().await;
                assert_eq!(site.recorded().await, 0, "{insert}");
            }
        }
    }
}

/// Collations compare by case and padding, decimals by value; results show the difference.
async fn a_change_that_the_database_calls_equal_is_a_change(backend: Backend) {
    let lab = Lab::start(backend).await;
    if backend == Backend::Postgres {
        // Without a scale, it keeps the zeros that it was given.
        run(
            &lab.plain,
            "ALTER TABLE customer ALTER COLUMN credit TYPE numeric",
        )
        .await;
    }
    let site = Site::on(lab).await;
    let reads = [
        "SELECT id, title FROM post ORDER BY id",
        "SELECT id, body FROM post ORDER BY id",
        "SELECT id, name FROM tag ORDER BY id",
        "SELECT id, credit FROM customer ORDER BY id",
    ];
    let long = "x".repeat(400);
    let ends = |end: &str| format!("UPDATE post SET body = '{long}{end}' WHERE id = 1");
    let writes = [
        "UPDATE post SET title = 'One' WHERE id = 1".to_owned(),
        "UPDATE post SET title = 'One ' WHERE id = 1".to_owned(),
        "UPDATE post SET title = 'Öne' WHERE id = 1".to_owned(),
        "UPDATE tag SET name = 'RUST' WHERE id = 1".to_owned(),
        ends("a"),
        ends("b"),
        "UPDATE post SET body = NULL WHERE id = 1".to_owned(),
        "UPDATE post SET body = '?' WHERE id = 1".to_owned(),
        "UPDATE customer SET credit = 10.25 WHERE id = 1".to_owned(),
        "UPDATE customer SET credit = 10.250 WHERE id = 1".to_owned(),
    ];
    for sql in &writes {
        for read in reads {
            assert!(site.is_fresh(read).await);
        }
        site.outside(sql).await;
        site.round().await;
        for read in reads {
            assert!(site.is_fresh(read).await, "{backend:?}: {read} after {sql}");
        }
    }
}

async fn the_outbox_is_never_cached(backend: Backend) {
    let site = Site::start(backend).await;
    for read in [
        "SELECT count(*) FROM larder_outbox",
        "SELECT post.id FROM post LEFT JOIN larder_outbox ON larder_outbox.table_name = 'x'",
    ] {
        crate::site::ask(&site.lab.db, read).await;
        assert!(!site.is_hit(read).await, "{:?} {read}", dialect(backend));
    }
    // Nor does larder's own write to it fail or spread.
    site.warm().await;
    run(&site.lab.db, "DELETE FROM larder_outbox").await;
    assert!(site.is_hit(POST_1).await);
}

/// Whatever database the writer is in, the trigger is at home.
#[tokio::test]
async fn a_write_from_another_database_is_seen_on_mariadb() {
    let site = Site::start(Backend::MariaDb).await;
    let elsewhere = larder_testkit::server::shared_mariadb()
        .unwrap()
        .create_database()
        .unwrap();
    let elsewhere = sea_orm::Database::connect(elsewhere).await.unwrap();
    let (_, home) = site.lab.url.rsplit_once('/').unwrap();
    site.warm().await;
    run(
        &elsewhere,
        &format!("UPDATE {home}.post SET views = 99 WHERE id = 1"),
    )
    .await;
    assert_eq!(site.round().await.rows, 1);
    assert!(site.is_fresh(POST_1).await && site.is_hit(POST_2).await);
}

/// A handle whose session was changed reads no catalog any more.
#[tokio::test]
async fn a_relay_on_a_bypassed_handle_drops_everything() {
    let site = Site::start(Backend::Sqlite).await;
    let other = site.lab.another_handle().await;
    run(&other, "SELECT 1").await;
    run(&other, "PRAGMA case_sensitive_like = on").await;
    site.warm().await;
    site.outside("DELETE FROM post WHERE id = 5").await;
    let round = other
        .relay(larder::RelayConfig::new())
        .round()
        .await
        .unwrap();
    assert_eq!(round.rows, 1);
    assert!(!site.is_hit(TAGS).await && site.is_fresh(POSTS).await);
}

/// `REPLACE` deletes the row that it replaces, and with it what cascades from that.
async fn replaces_with_a_cascade(backend: Backend) {
    let site = Site::start(backend).await;
    // The triggers of the child would tell as well.
    let catalog = site.lab.db.catalog().await.unwrap();
    for table in catalog
        .tables
        .values()
        .filter(|table| &*table.name.name == "comment")
    {
        for sql in larder::Outbox::new(dialect(backend)).remove(table) {
            site.outside(&sql).await;
        }
    }
    site.lab.db.refresh_catalog().await;
    let replace = "REPLACE INTO post (id, author_id, title) VALUES (1, 4, 'again')";
    site.check(
        "a replace with a cascade",
        &[replace],
        &[TAGS, AUTHOR_3, LINES],
    )
    .await;
    assert_eq!(site.truth(COMMENTS_OF_1).await, []);
}

#[tokio::test]
async fn a_replaced_row_takes_its_cascade_along_on_sqlite() {
    replaces_with_a_cascade(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_replaced_row_takes_its_cascade_along_on_mariadb() {
    replaces_with_a_cascade(Backend::MariaDb).await;
}

/// The form of what a trigger tells does not rest on what the column has become since.
#[tokio::test]
async fn a_column_may_get_another_type_under_the_triggers_on_mariadb() {
    let lab = Lab::start_empty(Backend::MariaDb).await;
    let create = "CREATE TABLE odd (id int NOT NULL PRIMARY KEY, n int, t varchar(400) \
                  CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, \
                  b varchar(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin)";
    run(&lab.plain, create).await;
    let site = Site::on(lab).await;
    let reads = [
        "SELECT id FROM odd WHERE t = 'abc'",
        "SELECT id FROM odd WHERE t = '616263'",
        "SELECT id FROM odd WHERE n = '\u{65e5}\u{672c}'",
        "SELECT id, b FROM odd WHERE id = 1",
    ];
    site.outside(
        "ALTER TABLE odd MODIFY t varchar(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, \
         MODIFY n varchar(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, \
         MODIFY b varchar(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    )
    .await;
    site.lab.db.refresh_catalog().await;
    let long = "x".repeat(300);
    for sql in [
        "INSERT INTO odd (id, t) VALUES (1, 'abc')".to_owned(),
        "UPDATE odd SET t = 'def'".to_owned(),
        "UPDATE odd SET t = 'abc'".to_owned(),
        "UPDATE odd SET n = '\u{65e5}\u{672c}'".to_owned(),
        "UPDATE odd SET n = '\u{65e5}'".to_owned(),
        format!("UPDATE odd SET b = '{long}a'"),
        format!("UPDATE odd SET b = '{long}b'"),
        "DELETE FROM odd".to_owned(),
    ] {
        for read in reads {
            assert!(site.is_fresh(read).await);
        }
        site.outside(&sql).await;
        site.round().await;
        for read in reads {
            assert!(site.is_fresh(read).await, "{read} after {sql}");
        }
    }
}
