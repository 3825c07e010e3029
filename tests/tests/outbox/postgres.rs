//! What PostgreSQL alone has.

use larder::{CachedConnection, Outbox, RelayConfig, WrapConfig};
use larder_tests::lab::{Backend, Lab};
use sea_orm::{ConnectionTrait, Database, TransactionTrait};

use crate::{
    gate::within,
    site::{READS, Site, ask, install_triggers, run},
};

async fn site() -> Site {
    Site::start(Backend::Postgres).await
}

#[tokio::test]
async fn truncate_is_seen_with_what_it_truncates_along() {
    let site = site().await;
    site.check(
        "a truncate",
        &["TRUNCATE comment"],
        &[READS[0], READS[2], READS[8]],
    )
    .await;
    site.check("a wide truncate", &["TRUNCATE author CASCADE"], &[READS[8]])
        .await;
}

#[tokio::test]
async fn writes_of_marked_connections_are_not_recorded() {
    let site = site().await;
    let separator = if site.lab.url.contains('?') { '&' } else { '?' };
    let url = format!(
        "{}{separator}options=-c%20larder.session%3Don",
        site.lab.url
    );
    let marked = Database::connect(&url).await.unwrap();
    run(&marked, "UPDATE post SET views = 70 WHERE id = 1").await;
    run(&marked, "TRUNCATE comment").await;
    assert_eq!(site.recorded().await, 0);
    // Whoever is not marked is recorded, whatever else it sets.
    run(
        &marked,
        "SET larder.session = 'off'; UPDATE post SET views = 71 WHERE id = 1",
    )
    .await;
    site.outside("UPDATE post SET views = 71 WHERE id = 1")
        .await;
    assert_eq!(site.round().await.rows, 2);
    // A marked connection of larder invalidates by itself.
    let marked = Database::connect(&url).await.unwrap();
    let db = CachedConnection::wrap(&site.lab.larder, marked, WrapConfig::new());
    site.warm().await;
    run(&db, "UPDATE post SET views = 72 WHERE id = 1").await;
    assert_eq!(site.recorded().await, 0);
    assert!(site.is_fresh(READS[0]).await && site.is_hit(READS[1]).await);
}

/// Neither rights on the outbox nor a search_path that finds it are asked of the writer.
#[tokio::test]
async fn every_role_and_search_path_is_recorded() {
    let site = site().await;
    for sql in [
        "DO $$ BEGIN CREATE ROLE outbox_writer; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "GRANT SELECT, UPDATE ON post TO outbox_writer",
        "CREATE SCHEMA mine AUTHORIZATION outbox_writer",
    ] {
        site.outside(sql).await;
    }
    site.warm().await;
    let writer = site.lab.plain.begin().await.unwrap();
    for sql in [
        "SET LOCAL ROLE outbox_writer",
        "CREATE TABLE mine.larder_outbox (x int)",
        "SET LOCAL search_path TO mine",
        "UPDATE public.post SET views = 80 WHERE id = 1",
    ] {
        run(&writer, sql).await;
    }
    writer.commit().await.unwrap();
    assert_eq!(site.round().await.rows, 1);
    assert!(site.is_fresh(READS[0]).await && site.is_hit(READS[1]).await);
}

/// As logical replication writes, and some loaders.
#[tokio::test]
async fn writes_in_the_role_of_a_replica_are_recorded() {
    let site = site().await;
    site.warm().await;
    site.outside(
        "SET session_replication_role = replica; UPDATE post SET views = 80 WHERE id = 1; \
         RESET session_replication_role",
    )
    .await;
    assert_eq!(site.round().await.rows, 1);
    assert!(site.is_fresh(READS[0]).await && site.is_hit(READS[1]).await);
}

/// The function runs with its owner's rights, so nobody else may set it on a table of theirs.
#[tokio::test]
async fn nobody_else_may_use_the_function() {
    let site = site().await;
    for sql in [
        "DO $$ BEGIN CREATE ROLE outbox_stranger; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "CREATE SCHEMA stranger AUTHORIZATION outbox_stranger",
    ] {
        site.outside(sql).await;
    }
    let stranger = site.lab.plain.begin().await.unwrap();
    run(&stranger, "SET LOCAL ROLE outbox_stranger").await;
    run(&stranger, "CREATE TABLE stranger.t (id int)").await;
    let trigger = "CREATE TRIGGER t AFTER INSERT ON stranger.t FOR EACH ROW \
                   EXECUTE FUNCTION public.larder_outbox_record('id')";
    let error = stranger.execute_unprepared(trigger).await.unwrap_err();
    assert!(error.to_string().contains("permission denied"), "{error}");
}

#[tokio::test]
async fn partitions_and_descendants_tell_their_family() {
    let lab = Lab::start_empty(Backend::Postgres).await;
    for sql in [
        "CREATE TABLE item (id int NOT NULL, region int NOT NULL, n int, \
         PRIMARY KEY (id, region)) PARTITION BY LIST (region)",
        "CREATE TABLE item_1 PARTITION OF item FOR VALUES IN (1)",
        "CREATE TABLE item_2 (n int, region int NOT NULL, id int NOT NULL)",
        "ALTER TABLE item ATTACH PARTITION item_2 FOR VALUES IN (2)",
        "CREATE TABLE base (id int PRIMARY KEY, n int)",
        "CREATE TABLE derived (extra int) INHERITS (base)",
    ] {
        run(&lab.plain, sql).await;
    }
    let site = Site::on(lab).await;
    let reads = [
        "SELECT n FROM item WHERE id = 1",
        "SELECT n FROM item WHERE id = 2",
        "SELECT n FROM item_1 WHERE id = 1",
        "SELECT n FROM item_2 WHERE id = 1",
        "SELECT n FROM base WHERE id = 1",
        "SELECT count(*) FROM base",
        "SELECT n FROM derived WHERE id = 1",
    ];
    for (sql, kept) in [
        ("INSERT INTO item VALUES (1, 1, 5)", Some(reads[1])),
        ("INSERT INTO item_2 VALUES (6, 2, 2)", Some(reads[0])),
        ("UPDATE item SET region = 2 WHERE id = 1", Some(reads[1])),
        ("UPDATE item_2 SET n = 9 WHERE id = 1", Some(reads[1])),
        ("DELETE FROM item WHERE id = 2", Some(reads[0])),
        ("TRUNCATE item_2", None),
        ("INSERT INTO derived VALUES (1, 2, 3)", Some(reads[0])),
        ("UPDATE base SET n = 4 WHERE id = 1", Some(reads[0])),
        ("DELETE FROM base", Some(reads[0])),
        ("TRUNCATE base", None),
    ] {
        for read in reads {
            ask(&site.lab.db, read).await;
        }
        site.outside(sql).await;
        site.round().await;
        if let Some(kept) = kept {
            assert!(site.is_hit(kept).await, "{sql} dropped {kept}");
        }
        for read in reads {
            assert!(site.is_fresh(read).await, "{read} after {sql}");
        }
    }
}

/// A trigger that refuses writes because a migration forgot it would be worse than a stale cache.
#[tokio::test]
async fn columns_may_come_go_and_change_under_the_triggers() {
    let site = site().await;
    let read = "SELECT id, views FROM post WHERE author_id = 3 ORDER BY id";
    for sql in [
        "ALTER TABLE post DROP COLUMN title",
        "ALTER TABLE post RENAME COLUMN published TO shown",
        "ALTER TABLE post ALTER COLUMN author_id TYPE bigint",
        "ALTER TABLE post ADD COLUMN author_name text",
    ] {
        site.outside(sql).await;
        assert!(site.is_fresh(read).await);
        site.outside("UPDATE post SET views = views + 1 WHERE id = 1")
            .await;
        site.round().await;
        assert!(site.is_fresh(read).await, "{sql}");
        site.outside("UPDATE post SET author_id = 7 - author_id WHERE id IN (2, 3)")
            .await;
        site.round().await;
        assert!(site.is_fresh(read).await, "{sql}");
    }
    // So may its name, which the trigger reads from the server.
    site.outside("ALTER TABLE post RENAME TO article").await;
    site.lab.db.refresh_catalog().await;
    let read = read.replace("post", "article");
    ask(&site.lab.db, &read).await;
    site.outside("UPDATE article SET views = views + 1 WHERE id = 1")
        .await;
    site.round().await;
    assert!(site.is_fresh(&read).await);
}

#[tokio::test]
async fn a_table_that_the_catalog_does_not_know_yet_drops_everything_and_is_known_soon() {
    let site = site().await;
    site.warm().await;
    site.outside("CREATE TABLE young (id int PRIMARY KEY, n int)")
        .await;
    site.outside(
        "CREATE TRIGGER t AFTER INSERT OR UPDATE ON young FOR EACH ROW \
         EXECUTE FUNCTION larder_outbox_record('id')",
    )
    .await;
    site.outside("INSERT INTO young VALUES (1, 1)").await;
    site.round().await;
    assert!(!site.is_hit(READS[0]).await);
}

/// Values that have no JSON, or too much of it.
#[tokio::test]
async fn rows_that_cannot_be_told_drop_the_record() {
    let lab = Lab::start_empty(Backend::Postgres).await;
    for sql in [
        "CREATE TABLE doc (id int PRIMARY KEY, raw json, n int)",
        "CREATE TABLE page (id int PRIMARY KEY, body text, blob bytea, n int)",
    ] {
        run(&lab.plain, sql).await;
    }
    let site = Site::on(lab).await;
    let reads = [
        "SELECT n FROM doc WHERE id = 1",
        "SELECT n FROM page WHERE id = 1",
        "SELECT n FROM page WHERE body = 'x'",
        "SELECT length(body) FROM page WHERE id = 1",
    ];
    for sql in [
        r#"INSERT INTO doc VALUES (1, '{"a": "\u0000"}', 1)"#,
        "UPDATE doc SET n = 2",
        "INSERT INTO page VALUES (1, 'x', '\\x00', 1)",
        "UPDATE page SET n = 2",
        "UPDATE page SET body = repeat('y', 2000)",
        "UPDATE page SET body = repeat('z', 2000)",
        "UPDATE page SET blob = (SELECT string_agg(sha256(n::text::bytea), '') \
         FROM generate_series(1, 5000) AS n)",
        "UPDATE page SET body = 'x'",
        "UPDATE page SET body = repeat('y', 2000000), n = 3",
        "DELETE FROM page",
        "DELETE FROM doc",
    ] {
        for read in reads {
            assert!(site.is_fresh(read).await, "{read} before {sql}");
        }
        site.outside(sql).await;
        let largest = site
            .truth("SELECT max(length(old_row::text || coalesce(new_row::text, '')))::int FROM larder_outbox")
            .await;
        assert!(
            !format!("{largest:?}").contains("000"),
            "{sql}: {largest:?}"
        );
        site.round().await;
        for read in reads {
            assert!(site.is_fresh(read).await, "{read} after {sql}");
        }
    }
}

/// `lastval()` is how some clients learn the key of the row that they have inserted.
#[tokio::test]
async fn the_writer_finds_its_session_as_it_left_it() {
    let site = site().await;
    let transaction = site.lab.plain.begin().await.unwrap();
    run(&transaction, "INSERT INTO tag (name) VALUES ('new')").await;
    let sql = "SELECT lastval()::int AS last, (SELECT id FROM tag WHERE name = 'new') AS id";
    let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql);
    let row = transaction.query_one_raw(statement).await.unwrap().unwrap();
    let (last, id): (i32, i32) = (
        row.try_get("", "last").unwrap(),
        row.try_get("", "id").unwrap(),
    );
    assert_eq!(last, id);
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn the_outbox_may_live_in_a_schema_of_its_own() {
    let lab = Lab::start(Backend::Postgres).await;
    let outbox = Outbox::new(larder_sql::Dialect::Postgres).in_schema("op's");
    let create = format!(
        "CREATE SCHEMA \"op's\"; SET search_path TO \"op's\"; {}; RESET search_path",
        outbox.create().trim_end().trim_end_matches(';')
    );
    run(&lab.plain, &create).await;
    for table in lab.db.catalog().await.unwrap().tables.values() {
        for sql in outbox.install(table) {
            run(&lab.plain, &sql).await;
        }
    }
    lab.db.refresh_catalog().await;
    let relay = lab.db.relay(RelayConfig::new().schema("op's"));
    let site = Site { lab, relay };
    site.warm().await;
    site.outside("UPDATE post SET views = 90 WHERE id = 1")
        .await;
    assert_eq!(site.round().await.rows, 1);
    assert!(site.is_fresh(READS[0]).await && site.is_hit(READS[1]).await);
    // Own writes are as precise as ever.
    run(&site.lab.db, "UPDATE post SET views = 91 WHERE id = 1").await;
    assert!(site.is_fresh(READS[0]).await && site.is_hit(READS[1]).await);
}

#[tokio::test]
async fn a_listener_wakes_the_relay() {
    let site = site().await;
    let outbox = Outbox::new(larder_sql::Dialect::Postgres);
    site.outside(outbox.create_notify().unwrap()).await;
    install_nothing_more(&site).await;
    // What larder wrote itself was recorded too.
    site.round().await;
    let mut listener = sqlx::postgres::PgListener::connect(&site.lab.url)
        .await
        .unwrap();
    listener.listen("larder_outbox").await.unwrap();
    let hour = std::time::Duration::from_secs(3_600);
    let relay = site.lab.db.relay(RelayConfig::new().poll_interval(hour));
    let waker = relay.waker();
    let running = tokio::spawn(async move { relay.run(std::future::pending()).await });
    site.warm().await;
    site.outside("UPDATE post SET views = 95 WHERE id = 1")
        .await;
    within(listener.recv()).await.unwrap();
    waker.wake();
    within(async {
        while !site.is_fresh(READS[0]).await {
            tokio::task::yield_now().await;
        }
    })
    .await;
    running.abort();
}

/// The trigger that notifies writes no table, and a write of larder's own knows that.
async fn install_nothing_more(site: &Site) {
    site.lab.db.refresh_catalog().await;
    site.warm().await;
    run(&site.lab.db, "UPDATE post SET views = 94 WHERE id = 1").await;
    assert!(site.is_hit(READS[1]).await);
}

#[tokio::test]
async fn triggers_can_be_installed_again_after_a_change() {
    let site = site().await;
    let outbox = Outbox::new(larder_sql::Dialect::Postgres);
    site.outside("ALTER TABLE post ADD COLUMN likes int NOT NULL DEFAULT 0")
        .await;
    let catalog = site.lab.db.catalog().await.unwrap();
    for table in catalog.tables.values() {
        for sql in outbox.remove(table) {
            site.outside(&sql).await;
        }
    }
    install_triggers(&site.lab).await;
    let read = "SELECT id FROM post WHERE likes = 1";
    let other = "SELECT id FROM post WHERE likes = 2";
    for read in [read, other] {
        ask(&site.lab.db, read).await;
    }
    site.outside("UPDATE post SET likes = 1 WHERE id = 1").await;
    site.round().await;
    assert!(site.is_fresh(read).await && site.is_hit(other).await);
}
