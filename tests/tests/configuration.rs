//! From a file to a larder with its store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use larder::{
    Cacheable, CachedConnection, ErrorKind, Event, Larder, LarderBuilder, Observer, RedisConfig,
    Settings, WrapConfig, configured, configured_blocking,
};
use larder_testkit::server::RedisServer;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, entity::prelude::*};

mod note {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Cacheable)]
    #[sea_orm(table_name = "note")]
    #[larder(never)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub text: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Default)]
struct Hits(AtomicUsize);

impl Observer for Hits {
    fn on_event(&self, event: &Event<'_>) {
        if matches!(event, Event::Hit { .. }) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn settings(text: &str) -> Settings {
    Settings::from_toml(text, "larder.toml").unwrap()
}

/// How many of two equal reads were hits.
async fn hits(builder: LarderBuilder) -> usize {
    let hits = Arc::new(Hits::default());
    let larder = builder.observer(hits.clone()).build().unwrap();
    // One connection: an in-memory database lives and dies with it.
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1);
    let plain = Database::connect(options).await.unwrap();
    let db = CachedConnection::wrap(&larder, plain, WrapConfig::new().source("notes"));
    let create = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)";
    db.execute_unprepared(create).await.unwrap();
    for _ in 0..2 {
        assert!(note::Entity::find().all(&db).await.unwrap().is_empty());
    }
    hits.0.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_file_alone_says_where_entries_are_kept_and_which() {
    let redis = RedisServer::start().unwrap();
    let text = |policy| {
        format!(
            "namespace = \"configured\"\nstore = \"{}\"\n[redis]\ntable_shards = 2\n{policy}",
            redis.url()
        )
    };
    let cached = settings(&text("[policies.note]\nttl = \"1m\"\n"));
    assert_eq!(hits(configured(cached).await.unwrap()).await, 1);
    let keys = redis.command(&["KEYS", "*configured*"]).unwrap();
    let spread = ["0/2}:t:notes:main.note", "1/2}:t:notes:main.note"];
    assert!(spread.iter().any(|it| keys.contains(it)), "{keys}");
    // The model says never, and a glob does not overrule that.
    let globbed = settings(&text("[policies.\"n*\"]\nttl = \"1m\"\n"));
    assert_eq!(hits(configured(globbed).await.unwrap()).await, 0);
    let never = settings(&format!(
        "never = [\"n*\"]\n{}",
        text("[policies.note]\nttl = \"1m\"\n")
    ));
    assert_eq!(hits(configured(never).await.unwrap()).await, 0);
}

#[tokio::test]
async fn what_the_program_says_counts_where_the_file_says_nothing() {
    let cached = settings("store = \"memory\"\n[policies.note]\nttl = \"1m\"");
    let builder = configured(cached).await.unwrap().namespace("of_code");
    assert_eq!(hits(builder).await, 1);
    let missing = configured(settings("namespace = \"blog\"")).await.unwrap();
    assert_eq!(missing.build().unwrap_err().to_string(), "no store is set");
}

#[test]
fn what_is_wrong_with_redis_is_named_with_its_key_and_without_secrets() {
    for (text, message) in [
        (
            "store = \"redis://:s3cret@127.0.0.1/\"\n[redis.tls]\nca_file = \"/ca\"",
            "larder.toml:3:11: [redis] tls.ca_file is about TLS: begin the URL with rediss, or leave \
             it away",
        ),
        (
            "store = \"redis://:s3cret@127.0.0.1/\"\n[redis]\nhit_timeout = \"0s\"",
            "[redis] hit_timeout is not between 1ms and 1h: take a time in between",
        ),
        (
            "store = \"redus://:s3cret@127.0.0.1/\"",
            "`store`: the redis URL has no known scheme: begin it with redis://, rediss://, unix://, \
             redis+unix://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or \
             rediss+cluster://",
        ),
    ] {
        let error = configured_blocking(settings(text)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.to_string(), message);
    }
}

/// The settings know the names and defaults of Redis without knowing its crate.
#[test]
fn the_settings_of_redis_are_those_of_its_store() {
    let plain = RedisConfig::default();
    let written = format!("{plain:#?}");
    let fields = written
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split_once(": "))
        .filter(|(field, _)| !field.starts_with(' ') && *field != "servers");
    let mut found = 0;
    for (field, _) in fields {
        found += 1;
        let known = |value: &str| {
            let text = format!("[redis]\n{field} = {value}");
            Settings::from_toml(&text, "larder.toml").is_ok()
        };
        let some = ["\"a\"", "1", "\"1s\"", "[1]", "{ }"]
            .into_iter()
            .any(known);
        assert!(some, "[redis] has no {field}");
    }
    assert!(
        found > 12,
        "only {found} fields: are they still read right?"
    );
    // What is shown as the default, said once more, changes nothing.
    let mut said = plain.clone();
    let shown = Settings::default().effective(&Larder::builder());
    for setting in shown
        .iter()
        .filter(|setting| setting.name.starts_with("redis."))
    {
        let (section, key) = setting.name.rsplit_once('.').unwrap();
        let again = settings(&format!("[{section}]\n{key} = {}", setting.value));
        for (name, value, _) in again.redis() {
            said.set(name, &value).unwrap();
        }
    }
    assert_eq!(said, plain);
}
