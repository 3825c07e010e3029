//! Of code, file and variables the later one counts, setting by setting.

use super::*;
use crate::settings::{environment::variable, kind::Kind, names::SETTINGS, policies::POLICY};

/// Three values that a kind takes, none of them any setting's default.
fn samples(kind: Kind, name: &str) -> [&'static str; 3] {
    match (kind, name) {
        // There is one beside the default.
        (Kind::Flag, "enabled") => ["false", "false", "false"],
        (Kind::Flag, _) => ["true", "true", "true"],
        (Kind::Word(_), _) => ["\"refuse\"", "\"refuse\"", "\"refuse\""],
        (Kind::Codec, _) => ["\"message_pack\"", "\"message_pack\"", "\"message_pack\""],
        (Kind::Count(_), _) => ["31", "32", "33"],
        (Kind::Bytes, _) => ["\"31KiB\"", "\"32KiB\"", "\"33KiB\""],
        (Kind::Duration | Kind::Ttl, _) => ["\"31s\"", "\"32s\"", "\"33s\""],
        (Kind::Store, _) => ["\"memory\"", "\"redis://b/\"", "\"redis://c/\""],
        (Kind::Text | Kind::Namespace, _) => ["\"a\"", "\"b\"", "\"c\""],
        (Kind::Secret, _) => ["\"***\"", "\"***\"", "\"***\""],
        (Kind::Names, _) => ["[\"a\"]", "[\"b\"]", "[\"c\"]"],
        (Kind::Operations, _) => ["[\"get\"]", "[\"fetch\"]", "[\"count\"]"],
        (Kind::Counts, _) => ["[1]", "[2]", "[3]"],
    }
}

/// A value as a variable has it.
fn bare(value: &str) -> String {
    value.replace(['"', '[', ']'], "").replace(", ", ",")
}

fn in_file(name: &str, value: &str) -> Settings {
    match name.rsplit_once('.') {
        Some((section, key)) => read(&format!("[{section}]\n{key} = {value}")),
        None => read(&format!("{name} = {value}")),
    }
}

/// All that can be set, with the kind of each.
fn all() -> Vec<(String, Kind)> {
    let settings = SETTINGS.iter().map(|s| (s.name.to_owned(), s.kind));
    let policies = POLICY
        .iter()
        .map(|s| (format!("default_policy.{}", s.name), s.kind));
    settings.chain(policies).collect()
}

#[test]
fn every_setting_has_one_name_in_files_and_variables_and_is_shown_by_it() {
    let builder = Larder::builder();
    let mut variables = Vec::new();
    for (name, kind) in all() {
        let [_, file, environment] = samples(kind, &name);
        let settings = in_file(&name, file);
        let (value, origin) = effective(&settings, &builder, &name).expect(&name);
        assert_eq!(value, file, "{name}");
        assert!(origin.starts_with("larder.toml:"), "{name}: {origin}");
        let variable = variable(&name);
        let settings = of_variables(&[(&variable, &bare(environment))]);
        let shown = effective(&settings, &builder, &name);
        assert_eq!(
            shown,
            Some((environment.into(), variable.clone())),
            "{name}"
        );
        variables.push(variable);
    }
    let count = variables.len();
    variables.sort();
    variables.dedup();
    assert_eq!(variables.len(), count, "two settings have one variable");
}

#[test]
fn every_setting_reaches_the_builder_and_the_later_one_counts() {
    let said_by_nobody = Settings::default();
    for (name, kind) in all() {
        let of_store = ["store", "memory_bytes"].contains(&&*name) || name.starts_with("redis.");
        // Lists of names add up.
        if of_store || kind == Kind::Names {
            continue;
        }
        let values = samples(kind, &name);
        let [code, file, environment] = values;
        let builder = || in_file(&name, code).apply(Larder::builder()).expect(&name);
        let shown = |builder: &LarderBuilder| effective(&said_by_nobody, builder, &name);
        let default = shown(&Larder::builder()).map(|(value, _)| value);
        if kind != Kind::Codec {
            assert_ne!(
                default.as_deref(),
                Some(code),
                "{name}: the sample is the default"
            );
            assert_eq!(
                shown(&builder()),
                Some((code.into(), "code".into())),
                "{name}"
            );
        }
        let variable = (variable(&name), bare(environment));
        let pairs = [
            (in_file(&name, file), file),
            (of_variables(&[(&variable.0, &variable.1)]), environment),
            (
                over(in_file(&name, file), &[(&variable.0, &variable.1)]),
                environment,
            ),
        ];
        for (settings, counts) in pairs {
            let value = |shown: Option<(String, String)>| shown.map(|(value, _)| value);
            // What is shown and what is done are the same.
            assert_eq!(
                value(effective(&settings, &builder(), &name)).as_deref(),
                Some(counts)
            );
            let applied = settings.apply(builder()).expect(&name);
            assert_eq!(value(shown(&applied)).as_deref(), Some(counts), "{name}");
        }
    }
}

#[test]
fn the_programs_own_methods_are_what_files_and_variables_overrule() {
    let complete = || {
        Larder::builder()
            .namespace("code")
            .store(MemoryStore::with_capacity_bytes(1 << 20))
            .enabled(false)
    };
    let name = |settings| {
        let larder = complete()
            .settings(settings)
            .build()
            .expect("it is complete");
        larder.namespace().to_owned()
    };
    let file = read("namespace = \"file\"");
    let variable = [("LARDER_NAMESPACE", "variable")];
    assert_eq!(name(Settings::default()), "code");
    assert_eq!(name(file.clone()), "file");
    assert_eq!(name(of_variables(&variable)), "variable");
    assert_eq!(name(over(file, &variable)), "variable");
    // Wherever the call stands.
    let early = Larder::builder()
        .settings(of_variables(&variable))
        .namespace("code");
    let early = early
        .store(MemoryStore::with_capacity_bytes(1 << 20))
        .build();
    assert_eq!(early.expect("it is complete").namespace(), "variable");
    let enabled = |settings| {
        complete()
            .settings(settings)
            .build()
            .map(|l| l.is_enabled())
    };
    assert!(!enabled(Settings::default()).expect("it is complete"));
    assert!(enabled(of_variables(&[("LARDER_ENABLED", "on")])).expect("it is complete"));
}

#[test]
fn lists_of_names_add_up() {
    let settings = over(
        read("never = [\"b\"]\n[functions]\npure = [\"g\"]"),
        &[("LARDER_NEVER", "c, b"), ("LARDER_FUNCTIONS_PURE", "h")],
    );
    let builder = Larder::builder().never(["a"]);
    assert_eq!(
        effective(&settings, &builder, "never"),
        Some(("[\"a\", \"b\", \"c\"]".into(), "LARDER_NEVER".into()))
    );
    let applied = settings.apply(builder).expect("it applies");
    assert_eq!(
        applied.never.into_iter().collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    assert_eq!(
        applied.functions.pure.into_iter().collect::<Vec<_>>(),
        ["g", "h"]
    );
}

#[test]
fn a_policy_is_overruled_setting_by_setting() {
    let builder = || {
        let code = minutes(1)
            .shared_flight()
            .allow_stale(Duration::from_secs(1));
        Larder::builder()
            .policy("post", code)
            .policy("tag", Policy::never())
    };
    let settings = over(
        read("[policies.post]\nttl = \"2m\"\nearly_refresh = true\n[policies.tag]\nttl = \"1m\""),
        &[(
            "LARDER_POLICIES",
            "{ post = { ttl = \"3m\", shared_flight = false }, \"a*\" = { ttl = \"1h\" } }",
        )],
    );
    let applied = settings.apply(builder()).expect("it applies");
    let post = minutes(3)
        .early_refresh()
        .allow_stale(Duration::from_secs(1));
    assert_eq!(applied.policies.get("post"), Some(&post));
    assert!(applied.policies.get("tag").is_some_and(Policy::is_never));
    assert_eq!(applied.policies.get("a*"), Some(&minutes(60)));
    let shown = |name| effective(&settings, &builder(), name);
    assert_eq!(
        shown("policies.post.ttl"),
        Some(("\"3m\"".into(), "LARDER_POLICIES".into()))
    );
    assert_eq!(
        shown("policies.post.early_refresh"),
        Some(("true".into(), "larder.toml:3:17".into()))
    );
    assert_eq!(
        shown("policies.post.allow_stale"),
        Some(("\"1s\"".into(), "code".into()))
    );
    let lifted = over(
        settings,
        &[("LARDER_POLICIES", "{ tag = { never = false } }")],
    );
    let applied = lifted.apply(builder()).expect("it applies");
    assert_eq!(applied.policies.get("tag"), Some(&minutes(1)));
}

#[test]
fn every_limit_is_set_under_its_own_name() {
    let mut found = 0;
    for setting in SETTINGS {
        let Some((section, field)) = setting.name.split_once('.') else {
            continue;
        };
        if section == "redis" {
            continue;
        }
        let [_, value, _] = samples(setting.kind, setting.name);
        let settings = in_file(setting.name, value);
        let builder = settings.apply(Larder::builder()).expect(setting.name);
        let written = match section {
            "limits" => format!("{:?}", builder.cache.limits),
            "source_limits" => format!("{:?}", builder.source_limits),
            "change_limits" => format!("{:?}", builder.change_limits),
            _ => format!("{:?}", builder.functions),
        };
        found += 1;
        let value = match setting.kind {
            Kind::Bytes => "32768".to_owned(),
            Kind::Names => "{\"b\"}".to_owned(),
            _ => value.replace('"', ""),
        };
        assert!(written.contains(&format!(" {field}: {value}")), "{written}");
    }
    assert!(found > 20, "only {found} limits");
}
