use std::{sync::Arc, time::Duration};

use larder_core::BypassReason;
use larder_sql::plan::Operation;

use super::*;
use crate::{CachedEntity, fixtures};

/// Two models of one table, which no other test names.
macro_rules! model {
    ($name:ident, $policy:expr) => {
        struct $name;

        impl CachedEntity for $name {
            type Key = ();

            fn schema_name() -> Option<&'static str> {
                None
            }

            fn table_name() -> &'static str {
                "declared"
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
