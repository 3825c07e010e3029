use std::{sync::Arc, time::Duration};

use larder_core::BypassReason;
use larder_sql::plan::Operation;

use super::*;
use crate::{CachedEntity, fixtures};

/// Two models of one table, which no other test names.
macro_rules! model {
    ($name:ident, $policy:expr) => {
        model!($name, $policy, "declared");
    };
    ($name:ident, $policy:expr, $table:literal) => {
        struct $name;

        impl CachedEntity for $name {
            type Key = ();

            fn schema_name() -> Option<&'static str> {
                None
            }

            fn table_name() -> &'static str {
                $table
            }

            fn key_values((): ()) -> Vec<(&'static str, larder_core::Param<'static>)> {
                Vec::new()
            }

            fn policy() -> Policy {
                $policy
            }
        }

        inventory::submit! { DeclaredPolicy::of::<$name>() }
    };
}

model!(Long, seconds(60));
model!(Short, seconds(5));
model!(Secret, Policy::never(), "secret");

fn seconds(seconds: u64) -> Policy {
    Policy::new().with_ttl(Duration::from_secs(seconds))
}

fn read(tables: &[&str]) -> ReadPlan {
    let table = |name: &&str| Arc::new(fixtures::table(name, &[fixtures::integer("id")]));
    ReadPlan {
        operation: Operation::Fetch,
        tables: tables.iter().map(table).collect(),
        dependencies: Vec::new(),
        uncacheable: None,
        needs_scope: None,
        limit: None,
        dated_parameters: Vec::new(),
    }
}

fn ttl(policies: &[(&str, Policy)], tables: &[&str]) -> Result<u64, BypassReason> {
    let built = policies
        .iter()
        .map(|(name, policy)| ((*name).to_owned(), policy.clone()));
    let policies = Policies::new(built.collect(), None);
    let policy = policies.of_read(&read(tables), Operation::Fetch, false)?;
    Ok(policy.ttl(None)?.as_secs())
}

#[test]
fn nothing_is_cached_unless_someone_says_so() {
    assert_eq!(ttl(&[], &["post"]), Err(BypassReason::NoPolicy));
    assert_eq!(
        ttl(&[("author", seconds(9))], &["post", "author"]),
        Err(BypassReason::NoPolicy)
    );
}

#[test]
fn the_builder_names_a_table_with_or_without_its_schema() {
    assert_eq!(ttl(&[("post", seconds(9))], &["post"]), Ok(9));
    assert_eq!(ttl(&[("public.post", seconds(9))], &["post"]), Ok(9));
    assert_eq!(
        ttl(
            &[("public.post", seconds(9)), ("post", seconds(3))],
            &["post"]
        ),
        Ok(9)
    );
    assert_eq!(
        ttl(&[("other.post", seconds(9))], &["post"]),
        Err(BypassReason::NoPolicy)
    );
}

#[test]
fn of_several_models_of_one_table_the_strictest_counts_and_the_builder_overrides_them() {
    assert_eq!(ttl(&[], &["declared"]), Ok(5));
    assert_eq!(ttl(&[("declared", seconds(30))], &["declared"]), Ok(30));
}

#[test]
fn never_on_any_table_forbids() {
    let policies = [("post", seconds(9)), ("author", Policy::never())];
    assert!(matches!(
        ttl(&policies, &["post", "author"]),
        Err(BypassReason::Uncacheable(_))
    ));
}

#[test]
fn case_matters_where_it_does_in_the_database() {
    let policies = Policies::new([("Post".to_owned(), seconds(9))].into(), None);
    let ttl = |ignore_case| {
        let policy = policies.of_read(&read(&["post"]), Operation::Fetch, ignore_case);
        policy.and_then(|policy| policy.ttl(None))
    };
    assert_eq!(ttl(false), Err(BypassReason::NoPolicy));
    assert_eq!(ttl(true), Ok(Duration::from_secs(9)));
}

#[test]
fn an_exact_name_counts_before_a_glob_and_a_longer_glob_before_a_shorter_one() {
    let all = [
        ("*", seconds(9)),
        ("auth_*", seconds(8)),
        ("auth_u*", seconds(7)),
    ];
    assert_eq!(ttl(&all, &["post"]), Ok(9));
    assert_eq!(ttl(&all, &["auth_group"]), Ok(8));
    assert_eq!(ttl(&all, &["auth_user"]), Ok(7));
    let [any, auth, user] = all;
    let exact = ("auth_user", seconds(6));
    assert_eq!(ttl(&[any, auth, user, exact], &["auth_user"]), Ok(6));
}

#[test]
fn a_glob_with_a_dot_is_compared_with_the_schema_too() {
    assert_eq!(ttl(&[("public.*", seconds(9))], &["post"]), Ok(9));
    assert_eq!(ttl(&[("pub*.post", seconds(9))], &["post"]), Ok(9));
    let other = ttl(&[("audit.*", seconds(9))], &["post"]);
    assert_eq!(other, Err(BypassReason::NoPolicy));
    let schema = ttl(&[("public*", seconds(9))], &["post"]);
    assert_eq!(schema, Err(BypassReason::NoPolicy));
}

#[test]
fn never_counts_before_every_other_policy_whatever_its_name() {
    for policies in [
        [("auth_user", seconds(9)), ("auth_*", Policy::never())],
        [("auth_user", seconds(9)), ("*", Policy::never())],
        [("auth_u*", seconds(9)), ("auth_*", Policy::never())],
        [("auth_*", seconds(9)), ("auth_user", Policy::never())],
        [
            ("public.auth_user", seconds(9)),
            ("auth_user", Policy::never()),
        ],
    ] {
        let forbidden = ttl(&policies, &["auth_user"]);
        assert!(matches!(forbidden, Err(BypassReason::Uncacheable(_))));
    }
}

#[test]
fn a_glob_overrides_what_models_declare_but_not_that_they_are_never_cached() {
    assert_eq!(ttl(&[("decl*", seconds(30))], &["declared"]), Ok(30));
    let forbidden = ttl(&[("*", seconds(30))], &["secret"]);
    assert!(matches!(forbidden, Err(BypassReason::Uncacheable(_))));
    assert_eq!(ttl(&[("secret", seconds(30))], &["secret"]), Ok(30));
}

#[test]
fn never_counts_in_whatever_case_where_case_does_not_matter() {
    let policies = [
        ("post".to_owned(), seconds(9)),
        ("POST".to_owned(), Policy::never()),
    ];
    let policies = Policies::new(policies.into(), None);
    let is_cached = |ignore_case| {
        let policy = policies.of_read(&read(&["post"]), Operation::Fetch, ignore_case);
        policy.is_ok()
    };
    assert!(is_cached(false));
    assert!(!is_cached(true));
}
