//! The exact words.

use super::*;

#[test]
fn an_unknown_key_is_named_with_its_place_and_what_was_meant() {
    for (text, message) in [
        (
            "namespace = \"blog\"\n\n[policies.post]\n  tll = \"15m\"\n",
            "larder.toml:4:3: unknown key `tll` in [policies.post]; did you mean `ttl`?",
        ),
        (
            "near_cache_byte = 1",
            "larder.toml:1:1: unknown key `near_cache_byte`; did you mean `near_cache_bytes`?",
        ),
        (
            "near-cache-bytes = 1",
            "larder.toml:1:1: unknown key `near-cache-bytes`; did you mean `near_cache_bytes`?",
        ),
        (
            "[limit]\nwait_max = \"1s\"",
            "larder.toml:1:2: unknown key `limit`; did you mean `limits`?",
        ),
        (
            "wait_max = \"1s\"",
            "larder.toml:1:1: unknown key `wait_max`; did you mean `wait_max` in [limits]?",
        ),
        (
            "[policies.\"auth_*\"]\ntimeout = 1",
            "larder.toml:2:1: unknown key `timeout` in [policies.\"auth_*\"]; known are ttl, ops, \
             never, local, shared_flight, early_refresh, allow_stale",
        ),
        (
            "[policies.public.post]\nttl = \"1m\"",
            "larder.toml:1:18: unknown key `post` in [policies.public]; did you mean \
             [policies.\"public.post\"]?",
        ),
        (
            "[redis.tls]\nca_files = \"/ca\"",
            "larder.toml:2:1: unknown key `ca_files` in [redis.tls]; did you mean `ca_file`?",
        ),
        (
            "[redis]\nurl = \"redis://host/\"",
            "larder.toml:2:1: unknown key `url` in [redis]; did you mean `store` at the top?",
        ),
        (
            "[functions]\nsafe = [\"f\"]",
            "larder.toml:2:1: unknown key `safe` in [functions]; known are pure, harmless",
        ),
    ] {
        assert_eq!(refused(text), message);
    }
}

#[test]
fn a_bad_value_is_named_with_its_place_and_what_is_taken() {
    for (text, message) in [
        (
            "[limits]\nwait_max = 5",
            "larder.toml:2:12: `wait_max` in [limits] must be a whole number with one of the units \
             ms, s, m, h, d, such as \"15m\"; did you mean \"5s\"?",
        ),
        (
            "[limits]\nwait_max = \"5 sec\"",
            "larder.toml:2:12: `wait_max` in [limits] must be a whole number with one of the units \
             ms, s, m, h, d, such as \"15m\"",
        ),
        (
            "near_cache_bytes = \"64 Mib\"",
            "larder.toml:1:20: `near_cache_bytes` must be a number of bytes, or text such as \
             \"64MiB\"",
        ),
        (
            "[limits]\nshapes_max = -1",
            "larder.toml:2:14: `shapes_max` in [limits] must be a whole number",
        ),
        (
            "[limits]\njitter_percent = 101",
            "larder.toml:2:18: `jitter_percent` in [limits] must be a whole number from 0 to 100",
        ),
        (
            "enabled = \"yes\"",
            "larder.toml:1:11: `enabled` must be true or false",
        ),
        (
            "codec = \"messagepack\"",
            "larder.toml:1:9: `codec` must be one of \"message_pack\", \"bincode\"; did you mean \
             `message_pack`?",
        ),
        (
            "undelivered = \"refused\"",
            "larder.toml:1:15: `undelivered` must be one of \"accept\", \"refuse\"; did you mean \
             `refuse`?",
        ),
        (
            "namespace = \"a b\"",
            "larder.toml:1:13: `namespace` must be 1 to 64 letters, digits, `-` or `_`",
        ),
        (
            "store = \"localhost:6379\"",
            "larder.toml:1:9: `store` must be \"memory\" or a URL such as \"redis://127.0.0.1/\"",
        ),
        (
            "never = \"sessions\"",
            "larder.toml:1:9: `never` must be a list of names, such as [\"sessions\", \"auth_*\"]",
        ),
        (
            "[policies.post]\nttl = \"0s\"",
            "larder.toml:2:7: `ttl` in [policies.post] must not be zero: to cache nothing write \
             `never = true`",
        ),
        (
            "[policies.post]\nops = [\"get\", \"fetsh\"]",
            "larder.toml:2:7: `ops` in [policies.post] must be a list of get, fetch, count, \
             aggregate, exists; did you mean `fetch`?",
        ),
        (
            "[policies]\npost = \"15m\"",
            "larder.toml:2:8: `post` in [policies] must be a table: write [policies.post] and its \
             settings",
        ),
        ("limits = 5", "larder.toml:1:10: `limits` must be a table"),
        (
            "[redis]\nalso_invalidate_shards = [1, \"two\"]",
            "larder.toml:2:26: `also_invalidate_shards` in [redis] must be a list of whole numbers, \
             such as [1, 2]",
        ),
    ] {
        assert_eq!(refused(text), message);
    }
}

#[test]
fn a_codec_that_the_build_lacks_is_refused_and_not_replaced() {
    let read = Settings::from_toml("codec = \"bincode\"", "larder.toml");
    // Another member of a build may have switched it on.
    match larder_core::Codec::of_id(2) {
        Some(codec) => {
            let builder = read.and_then(|settings| settings.apply(Larder::builder()));
            assert_eq!(builder.expect("it is there").cache.codec, codec);
        }
        None => assert_eq!(
            read.expect_err("it is missing").to_string(),
            "larder.toml:1:9: `codec` is a codec that this build does not have: switch on the \
             feature `bincode`"
        ),
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    assert_eq!(
        refused("enabled = 1\n[limits]\nwait_mx = \"1s\"\n[policies.a]\nttl = 1"),
        "larder.toml:1:11: `enabled` must be true or false\n\
         larder.toml:3:1: unknown key `wait_mx` in [limits]; did you mean `wait_max`?\n\
         larder.toml:5:7: `ttl` in [policies.a] must be a whole number with one of the units ms, s, \
         m, h, d, such as \"15m\"; did you mean \"1s\"?"
    );
}

#[test]
fn what_is_no_toml_is_refused_with_its_place_and_without_its_text() {
    let message = refused("namespace = \"blog\"\nstore = redis://:s3cret@host\n");
    assert!(message.starts_with("larder.toml:2:9: "), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
    let twice = refused("enabled = true\nenabled = false\n");
    assert!(
        twice.starts_with("larder.toml:2:1: duplicate key"),
        "{twice}"
    );
}

#[test]
fn columns_are_characters() {
    assert_eq!(
        refused("[policies]\n\"\u{e4}\u{f6}\" = { tll = \"1m\" }"),
        "larder.toml:2:10: unknown key `tll` in [policies.\"\u{e4}\u{f6}\"]; did you mean `ttl`?"
    );
}

#[test]
fn a_variable_is_named_with_what_is_taken() {
    for (name, value, message) in [
        (
            "LARDER_LIMITS_WAIT_MAX",
            "5",
            "LARDER_LIMITS_WAIT_MAX: must be a whole number with one of the units ms, s, m, h, d, \
             such as \"15m\"",
        ),
        (
            "LARDER_ENABLED",
            "flase",
            "LARDER_ENABLED: must be true or false",
        ),
        (
            "LARDER_DEFAULT_POLICY_OPS",
            "get,fetsh",
            "LARDER_DEFAULT_POLICY_OPS: must be a list of get, fetch, count, aggregate, exists; did \
             you mean `fetch`?",
        ),
        (
            "LARDER_POLICIES",
            "{ post = { tll = \"1m\" } }",
            "LARDER_POLICIES: unknown key `tll` in [policies.post]; did you mean `ttl`?",
        ),
        (
            "LARDER_POLICIES",
            "{}\nnamespace = \"other\"",
            "LARDER_POLICIES: unexpected key or value, expected newline, `#`",
        ),
    ] {
        assert_eq!(refused_variables(&[(name, value)]), message);
    }
}

#[test]
fn a_variable_that_is_nearly_a_setting_is_refused() {
    for (name, meant) in [
        ("LARDER_NAMESPAC", "LARDER_NAMESPACE"),
        ("LARDER_ENABLE", "LARDER_ENABLED"),
        ("LARDER_LIMIT_WAIT_MAX", "LARDER_LIMITS_WAIT_MAX"),
        ("LARDER_WAIT_MAX", "LARDER_LIMITS_WAIT_MAX"),
        ("LARDER_CONFG", "LARDER_CONFIG"),
        ("LARDER_STORE_URL", "LARDER_STORE"),
        ("LARDER_REDIS_URL", "LARDER_STORE"),
    ] {
        assert_eq!(
            refused_variables(&[(name, "1")]),
            format!("{name}: unknown variable; did you mean {meant}?")
        );
    }
    assert_eq!(
        refused_variables(&[("LARDER_POLICIES_POST_TTL", "1m")]),
        "LARDER_POLICIES_POST_TTL: unknown variable; policies of tables are set by \
         LARDER_POLICIES, such as { \"auth_*\" = { ttl = \"15m\" } }"
    );
    assert_eq!(
        refused_variables(&[("LARDER_FUNCTIONS_TRUSTED", "f")]),
        "LARDER_FUNCTIONS_TRUSTED: unknown variable; known are LARDER_FUNCTIONS_PURE, \
         LARDER_FUNCTIONS_HARMLESS"
    );
}

#[test]
fn variables_of_other_programs_and_of_the_tests_are_let_alone() {
    let settings = of_variables(&[
        ("LARDER_PORT", "tcp://10.0.0.1:6379"),
        ("LARDER_SERVICE_HOST", "10.0.0.1"),
        ("LARDER_REDIS_SERVICE_HOST", "10.0.0.1"),
        ("LARDER_REDIS_SERVICE_PORT_CLIENTS", "6379"),
        ("LARDER_REDIS_PORT_6379_TCP_ADDR", "10.0.0.1"),
        ("LARDER_STORE_PORT", "tcp://10.0.0.1:6379"),
        ("LARDER_HOME", "/opt"),
        ("LARDER_SEEDS", "9"),
        ("LARDER_TEST_STORE", "redis"),
        ("LARDER_CONFIG", "read before"),
        ("LARDER_NAMESPACE", ""),
        ("HOME", "/"),
        ("larder_namespace", "a b"),
    ]);
    assert!(settings.values.is_empty() && settings.policies.is_empty());
}
