//! `larder explain`.

use larder_sql::Dialect;

use crate::lab::{Lab, bare, command, end, snapshot};

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_explained_with_what_it_rests_on_and_what_drops_it() {
    let lab = Lab::start(Dialect::Postgres).await;
    let sql = "SELECT id, title FROM post WHERE author_id = $1 AND views > 3";
    let said = lab.run(&["explain", sql, "--param", "3"]);
    snapshot!("explain_read", said.text());
    let json = lab.run(&["explain", sql, "--param", "3", "--json"]);
    snapshot!("explain_read_json", json.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_not_cached_says_why_and_what_to_do() {
    let lab = Lab::start(Dialect::Postgres).await;
    let said = lab.run(&["explain", "SELECT id FROM post WHERE created_at < now()"]);
    snapshot!("explain_uncacheable", said.text());
    let typed = "SELECT id FROM post WHERE author_id = $1";
    let said = lab.run(&["explain", typed, "--param", "text:3"]);
    snapshot!("explain_wrong_type", said.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_explained_by_what_the_store_holds() {
    let lab = Lab::start(Dialect::Postgres).await;
    lab.fill().await;
    let said = lab.run(&["explain", "DELETE FROM post WHERE id = 1"]);
    snapshot!("explain_write", said.text());
    // Nothing was run and nothing was dropped.
    assert!(lab.dropped().await.is_empty());
    assert_eq!(
        lab.column("SELECT id::text FROM post ORDER BY id")
            .await
            .len(),
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_of_the_file_are_known_and_a_store_is_not_needed() {
    let lab = Lab::start(Dialect::Sqlite).await;
    let folder = std::env::temp_dir().join(format!("larder-explain-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("larder.toml");
    std::fs::write(
        &file,
        "[policies.post]\nttl = \"90s\"\n[policies.\"t*\"]\nnever = true\n",
    )
    .unwrap();
    let explain = |sql: &str| {
        let mut command = command(&["explain", sql, "--source", "shop"]);
        command
            .env("DATABASE_URL", &lab.database)
            .env("LARDER_CONFIG", &file);
        end(command)
    };
    let known = explain("SELECT title FROM post WHERE id = 1");
    assert!(known.out.contains("cached for up to 1m 30s"), "{known:?}");
    let never = explain("SELECT name FROM tag");
    assert_eq!(never.code, 1, "{never:?}");
    assert!(
        never.out.contains("not cached: policy says never"),
        "{never:?}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_cannot_be_explained_is_said() {
    let without = bare(&["explain", "SELECT 1"]);
    assert_eq!(without.code, 2, "{without:?}");
    assert!(without.err.contains("DATABASE_URL"), "{without:?}");
}
