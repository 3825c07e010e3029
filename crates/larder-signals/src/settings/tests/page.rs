//! Nothing that can be configured lacks a name, and the page lists them all.

use std::collections::BTreeSet;

use larder_core::{FunctionLists, Limits, SourceLimits};

use super::*;
use crate::{
    ChangeLimits,
    settings::{environment::variable, names::SETTINGS, policies::POLICY},
};

const BUILDER: &str = include_str!("../../builder.rs");

/// Methods of the builder that take what no file can say: parts of the program.
const OF_CODE: [&str; 5] = ["observer", "clock", "seed", "build", "default"];

#[test]
fn every_method_of_the_builder_has_a_name_in_files() {
    let methods = BUILDER
        .lines()
        .filter_map(|line| line.strip_prefix("    pub fn ")?.split(['(', '<']).next());
    let mut found = 0;
    for method in methods.filter(|method| !OF_CODE.contains(method)) {
        found += 1;
        let section = format!("{method}.");
        let is_policy = matches!(method, "policy" | "default_policy");
        let is_named = |name: &str| name == method || name.starts_with(&section);
        assert!(
            is_policy || SETTINGS.iter().any(|setting| is_named(setting.name)),
            "no file can say `{method}`"
        );
    }
    assert!(
        found > 14,
        "only {found} methods: is the source still read right?"
    );
}

#[test]
fn every_limit_has_a_name_in_files() {
    for (section, value) in [
        ("limits", format!("{:#?}", Limits::default())),
        ("source_limits", format!("{:#?}", SourceLimits::default())),
        ("change_limits", format!("{:#?}", ChangeLimits::default())),
        ("functions", format!("{:#?}", FunctionLists::default())),
    ] {
        let fields = value
            .lines()
            .filter_map(|line| line.strip_prefix("    ")?.split_once(':'));
        let fields: BTreeSet<_> = fields
            .map(|(field, _)| format!("{section}.{field}"))
            .collect();
        let section = format!("{section}.");
        let names = SETTINGS.iter().map(|setting| setting.name.to_owned());
        let names: BTreeSet<_> = names.filter(|name| name.starts_with(&section)).collect();
        assert_eq!(fields, names);
    }
}

const PAGE: &str = include_str!("../../../../../docs/configuration.md");

/// Of a row of the table of keys: the key, its default and its variable.
fn row(line: &str) -> Option<(&str, &str, &str)> {
    let cells: Vec<&str> = line
        .strip_prefix("| `")?
        .split(" | ")
        .map(str::trim)
        .collect();
    let (key, default) = (cells.first()?, cells.get(2)?);
    let variable = cells.get(4)?.trim_matches(['|', ' ', '`']);
    Some((
        key.trim_end_matches('`'),
        default.trim_matches('`'),
        variable,
    ))
}

#[test]
fn the_page_lists_every_setting_with_its_default_and_its_variable() {
    let fresh = Larder::builder();
    let open = larder_core::Policy::new();
    let settings = SETTINGS
        .iter()
        .map(|s| (s.name.to_owned(), (s.read)(&fresh)));
    let policies = POLICY
        .iter()
        .map(|s| (format!("default_policy.{}", s.name), (s.read)(&open)));
    let expected: Vec<_> = settings
        .chain(policies)
        .map(|(name, default)| {
            let default = default.map_or_else(|| "none".to_owned(), |value| value.to_string());
            let variable = variable(&name);
            (name, default, variable)
        })
        .collect();
    let listed: Vec<_> = PAGE.lines().filter_map(row).collect();
    let listed: Vec<_> = listed
        .into_iter()
        .map(|(key, default, variable)| (key.to_owned(), default.to_owned(), variable.to_owned()))
        .collect();
    assert_eq!(listed, expected);
}

/// The complete `larder.toml` of the page.
fn complete() -> &'static str {
    let (_, rest) = PAGE
        .split_once("```toml\n# larder.toml")
        .expect("the page has a file");
    rest.split_once("```").expect("it ends").0
}

#[test]
fn the_complete_file_of_the_page_is_right_and_complete() {
    let settings = read(complete());
    let missing: Vec<_> = SETTINGS
        .iter()
        .map(|setting| setting.name)
        .filter(|name| !settings.values.contains_key(name))
        .collect();
    assert!(missing.is_empty(), "the file does not say {missing:?}");
    let settings = settings.with_store_made();
    let store = larder_core::MemoryStore::with_capacity_bytes(1 << 20);
    let larder = Larder::builder().store(store).settings(settings).build();
    assert_eq!(larder.expect("it is right").namespace(), "blog");
}
