//! The house keeps its proportions: which crate may know which, and what is published.

use std::{collections::BTreeSet, path::Path, process::Command};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path("../Cargo.toml")
        .no_deps()
        .exec()
        .unwrap()
}

fn package<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == name)
        .unwrap()
}

/// Names of the normal (not dev, not build) dependencies.
fn dependencies(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

fn own(package: &Package) -> BTreeSet<&str> {
    dependencies(package)
        .into_iter()
        .filter(|name| name.starts_with("larder"))
        .collect()
}

/// Every published crate with the crates of this house that it may know.
const ARROWS: &[(&str, &[&str])] = &[
    ("larder-sql", &[]),
    ("larder-core", &["larder-sql"]),
    ("larder-signals", &["larder-core", "larder-sql"]),
    ("larder-redis", &["larder-core"]),
    ("larder-derive", &[]),
    (
        "larder-sea-orm",
        &[
            "larder-core",
            "larder-derive",
            "larder-signals",
            "larder-sql",
        ],
    ),
    (
        "larder-diesel",
        &[
            "larder-core",
            "larder-derive",
            "larder-signals",
            "larder-sql",
        ],
    ),
    // A program, which nobody builds upon.
    (
        "larder-cli",
        &[
            // It connects to the store as applications do.
            "larder",
            "larder-core",
            "larder-redis",
            "larder-sea-orm",
            "larder-signals",
            "larder-sql",
        ],
    ),
    (
        "larder",
        &[
            "larder-core",
            "larder-derive",
            "larder-diesel",
            "larder-redis",
            "larder-sea-orm",
            "larder-signals",
            "larder-sql",
        ],
    ),
];

#[test]
fn arrows_between_crates_point_one_way() {
    let metadata = metadata();
    for (name, allowed) in ARROWS {
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        let found = own(package(&metadata, name));
        assert!(
            found.is_subset(&allowed),
            "{name} knows {found:?}, may know {allowed:?}"
        );
    }
}

#[test]
fn every_published_crate_has_its_arrows_written_down() {
    let metadata = metadata();
    let listed: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let published: BTreeSet<&str> = metadata
        .packages
        .iter()
        .filter(|package| package.publish.as_ref().is_none_or(|list| !list.is_empty()))
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(published, listed);
}

/// Every ORM with the crates that may know it: its adapter, and the command, which connects by it.
const ORMS: &[(&str, &[&str])] = &[
    ("sea-orm", &["larder-sea-orm", "larder-cli"]),
    ("diesel", &["larder-diesel"]),
    ("diesel-async", &["larder-diesel"]),
];

#[test]
fn only_the_sql_crate_knows_the_parser_and_only_adapters_know_an_orm() {
    let metadata = metadata();
    for (name, _) in ARROWS {
        let found = dependencies(package(&metadata, name));
        assert_eq!(
            found.contains("sqlparser"),
            *name == "larder-sql",
            "{name}: sqlparser"
        );
        for (orm, knowing) in ORMS {
            assert_eq!(found.contains(orm), knowing.contains(name), "{name}: {orm}");
        }
    }
}

#[test]
fn published_crates_carry_complete_metadata() {
    let metadata = metadata();
    for (name, _) in ARROWS {
        let package = package(&metadata, name);
        assert!(
            package
                .description
                .as_ref()
                .is_some_and(|text| text.len() > 20),
            "{name}"
        );
        assert_eq!(
            package.license.as_deref(),
            Some("MIT OR Apache-2.0"),
            "{name}"
        );
        assert!(package.readme.is_some(), "{name}: readme");
        assert!(package.rust_version.is_some(), "{name}: rust-version");
        assert!(
            !package.keywords.is_empty() && !package.categories.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn packages_hold_sources_licences_and_readme_only() {
    for (name, _) in ARROWS {
        let output = Command::new(env!("CARGO"))
            .args(["package", "--list", "--allow-dirty", "-p", name])
            .current_dir("..")
            .output()
            .unwrap();
        let listing = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        for file in [
            "Cargo.toml",
            "LICENSE-MIT",
            "LICENSE-APACHE",
            "README.md",
            "src/lib.rs",
        ] {
            assert!(
                listing.lines().any(|line| line == file),
                "{name} lacks {file}"
            );
        }
        for line in listing.lines() {
            let known = line.starts_with("src/")
                || line.starts_with("tests/")
                || line.starts_with("Cargo.")
                || line.starts_with("LICENSE-")
                || matches!(line, "README.md" | ".cargo_vcs_info.json");
            assert!(known, "{name} would publish {line}");
        }
    }
}

/// A file above 600 production lines is split (CONTRIBUTING.md).
#[test]
fn sources_stay_within_the_house_limits() {
    let metadata = metadata();
    let mut long = Vec::new();
    for (name, _) in ARROWS {
        let root = package(&metadata, name)
            .manifest_path
            .parent()
            .unwrap()
            .join("src");
        let mut folders = vec![root.into_std_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|kind| kind == "rs")
                    && !path.ends_with("tests.rs")
                    && !path.components().any(|part| part.as_os_str() == "tests")
                {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let production = text.split("#[cfg(test)]").next().unwrap_or("");
                    if production.lines().count() > 600 {
                        long.push(path);
                    }
                }
            }
        }
    }
    assert!(long.is_empty(), "split these files: {long:?}");
}

fn rust_sources(folder: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_sources(&path, sources);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            sources.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_test_named_by_the_rules_exists() {
    let mut sources = String::new();
    for folder in ["../crates", "../tests"] {
        rust_sources(Path::new(folder), &mut sources);
    }
    let rules = std::fs::read_to_string("../docs/soundness.md").unwrap();
    let mut named = 0;
    for line in rules.lines().filter(|line| line.starts_with("Test")) {
        for name in line.split('`').skip(1).step_by(2) {
            named += 1;
            assert!(
                sources.contains(&format!("fn {name}(")),
                "no test is called {name}"
            );
        }
    }
    assert!(
        named > 40,
        "only {named} tests are named: is the page still read right?"
    );
}

/// The last column of the tables of paths names reads and writes of the tests.
#[test]
fn every_test_named_by_the_table_of_paths_exists() {
    let mut sources = String::new();
    rust_sources(Path::new("tests"), &mut sources);
    let page = std::fs::read_to_string("../docs/sea-orm.md").unwrap();
    let paths = page.split("## The connection").next().unwrap();
    let mut named = 0;
    for row in paths.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let tests = cells.last().unwrap();
        assert!(
            tests.contains('`') || matches!(tests.trim(), "tests" | "---"),
            "no test stands behind {row}"
        );
        for name in tests.split('`').skip(1).step_by(2) {
            named += 1;
            assert!(
                sources.contains(&format!("\"{name}\"")),
                "no read or write is called {name}"
            );
        }
    }
    assert!(
        named > 150,
        "only {named} are named: is the page still read right?"
    );
}

#[test]
fn every_rule_of_the_protocol_has_a_test_that_bears_its_number() {
    let mut sources = String::new();
    rust_sources(Path::new("../crates"), &mut sources);
    // P12 comes with Redis; P13 and P14 are properties of the whole, held by other tests.
    for rule in [
        "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11",
    ] {
        assert!(
            sources.contains(&format!("fn {rule}_")),
            "no test bears {rule}"
        );
    }
}
