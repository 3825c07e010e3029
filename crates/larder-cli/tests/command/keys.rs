//! `larder keys`.

use larder_sql::Dialect;
use larder_testkit::server;

use crate::lab::{Lab, end, snapshot};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cached_of_a_table_is_shown_and_left_alone() {
    let lab = Lab::start(Dialect::Postgres).await;
    lab.fill().await;
    let keys = |table: &str| end(lab.without_database(&["keys", table, "--limit", "1"]));
    snapshot!("keys", keys("post").text());
    let told = end(lab.without_database(&["keys", "public.comment", "--json"])).json();
    let table = &told["tables"][0];
    assert_eq!(table["table"], "public.comment");
    assert_eq!(table["entries"], 2);
    assert_eq!(table["values"], 2);
    assert_eq!(
        table["shapes"][0]["words"],
        "rows by post_id (int); every column watched"
    );
    for entry in table["largest"].as_array().unwrap() {
        let number = |name: &str| entry[name].as_u64().unwrap();
        assert!(number("bytes") > number("result_bytes"), "{entry}");
        assert!((1..=900).contains(&number("ttl_seconds")), "{entry}");
        assert_eq!(number("dependencies"), 1, "{entry}");
        assert!(number("age_seconds") < 600, "{entry}");
    }
    assert_eq!(keys("order").code, 1);
    assert!(lab.dropped().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_found_on_every_master_of_a_cluster_and_in_every_shard() {
    let cluster = server::shared_redis_cluster().unwrap();
    let nodes = cluster.urls();
    let node = nodes[0]
        .trim_start_matches("redis://")
        .trim_end_matches('/');
    let url = format!("redis+cluster://{node}");
    let lab = Lab::on(Dialect::Postgres, &url, "&table_shards=4").await;
    lab.fill().await;
    let told = end(lab.without_database(&["keys", "post", "--json"])).json();
    let table = &told["tables"][0];
    assert_eq!(
        (&table["shards"], &table["entries"]),
        (&4.into(), &6.into()),
        "{told}"
    );
    assert_eq!(table["shapes"].as_array().unwrap().len(), 4, "{told}");
    let doctor = end(lab.without_database(&["doctor", "--json"])).json();
    let versions = doctor.as_array().unwrap().iter();
    let versions = versions.filter(|it| it["what"].as_str().unwrap().starts_with("it is Redis"));
    assert_eq!(
        versions.count(),
        nodes.len() / 2,
        "every master is looked at"
    );
    // And dropped there.
    assert_eq!(lab.run(&["invalidate", "post"]).code, 0);
    assert!(lab.dropped().await.contains("posts of 4"));
}
