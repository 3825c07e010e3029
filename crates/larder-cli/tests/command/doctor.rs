//! `larder doctor`.

use larder_sql::Dialect;
use larder_testkit::server::{RedisOptions, RedisSentinel, RedisServer, SentinelOptions};

use crate::lab::{Lab, bare, command, end, patient, snapshot};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_and_a_schema_are_looked_at() {
    let lab = Lab::start(Dialect::Postgres).await;
    lab.fill().await;
    lab.outside("CREATE TABLE note (body text)").await;
    lab.outside("CREATE VIEW draft AS SELECT * FROM post WHERE status = 'draft'")
        .await;
    let ended = lab.run(&["doctor"]);
    assert_eq!(ended.code, 1);
    snapshot!("doctor", ended.text());
    assert!(lab.dropped().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_a_list_for_programs() {
    let options = RedisOptions::default()
        .settings(&[("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lru")]);
    let redis = RedisServer::start_with(&options).unwrap();
    let store = ["doctor", "--json", "--namespace", "shop"];
    let run = || {
        let mut command = command(&store);
        command.env("LARDER_STORE", patient(&redis.url()));
        end(command)
    };
    let ended = run();
    assert_eq!(ended.code, 0, "{ended:?}");
    let found = ended.json();
    let found = found.as_array().unwrap();
    assert!(found.iter().all(|it| it["severity"] == "note"), "{found:?}");
    // A key that never expires is not larder's.
    redis
        .command(&["SET", "{shop:db:public.post}:q:x", "y"])
        .unwrap();
    let ended = run();
    assert_eq!(ended.code, 1, "{ended:?}");
    let found = ended.json();
    let warning = &found[0];
    assert_eq!(warning["severity"], "warning", "{found}");
    assert_eq!(warning["what"], "1 of 1 keys never expire", "{found}");
    assert_eq!(warning["items"][0], "{shop:db:public.post}:q:x", "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_database_can_be_looked_at() {
    for dialect in [Dialect::MySql, Dialect::Sqlite] {
        let lab = Lab::start(dialect).await;
        let ended = end({
            let mut command = command(&["doctor", "--json"]);
            command.env("DATABASE_URL", &lab.database);
            command
        });
        let found = ended.json();
        let what = |it: &serde_json::Value| it["what"].as_str().unwrap().to_owned();
        let what: Vec<String> = found.as_array().unwrap().iter().map(what).collect();
        assert!(
            what.iter()
                .any(|it| it.starts_with("its catalog can be read")),
            "{what:?}"
        );
        assert!(
            what.iter().any(|it| it == "foreign keys that act"),
            "{what:?}"
        );
    }
}

#[test]
fn a_service_behind_sentinels_is_looked_at_with_its_password_and_replicas() {
    let options = SentinelOptions {
        server_password: Some("hush".to_owned()),
        ..SentinelOptions::default()
    };
    let group = RedisSentinel::start_with(&options).unwrap();
    let sentinel = group.sentinel_ports()[0];
    let service = RedisSentinel::SERVICE;
    let url = format!("redis+sentinel://:hush@127.0.0.1:{sentinel}/{service}");
    let mut doctor = command(&["doctor", "--json", "--namespace", "shop"]);
    doctor.env("LARDER_STORE", patient(&url));
    let ended = end(doctor);
    assert!(!ended.out.contains("hush"), "{ended:?}");
    let found = ended.json();
    let found = found.as_array().unwrap();
    let master = format!("redis 127.0.0.1:{}", group.master_port().unwrap());
    let of_store = |it: &&serde_json::Value| it["area"] == "store";
    let mut of_store = found.iter().filter(of_store);
    assert!(of_store.all(|it| it["subject"] == *master), "{found:?}");
    let told = |what: &str| found.iter().any(|it| it["what"] == what);
    assert!(told("it has 1 replica"), "{found:?}");
}

#[test]
fn a_memory_store_cannot_be_seen_and_says_so() {
    let ended = bare(&["doctor", "--store", "memory"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.out.contains("lives in the application's process"),
        "{ended:?}"
    );
}

#[test]
fn a_server_that_stopped_answering_is_unreachable() {
    let mut redis = RedisServer::start().unwrap();
    redis.pause().unwrap();
    let mut doctor = command(&["doctor", "--namespace", "shop"]);
    doctor.env("LARDER_STORE", redis.url());
    let ended = end(doctor);
    redis.resume().unwrap();
    assert_eq!(ended.code, 3, "{ended:?}");
}
