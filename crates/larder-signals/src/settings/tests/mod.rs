use std::time::Duration;

use larder_core::{ErrorKind, MemoryStore, Policy};

use super::*;
use crate::Larder;

mod messages;
mod order;
mod page;

fn read(text: &str) -> Settings {
    Settings::from_toml(text, "larder.toml").expect("these settings are right")
}

fn of_variables(variables: &[(&str, &str)]) -> Settings {
    over(Settings::default(), variables)
}

fn over(settings: Settings, variables: &[(&str, &str)]) -> Settings {
    settings
        .with_environment(variables.iter().copied())
        .expect("these variables are right")
}

fn refused(text: &str) -> String {
    let error = Settings::from_toml(text, "larder.toml").expect_err("something is wrong");
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

fn refused_variables(variables: &[(&str, &str)]) -> String {
    let settings = Settings::default().with_environment(variables.iter().copied());
    settings.expect_err("something is wrong").to_string()
}

/// Value and origin of one setting.
fn effective(settings: &Settings, builder: &LarderBuilder, name: &str) -> Option<(String, String)> {
    let mut all = settings.effective(builder).into_iter();
    let found = all.find(|setting| setting.name == name)?;
    Some((found.value, found.origin.to_string()))
}

fn minutes(count: u64) -> Policy {
    Policy::new().with_ttl(Duration::from_secs(60 * count))
}

#[test]
fn a_file_is_enough_for_a_larder() {
    let settings =
        read("namespace = \"blog\"\nstore = \"memory\"\nmemory_bytes = \"1MiB\"\nenabled = false");
    let larder = Larder::builder()
        .settings(settings)
        .build()
        .expect("it is complete");
    assert_eq!(larder.namespace(), "blog");
    assert!(!larder.is_enabled());
}

#[test]
fn a_store_outside_the_process_is_not_silently_left_out() {
    let settings = read("namespace = \"blog\"\n\nstore = \"redis://:word@host/\"");
    let store = MemoryStore::with_capacity_bytes(1 << 20);
    let builder = Larder::builder()
        .store(store.clone())
        .settings(settings.clone());
    assert_eq!(
        builder.build().expect_err("nobody has made it").to_string(),
        "larder.toml:3:9: `store` is not \"memory\": build with `larder::configured(settings)` and \
         the feature of that store, such as `redis`"
    );
    let made = Larder::builder()
        .store(store)
        .settings(settings.with_store_made());
    assert!(made.build().is_ok());
}

#[test]
fn what_would_have_no_effect_without_a_store_is_refused() {
    let store = MemoryStore::with_capacity_bytes(1 << 20);
    for (text, name) in [
        (
            "[redis]\nhit_timeout = \"1s\"",
            "larder.toml:2:15: `redis.hit_timeout`",
        ),
        (
            "\nmemory_bytes = \"1MiB\"",
            "larder.toml:2:16: `memory_bytes`",
        ),
    ] {
        let builder = Larder::builder().namespace("blog").store(store.clone());
        assert_eq!(
            builder
                .settings(read(text))
                .build()
                .expect_err("it is in vain")
                .to_string(),
            format!(
                "{name} has no effect on a store that the program makes itself: say `store` too, \
                 or leave it away"
            )
        );
    }
}

#[test]
fn no_text_shows_a_password() {
    let settings = over(
        read(
            "store = \"redis+sentinel://app:s3cret@host/x?sentinel_password=s3cret\"\n\
             [redis]\npassword = \"s3cret\"",
        ),
        &[("LARDER_REDIS_PASSWORD", "s3cret, too")],
    );
    let builder = Larder::builder();
    let all = settings.effective(&builder);
    assert!(!format!("{settings:?} {all:?}").contains("s3cret"));
    assert_eq!(
        effective(&settings, &builder, "store"),
        Some((
            "\"redis+sentinel://***@host/x?***\"".into(),
            "larder.toml:1:9".into()
        ))
    );
    assert_eq!(
        effective(&settings, &builder, "redis.password"),
        Some(("\"***\"".into(), "LARDER_REDIS_PASSWORD".into()))
    );
    // A password that is not encoded reaches beyond its place.
    let odd = read("store = \"redis://:s3/cr@et@host/\"");
    assert!(!format!("{odd:?}").contains("cr"));
    assert!(odd.redis().next().is_none());
    let password = settings.redis().find(|(name, ..)| *name == "password");
    assert_eq!(
        password.map(|(_, text, _)| text).as_deref(),
        Some("s3cret, too")
    );
}

#[test]
fn what_the_url_says_of_redis_is_shown_as_said_there() {
    let builder = Larder::builder();
    let settings = read("store = \"redis://host/?hit_timeout=50ms\"\n[redis]\ntable_shards = 2");
    let said = |name| effective(&settings, &builder, name);
    assert_eq!(
        said("redis.hit_timeout"),
        Some(("\"50ms\"".into(), "larder.toml:1:9".into()))
    );
    assert_eq!(
        said("redis.table_shards"),
        Some(("2".into(), "larder.toml:3:16".into()))
    );
    assert_eq!(
        said("redis.connect_timeout"),
        Some(("\"500ms\"".into(), "default".into()))
    );
    assert_eq!(said("redis.password"), None);
}

#[test]
fn policies_are_read_by_table_and_by_glob() {
    let settings = read(
        "[default_policy]\nttl = \"1m\"\n\
         [policies.post]\nttl = \"15m\"\nops = [\"get\", \"fetch\"]\nallow_stale = \"10s\"\n\
         [policies.\"auth_*\"]\nnever = true\n",
    );
    let builder = settings.apply(Larder::builder()).expect("it applies");
    assert_eq!(builder.default_policy, Some(minutes(1)));
    let operations = [
        larder_sql::plan::Operation::Get,
        larder_sql::plan::Operation::Fetch,
    ];
    let post = minutes(15)
        .with_operations(operations)
        .allow_stale(Duration::from_secs(10));
    assert_eq!(builder.policies.get("post"), Some(&post));
    assert_eq!(builder.policies.get("auth_*"), Some(&Policy::never()));
}

#[test]
fn every_setting_of_a_policy_is_read_and_shown() {
    let lines = [
        ("ttl", "\"15m\""),
        ("ops", "[\"get\", \"count\"]"),
        ("never", "true"),
        ("local", "true"),
        ("shared_flight", "true"),
        ("early_refresh", "true"),
        ("allow_stale", "\"10s\""),
    ];
    assert_eq!(
        lines.map(|(name, _)| name).to_vec(),
        POLICY.iter().map(|s| s.name).collect::<Vec<_>>()
    );
    for (name, value) in lines {
        let settings = read(&format!("[policies.post]\n{name} = {value}"));
        let builder = settings.apply(Larder::builder()).expect("it applies");
        let none = Settings::default();
        let full = format!("policies.post.{name}");
        // It is in the builder now, as if the program had said it.
        assert_eq!(
            effective(&none, &builder, &full),
            Some((value.into(), "code".into()))
        );
    }
}

#[test]
fn a_policy_that_says_nothing_of_its_ttl_takes_that_of_the_default_policy() {
    let file = "namespace = \"blog\"\nstore = \"memory\"\n[policies.post]\nops = [\"get\"]\n";
    let alone = Larder::builder().settings(read(file)).build();
    assert_eq!(
        alone.expect_err("nobody gives a ttl").to_string(),
        "the policy of `post` has no ttl and there is no default policy with one"
    );
    let with_default = format!("{file}[default_policy]\nttl = \"1m\"\n");
    assert!(
        Larder::builder()
            .settings(read(&with_default))
            .build()
            .is_ok()
    );
}

#[test]
fn never_counts_before_a_policy_of_the_same_name() {
    let settings = read("never = [\"post\"]\n[policies.post]\nttl = \"1m\"");
    let builder = settings.apply(Larder::builder()).expect("it applies");
    assert!(builder.never.contains("post"));
    let larder = builder
        .namespace("blog")
        .store(MemoryStore::with_capacity_bytes(1 << 20))
        .build();
    let shown = format!("{:?}", larder.expect("it is complete").inner.policies);
    assert!(shown.contains("\"post\": Policy { ttl: None"), "{shown}");
}

/// Names this test to itself, as the process that loads.
const LOADING: &str = "SETTINGS_ARE_LOADED_HERE";

/// Runs again as a process of its own, since a test cannot change the environment that it shares.
#[test]
fn load_reads_the_named_file_or_the_one_here_and_the_environment_over_it() {
    if std::env::var_os(LOADING).is_some() {
        let builder = Larder::builder();
        let told = match Settings::load() {
            Ok(settings) => ["namespace", "enabled"]
                .map(|name| effective(&settings, &builder, name).unwrap_or_default())
                .map(|(value, origin)| format!("<{value} {origin}>"))
                .concat(),
            Err(error) => format!("<{error}>"),
        };
        println!("{told}");
        return;
    }
    let name = format!("larder-settings-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    std::fs::create_dir_all(folder.0.join("empty")).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.0.join(name), text);
    write("larder.toml", "namespace = \"here\"\nenabled = true").expect("a file");
    write("other.toml", "namespace = \"there\"").expect("a file");
    write("wrong.toml", "namespac = \"there\"").expect("a file");
    write("long.toml", &" ".repeat((1 << 20) + 1)).expect("a file");
    let load = |inside: &str, variables: &[(&str, &str)]| {
        let output = std::process::Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "--nocapture"])
            .arg("settings::tests::load_reads_the_named_file_or_the_one_here_and_the_environment_over_it")
            .env_remove("LARDER_CONFIG")
            .env_remove("LARDER_ENABLED")
            .env_remove("LARDER_NAMESPACE")
            .env(LOADING, "yes")
            .envs(variables.iter().copied())
            .current_dir(folder.0.join(inside))
            .output()
            .expect("it runs");
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        let begin = output.find('<').unwrap_or_default();
        let end = output.rfind('>').map_or(0, |end| end + 1);
        output.get(begin..end).unwrap_or_default().to_owned()
    };
    assert_eq!(load("empty", &[]), "< ><true default>");
    assert_eq!(
        load("", &[]),
        "<\"here\" larder.toml:1:13><true larder.toml:2:11>"
    );
    assert_eq!(
        load(
            "",
            &[("LARDER_CONFIG", "other.toml"), ("LARDER_ENABLED", "off")]
        ),
        "<\"there\" other.toml:1:13><false LARDER_ENABLED>"
    );
    assert_eq!(
        load(
            "",
            &[("LARDER_CONFIG", "wrong.toml"), ("LARDER_ENABLED", "maybe")]
        ),
        "<wrong.toml:1:1: unknown key `namespac`; did you mean `namespace`?\n\
         LARDER_ENABLED: must be true or false>"
    );
    let missing = load("", &[("LARDER_CONFIG", "missing.toml")]);
    let begin = "<missing.toml, which LARDER_CONFIG names, cannot be read: ";
    assert!(missing.starts_with(begin), "{missing}");
    assert_eq!(
        load("", &[("LARDER_CONFIG", "long.toml")]),
        "<long.toml: longer than 1048576 bytes: this is no file of settings>"
    );
}

/// Is gone with the test.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
