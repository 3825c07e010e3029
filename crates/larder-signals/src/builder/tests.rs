use larder_core::{ErrorKind, MemoryStore};

use super::*;

fn complete() -> LarderBuilder {
    Larder::builder()
        .namespace("blog")
        .store(MemoryStore::with_capacity_bytes(1 << 20))
}

fn refused(builder: LarderBuilder) -> String {
    let error = builder.build().expect_err("an incomplete configuration");
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

#[test]
fn a_namespace_and_a_store_are_enough() {
    let larder = complete().build().expect("complete");
    assert_eq!(larder.namespace(), "blog");
    assert!(larder.is_enabled());
}

#[test]
fn what_is_missing_is_named() {
    let store = MemoryStore::with_capacity_bytes(1 << 20);
    assert_eq!(
        refused(Larder::builder().store(store)),
        "no namespace is set"
    );
    assert_eq!(
        refused(Larder::builder().namespace("blog")),
        "no store is set"
    );
}

#[test]
fn a_namespace_of_other_characters_is_refused() {
    for namespace in ["", "a b", "a:b", "ä", &"a".repeat(65)] {
        assert_eq!(
            refused(complete().namespace(namespace)),
            "the namespace must be 1 to 64 letters, digits, `-` or `_`"
        );
    }
}

#[test]
fn a_policy_without_a_way_to_a_ttl_is_refused() {
    assert_eq!(
        refused(complete().policy("post", Policy::new())),
        "the policy of `post` has no ttl and there is no default policy with one"
    );
    let minute = Policy::new().with_ttl(Duration::from_secs(60));
    assert!(
        complete()
            .policy("post", Policy::new())
            .default_policy(minute)
            .build()
            .is_ok()
    );
    assert!(complete().policy("post", Policy::never()).build().is_ok());
    assert_eq!(
        refused(complete().default_policy(Policy::new())),
        "the default policy has no ttl"
    );
}

#[test]
fn a_ttl_of_zero_is_refused() {
    let zero = Policy::new().with_ttl(Duration::ZERO);
    assert_eq!(
        refused(complete().policy("post", zero.clone())),
        "the policy of `post` has a ttl of zero"
    );
    assert_eq!(
        refused(complete().default_policy(zero)),
        "the default policy has a ttl of zero"
    );
}

#[test]
fn the_environment_switches_off_by_a_clear_word_only() {
    let says = |value: &str| enabled_by(Some(value.into()));
    assert!(enabled_by(None).expect("nothing is said"));
    for word in ["true", "1", "ON", " yes ", ""] {
        assert!(says(word).expect("a clear word"), "{word}");
    }
    for word in ["false", "0", "off", "No"] {
        assert!(!says(word).expect("a clear word"), "{word}");
    }
    let error = says("flase").expect_err("no clear word");
    assert_eq!(
        error.to_string(),
        "LARDER_ENABLED must be `true` or `false`"
    );
}
