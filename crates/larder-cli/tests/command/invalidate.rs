//! `larder invalidate`.

use std::collections::BTreeSet;

use larder_sql::Dialect;
use larder_testkit::server::{self, RedisServer};
use sea_orm::ConnectionTrait;

use crate::lab::{Lab, READS, closed_port, end, patient, snapshot};

fn set(reads: &[&'static str]) -> BTreeSet<&'static str> {
    reads.iter().copied().collect()
}

/// What must drop for each argument, and nothing else.
async fn drops(lab: &Lab, arguments: &[&str], expected: &[&'static str]) {
    lab.fill().await;
    let ended = lab.run(arguments);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(
        lab.dropped().await,
        set(expected),
        "{arguments:?}: {ended:?}"
    );
}

const POSTS: &[&str] = &[
    "drafts",
    "post 1",
    "post 2",
    "posts",
    "posts of 3",
    "posts of 4",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_drops_and_the_rest_stays() {
    let lab = Lab::start(Dialect::Postgres).await;
    drops(&lab, &["invalidate", "tag"], &["tags"]).await;
    // What a key does not tell is dropped: the posts of an author, drafts, the list.
    let by_key = [
        "comments of 1",
        "drafts",
        "post 1",
        "posts",
        "posts of 3",
        "posts of 4",
    ];
    drops(&lab, &["invalidate", "post.1"], &by_key).await;
    let by_author = [
        "comments of 1",
        "comments of 3",
        "drafts",
        "post 1",
        "post 2",
        "posts",
        "posts of 3",
    ];
    let condition = ["invalidate", "post", "--where", "author_id = 3"];
    drops(&lab, &condition, &by_author).await;
    let all_known = "id = 2 AND author_id = 3 AND status = 'draft'";
    let condition = ["invalidate", "public.post", "--where", all_known];
    drops(
        &lab,
        &condition,
        &["drafts", "post 2", "posts", "posts of 3"],
    )
    .await;
    let whole = [POSTS, &["comments of 1", "comments of 3"]].concat();
    drops(&lab, &["invalidate", "post"], &whole).await;
    drops(
        &lab,
        &["invalidate", "post", "--where", "views > 3"],
        &whole,
    )
    .await;
    drops(&lab, &["invalidate", "all"], READS).await;
    // Results that read a view rest on the tables behind it.
    lab.outside("CREATE VIEW draft AS SELECT * FROM post WHERE status = 'draft'")
        .await;
    drops(&lab, &["invalidate", "draft"], &whole).await;
    // What a trigger may write cannot be told from its body: its table reaches every other.
    lab.outside(
        "CREATE FUNCTION any_table() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN EXECUTE 'UPDATE author SET name = name'; RETURN NULL; END $$",
    )
    .await;
    lab.outside(
        "CREATE TRIGGER any_table AFTER UPDATE ON tag FOR EACH ROW EXECUTE FUNCTION any_table()",
    )
    .await;
    drops(&lab, &["invalidate", "tag.1"], READS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stale_is_left_of_a_write_outside_that_is_named() {
    for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
        let lab = Lab::start(dialect).await;
        for (sql, arguments) in [
            (
                "UPDATE post SET views = 50, status = 'archived' WHERE id = 2",
                &["post.2"][..],
            ),
            (
                "INSERT INTO post (id, author_id, title, status, published, views)
                    VALUES (9, 3, 'nine', 'draft', false, 0)",
                &["post.9"],
            ),
            ("DELETE FROM post WHERE id = 3", &["post.3"]),
            (
                "UPDATE post SET title = 'x' WHERE author_id = 3",
                &["post", "--where", "author_id = 3"],
            ),
            (
                "UPDATE author SET name = 'Lovelace' WHERE id = 3",
                &["author.3"],
            ),
            ("DELETE FROM tag", &["tag"]),
        ] {
            lab.fill().await;
            lab.outside(sql).await;
            assert!(
                !lab.stale().await.is_empty(),
                "{dialect:?}: {sql} changes nothing"
            );
            let arguments = [&["invalidate"], arguments].concat();
            let ended = lab.run(&arguments);
            assert_eq!(ended.code, 0, "{dialect:?} {sql}: {ended:?}");
            assert_eq!(lab.stale().await, set(&[]), "{dialect:?}: {sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_by_its_key_drops_at_least_what_any_write_of_it_drops() {
    let lab = Lab::start(Dialect::Postgres).await;
    lab.fill().await;
    assert_eq!(lab.run(&["invalidate", "post.1"]).code, 0);
    let by_hand = lab.dropped().await;
    for sql in [
        "UPDATE post SET views = 6 WHERE id = 1",
        "UPDATE post SET author_id = 4, status = 'draft' WHERE id = 1",
        "DELETE FROM post WHERE id = 1",
        "INSERT INTO post (id, author_id, title) VALUES (1, 3, 'again')",
    ] {
        lab.fill().await;
        lab.db.execute_unprepared(sql).await.unwrap();
        let by_write = lab.dropped().await;
        assert!(!by_write.is_empty(), "{sql}");
        assert!(
            by_write.is_subset(&by_hand),
            "{sql}: {by_write:?}, by hand {by_hand:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_tables_are_found_by_name() {
    let lab = Lab::start(Dialect::Postgres).await;
    lab.fill().await;
    let ended = end(lab.without_database(&["invalidate", "public.tag"]));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(lab.dropped().await, set(&["tags"]));
    let ended = end(lab.without_database(&["invalidate", "post"]));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(lab.dropped().await, set(POSTS));
    snapshot!("invalidate_without_database", ended.text());
    let ended = end(lab.without_database(&["invalidate", "nothing"]));
    assert_eq!(ended.code, 1, "{ended:?}");
    for row in [
        &["invalidate", "post.1"][..],
        &["invalidate", "post", "--where", "id = 1"],
    ] {
        let ended = end(lab.without_database(row));
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains("DATABASE_URL"), "{ended:?}");
    }
    // A walk that ends early has not seen every table.
    let early = ["invalidate", "post", "--scan-max", "0"];
    lab.fill().await;
    fill_redis(3_000);
    let ended = end(lab.without_database(&early));
    assert_eq!(ended.code, 2, "{ended:?}");
    assert_eq!(lab.dropped().await, set(&[]));
}

/// Keys of others, so that one step of a walk does not see all.
fn fill_redis(keys: usize) {
    let redis = server::shared_redis().unwrap();
    for key in 0..keys / 1_000 {
        let names: Vec<String> = (0..1_000).map(|at| format!("other-{key}-{at}")).collect();
        let mut command = vec!["MSET"];
        for name in &names {
            command.extend([name.as_str(), ""]);
        }
        redis.command(&command).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_spread_over_shards_are_dropped_in_all_of_them() {
    let redis = server::shared_redis().unwrap().url();
    let lab = Lab::on(Dialect::Postgres, &redis, "&table_shards=3").await;
    drops(&lab, &["invalidate", "tag"], &["tags"]).await;
    lab.fill().await;
    // The layout is seen in the store, whatever the URL says.
    for mut other in [
        lab.without_database(&["invalidate", "tag"]),
        lab.command(&["invalidate", "tag"]),
        lab.command(&["invalidate", "tag", "--where", "id = 1"]),
    ] {
        lab.fill().await;
        other.env("LARDER_STORE", patient(&redis));
        let ended = end(other);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_eq!(lab.dropped().await, set(&["tags"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_source_is_pointed_out() {
    let lab = Lab::start(Dialect::Postgres).await;
    lab.fill().await;
    let ended = lab.run(&["invalidate", "tag", "--source", "other"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.out.contains("give --source"), "{ended:?}");
    assert_eq!(lab.dropped().await, set(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_is_told() {
    let lab = Lab::start(Dialect::Postgres).await;
    lab.fill().await;
    snapshot!("invalidate_row", lab.run(&["invalidate", "post.1"]).text());
    lab.fill().await;
    let where_author = ["invalidate", "post", "--where", "author_id = 3", "--json"];
    snapshot!("invalidate_where_json", lab.run(&where_author).text());
    let untold = ["invalidate", "tag", "--where", "name LIKE 'r%'"];
    snapshot!("invalidate_untold", lab.run(&untold).text());
    snapshot!("invalidate_again", lab.run(&["invalidate", "tag"]).text());
    snapshot!(
        "invalidate_unknown",
        lab.run(&["invalidate", "posts"]).text()
    );
    snapshot!(
        "invalidate_pair",
        lab.run(&["invalidate", "post_tag.1"]).text()
    );
    snapshot!("invalidate_all", lab.run(&["invalidate", "all"]).text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_refuses_is_never_called_done() {
    let redis = RedisServer::start().unwrap();
    let lab = Lab::on(Dialect::Postgres, &redis.url(), "").await;
    lab.fill().await;
    let user = [
        "ACL", "SETUSER", "reader", "on", ">word", "~*", "+@read", "+info", "+wait",
    ];
    redis.command(&user).unwrap();
    let url = format!("redis://reader:word@127.0.0.1:{}/", redis.port());
    for (arguments, knows_database) in [
        (&["invalidate", "all"][..], true),
        (&["invalidate", "tag"], true),
        (&["invalidate", "post.1"], true),
        (&["invalidate", "tag"], false),
    ] {
        let mut command = match knows_database {
            true => lab.command(arguments),
            false => lab.without_database(arguments),
        };
        command.env("LARDER_STORE", patient(&url));
        let ended = end(command);
        assert_eq!(ended.code, 3, "{ended:?}");
        assert!(ended.err.contains("has not acknowledged"), "{ended:?}");
        assert!(ended.out.is_empty(), "{ended:?}");
    }
    assert_eq!(lab.dropped().await, set(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_not_there_have_exit_codes() {
    let lab = Lab::start(Dialect::Postgres).await;
    lab.fill().await;
    let mut dead_store = lab.command(&["invalidate", "all"]);
    dead_store.env(
        "LARDER_STORE",
        format!("redis://127.0.0.1:{}/", closed_port()),
    );
    let ended = end(dead_store);
    assert_eq!(ended.code, 3, "{ended:?}");
    snapshot!("dead_store", ended.text());
    let mut dead_database = lab.command(&["invalidate", "post"]);
    let url = format!("postgres://app:word@127.0.0.1:{}/shop", closed_port());
    dead_database.env("DATABASE_URL", url);
    let ended = end(dead_database);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(!ended.err.contains("word"), "{ended:?}");
    assert_eq!(lab.dropped().await, set(&[]));
}
